package kinesislambda

import (
	"context"
	"encoding/json"
	"maps"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/penstock-go/penstock/consumer"
)

// State is what a function keeps from one invocation of a tumbling window to the next: JSON values by name. The service allows 1 MB of
// JSON for each shard.
type State map[string]json.RawMessage

// WindowEvent is the event of a mapping with a tumbling window. It is that of aws-lambda-go, except that the values of the state may be
// any JSON, as the service has it.
type WindowEvent struct {
	events.KinesisEvent
	Window                  events.Window `json:"window"`
	State                   State         `json:"state"`
	ShardID                 string        `json:"shardId"`
	EventSourceARN          string        `json:"eventSourceARN"`
	IsFinalInvokeForWindow  bool          `json:"isFinalInvokeForWindow"`
	IsWindowTerminatedEarly bool          `json:"isWindowTerminatedEarly"`
}

// WindowResponse is the answer to a [WindowEvent].
type WindowResponse struct {
	State             State                            `json:"state"` // an answer without one is a failure
	BatchItemFailures []events.KinesisBatchItemFailure `json:"batchItemFailures"`
}

// Window is a tumbling window, as a [WindowHandler] sees it.
type Window struct {
	Start, End time.Time
	// State is what the last call left here, never nil. The handler changes it in place or sets another one.
	State State
	// Final: with this call the window closes; what is made of the state is to be written down now.
	Final bool
	// TerminatedEarly: the window closes because its state has grown too large, and goes on with an empty one.
	TerminatedEarly bool
}

// WindowHandler does the user's work with the records of a tumbling window.
type WindowHandler interface {
	// HandleWindow is called like consumer.Handler's Handle, with records of one window, and once more without records when the window
	// closes (Final or TerminatedEarly). If it fails, the state counts as it was before the call; only if it has acknowledged some of the batch does
	// what stands in w.State count, which must then be that of the acknowledged records.
	HandleWindow(ctx context.Context, b *consumer.Batch, w *Window) error
}

// WindowHandlerFunc is a function that is a [WindowHandler].
type WindowHandlerFunc func(ctx context.Context, b *consumer.Batch, w *Window) error

// HandleWindow calls f.
func (f WindowHandlerFunc) HandleWindow(ctx context.Context, b *consumer.Batch, w *Window) error {
	return f(ctx, b, w)
}

// WrapWindow is [Wrap] for mappings with a tumbling window.
func WrapWindow(h WindowHandler, opts ...Option) func(context.Context, WindowEvent) (WindowResponse, error) {
	w := newWrapper(opts)
	return func(ctx context.Context, event WindowEvent) (WindowResponse, error) {
		if h == nil {
			return WindowResponse{}, &ConfigError{Field: "WrapWindow", Reason: "the handler is nil; give one"}
		}
		a := &aggregate{handler: h, event: &event, state: event.State}
		if a.state == nil {
			a.state = State{}
		}
		failures, err := w.runWindow(ctx, a)
		if err != nil {
			return WindowResponse{}, err
		}
		return WindowResponse{State: a.state, BatchItemFailures: failures}, nil
	}
}

// runWindow hands the event's records to the handler and closes the window, if it is its last event.
func (w *wrapper) runWindow(ctx context.Context, a *aggregate) ([]events.KinesisBatchItemFailure, error) {
	failures, err := w.run(ctx, a.event.Records, a.handle)
	if err != nil || len(failures) > 0 || !a.event.IsFinalInvokeForWindow && !a.event.IsWindowTerminatedEarly {
		return failures, err
	}
	// The records of the last event, if any, are in the state by now, so that closing stands by itself.
	work, cancel := w.within(ctx)
	defer cancel()
	shard := consumer.Shard{Stream: streamOf(a.event.EventSourceARN), ID: a.event.ShardID}
	r := &run{wrapper: w, shard: shard}
	a.closing = true
	return failures, r.guard(work, consumer.NewBatch(shard, nil), a.handle)
}

// aggregate is what an event makes of the state of its window.
type aggregate struct {
	handler WindowHandler
	event   *WindowEvent
	state   State // after the calls that succeeded
	closing bool
}

// handle calls the handler. After a failure the state is that of what is done.
func (a *aggregate) handle(ctx context.Context, b *consumer.Batch) (err error) {
	window := &Window{
		Start: a.event.Window.Start.UTC(), End: a.event.Window.End.UTC(), State: maps.Clone(a.state),
		Final: a.closing && a.event.IsFinalInvokeForWindow, TerminatedEarly: a.closing && a.event.IsWindowTerminatedEarly,
	}
	failed := true // also by a panic
	defer func() {
		if !failed || b.Acked() > 0 {
			a.keep(window.State)
		}
	}()
	err = inTime(ctx, a.handler.HandleWindow(ctx, b, window))
	failed = err != nil
	return err
}

func (a *aggregate) keep(s State) {
	if s == nil {
		s = State{}
	}
	a.state = s
}
