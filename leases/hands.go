package leases

import (
	"context"
	"time"
)

// Renewals are most of what an idle worker does, and two habits halve what they cost it. They are due in strokes, not one by one, so that
// the processor is woken for a dozen of them together. And a few hands make them, goroutines that are used again and again: a call through
// the SDK is sixty frames deep, and a keeper's stack, which the garbage collector has cut down since its last renewal, would grow anew for
// each. Few calls at a time also need no more connections than the SDK's transport keeps (ten).

// maxHands is how many renewals the hands make at once. More, where calls take long, are made by the keepers themselves.
const maxHands = 8

// handPatience is for how many strokes a keeper waits for a hand.
const handPatience = 4

// onStroke returns the last stroke that is not after t.
func (c *Coordinator) onStroke(t time.Time) time.Time {
	return c.epoch.Add(t.Sub(c.epoch).Truncate(c.pace.stroke))
}

// lend lets a hand run f, and waits for that. If none comes free in time, f runs here.
func (c *Coordinator) lend(ctx context.Context, f func()) {
	done := make(chan struct{})
	job := func() {
		defer close(done)
		f()
	}
	if !c.offer(ctx, job) {
		job()
	}
	<-done
}

// offer hands a job over; false: nobody takes it.
func (c *Coordinator) offer(ctx context.Context, job func()) bool {
	select {
	case c.jobs <- job:
		return true
	default:
	}
	if c.hired.Load() < maxHands && c.hired.Add(1) <= maxHands {
		c.hands.Go("renew leases", c.beAHand)
	}
	late := time.NewTimer(handPatience * c.pace.stroke)
	defer late.Stop()
	select {
	case c.jobs <- job:
		return true
	case <-late.C:
	case <-ctx.Done():
	case <-c.abandoned:
	}
	return false
}

// beAHand does one job after the other until nothing is renewed any more.
func (c *Coordinator) beAHand() {
	for {
		select {
		case job := <-c.jobs:
			job()
		case <-c.abandoned:
			return
		}
	}
}
