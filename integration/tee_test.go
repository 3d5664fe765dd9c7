package integration

import (
	"reflect"
	"testing"

	"github.com/penstock-go/penstock/consumer"
	"github.com/penstock-go/penstock/leases"
	"github.com/penstock-go/penstock/producer"
)

func TestATeeTellsEachOfItsHooksOfEverything(t *testing.T) {
	teeTells(t, producer.Tee)
	teeTells(t, consumer.Tee)
	teeTells(t, leases.Tee)
}

// teeTells calls every function of a tee of two hooks, whatever there will be, and looks who was told and in which order.
func teeTells[H any](t *testing.T, join func(...H) H) {
	t.Helper()
	var told []string
	var first, second, none H
	listen(reflect.ValueOf(&first).Elem(), func(field string) { told = append(told, "first "+field) })
	listen(reflect.ValueOf(&second).Elem(), func(field string) { told = append(told, "second "+field) })
	each(reflect.ValueOf(join(first, none, second)), func(field string, f reflect.Value) {
		told = nil
		call(f)
		if want := []string{"first " + field, "second " + field}; !reflect.DeepEqual(told, want) {
			t.Errorf("%T.%s told %v", first, field, told)
		}
	})
	each(reflect.ValueOf(join(none, none)), func(field string, f reflect.Value) {
		if !f.IsNil() {
			t.Errorf("%T.%s is set though nobody listens", first, field)
		}
	})
}

// each visits the functions of a struct of hooks and of those inside it.
func each(hooks reflect.Value, visit func(field string, f reflect.Value)) {
	for i := range hooks.NumField() {
		if f := hooks.Field(i); f.Kind() == reflect.Func {
			visit(hooks.Type().Field(i).Name, f)
		} else if f.Kind() == reflect.Struct {
			each(f, visit)
		}
	}
}

func listen(hooks reflect.Value, told func(field string)) {
	each(hooks, func(field string, f reflect.Value) {
		f.Set(reflect.MakeFunc(f.Type(), func([]reflect.Value) []reflect.Value {
			told(field)
			return nil
		}))
	})
}

func call(f reflect.Value) {
	args := make([]reflect.Value, f.Type().NumIn())
	for i := range args {
		args[i] = reflect.Zero(f.Type().In(i))
	}
	f.Call(args)
}
