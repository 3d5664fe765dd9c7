package consumer

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"go.uber.org/zap"

	"github.com/penstock-go/penstock/checkpoint"
	"github.com/penstock-go/penstock/internal/retry"
)

// A handler may implement any of the interfaces below, to be told of the life of its shard. The calls for one shard are made one after
// the other, and none while Handle runs:
//
//	Start ─▶ StartFrom ─▶ Handle … ─┬─▶ ShardEnd ── SHARD_END is written
//	                                ├─▶ Drain ───── the last checkpoint is written, the lease is given up
//	                                └─▶ LeaseLost
//
// ShardEnd can be followed by one of the two others, if the end could not be written.
//
// An error or a panic of Start, StartFrom and ShardEnd is logged, and the call is made again, with growing delays. A ShardEnd that returns
// nil after its context has ended has not taken note of the end: it is called again, by whoever has the shard next. Handlers made by
// [Config.NewHandler] have one shard; [Config.Handler] is told of every shard, of several at once.

// Starter is a [Handler] that is told before the first batch of a shard.
type Starter interface {
	Start(ctx context.Context, s Shard) error
}

// Positioner is a [Handler] that keeps positions of its own, for example in the database that it writes to: then output and position
// can be written in one transaction, which should be refused if the position was written with a greater [Shard.Token] before. The position
// of a record is its SequenceNumber and SubSequence, as for [checkpoint.At]. Where a stream is deleted and made anew under its name, both the
// positions and the tokens of the old one have to be deleted too.
type Positioner interface {
	// StartFrom says behind which record reading begins, whatever the lease says: before its checkpoint or behind it. It may be
	// checkpoint.TrimHorizon, and checkpoint.ShardEnd for a shard that is done. If known is false, the lease counts.
	StartFrom(ctx context.Context, s Shard) (at checkpoint.Position, known bool, err error)
}

// Ender is a [Handler] that is told when every record of a shard is done, before that is written down. It should release what it
// holds ([Batch.Hold]).
type Ender interface {
	ShardEnd(ctx context.Context, s Shard) error
}

// Drainer is a [Handler] that is told when a shard is to be given up in good order: the worker stops, or another one takes over. It may
// release what it holds. An error is logged.
type Drainer interface {
	Drain(ctx context.Context, s Shard) error
}

// LeaseLoser is a [Handler] that is told when a shard's lease is lost: nothing it still does for the shard counts.
type LeaseLoser interface {
	LeaseLost(s Shard)
}

// Started describes the beginning of a shard: the making of its handler and the handler's Start and StartFrom.
type Started struct {
	Shard    Shard
	Duration time.Duration
	Err      error // it is tried again
}

// Stopped describes the call with which a handler leaves its shard.
type Stopped struct {
	Shard    Shard
	State    State // Ended, Released or Lost
	Duration time.Duration
	Err      error
}

var errStartFrom = errors.New("StartFrom must return a sequence number, TrimHorizon or ShardEnd")

// begin makes the handler, and asks it where reading begins.
func (r *reader) begin() (at checkpoint.Position, known bool, err error) {
	delay := handlerDelay.Start(r.c.jitter)
	for {
		started := time.Now()
		at, known, err = r.tryBegin()
		r.c.cfg.Hooks.started(Started{Shard: r.shard, Duration: time.Since(started), Err: err})
		if err == nil {
			return at, known, nil
		}
		r.log.Warn("the handler could not begin with the shard; trying again", zap.Error(err))
		if retry.Sleep(r.reading, delay.Next()) != nil {
			return at, false, errGivenUp
		}
	}
}

func (r *reader) tryBegin() (at checkpoint.Position, known bool, err error) {
	if r.handler == nil {
		if err := r.safely(func(context.Context) error { return r.newHandler() }); err != nil {
			return at, false, fmt.Errorf("consumer: NewHandler: %w", err)
		}
	}
	if s, ok := r.handler.(Starter); ok {
		if err := r.safely(func(ctx context.Context) error { return s.Start(ctx, r.shard) }); err != nil {
			return at, false, fmt.Errorf("consumer: Start: %w", err)
		}
	}
	s, ok := r.handler.(Positioner)
	if !ok {
		return at, false, nil
	}
	err = r.safely(func(ctx context.Context) (err error) {
		at, known, err = s.StartFrom(ctx, r.shard)
		return err
	})
	if err == nil && known && (at == checkpoint.Latest || at == checkpoint.AtTimestamp) {
		err = errStartFrom
	}
	if err != nil {
		return at, false, fmt.Errorf("consumer: StartFrom: %w", err)
	}
	return at, known, nil
}

// newHandler makes the handler and asks for its shape.
func (r *reader) newHandler() error {
	handler, err := r.c.cfg.NewHandler(r.shard)
	if err == nil && handler == nil {
		err = errNoHandler
	}
	if shaper, ok := handler.(Shaper); ok && err == nil {
		err = shaper.Shape().validate()
	}
	if err != nil {
		return err
	}
	r.handler, r.shape = handler, r.c.cfg.shapeOf(handler)
	return nil
}

// shardEnded tells the handler that every record is done, until it takes note, and waits until it holds nothing.
func (r *reader) shardEnded() error {
	delay := handlerDelay.Start(r.c.jitter)
	for {
		err := r.stopped(Ended, func(ctx context.Context) error {
			if s, ok := r.handler.(Ender); ok {
				return inTime(ctx, s.ShardEnd(ctx, r.shard))
			}
			return nil
		})
		if err == nil {
			return r.progress.awaitReleases(r.reading)
		}
		r.log.Warn("the handler's ShardEnd failed; calling it again", zap.Error(err))
		if retry.Sleep(r.reading, delay.Next()) != nil {
			return errGivenUp
		}
	}
}

// drained tells the handler that the shard is given up.
func (r *reader) drained() {
	err := r.stopped(Released, func(ctx context.Context) error {
		if s, ok := r.handler.(Drainer); ok {
			return s.Drain(ctx, r.shard)
		}
		return nil
	})
	if err != nil {
		r.log.Warn("the handler's Drain failed", zap.Error(err))
	}
}

// lost tells the handler that the lease is lost.
func (r *reader) lost() {
	r.enter(Lost)
	_ = r.stopped(Lost, func(context.Context) error { // a panic, which is logged
		if s, ok := r.handler.(LeaseLoser); ok {
			s.LeaseLost(r.shard)
		}
		return nil
	})
}

// stopped makes one of the handler's last calls, if there is a handler, and reports it.
func (r *reader) stopped(state State, call func(context.Context) error) error {
	if r.handler == nil {
		return nil
	}
	started := time.Now()
	err := r.safely(call)
	r.c.cfg.Hooks.stopped(Stopped{Shard: r.shard, State: state, Duration: time.Since(started), Err: err})
	return err
}

// inTime returns what a call of the handler's returned, or why its context has ended. A nil that comes after that may mean no more than
// that the handler has stopped; one that finished just then is called again, elsewhere.
func inTime(ctx context.Context, err error) error {
	if err == nil {
		err = context.Cause(ctx)
	}
	return err
}

// safely calls a function of the user's and makes a panic an error.
func (r *reader) safely(call func(context.Context) error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = r.panicked(value)
		}
	}()
	return call(r.handling)
}

// panicked logs a panic of the handler's and makes it an error.
func (r *reader) panicked(value any, more ...zap.Field) error {
	fault := &PanicError{Value: value, Stack: debug.Stack()}
	r.log.Error("the handler panicked", append(more, zap.Error(fault), zap.ByteString("stack", fault.Stack))...)
	return fault
}
