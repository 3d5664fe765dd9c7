package leases

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"
)

// maxCalls bounds the store calls of one coordinator that are under way at once. A worker alone with 10,000 shards makes about
// 3,000 renewals a second; at 10 ms each this leaves room for twice that.
const maxCalls = 64

// call makes one call to the store, within the bounds of time and number.
func (c *Coordinator) call(ctx context.Context, op string, f func(context.Context) error) error {
	return c.callWithin(ctx, &Called{Op: op}, c.pace.attempt, f)
}

// callWithin is call with a time of its own, and more to say to the hook, which f may complete.
func (c *Coordinator) callWithin(ctx context.Context, what *Called, limit time.Duration, f func(context.Context) error) error {
	var err error
	what.Duration, err = c.timed(ctx, what.Op, limit, f)
	what.Err = err
	c.tell(ctx, *what)
	return err
}

// timed makes one call to the store, within the bounds of time and number, and returns how long it took.
func (c *Coordinator) timed(ctx context.Context, op string, limit time.Duration, f func(context.Context) error) (took time.Duration, err error) {
	select {
	case c.calls <- struct{}{}:
		defer func() { <-c.calls }()
	case <-ctx.Done():
		return 0, fmt.Errorf("leases: %s: %w", op, ctx.Err())
	}
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	began := time.Now()
	err = f(bounded)
	if ctx.Err() == nil {
		c.noteHealth(op, err)
	}
	return time.Since(began), err
}

// tell tells the hook of a call, unless it was cut short because the worker stops.
func (c *Coordinator) tell(ctx context.Context, what Called) {
	if ctx.Err() == nil {
		c.hooks.Called(what)
	}
}

// noteHealth tells of a call that failed, in the log only when that is news: an outage fails hundreds of calls a second.
func (c *Coordinator) noteHealth(op string, err error) {
	fails := err != nil && !answered(err)
	c.mu.Lock()
	changed := c.failing[op] != fails
	c.failing[op] = fails
	c.mu.Unlock()
	switch {
	case fails && changed:
		c.log.Warn("calls to the lease store fail", zap.String("call", op), zap.Error(err))
	case changed:
		c.log.Info("calls to the lease store succeed again", zap.String("call", op))
	}
	if fails {
		c.hooks.StoreFailed(op, err)
	}
}

// answered reports whether an error is the store's answer, and not its failure.
func answered(err error) bool {
	return errors.Is(err, ErrConflict) || errors.Is(err, ErrNotFound) || errors.Is(err, ErrDamaged)
}

// write makes one attempt at a conditional write and returns when it was begun. begun is called at that moment, before the outcome
// can be known.
func (c *Coordinator) write(ctx context.Context, w Write, begun func(time.Time)) (start time.Time, row Lease, err error) {
	if w.purpose == purposeRenew {
		return c.renewByHand(ctx, w, begun)
	}
	return c.writeAlone(ctx, w, begun)
}

// writeAlone is write, in a call of its own.
func (c *Coordinator) writeAlone(ctx context.Context, w Write, begun func(time.Time)) (start time.Time, row Lease, err error) {
	err = c.callWithin(ctx, &Called{Op: "Write", For: w.purpose, Key: w.key}, c.pace.attempt, func(ctx context.Context) error {
		start = time.Now()
		begun(start)
		row, err = c.cfg.Store.Write(ctx, w)
		return err
	})
	return start, row, err
}

// attempt makes a write by which this worker comes to hold nothing, and reports whether it is known to have landed.
func (c *Coordinator) attempt(ctx context.Context, w Write) bool {
	_, _, err := c.write(ctx, w, func(time.Time) {})
	return err == nil
}

func (c *Coordinator) get(ctx context.Context, key string) (row Lease, err error) {
	err = c.callWithin(ctx, &Called{Op: "Get", Key: key}, c.pace.attempt, func(ctx context.Context) error {
		row, err = c.cfg.Store.Get(ctx, key)
		return err
	})
	return row, err
}

// create makes a lease where there is none; purpose is as in [Called.For].
func (c *Coordinator) create(ctx context.Context, l Lease, purpose string) (created bool, err error) {
	what := &Called{Op: "Create", For: purpose, Key: l.Key}
	err = c.callWithin(ctx, what, c.pace.attempt, func(ctx context.Context) error {
		what.Created, err = c.cfg.Store.Create(ctx, l)
		return err
	})
	return what.Created, err
}

func (c *Coordinator) keysOf(ctx context.Context) (keys []string, err error) {
	err = c.call(ctx, "KeysOf", func(ctx context.Context) error {
		keys, err = c.cfg.Store.KeysOf(ctx, c.cfg.Worker)
		return err
	})
	return keys, err
}
