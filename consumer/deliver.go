package consumer

import (
	"context"
	"errors"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/penstock-go/penstock/aggregation"
	"github.com/penstock-go/penstock/internal/retry"
)

// handlerDelay is how long a batch rests that failed, if the policy does not say otherwise.
var handlerDelay = retry.Policy{Initial: 200 * time.Millisecond, Max: 30 * time.Second}

// lane calls the handler with one parcel after the other, in a goroutine of its own where there are several or batches wait for more.
type lane struct {
	r    *reader
	n    int
	give chan *parcel // capacity 1
	quit bool         // reading must end; set before the lane says that it is idle

	// The collector's:
	queue []*parcel // what comes next; the last one is being filled
	busy  *parcel   // with the handler; nil: the lane is idle
}

func (l *lane) run(idle chan<- *lane) {
	for p := range l.give {
		l.quit = !l.handle(p)
		idle <- l
	}
}

// handle gets a parcel done. It returns false when the shard must not be read on.
func (l *lane) handle(p *parcel) bool {
	t := trial{l: l, p: p, ends: []int{len(p.records)}, delay: l.r.shape.Failure.delays().Start(l.r.c.jitter)}
	return t.run()
}

// trial is what it takes to get a parcel done. Its records are done from the first on. Where the policy bisects, the rest is in pieces, of
// which the first is tried:
//
//	records  │ done │ first piece │ next piece │ ... │
//	                done          ends[1]      ends[0]
type trial struct {
	l        *lane
	p        *parcel
	done     int
	ends     []int // of the pieces, the first one's last
	calls    int   // with the records from done on
	failures int   // of those, the ones that count against the policy
	cause    error // of the last one
	delay    *retry.Schedule
	claim    *claim // of the call under way, or of the last one; nil: it holds nothing
}

// run returns false when the shard must not be read on: the lease has to be given up, or is lost.
func (t *trial) run() bool {
	defer t.l.r.vital.leave(t)
	for t.done < len(t.p.records) {
		// What has not begun when the lease is asked for is not begun: whoever has it next will.
		if t.l.r.reading.Err() != nil || !t.step() {
			return false
		}
	}
	return true
}

// step gets something of the first piece done, or given up, or pauses after a failure.
func (t *trial) step() bool {
	for t.end() == t.done {
		t.ends = t.ends[:len(t.ends)-1]
	}
	if t.atMalformed() {
		return t.giveUp(1, Malformed)
	}
	if n := t.expired(); n > 0 {
		return t.giveUp(n, TooOld)
	}
	done, err := t.attempt()
	if t.l.r.handling.Err() != nil {
		return false
	}
	t.done += done
	if t.done == t.end() {
		t.begin(1) // the pieces after it were in a call before
		return true
	}
	return t.failed(done, err)
}

func (t *trial) end() int { return t.ends[len(t.ends)-1] }

// begin starts counting anew, for records with which the handler was called so often.
func (t *trial) begin(calls int) {
	t.calls, t.failures, t.cause = calls, 0, nil
	t.delay.Reset()
}

// failed decides how it goes on after a call that got so many records done and not all of them.
func (t *trial) failed(done int, err error) bool {
	policy, n := t.l.r.shape.Failure, t.end()-t.done
	switch {
	case done > 0:
		t.begin(0)
	case errors.Is(err, ErrOutage): // says nothing about the records
	case policy.Bisect && n > 1:
		t.ends = append(t.ends, t.done+n/2)
	default:
		t.failures++
	}
	t.cause = err
	if policy.MaxAttempts > 0 && t.failures >= policy.MaxAttempts {
		return t.giveUp(n, AttemptsExhausted)
	}
	pause := t.delay.Next()
	t.l.r.log.Warn("the handler failed; calling it again with what is not done",
		zap.Int("records", t.end()-t.done), zap.Duration("pause", pause), zap.Error(err))
	return retry.Sleep(t.l.r.reading, pause) == nil
}

