package consumer

import (
	"context"
	"runtime/debug"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/penstock-go/penstock/internal/retry"
)

// handlerDelay is how long a batch rests that failed. It is tried for as long as the lease is held: to pass over it is a decision
// that is not the library's.
var handlerDelay = retry.Policy{Initial: 200 * time.Millisecond, Max: 30 * time.Second}

// deliver hands a page to the handler, batch by batch. It returns false when the shard must not be read on: the lease has to be
// given up, or is lost.
func (r *reader) deliver(p page) bool {
	defer r.c.budget.release(p.reserved)
	r.unpack.load(p.records)
	for {
		batch := r.unpack.next()
		if batch == nil {
			return true
		}
		if !r.anchored(batch) || !r.handle(batch, p.lag) {
			return false
		}
	}
}

// anchored makes sure that the lease names a record before the first one is handled.
func (r *reader) anchored(batch []Record) bool {
	if !r.adrift {
		return true
	}
	if err := r.anchor(r.writes, &batch[0]); err != nil {
		return false
	}
	r.adrift = false
	return true
}

// handle calls the handler until all records are done. It returns false when the shard must not be read on.
func (r *reader) handle(records []Record, lag int64) bool {
	delay := handlerDelay.Start(r.c.jitter)
	for attempt := 1; ; attempt++ {
		// A batch that has not begun when the lease is asked for is not begun: whoever has it next will.
		if r.reading.Err() != nil {
			return false
		}
		done, err := r.attempt(records, lag, attempt)
		if r.held.Context().Err() != nil {
			return false
		}
		records = records[done:]
		if len(records) == 0 {
			return true
		}
		if done > 0 {
			attempt = 0
			delay.Reset()
		}
		pause := delay.Next()
		r.log.Warn("the handler failed; calling it again with what is not done",
			zap.Int("records", len(records)), zap.Duration("pause", pause), zap.Error(err))
		if retry.Sleep(r.reading, pause) != nil {
			return false
		}
	}
}

// attempt makes one call of the handler and returns how many of the records, from the first on, are done.
func (r *reader) attempt(records []Record, lag int64, attempt int) (done int, err error) {
	b := NewBatch(r.shard, slices.Clone(records), WithMillisBehindLatest(lag), WithAttempt(attempt),
		WithCheckpoint(func(ctx context.Context, _ int) error { return r.progress.flush(ctx) }))
	// From records, not from b.Records: those the handler may have put in another order.
	b.note = func(acked int) { r.progress.reach(&records[acked-1]) }
	started := time.Now()
	if err = r.call(b); err == nil {
		b.Ack(len(records))
	}
	done = b.seal()
	r.c.cfg.Hooks.handled(Handled{Shard: r.shard, Records: len(records), Done: done, Attempt: attempt, Duration: time.Since(started), Err: err})
	return done, err
}

// call runs the handler and makes a panic an error of the batch.
func (r *reader) call(b *Batch) (err error) {
	defer func() {
		if value := recover(); value != nil {
			fault := &PanicError{Value: value, Stack: debug.Stack()}
			r.log.Error("the handler panicked", zap.Error(fault), zap.ByteString("stack", fault.Stack))
			err = fault
		}
	}()
	return r.handler.Handle(r.held.Context(), b)
}
