package kinesislambda

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/penstock-go/penstock/consumer"
)

// tumbling is the open window of a shard. While it is open the shard's position stays before its first record, so that a worker that
// takes over begins the window anew, with an empty state.
//
//	closed ─ record ─▶ open ─ record of a later window, idle after its end, end of the shard ─▶ last call ─ done or given up ─▶ closed
//	                   ▲  └── state too large ─▶ early last call ─┐
//	                   └────────────── empty state ◀──────────────┘
type tumbling struct {
	token int64 // of the lease under which it was opened

	open       bool
	start, end time.Time
	state      State
	records    stretch // what the state is of
	release    func()  // lets go of the position
	failures   int     // last calls that failed
}

type shardKey struct{ stream, shard string }

// window returns the window of a shard. What an earlier holding of the shard's lease has left does not count.
func (h *mapped) window(s consumer.Shard) *tumbling {
	h.mu.Lock()
	defer h.mu.Unlock()
	key := shardKey{arnOf(s), s.ID}
	w := h.windows[key]
	if w == nil || w.token != s.Token {
		w = &tumbling{token: s.Token}
		h.windows[key] = w
	}
	return w
}

func (h *mapped) forget(s consumer.Shard) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.windows, shardKey{arnOf(s), s.ID})
}

// Drain forgets an open window: its records are read again, by whoever has the shard next.
func (h *mapped) Drain(_ context.Context, s consumer.Shard) error {
	h.forget(s)
	return nil
}

// LeaseLost forgets an open window.
func (h *mapped) LeaseLost(s consumer.Shard) { h.forget(s) }

// ShardEnd closes the window: the shard's children begin their own.
func (h *mapped) ShardEnd(ctx context.Context, s consumer.Shard) error {
	if h.TumblingWindow == 0 {
		return nil
	}
	if w := h.window(s); w.open {
		if err := h.last(ctx, s, w, false); err != nil {
			return err
		}
	}
	h.forget(s)
	return nil
}

// Idle closes a window whose time is over and for which no more records come.
func (h *mapped) Idle(ctx context.Context, s consumer.Shard, asOf time.Time) error {
	if h.TumblingWindow == 0 {
		return nil
	}
	if w := h.window(s); w.open && !asOf.Before(w.end) {
		return h.last(ctx, s, w, false)
	}
	return nil
}

// tumble calls the function with the records of a batch, window by window.
func (h *mapped) tumble(ctx context.Context, b *consumer.Batch) error {
	w := h.window(b.Shard)
	for done := 0; done < len(b.Records); {
		records := b.Records[done:]
		start := records[0].ApproximateArrival.UTC().Truncate(h.TumblingWindow)
		if w.open && start.After(w.start) {
			if err := h.last(ctx, b.Shard, w, false); err != nil {
				return err
			}
		}
		if w.open && size(w.state) > maxState { // its early last call has failed
			if err := h.last(ctx, b.Shard, w, true); err != nil {
				return err
			}
		}
		if !w.open {
			*w = tumbling{token: w.token, open: true, start: start, end: start.Add(h.TumblingWindow), state: State{}}
		}
		n, err := h.aggregate(ctx, b, w, done, records[:h.fitting(w.own(records))])
		if done += n; err != nil {
			return err
		}
	}
	return nil
}

// own returns the first of the records, as far as they are the window's. One that came in before the window did, by a clock of the
// service's that is not quite even, is in it too.
func (w *tumbling) own(records []consumer.Record) []consumer.Record {
	n := 1
	for n < len(records) && records[n].ApproximateArrival.Before(w.end) {
		n++
	}
	return records[:n]
}

// aggregate calls the function with records of the open window, the first of which is the batch's at, and returns how many are done.
func (h *mapped) aggregate(ctx context.Context, b *consumer.Batch, w *tumbling, at int, records []consumer.Record) (int, error) {
	r := h.windowRequest(b.Shard, w, records)
	n, answer, err := h.invoke(ctx, b.Shard, records, r)
	if n == 0 {
		return 0, err
	}
	if answer.state == nil { // it failed at a later record, and has not said what the earlier ones come to
		return 0, fmt.Errorf("%w: %w", ErrState, err)
	}
	if h.Weigh(&records[0]) <= h.room() { // else it was passed over, and the state is what it was
		w.state = answer.state
		w.records.add(records[:n])
	}
	w.release = b.Hold(at)
	b.Ack(at + n)
	if err == nil && size(w.state) > maxState {
		err = h.last(ctx, b.Shard, w, true)
	}
	return n, err
}

func (h *mapped) windowRequest(s consumer.Shard, w *tumbling, records []consumer.Record) *request {
	r := h.request(s, records)
	r.window = true
	r.event.Window = events.Window{Start: events.RFC3339EpochTime{Time: w.start}, End: events.RFC3339EpochTime{Time: w.end}}
	r.event.State, r.event.ShardID, r.event.EventSourceARN = maps.Clone(w.state), s.ID, arnOf(s)
	return r
}

// last makes the last call of a window, or of an early part of it. Until it has succeeded, or is given up as the mapping says, the
// shard stands still; the records that come next have nothing to do with it.
func (h *mapped) last(ctx context.Context, s consumer.Shard, w *tumbling, early bool) error {
	r := h.windowRequest(s, w, nil)
	r.event.IsFinalInvokeForWindow, r.event.IsWindowTerminatedEarly = !early, early
	_, _, err := h.invoke(ctx, s, nil, r)
	if err != nil && ctx.Err() != nil { // whoever has the shard next begins the window anew
		return err
	}
	if err != nil {
		w.failures++
		condition, over := h.exhausted(w)
		if !over {
			return fmt.Errorf("%w: the last call of a window: %w", consumer.ErrOutage, err)
		}
		if failed := h.passOver(ctx, s, w.records, nil, condition, w.failures, err); failed != nil {
			return fmt.Errorf("%w: the last call of a window: %w", consumer.ErrOutage, failed)
		}
	} else if h.Hooks.WindowClosed != nil {
		h.Hooks.WindowClosed(s, w.start, w.end, early)
	}
	if w.release != nil {
		w.release()
	}
	*w = tumbling{token: w.token, open: early, start: w.start, end: w.end, state: State{}}
	return nil
}

// exhausted reports whether the mapping's limits let go of a window whose last call fails.
func (h *mapped) exhausted(w *tumbling) (condition string, over bool) {
	if n := h.attempts(); n > 0 && w.failures >= n {
		return ConditionRetryAttemptsExhausted, true
	}
	if age := h.age(); age > 0 && time.Since(w.records.arrived) > age {
		return ConditionRecordAgeExceeded, true
	}
	return "", false
}

// size returns how many bytes of JSON a state has.
func size(s State) int {
	n := len("{}")
	for name, value := range s {
		n += len(name) + len(value) + len(`"":,`)
	}
	return n
}
