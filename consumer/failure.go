package consumer

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/penstock-go/penstock/internal/retry"
)

// Failure says what becomes of records that the handler does not manage. Its zero value is to try again for as long as the worker holds
// the lease, with growing delays. Nothing is ever passed over but into a [DeadLetter].
type Failure struct {
	// MaxAttempts is how often the handler is called with the same records before Then takes effect. A call that acknowledges some of them
	// begins a new count for the rest, and one that is cut in halves is not counted. 0: no limit.
	MaxAttempts int
	// MaxAge is how old a record may be, from its arrival at the service and by this machine's clock, to be handed to the handler; for older
	// ones Then takes effect. 0: no limit.
	MaxAge time.Duration
	// Bisect cuts a batch that failed in halves, unless some of it was acknowledged, so that the records before a bad one get done and
	// it is found alone.
	Bisect bool
	// MinDelay and MaxDelay bound the growing delay between two calls. 0: 200 milliseconds and 30 seconds.
	MinDelay, MaxDelay time.Duration
	// Then is what happens to records that have used up their attempts or are too old.
	Then Resort
	// DeadLetter takes them if Then is [SendToDeadLetter]. It takes malformed aggregates, too, without a call of the handler.
	DeadLetter DeadLetter
}

// Resort is what happens after the last attempt.
type Resort uint8

const (
	// TryForever is to have no last attempt. It goes with neither MaxAttempts nor MaxAge.
	TryForever Resort = iota
	// SendToDeadLetter hands the records to the dead-letter sink, and goes on once that has them.
	SendToDeadLetter
	// StopRun ends the worker: Run returns the failure as a [*BatchError], and the records stay not done. Another worker will get
	// them next.
	StopRun
)

// String returns the name of the constant.
func (r Resort) String() string {
	if r > StopRun {
		return fmt.Sprintf("Resort(%d)", uint8(r))
	}
	return [...]string{"TryForever", "SendToDeadLetter", "StopRun"}[r]
}

// DeadLetter keeps what the handler could not do. It is called from several goroutines at once.
type DeadLetter interface {
	// Put keeps the records. After nil they count as done; otherwise Put is called again, with growing delays, for as long as the lease is
	// held. The records' Data is valid until Put returns.
	Put(ctx context.Context, f Failed) error
}

// DeadLetterFunc is a function that is a [DeadLetter].
type DeadLetterFunc func(ctx context.Context, f Failed) error

// Put calls f.
func (f DeadLetterFunc) Put(ctx context.Context, failed Failed) error { return f(ctx, failed) }

// Failed is records that are given up, in stream order.
type Failed struct {
	Shard   Shard
	Records []Record
	Reason  Reason
	// Attempts is how often the handler was called with exactly these records, or with more from the first of them on.
	Attempts int
	// Cause is what the handler returned last, a [*PanicError] or an [*AggregateError]; nil for records that were too old before the first call.
	Cause error
}

// Reason is why records were given up.
type Reason uint8

const (
	// AttemptsExhausted: the handler has failed Failure.MaxAttempts times.
	AttemptsExhausted Reason = iota
	// TooOld: the records are older than Failure.MaxAge.
	TooOld
	// Malformed: an aggregate that cannot be taken apart, as one record.
	Malformed
)

// String returns the reason in a few words.
func (r Reason) String() string {
	return [...]string{"attempts exhausted", "record too old", "malformed aggregate"}[r]
}

func (f *Failure) delays() retry.Policy {
	least := cmp.Or(f.MinDelay, handlerDelay.Initial)
	return retry.Policy{Initial: least, Max: max(least, cmp.Or(f.MaxDelay, handlerDelay.Max))}
}

func (v *faults) checkFailure(field string, f Failure) {
	v.checkCount(field+".MaxAttempts", f.MaxAttempts)
	v.checkDuration(field+".MaxAge", f.MaxAge)
	v.checkDuration(field+".MinDelay", f.MinDelay)
	v.checkDuration(field+".MaxDelay", f.MaxDelay)
	v.check(f.MaxDelay == 0 || f.MaxDelay >= f.MinDelay, field+".MaxDelay", "is less than MinDelay; set at least %v", f.MinDelay)
	limited := f.MaxAttempts > 0 || f.MaxAge > 0
	switch f.Then {
	case TryForever:
		v.check(!limited, field+".Then", "is missing; say what happens after the last attempt: SendToDeadLetter or StopRun")
	case SendToDeadLetter, StopRun:
		v.check(limited, field+".Then", "is %v, but there is no last attempt; set MaxAttempts or MaxAge", f.Then)
	default:
		v.check(false, field+".Then", "is %v; set TryForever, SendToDeadLetter or StopRun", f.Then)
	}
	v.check((f.DeadLetter != nil) == (f.Then == SendToDeadLetter), field+".DeadLetter", "goes with Then: SendToDeadLetter; set both or neither")
}

// giveUp does with records what the policy says. It returns false when the shard must not be read on: the lease has to be given
// up, or is lost, or the worker ends.
func (r *reader) giveUp(f Failed) bool {
	switch r.shape.Failure.Then {
	case SendToDeadLetter:
		return r.bury(f)
	case StopRun:
		r.c.fail(&BatchError{Failed: f})
	case TryForever: // which has no last attempt
	}
	return false
}

// bury hands records to the dead-letter sink until it has them.
func (r *reader) bury(f Failed) bool {
	delay := handlerDelay.Start(r.c.jitter)
	for {
		err := r.safely(func(ctx context.Context) error { return r.shape.Failure.DeadLetter.Put(ctx, f) })
		if r.handling.Err() != nil {
			return false
		}
		r.c.cfg.Hooks.deadLettered(DeadLettered{Failed: f, Err: err})
		if err == nil {
			r.log.Error("records were given up and are in the dead-letter sink", zap.Int("records", len(f.Records)),
				zap.Stringer("reason", f.Reason), zap.String("first", f.Records[0].SequenceNumber), zap.NamedError("cause", f.Cause))
			return true
		}
		pause := delay.Next()
		r.log.Error("the dead-letter sink failed; trying again", zap.Int("records", len(f.Records)), zap.Duration("pause", pause), zap.Error(err))
		if retry.Sleep(r.reading, pause) != nil {
			return false
		}
	}
}
