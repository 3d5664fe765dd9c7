package leases

import (
	"context"
	"slices"
	"time"
)

// offers are what this worker knows about those that lack leases of its own and do not ask for them. It is used by Run's goroutine alone.
type offers struct {
	lacked  map[string]time.Time // worker -> when the first look at the whole showed that it lacks one
	made    map[string]string    // worker -> the lease that it was offered last
	spurned map[string]time.Time // workers that did not keep what they were offered, and until when they are offered nothing
}

func newOffers() offers {
	return offers{lacked: make(map[string]time.Time), made: make(map[string]string), spurned: make(map[string]time.Time)}
}

// heedLack takes out of a plan what is not to be offered, and returns what it is time to offer: a worker must have lacked a lease, and got none, in
// each look at the whole since before its row changed. So who knows that it lacks one has had the time to ask, and who has died gets nothing.
func (c *Coordinator) heedLack(p *plan) (ripe []gift) {
	c.heedAnswers()
	p.offer = slices.DeleteFunc(p.offer, func(g gift) bool { return c.scannedAt.Before(c.offers.spurned[g.to]) })
	for _, g := range p.offer {
		if _, known := c.offers.lacked[g.to]; !known {
			c.offers.lacked[g.to] = c.scannedAt
		}
		if c.watch.workers[g.to].since.After(c.offers.lacked[g.to]) {
			ripe = append(ripe, g)
		}
	}
	for worker := range c.offers.lacked {
		if p.coming[worker] == 0 {
			delete(c.offers.lacked, worker)
		}
	}
	return ripe
}

// heedAnswers looks what became of the offers. A worker that did not keep a lease may not be able to work on it; it would be offered others for ever.
func (c *Coordinator) heedAnswers() {
	for worker, key := range c.offers.made {
		s, known := c.watch.seen[key]
		switch {
		case known && s.row.Owner == worker && (s.row.CheckpointOwner != "" || s.named):
			continue // it has not answered
		case known && s.row.Owner != worker && !s.row.Ended() && !c.keptBack(key):
			c.offers.spurned[worker] = c.scannedAt.Add(c.pace.remember)
		}
		delete(c.offers.made, worker)
	}
}

// offerAll offers leases of this worker to those that should have them, and has their keepers look: the handoffs go on as if they had asked.
func (c *Coordinator) offerAll(ctx context.Context, gifts []gift) {
	for _, g := range gifts {
		c.offers.made[g.to] = g.Key
		c.keptBack(g.Key) // what was before does not count
	}
	c.eachGift(ctx, "offer", gifts, func(ctx context.Context, g gift) {
		if h, held := c.holding(g.Key); held {
			if row := h.Lease(); h.mine(row) && row.CheckpointOwner == "" && c.attempt(ctx, offer(row, g.to)) {
				notify(h.look)
				return
			}
		}
		c.keepBack(g.Key)
	})
}

// keepBack notes that this worker does not let go of a lease, so that nobody is thought to have spurned it, and leaves it alone for a while.
func (c *Coordinator) keepBack(key string) {
	c.rest(key)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kept[key] = true
}

// keptBack reports whether that was noted, and forgets it.
func (c *Coordinator) keptBack(key string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	kept := c.kept[key]
	delete(c.kept, key)
	return kept
}
