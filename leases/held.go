package leases

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/penstock-go/penstock/checkpoint"
	"github.com/penstock-go/penstock/internal/retry"
)

// Held is a lease in this worker's hands: the right to read one shard, and the only way to write its checkpoint. Work gets one, and
// gives it up by returning. All methods may be called from any goroutine, until Work returns.
type Held struct {
	c      *Coordinator
	key    string
	token  int64
	phase  int             // of the strokes of a renewal period, the one in which this lease is due
	ctx    context.Context // Work's
	cancel context.CancelCauseFunc
	again  *retry.Schedule // of renewals that failed; used by the keeper alone

	drain    chan struct{} // closed when the holding leaves the state working
	gone     chan struct{} // closed when the holding is over
	returned chan struct{} // closed when Work has returned
	changed  chan struct{} // capacity 1: what the keeper waits for has changed
	look     chan struct{} // capacity 1: the keeper should see what the row is like
	writing  chan struct{} // capacity 1: a lock that is held across I/O, so it is a channel

	mu        sync.Mutex // guards the fields below; held for a few assignments only
	state     state
	row       Lease // as last written or read
	trust     trust
	traffic   traffic
	renewAt   time.Time
	idle      bool      // the last write was no checkpoint
	asker     string    // who wants the lease; empty: nobody
	meet      bool      // whether the asker lives has to be found out
	askedAt   time.Time // when the handoff began to be prepared; zero: it did not
	stoppedAt time.Time
	stuck     bool  // a handoff was refused because Work did not return
	tries     tries // writes since the counter last moved
}

func newHeld(c *Coordinator, row Lease, start time.Time) *Held {
	phase := c.nextPhase()
	h := &Held{
		c: c, key: row.Key, token: row.Counter, phase: phase, row: row, trust: trust{lasts: c.pace.trust},
		traffic: trafficOf(row, start), again: c.retries.Start(c.jitter),
		drain: make(chan struct{}), gone: make(chan struct{}), returned: make(chan struct{}),
		changed: make(chan struct{}, 1), look: make(chan struct{}, 1), writing: make(chan struct{}, 1),
		renewAt: c.inPhase(start.Add(c.pace.renew), phase, strokes), idle: true,
	}
	h.ctx, h.cancel = context.WithCancelCause(c.life)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.trust.begin(start, h.lapse)
	return h
}

// Lease returns the row as it was last written or read.
func (h *Held) Lease() Lease {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.row
}

// Token returns a fencing token: it is the same for the whole holding, and every later holder of the lease has a greater one. An
// output that keeps the greatest token it has seen, and turns away writes with a lesser one, is safe from handlers that go on
// after their lease was lost. It is the row's counter as the holding's first write left it; a row that is deleted and created
// again starts anew.
func (h *Held) Token() int64 { return h.token }

// Context returns the context under which records are to be handled. It ends with the cause ErrLost when the lease is lost or
// trust in it has ended, and with ErrStopped when the holding was draining and Work took too long.
func (h *Held) Context() context.Context { return h.ctx }

// Draining returns a channel that is closed when the lease has to be given up in good order: Work should fetch no more, let the
// handler finish, write its checkpoint and return. The lease stays held meanwhile.
func (h *Held) Draining() <-chan struct{} { return h.drain }

// Checkpoint writes down that everything up to p is done, and counts as a renewal. It is tried until it has succeeded, ctx has
// ended, or the lease is lost; the errors are ctx's, ErrLost, *BackwardsError, and ErrEndOnly. A position that is the lease's
// already costs no write. ctx should not be the holding's own, whose end does not mean that the lease is lost.
func (h *Held) Checkpoint(ctx context.Context, p checkpoint.Position) error {
	if p == checkpoint.ShardEnd {
		return ErrEndOnly
	}
	return h.persist(ctx, operation{
		spell: func(row Lease) (Write, error) {
			switch order := p.Compare(row.Checkpoint); {
			case order < 0:
				return Write{}, &BackwardsError{Key: h.key, Have: row.Checkpoint, Want: p}
			case order == 0:
				return Write{}, errNothing
			}
			return h.weighed(progressTo(row, p)), nil
		},
		landed: func(row Lease) bool { return h.mine(row) && row.Checkpoint == p },
	})
}

// PinStart writes down where reading begins while the lease stands at Latest or AtTimestamp, for rows that do not say. The first
// pin stays: afterwards Lease().StartAt is what counts. Errors are as for Checkpoint.
func (h *Held) PinStart(ctx context.Context, at time.Time) error {
	return h.persist(ctx, operation{
		spell: func(row Lease) (Write, error) {
			if !row.StartAt.IsZero() {
				return Write{}, errNothing
			}
			return pin(row, at), nil
		},
		landed: func(row Lease) bool { return h.mine(row) && !row.StartAt.IsZero() },
	})
}

// AwaitParents returns nil when every parent's lease is at SHARD_END or does not exist, by consistent reads. The errors are ctx's,
// ErrLost, ErrStopped, and ErrDraining when the lease has to be given up first.
func (h *Held) AwaitParents(ctx context.Context) error {
	for _, key := range h.Lease().ParentKeys() {
		for {
			parent, err := h.c.get(ctx, key)
			if errors.Is(err, ErrNotFound) || err == nil && parent.Ended() {
				break
			}
			if err := h.sleep(ctx, h.c.pace.parents); err != nil {
				return fmt.Errorf("leases: waiting for the parents of %s: %w", h.key, err)
			}
		}
	}
	return nil
}

// sleep waits for as long as there is no reason to give the lease up.
func (h *Held) sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-h.ctx.Done():
		return context.Cause(h.ctx)
	case <-h.drain:
		return ErrDraining
	}
}

// mine reports whether a row is in this worker's hands.
func (h *Held) mine(row Lease) bool { return row.Holder() == h.c.cfg.Worker }

// enter moves the holding on and does what belongs to the new state; false: it is there already, or beyond. The caller holds mu.
func (h *Held) enter(next state) bool {
	if !h.state.leadsTo(next) {
		return false
	}
	if h.state == working {
		close(h.drain)
	}
	h.state = next
	switch next {
	case stopped:
		h.stoppedAt = time.Now()
		h.cancel(ErrStopped)
	case lost:
		h.cancel(ErrLost)
	case working, draining, ended, released:
	}
	if next.over() {
		h.trust.end()
		close(h.gone)
	}
	notify(h.changed)
	return true
}

// advance is enter for callers without the lock.
func (h *Held) advance(next state) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.enter(next)
}

// lose ends the holding because the row says so.
func (h *Held) lose(cause error) {
	h.mu.Lock()
	row, first := h.row, h.enter(lost)
	h.mu.Unlock()
	if first {
		h.reportLost(row, cause)
	}
}

func (h *Held) reportLost(row Lease, cause error) {
	h.c.trace(h.key, row.Counter+1) // a write whose outcome is unknown may have moved it
	h.c.log.Warn("lease lost", zap.String("lease", h.key), zap.Error(cause))
	h.c.hooks.Lost(row, cause)
	h.c.nudge()
}

// notify wakes the one who waits for ch, or leaves word.
func notify(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}
