package leases

import (
	"context"
	"errors"
	"time"
)

// This file is the one place that answers "is this lease still mine, and until when". Today the answer is per lease: each is
// written at least every pace.renew, and trusted for pace.trust from the start of the last write that is known to have landed.
// Every observer waits for pace.failover from a moment after that write before it takes the lease, so trust has ended by then.

// trust is the time up to which a worker may believe that it holds a lease. Its owner guards it with a lock.
type trust struct {
	lasts time.Duration
	until time.Time
	timer *time.Timer // runs lapse at until
}

// begin starts trust in a write that was begun at start; lapse runs when trust may have ended.
func (t *trust) begin(start time.Time, lapse func()) {
	t.until = start.Add(t.lasts)
	t.timer = time.AfterFunc(time.Until(t.until), lapse)
}

// extend carries trust forward to what a write gives that was begun at start. It never shortens it.
func (t *trust) extend(start time.Time) {
	if until := start.Add(t.lasts); until.After(t.until) {
		t.until = until
		t.timer.Reset(time.Until(until))
	}
}

// lapsed reports whether trust is over.
func (t *trust) lapsed() bool { return !time.Now().Before(t.until) }

// end stops the timer: nobody asks any more.
func (t *trust) end() { t.timer.Stop() }

// lapse is run by the trust's timer. An extension may have come between the timer's firing and this lock: then it is in time, and
// the timer runs again. One that comes after finds the holding lost, and a lapse is final: somebody may have taken the lease.
func (h *Held) lapse() {
	h.mu.Lock()
	over := h.trust.lapsed() && h.enter(lost)
	row := h.row
	h.mu.Unlock()
	if over {
		h.reportLost(row, errSilence)
	}
}

// errSilence is why a lease is lost when no renewal got through.
var errSilence = errors.New("leases: no write has succeeded for a failover time")

// nextRenewal returns when a lease is due after a write that was begun at start and left it as row. After a checkpoint, and the first renewal that
// follows one, that is a whole period later, so that each checkpoint of a busy shard spares a renewal. Then the lease is idle, and comes back
// into its phase, by a stroke in each period. The caller holds mu.
func (h *Held) nextRenewal(row Lease, start time.Time) time.Time {
	due, idle := start.Add(h.c.pace.renew), h.idle
	h.idle = row.Checkpoint == h.row.Checkpoint
	if !idle || !h.idle {
		return due
	}
	return h.c.inPhase(due, h.phase, 1)
}

// renew writes the row once, which says that the holder lives and shows the row as it is now. A failure is tried again soon, for
// as long as trust lasts; whatever comes after that is lapse's business.
func (h *Held) renew(ctx context.Context) {
	err := h.write(ctx, operation{
		spell:  func(row Lease) (Write, error) { return h.weighed(renewal(row)), nil },
		landed: h.mine,
	})
	if err == nil {
		h.again.Reset()
		return
	}
	h.mu.Lock()
	h.renewAt = time.Now().Add(h.again.Next())
	h.mu.Unlock()
}
