package leases

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/penstock-go/penstock/checkpoint"
)

// operation is a write that a holder wants to make, whatever the row is like when its turn comes.
type operation struct {
	// spell makes the write from the row as it is known; errNothing: there is nothing to write. It runs with no lock held.
	spell func(row Lease) (Write, error)
	// landed reports whether row, whose counter is one more than the write's, shows that the write took effect.
	landed func(row Lease) bool
}

var (
	// errNothing says that the row is already as it should be.
	errNothing = errors.New("leases: nothing to write")
	// errUnsettled wraps an error after which the same operation may be tried again: the lease is still held.
	errUnsettled = errors.New("leases: not written yet")
)

// tries remembers the writes that were begun since the counter last moved. Their outcome may be unknown, and each may have
// landed: but only one of them, because all demand the same counter.
type tries struct {
	first     time.Time // when the first of them was begun; zero: there was none
	positions []checkpoint.Position
}

func (t *tries) note(w Write, at time.Time) {
	if t.first.IsZero() {
		t.first = at
	}
	if p, named := w.Change().Checkpoint.Get(); named && !slices.Contains(t.positions, p) {
		t.positions = append(t.positions, p)
	}
}

// persist makes a write until it has landed, ctx has ended, or the lease is lost.
func (h *Held) persist(ctx context.Context, op operation) error {
	schedule := h.c.retries.Start(h.c.jitter)
	for {
		err := h.write(ctx, op)
		if errors.Is(err, errNothing) {
			return nil
		}
		if !errors.Is(err, errUnsettled) {
			return err
		}
		if pause := h.pause(ctx, schedule.Next()); pause != nil {
			return fmt.Errorf("leases: writing %s: %w (%w)", h.key, pause, err)
		}
	}
}

// pause waits before another try.
func (h *Held) pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-h.gone:
		return ErrLost
	case <-h.c.abandoned:
		return ErrLost
	}
}

// write makes one attempt at an operation. Writes on one holding go one after the other, since each demands the counter that the
// one before it left. The error is ErrLost, one of the operation's own, or errUnsettled.
func (h *Held) write(ctx context.Context, op operation) error {
	if err := h.turn(ctx); err != nil {
		return err
	}
	defer func() { <-h.writing }()
	before, err := h.current()
	if err != nil {
		return err
	}
	w, err := op.spell(before)
	if err != nil {
		return err
	}
	start, after, err := h.c.write(ctx, w, func(at time.Time) { h.noteTry(w, at) })
	if err == nil {
		return h.learn(after, start)
	}
	if conflict := (*ConflictError)(nil); errors.As(err, &conflict) {
		return h.settle(ctx, before, conflict, op)
	}
	return fmt.Errorf("%w: %w", errUnsettled, err)
}

// turn waits until no other write on this holding is under way.
func (h *Held) turn(ctx context.Context) error {
	select {
	case h.writing <- struct{}{}:
		return nil
	case <-h.gone:
		return fmt.Errorf("%w: %s", ErrLost, h.key)
	case <-ctx.Done():
		return fmt.Errorf("leases: writing %s: %w", h.key, ctx.Err())
	}
}

// current returns the row from which the next write is made. Trust is looked at too, and not only its timer, which may be late.
func (h *Held) current() (Lease, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.state.over() || h.trust.lapsed() {
		return Lease{}, fmt.Errorf("%w: %s (%v)", ErrLost, h.key, h.state)
	}
	return h.row, nil
}

func (h *Held) noteTry(w Write, at time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tries.note(w, at)
}

// settle finds out what a failed condition means. Either an earlier attempt of this holder landed and its reply was lost, or an
// owner attribute is not what it was (a handoff was asked for or withdrawn, which leave the counter alone), or the lease is
// somebody else's.
func (h *Held) settle(ctx context.Context, before Lease, conflict *ConflictError, op operation) error {
	actual, err := h.actual(ctx, conflict)
	if errors.Is(err, ErrNotFound) || errors.Is(err, ErrDamaged) {
		h.lose(err)
		return fmt.Errorf("%w: %w", ErrLost, err)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errUnsettled, err)
	}
	switch {
	case actual.Counter == before.Counter && h.mine(actual):
		_ = h.learn(actual, time.Time{})
		return fmt.Errorf("%w: %w", errUnsettled, conflict)
	case actual.Counter == before.Counter+1 && op.landed(actual):
		return h.learn(actual, h.firstTry())
	case actual.Counter == before.Counter+1 && actual.Ended() && actual.Holder() == "" && h.couldHaveWritten(before, actual.Checkpoint):
		// This is a renewal, and Work's end of the shard landed before it, with its reply lost.
		return h.learn(actual, h.firstTry())
	case actual.Counter == before.Counter+1 && h.mine(actual) && h.couldHaveWritten(before, actual.Checkpoint):
		// An attempt at another operation landed first. This one goes on from there.
		if err := h.learn(actual, h.firstTry()); err != nil {
			return err
		}
		return fmt.Errorf("%w: %w", errUnsettled, conflict)
	}
	h.lose(conflict)
	return fmt.Errorf("%w: %w", ErrLost, conflict)
}

// actual returns the row behind a conflict.
func (h *Held) actual(ctx context.Context, conflict *ConflictError) (Lease, error) {
	if conflict.Actual != nil {
		return *conflict.Actual, nil
	}
	return h.c.get(ctx, h.key)
}

// firstTry returns from when a write may be trusted of which it is not known which attempt made it.
func (h *Held) firstTry() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.tries.first
}

// couldHaveWritten reports whether one of this holder's attempts, or a mere renewal, would have left the checkpoint at p.
func (h *Held) couldHaveWritten(before Lease, p checkpoint.Position) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return p == before.Checkpoint || slices.Contains(h.tries.positions, p)
}

// learn takes over a row that this holder has written or read. start is when the write was begun that moved the counter; without
// such a write the row says nothing about trust. The error is ErrLost if trust had ended by the time the reply was here.
func (h *Held) learn(row Lease, start time.Time) error {
	h.mu.Lock()
	if h.state.over() {
		h.mu.Unlock()
		return fmt.Errorf("%w: %s", ErrLost, h.key)
	}
	if row.Counter != h.row.Counter {
		h.tries = tries{}
		h.trust.extend(start)
		h.renewAt = h.nextRenewal(row, start)
	}
	h.row = row
	h.heedHandoff()
	lapsed := h.mine(row) && h.trust.lapsed()
	if !h.mine(row) {
		h.enter(parted(row))
	}
	h.mu.Unlock()
	if lapsed {
		h.lapse()
		return fmt.Errorf("%w: %w", ErrLost, errSilence)
	}
	return nil
}

// parted returns the state of a holding whose own write gave the row away.
func parted(row Lease) state {
	if row.Ended() {
		return ended
	}
	return released
}
