package legacy

import (
	"maps"
	"slices"

	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/attribute"
	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/expression"
)

// AttributeUpdate is what an update does to one attribute: PUT (which an empty Action means too), ADD or DELETE.
type AttributeUpdate struct {
	Action string
	Value  *Value
}

// Updates is AttributeUpdates: attribute names to what happens to them.
type Updates map[string]AttributeUpdate

// Update translates the whole of it.
func (u Updates) Update() (*expression.Update, error) {
	update := new(expression.Update)
	for _, name := range slices.Sorted(maps.Keys(u)) {
		if err := u[name].into(update, name); err != nil {
			return nil, err
		}
	}
	return update, nil
}

// into adds one attribute's change to an update.
func (a AttributeUpdate) into(update *expression.Update, name string) error {
	p := path(name)
	switch {
	case a.Action != "" && a.Action != "PUT" && a.Action != "ADD" && a.Action != "DELETE":
		return badEnum("attributeUpdates."+name+".member.action", a.Action, []string{"ADD", "DELETE", "PUT"})
	case a.Action == "DELETE" && a.Value == nil:
		update.Removes = append(update.Removes, p)
		return nil
	case a.Value == nil:
		return invalidf("Only DELETE action is allowed when no attribute value is specified")
	}
	v := a.Value.Value
	switch a.Action {
	case "ADD":
		if v.Kind() != attribute.KindNumber && !isSet(v) {
			return invalidf("ADD action is not supported for the type %s", v.Kind())
		}
		update.Adds = append(update.Adds, expression.Amendment{Path: p, Value: v})
	case "DELETE":
		if !isSet(v) {
			return invalidf("DELETE action with value is not supported for the type %s", v.Kind())
		}
		update.Deletes = append(update.Deletes, expression.Amendment{Path: p, Value: v})
	default:
		put := expression.Reference{Operand: expression.Literal{Value: v}}
		update.Sets = append(update.Sets, expression.Assignment{Path: p, Value: put})
	}
	return nil
}

func isSet(v attribute.Value) bool {
	_, ok := v.(attribute.Set)
	return ok
}
