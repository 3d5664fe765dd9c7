package leases

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/penstock-go/penstock/internal/retry"
)

// A worker that stops cannot know that an heir lives: one that has just died looks like any other, and better, since what it had is with others
// already and it seems to have room. So the worker waits until each heir has taken one of its leases, which is seen by the counter, and gives
// them to somebody else where one does not.
const (
	heirRounds = 2 // looks at an heir, one for each time in which it asks the index what it was given
	heirsTried = 3 // for one lease
)

// bequests are the leases that a worker which stops has given to workers of this package, and that they are not seen to have taken.
type bequests struct {
	mu    sync.Mutex // guards given
	given map[string]bequeathed
}

// bequeathed is a lease's row as it was given.
type bequeathed struct {
	to      string
	counter int64
}

func (b *bequests) note(key string, g bequeathed) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.given == nil {
		b.given = make(map[string]bequeathed)
	}
	b.given[key] = g
}

// samples returns one lease of each heir.
func (b *bequests) samples() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	of := make(map[string]string)
	for key, g := range b.given {
		of[g.to] = key
	}
	return slices.Collect(maps.Values(of))
}

// of returns how a lease was given.
func (b *bequests) of(key string) bequeathed {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.given[key]
}

// settle forgets all that an heir was given: it has taken it.
func (b *bequests) settle(heir string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	maps.DeleteFunc(b.given, func(_ string, g bequeathed) bool { return g.to == heir })
}

// take returns all that is left, and forgets it.
func (b *bequests) take() map[string]bequeathed {
	b.mu.Lock()
	defer b.mu.Unlock()
	left := b.given
	b.given = nil
	return left
}

// noteBequest remembers a lease that is written in the name of a worker of this package. Java workers take their time.
func (c *Coordinator) noteBequest(row Lease, to string) {
	if to != "" && c.heirs.prompts(to) {
		c.bequests.note(row.Key, bequeathed{to, row.Counter + 1})
	}
}

// seeTaken returns when the heirs have taken what they were given, or after a few times of asking others.
func (c *Coordinator) seeTaken(ctx context.Context) {
	for range heirsTried {
		for range heirRounds {
			if len(c.bequests.samples()) == 0 || retry.Sleep(ctx, c.pace.discover) != nil {
				return
			}
			c.each(ctx, "look at", c.bequests.samples(), c.lookAtBequest)
		}
		left := c.bequests.take()
		for _, g := range left {
			c.heirs.strike(g.to)
		}
		c.each(ctx, "give anew", slices.Sorted(maps.Keys(left)), func(ctx context.Context, key string) { c.bequeathAnew(ctx, key, left[key]) })
	}
}

// lookAtBequest settles with an heir that has taken a lease. If the row cannot be read, the next look tells.
func (c *Coordinator) lookAtBequest(ctx context.Context, key string) {
	g := c.bequests.of(key)
	if row, err := c.get(ctx, key); err == nil && !g.untouched(row) {
		c.bequests.settle(g.to)
	}
}

// untouched reports whether nobody has written the row since.
func (g bequeathed) untouched(row Lease) bool { return row.Owner == g.to && row.Counter == g.counter }

// bequeathAnew gives a lease to another heir, if there is one. The write demands the counter: of it and the first heir's adoption one fails.
func (c *Coordinator) bequeathAnew(ctx context.Context, key string, g bequeathed) {
	row, err := c.get(ctx, key)
	if err != nil || !g.untouched(row) {
		return
	}
	to := c.heirs.next(g.to)
	if to != "" && c.attempt(ctx, bequest(row, to)) {
		c.noteBequest(row, to)
	}
}
