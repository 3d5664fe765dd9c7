package leases

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"go.uber.org/zap"

	"github.com/penstock-go/penstock/internal/retry"
)

// introduce looks whether a Java worker leads, asks the index, and writes this worker's row, before anything is taken. It goes on until that
// has succeeded, ctx ends, or the store says that it never will. The row comes last: it makes the others count on this worker.
func (c *Coordinator) introduce(ctx context.Context) error {
	schedule := c.retries.Start(c.jitter)
	for {
		err := c.lookAtLeader(ctx)
		if err == nil {
			_, err = c.keysOf(ctx)
		}
		if err == nil {
			err = c.beat(ctx, c.row())
		}
		switch {
		case err == nil:
			return nil
		case ctx.Err() == nil && retry.Classify(err).Permanent():
			return fmt.Errorf("leases: taking part as %s: %w", c.cfg.Worker, err)
		}
		if schedule.Wait(ctx) != nil {
			return nil //nolint:nilerr // stopped before anything was held
		}
	}
}

// bePresent renews this worker's row, and keeps an eye on what Java workers do, until ctx ends. refuse is called when the table must not
// be used any more.
func (c *Coordinator) bePresent(ctx context.Context, refuse func(error)) {
	beat := time.NewTicker(c.pace.beat)
	defer beat.Stop()
	check := time.NewTicker(checkPeriod)
	defer check.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-beat.C:
			_ = c.beat(ctx, c.row()) // reported, and made again
			_ = c.lookAtLeader(ctx)
		case <-check.C:
			if err := c.check(ctx); errors.Is(err, ErrRefused) {
				c.log.Error("the lease table must not be used any more: this worker stops", zap.Error(err))
				refuse(err)
			}
		}
	}
}

// row returns this worker's row as it is now.
func (c *Coordinator) row() Worker {
	w := alive(c.cfg.Worker, c.pace.beat, c.cfg.MaxLeases)
	c.gauge.stamp(&w)
	return w
}

// checkPeriod is how often it is asked whether the table may still be used, as Java workers do.
const checkPeriod = time.Minute

func (c *Coordinator) beat(ctx context.Context, w Worker) error {
	return c.call(ctx, "Beat", func(ctx context.Context) error { return c.cfg.Store.Beat(ctx, w) })
}

func (c *Coordinator) check(ctx context.Context) error {
	return c.call(ctx, "Check", func(ctx context.Context) error { return c.cfg.Store.Check(ctx) })
}

// leadership is what this worker knows about a Java worker that leads. Coordinator.mu guards it.
type leadership struct {
	row      Leader    // as last read; zero: there was none
	since    time.Time // when this version was first seen
	asked    time.Time // when the row, or its absence, was last read
	live     bool
	reported bool
}

// lookAtLeader finds out whether a Java worker leads. A row that stands still for as long as it says that it lasts is a dead leader's: it
// is deleted, since each new worker would otherwise have to wait for as long.
func (c *Coordinator) lookAtLeader(ctx context.Context) error {
	var row Leader
	err := c.call(ctx, "Leader", func(ctx context.Context) (err error) {
		row, err = c.cfg.Store.Leader(ctx)
		return err
	})
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err // what was known is good for a failover time: see isLed
	}
	if dead := c.heedLeader(row, time.Now()); dead {
		c.log.Info("the lock of a leader that is gone is deleted", zap.String("leader", row.Worker))
		return c.call(ctx, "Depose", func(ctx context.Context) error { return c.cfg.Store.Depose(ctx, row) })
	}
	return nil
}

// heedLeader notes the row that was read; dead: it has stood still for too long.
func (c *Coordinator) heedLeader(row Leader, now time.Time) (dead bool) {
	c.mu.Lock()
	l := &c.leader
	if row != l.row {
		l.row, l.since = row, now
	}
	l.asked = now
	l.live = row != Leader{}
	if l.live && now.Sub(l.since) > row.Lasts {
		l.live, dead = false, true
	}
	changed := l.live != l.reported
	l.reported = l.live
	c.mu.Unlock()
	if changed {
		c.log.Info("balancing is left to a Java worker", zap.Bool("led", l.live), zap.String("leader", row.Worker))
		c.nudge()
	}
	return dead
}

// isLed reports whether a Java worker leads, or may have begun to since it was last looked. A leader finds nobody silent in its first
// failover time, so what was read is good for as long.
func (c *Coordinator) isLed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.leader.live || time.Since(c.leader.asked) > c.pace.failover
}

// trace notes that a write of this worker, which is not held to any more, may have left a lease with counter n. A Java leader that has
// found this worker silent may be about to give the lease to another one, on a condition that says nothing about the counter; a row with
// a count of our own must therefore not be adopted while one leads.
func (c *Coordinator) trace(key string, n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.traces[key] = max(c.traces[key], n)
}

// traced reports whether the row's counter may be this worker's own doing, in a holding that is over.
func (c *Coordinator) traced(row Lease) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, ok := c.traces[row.Key]
	return ok && row.Counter <= n
}

// forgetTraces drops what is noted about rows that are not there any more.
func (c *Coordinator) forgetTraces() {
	c.mu.Lock()
	defer c.mu.Unlock()
	gone := func(key string) bool {
		_, there := c.watch.seen[key]
		return !there
	}
	maps.DeleteFunc(c.traces, func(key string, _ int64) bool { return gone(key) })
	maps.DeleteFunc(c.kept, func(key string, _ bool) bool { return gone(key) })
}

// askerLives reports whether the worker that asks for a lease is there to take it. Where that cannot be found out, it is.
func (c *Coordinator) askerLives(ctx context.Context, id string) bool {
	var row Worker
	err := c.call(ctx, "Worker", func(ctx context.Context) (err error) {
		row, err = c.cfg.Store.Worker(ctx, id)
		return err
	})
	if errors.Is(err, ErrNotFound) {
		return false
	}
	return err != nil || !row.Failing() && !c.callers.stale(row, time.Now())
}