// giveUp does with the next n records what the policy says.
func (t *trial) giveUp(n int, why Reason) bool {
	r := t.l.r
	f := Failed{Shard: r.shard, Records: slices.Clone(t.p.records[t.done:][:n]), Reason: why, Attempts: t.calls, Cause: t.cause}
	if why == Malformed {
		_, fault := aggregation.Decode(nil, f.Records[0].Data)
		f.Cause = &AggregateError{Shard: r.shard, SequenceNumber: f.Records[0].SequenceNumber, Cause: fault}
	}
	if !r.giveUp(f) {
		return false
	}
	t.settle(n)
	t.done += n
	t.begin(t.calls)
	return true
}

// atMalformed reports whether the next record is an aggregate that goes to the dead-letter sink as it is. If a later one of the piece
// is, the piece is cut before it.
func (t *trial) atMalformed() bool {
	if t.l.r.shape.Failure.DeadLetter == nil {
		return false
	}
	for i := t.done; i < t.end(); i++ {
		if t.p.records[i].Malformed && i > t.done {
			t.ends = append(t.ends, i)
		} else if t.p.records[i].Malformed {
			return true
		}
	}
	return false
}

// expired returns how many of the next records are too old to be handed to the handler.
func (t *trial) expired() (n int) {
	age := t.l.r.shape.Failure.MaxAge
	if age == 0 {
		return 0
	}
	oldest := time.Now().Add(-age)
	for _, record := range t.p.records[t.done:t.end()] {
		if !record.ApproximateArrival.Before(oldest) {
			break
		}
		n++
	}
	return n
}

// attempt makes one call of the handler, with the first piece, and returns how many of its records, from the first on, are done.
func (t *trial) attempt() (done int, err error) {
	r := t.l.r
	records := t.p.records[t.done:t.end()]
	t.calls++
	b := NewBatch(r.shard, slices.Clone(records), WithMillisBehindLatest(t.p.lag), WithAttempt(t.calls),
		WithCheckpoint(func(ctx context.Context, _ int) error { return r.progress.flush(ctx) }))
	earlier := r.progress.held(t.l.n)
	settled := 0
	t.claim = nil
	b.note = func(acked int) { // from t.p.records, not from b.Records: those the handler may have put in another order
		t.settled(settled, acked)
		settled = acked
	}
	b.hold = func(n int) func() { return t.hold(records[n:]) }
	r.vital.enter(t, &records[0], time.Duration(t.p.lag)*time.Millisecond)
	started := time.Now()
	if err = r.safely(func(ctx context.Context) error { return inTime(ctx, r.handler.Handle(ctx, b)) }); err == nil {
		b.Ack(len(records))
	}
	r.vital.rest(t)
	done, held := b.seal()
	switch {
	case held < 0 || done == len(records):
	case held < done:
		r.progress.cut(t.l.n, t.claim, records[done-1].position())
	default:
		r.progress.unhold(t.l.n, t.claim, earlier)
	}
	r.c.cfg.Hooks.handled(Handled{
		Shard: r.shard, Records: len(records), Bytes: t.bytes(records), Done: done, Attempt: t.calls, MillisBehindLatest: t.p.lag,
		Arrival: records[len(records)-1].ApproximateArrival, Duration: time.Since(started), Err: err,
	})
	return done, err
}

// bytes returns how much data and keys some of the parcel's records have.
func (t *trial) bytes(records []Record) (n int) {
	if t.l.r.c.cfg.Hooks.Handled == nil {
		return 0 // nobody asks
	}
	for i := range records {
		n += len(records[i].Data) + len(records[i].PartitionKey)
	}
	return n
}

// settle notes that the next n records are done.
func (t *trial) settle(n int) { t.settled(0, n) }

// settled notes that the records from one to another are done, counted from t.done on.
func (t *trial) settled(from, to int) {
	if t.p.tickets != nil {
		t.l.r.progress.settle(t.p.tickets[t.done:][from:to])
		return
	}
	t.l.r.progress.reach(t.p.records[t.done+to-1].position())
}

// hold keeps the shard's position before the records until they are released.
func (t *trial) hold(records []Record) (release func()) {
	if t.claim == nil {
		t.claim = &claim{}
	}
	progress, lane, c, before := t.l.r.progress, t.l.n, t.claim, records[0].before()
	progress.hold(lane, c, before, records[len(records)-1].position())
	return func() { progress.release(lane, c, before) }
}
