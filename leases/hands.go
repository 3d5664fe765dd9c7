package leases

import (
	"cmp"
	"context"
	"errors"
	"time"

	"go.uber.org/zap"
)

// Renewals are most of what an idle worker does, and three habits make them cheap. They are due in strokes, not one by one: each lease has a phase,
// one of the strokes in a period. Those of a stroke are made in one call, where the store can do that, and phases are given so that calls are
// full. And a few hands make them, goroutines that are used again and again: a call through the SDK is sixty frames deep, and a keeper's stack,
// which the garbage collector has cut down since its last renewal, would grow anew for each. Few calls at a time also need no more connections
// than the SDK's transport keeps (ten).

const (
	// strokes is how many there are in a renewal period.
	strokes = 12
	// fewHands is how many calls the hands make at once. Where calls take so long that renewals wait, there are more hands.
	fewHands, maxHands = 8, 48
)

// inPhase returns the last stroke of a phase that is not after t or, where that is more than some strokes before, the stroke that is so many before.
func (c *Coordinator) inPhase(t time.Time, phase, most int) time.Time {
	stroke := int(t.Sub(c.epoch) / c.pace.stroke)
	late := ((stroke-phase)%strokes + strokes) % strokes
	return c.epoch.Add(time.Duration(stroke-min(late, most)) * c.pace.stroke)
}

// nextPhase returns the phase of the lease that is held next.
func (c *Coordinator) nextPhase() int {
	n := int(c.phased.Add(1) - 1)
	if c.renewer.Load() == nil {
		return n % strokes
	}
	return n / MaxRenewals % strokes
}

// renewing is a renewal on its way through a hand.
type renewing struct {
	write Write
	begun func(time.Time)
	done  chan struct{} // closed when the rest is known
	start time.Time
	alone bool // the keeper has to make it
	Renewed
}

// renewByHand has a hand make a renewal, and waits for that. If none comes free in time, it is made here.
func (c *Coordinator) renewByHand(ctx context.Context, w Write, begun func(time.Time)) (start time.Time, row Lease, err error) {
	r := &renewing{write: w, begun: begun, done: make(chan struct{})}
	if c.handOver(ctx, r) {
		if <-r.done; !r.alone {
			return r.start, r.Lease, r.Err
		}
	}
	return c.writeAlone(ctx, w, begun)
}

// handOver gives a renewal to a hand; false: none takes it.
func (c *Coordinator) handOver(ctx context.Context, r *renewing) bool {
	select {
	case c.renewals <- r:
		return true
	default:
	}
	c.hire(fewHands)
	late := time.NewTicker(c.pace.hand)
	defer late.Stop()
	for {
		select {
		case c.renewals <- r:
			return true
		case <-late.C:
			if !c.hire(maxHands) {
				return false
			}
		case <-ctx.Done():
			return false
		case <-c.abandoned:
			return false
		}
	}
}

// hire adds a hand if there are fewer than a number; false: there are not.
func (c *Coordinator) hire(number int32) bool {
	for n := c.hired.Load(); n < number; n = c.hired.Load() {
		if c.hired.CompareAndSwap(n, n+1) {
			c.hands.Go("renew leases", c.beAHand)
			return true
		}
	}
	return false
}

// beAHand makes one call after the other until nothing is renewed any more.
func (c *Coordinator) beAHand() {
	for {
		batch := c.gather()
		if len(batch) == 0 {
			return
		}
		c.renewAll(c.life, batch)
	}
}

// gather returns the renewals for one call; none: nothing is renewed any more. One hand gathers at a time, so that all go into one call.
func (c *Coordinator) gather() (batch []*renewing) {
	select {
	case c.gathers <- struct{}{}:
		defer func() { <-c.gathers }()
	case <-c.abandoned:
		return nil
	}
	select {
	case r := <-c.renewals:
		batch = append(batch, r)
	case <-c.abandoned:
		return nil
	}
	if c.renewer.Load() == nil {
		return batch
	}
	enough := time.NewTimer(c.pace.gather)
	defer enough.Stop()
	for len(batch) < MaxRenewals {
		select {
		case r := <-c.renewals:
			batch = append(batch, r)
		case <-enough.C:
			return batch
		}
	}
	return batch
}

// renewAll makes renewals, in one call if that can be.
func (c *Coordinator) renewAll(ctx context.Context, batch []*renewing) {
	switch renewer := c.renewer.Load(); {
	case len(batch) == 1:
		r := batch[0]
		r.start, r.Lease, r.Err = c.writeAlone(ctx, r.write, r.begun)
	case renewer == nil || !c.renewTogether(ctx, *renewer, batch):
		for _, r := range batch {
			r.alone = true
		}
	}
	for _, r := range batch {
		close(r.done)
	}
}

// renewTogether makes renewals in one call; false: the store cannot do that.
func (c *Coordinator) renewTogether(ctx context.Context, renewer Renewer, batch []*renewing) bool {
	writes := make([]Write, len(batch))
	for i, r := range batch {
		writes[i] = r.write
	}
	var results []Renewed
	whole := errStray // of the call, not of single renewals
	took, err := c.timed(ctx, "Renew", c.pace.attempt, func(ctx context.Context) error {
		start := time.Now()
		for _, r := range batch {
			r.start = start
			r.begun(start)
		}
		if results, whole = renewer.Renew(ctx, writes); whole == nil && len(results) != len(batch) {
			whole = errStray
		}
		if errors.Is(whole, errors.ErrUnsupported) {
			return nil
		}
		return errors.Join(whole, firstFailure(results))
	})
	if errors.Is(whole, errors.ErrUnsupported) {
		if c.renewer.Swap(nil) != nil {
			c.log.Info("leases are renewed one by one: the store cannot renew several in one call", zap.Error(whole))
		}
		return false
	}
	for i, r := range batch {
		if whole != nil {
			r.Err = cmp.Or(err, whole)
		} else {
			r.Renewed = results[i]
		}
		c.tell(ctx, Called{Op: "Write", For: r.write.purpose, Key: r.write.key, Duration: took, Err: r.Err})
	}
	return true
}

// errStray reports a store that does not keep to Renewer's contract.
var errStray = errors.New("leases: the store did not answer for each renewal")

// firstFailure returns the first error that is not the store's answer.
func firstFailure(results []Renewed) error {
	for _, r := range results {
		if r.Err != nil && !answered(r.Err) {
			return r.Err
		}
	}
	return nil
}
