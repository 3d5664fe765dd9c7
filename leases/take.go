package leases

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/penstock-go/penstock/internal/owned"
)

// firstBurst is how many leases a worker takes before it looks at the table again; each further burst may be twice as large, up to
// maxBurst. A fleet that starts all at once on an empty table thereby learns of one another before anybody has taken more than a share.
const (
	firstBurst = 64
	maxBurst   = 8192
)

// discover asks the index which leases name this worker, and adopts what it does not hold yet: leases that others gave it, and its
// own whose acquisition or renewal got lost.
func (c *Coordinator) discover(ctx context.Context) {
	keys, err := c.keysOf(ctx)
	if err != nil {
		return
	}
	c.lookAtVanished(keys)
	var news []string
	for _, key := range keys {
		if _, held := c.holding(key); !held && !c.watch.ended(key) {
			news = append(news, key)
		}
	}
	room := c.room(len(news))
	c.each(ctx, "adopt", news[:room], c.adopt)
	c.each(ctx, "turn away", news[room:], c.turnAway)
	c.missWhole()
}

// room returns how many of n leases this worker may hold besides what it has.
func (c *Coordinator) room(n int) int {
	if c.cfg.MaxLeases == 0 {
		return n
	}
	return max(0, min(n, c.cfg.MaxLeases-c.load()))
}

// lookAtVanished makes the keepers look at leases that the index no longer lists under this worker: a handoff was asked for, most
// likely, and there is no need to wait for the next renewal to learn of it.
func (c *Coordinator) lookAtVanished(keys []string) {
	named := make(map[string]bool, len(keys))
	for _, key := range keys {
		named[key] = true
	}
	for key := range c.named {
		if h, held := c.holding(key); held && !named[key] {
			notify(h.look)
		}
	}
	c.named = named
}

// adopt makes a lease this worker's in deed that is in name. It takes a write: whoever found the holder silent may be about to take
// the lease, and only one of the two writes can succeed.
func (c *Coordinator) adopt(ctx context.Context, key string) {
	row, err := c.get(ctx, key)
	if err != nil || row.Owner != c.cfg.Worker || row.CheckpointOwner != "" || row.Ended() {
		return
	}
	if !c.cfg.Runnable(row) {
		c.attempt(ctx, evict(row))
		return
	}
	if c.isLed() && c.traced(row) {
		return // the leader will give it to somebody; whoever leads last finds it silent
	}
	c.acquire(ctx, adoption(row))
}

// turnAway gives up what was given to a worker that is full, or what it has asked for too much.
func (c *Coordinator) turnAway(ctx context.Context, key string) {
	row, err := c.get(ctx, key)
	switch {
	case err != nil || row.Owner != c.cfg.Worker || row.Ended():
	case row.CheckpointOwner == "":
		c.attempt(ctx, evict(row))
	case row.CheckpointOwner != c.cfg.Worker:
		c.attempt(ctx, refuse(row))
	}
}

// acquire makes the write and holds the lease if it succeeds. If its outcome is unknown, nothing is done: the row names this worker
// then, or does not, and discover will see.
func (c *Coordinator) acquire(ctx context.Context, w Write) bool {
	start, row, err := c.write(ctx, w, func(time.Time) {})
	if err != nil {
		if counter, named := w.Condition().Counter.Get(); named && !answered(err) {
			c.trace(w.Key(), counter+1)
		}
		return false
	}
	if row.Holder() != c.cfg.Worker {
		return false
	}
	c.hold(row, start)
	return true
}

