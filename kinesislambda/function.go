package kinesislambda

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
)

// Func is what [Handler] takes: what lambda.Start of aws-lambda-go takes, as far as it can be called with an events.KinesisEvent, or with a
// [WindowEvent] where the mapping has windows. That is a lambda.Handler, for example a Function of package lambdatest, or a function of one of these
// shapes:
//
//	func ()                     func (context.Context)
//	func () error               func (context.Context) error
//	func (In)                   func (context.Context, In)
//	func (In) error             func (context.Context, In) error
//	func () (Out, error)        func (context.Context) (Out, error)
//	func (In) (Out, error)      func (context.Context, In) (Out, error)
//
// In and Out are whatever encoding/json reads from an event and writes as an answer. What else is given is refused by [Handler].
type Func any

// function is a Lambda function, whatever its shape.
type function func(ctx context.Context, r *request) (reply, error)

// request is what a function is called with.
type request struct {
	event  WindowEvent
	window bool // there is more to the event than its records
}

// payload returns the event as JSON.
func (r *request) payload() ([]byte, error) {
	if r.window {
		return json.Marshal(&r.event)
	}
	return json.Marshal(&r.event.KinesisEvent)
}

// newFunction finds out how to call fn. The most usual shapes are called as they are; what others take goes through JSON, as on Lambda.
func newFunction(fn any) (function, error) {
	switch f := fn.(type) {
	case func(context.Context, events.KinesisEvent) (events.KinesisEventResponse, error):
		if f != nil {
			return func(ctx context.Context, r *request) (reply, error) {
				response, err := f(ctx, r.event.KinesisEvent)
				return replyOf(response.BatchItemFailures), err
			}, nil
		}
	case func(context.Context, events.KinesisEvent) error:
		if f != nil {
			return func(ctx context.Context, r *request) (reply, error) { return reply{}, f(ctx, r.event.KinesisEvent) }, nil
		}
	case func(context.Context, WindowEvent) (WindowResponse, error):
		if f != nil {
			return func(ctx context.Context, r *request) (reply, error) {
				response, err := f(ctx, r.event)
				answer := replyOf(response.BatchItemFailures)
				answer.state = response.State
				return answer, err
			}, nil
		}
	}
	if err := checkShape(fn); err != nil {
		return nil, &ConfigError{Field: "Handler", Reason: err.Error()}
	}
	return throughJSONOf(lambda.NewHandler(fn)), nil
}

// throughJSONOf calls a handler as the service does.
func throughJSONOf(h lambda.Handler) function {
	return func(ctx context.Context, r *request) (reply, error) {
		payload, err := r.payload()
		if err != nil {
			return reply{}, fmt.Errorf("kinesislambda: writing the event: %w", err)
		}
		answer, err := h.Invoke(ctx, payload)
		if err != nil {
			return reply{}, err //nolint:wrapcheck // the function's own
		}
		if len(answer) > maxPayload {
			return reply{}, fmt.Errorf("%w: it has %d bytes; %d are allowed", ErrAnswer, len(answer), maxPayload)
		}
		return readReply(answer), nil
	}
}

var (
	contextType = reflect.TypeFor[context.Context]()
	errorType   = reflect.TypeFor[error]()
)

// checkShape says what is wrong with the shape of a function, by the rules of lambda.Start.
func checkShape(fn any) error {
	if fn == nil {
		return fmt.Errorf("the function is nil; give one")
	}
	if _, ok := fn.(lambda.Handler); ok {
		return nil
	}
	t, v := reflect.TypeOf(fn), reflect.ValueOf(fn)
	switch {
	case t.Kind() != reflect.Func:
		return fmt.Errorf("%v is no function and no lambda.Handler; give one of them", t)
	case v.IsNil():
		return fmt.Errorf("the function is nil; give one")
	case t.IsVariadic() || t.NumIn() > 2 || t.NumOut() > 2:
		return fmt.Errorf("%v takes or returns too much; it may take a context and an event, and return an answer and an error", t)
	case t.NumIn() == 2 && t.In(0) != contextType:
		return fmt.Errorf("%v takes two arguments; the first must be a context.Context", t)
	case t.NumOut() > 0 && !t.Out(t.NumOut()-1).Implements(errorType):
		return fmt.Errorf("%v returns something else than an error last", t)
	}
	if n := t.NumIn(); n > 0 && t.In(n-1) != contextType {
		return checkEvent(t.In(n - 1))
	}
	return nil
}

// checkEvent tries whether an event can be read into what a function takes.
func checkEvent(in reflect.Type) error {
	if in.Kind() == reflect.Interface && in.NumMethod() > 0 {
		return fmt.Errorf("the function takes a %v, which no event can be read into", in)
	}
	text, err := json.Marshal(&events.KinesisEvent{Records: []events.KinesisEventRecord{{}}})
	if err == nil {
		err = json.Unmarshal(text, reflect.New(in).Interface())
	}
	if err != nil {
		return fmt.Errorf("the function takes a %v, which an event cannot be read into: %w", in, err)
	}
	return nil
}