// heedNames acts on rows that name this worker in a way that the index does not show.
func (c *Coordinator) heedNames(ctx context.Context, rows []Lease) {
	var strays []string
	for _, row := range rows {
		if _, asked := row.handoffFrom(c.cfg.Worker); asked {
			if h, held := c.holding(row.Key); held {
				notify(h.look)
			} else {
				strays = append(strays, row.Key)
			}
		}
		if holder, asked := c.asked[row.Key]; asked && row.Owner != c.cfg.Worker {
			delete(c.asked, row.Key)
			if row.Owner == holder && row.CheckpointOwner == "" {
				c.rest(row.Key) // refused; asking again at once would not find a better answer
			}
		}
	}
	c.each(ctx, "complete", strays, c.letGo)
}

// letGo completes a handoff of a lease that this worker is said to hold and does not: it was asked for before it was adopted.
func (c *Coordinator) letGo(ctx context.Context, key string) {
	row, err := c.get(ctx, key)
	if err != nil {
		return
	}
	if _, asked := row.handoffFrom(c.cfg.Worker); asked {
		c.attempt(ctx, complete(row))
	}
}

// takeAll takes what the plan gives, a burst at a time.
func (c *Coordinator) takeAll(ctx context.Context, rows []Lease) {
	if len(rows) == 0 {
		c.burst = firstBurst
		return
	}
	burst := rows[:min(c.burst, len(rows))]
	byKey := make(map[string]Lease, len(burst))
	for _, row := range burst {
		byKey[row.Key] = row
	}
	var won atomic.Bool
	c.each(ctx, "take", keysIn(burst), func(ctx context.Context, key string) {
		if c.acquire(ctx, take(byKey[key], c.cfg.Worker)) {
			won.Store(true)
		}
	})
	if won.Load() {
		c.burst = min(2*c.burst, maxBurst)
		c.nudge() // there may be more, and the others have taken theirs
	}
}

// giveAll writes idle leases in the names of those that should have them, who find them in the index.
func (c *Coordinator) giveAll(ctx context.Context, gifts []gift) {
	c.eachGift(ctx, "give", gifts, func(ctx context.Context, g gift) {
		if c.attempt(ctx, give(g.Lease, g.to)) {
			c.hooks.Given(g.Lease, g.to)
		}
	})
}

func (c *Coordinator) eachGift(ctx context.Context, name string, gifts []gift, f func(context.Context, gift)) {
	byKey := make(map[string]gift, len(gifts))
	keys := make([]string, len(gifts))
	for i, g := range gifts {
		byKey[g.Key], keys[i] = g, g.Key
	}
	c.each(ctx, name, keys, func(ctx context.Context, key string) { f(ctx, byKey[key]) })
}

// askFor asks the holder of a lease to hand it over.
func (c *Coordinator) askFor(ctx context.Context, key string) {
	row := c.watch.seen[key].row
	if c.attempt(ctx, ask(row, c.cfg.Worker)) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.asked[key] = row.Owner
	}
}

// each runs f for every key, side by side, and returns when all are done. What has begun is finished though ctx ends: a take whose
// reply nobody awaits would leave a lease that names a worker which does not know of it.
func (c *Coordinator) each(ctx context.Context, name string, keys []string, f func(context.Context, string)) {
	var group owned.Group
	limit := make(chan struct{}, maxCalls)
	for _, key := range keys {
		limit <- struct{}{}
		if ctx.Err() != nil {
			break
		}
		group.Go(name+" "+key, func() {
			defer func() { <-limit }()
			f(c.life, key)
		})
	}
	group.Wait(c.life)
}

func keysIn(rows []Lease) []string {
	keys := make([]string, len(rows))
	for i, row := range rows {
		keys[i] = row.Key
	}
	return keys
}

// reportDamage tells of rows that cannot be read, once for as long as they are the same ones.
func (c *Coordinator) reportDamage(rows []DamagedError) {
	var texts []string
	for _, row := range rows {
		texts = append(texts, row.Error())
	}
	slices.Sort(texts)
	damage := strings.Join(texts, "; ")
	if damage != c.damage && damage != "" {
		c.log.Error("lease rows that cannot be read are left alone; mend or delete them", zap.Strings("rows", texts))
	}
	c.damage = damage
}
