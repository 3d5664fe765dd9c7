package producer

import (
	"slices"
	"time"

	"github.com/penstock-go/penstock/internal/shards"
)

// What a shard takes in a second, by the service's documentation of its quotas.
const (
	shardRecords = 1000
	shardBytes   = 1 << 20
)

// How a budget adapts. A rate of 1 is the documented limit.
const (
	tenth      = 100 * time.Millisecond
	burst      = 1.0         // seconds: the service counts by the second
	mildestCut = 0.05        // of the rate, after a throttle among many entries that were stored
	deepestCut = 0.5         // if none was
	cutTime    = time.Second // between two cuts: what the service counts by
	shutTime   = 0.1         // seconds for which nothing is sent to a shard that refuses more than it takes
	recovery   = 0.05        // how much the rate grows in a second
	lowestRate = 0.01        // at which a shard that throttles for good is still asked
	proof      = 1.1         // a shard that took so much more than its rate in a second takes more

	shortestPause = 20 * time.Millisecond // so that what waited shares requests
	longestPause  = time.Second           // so that a rate which recovers does not go unused
)

// budget is how fast a shard is sent to, in Kinesis records and bytes. It starts at the shard's documented limit.
//
//	took more than its rate: twice the rate
//	     ┌────┐
//	     │    ▼     throttled      ┌── throttled: 0.95 to 0.5 of the rate, by how much was refused; down to a hundredth
//	   untried ───────────────▶ adapting
//	                               └── 0.05 more each second, beyond the limit only on proof
//
// So a shard of a server without limits is soon sent to as fast as it goes, while a real one is never asked for more than it has shown
// to take. The rate is shared by records and bytes: a throttle does not say which of them it was for. Only refusals of single
// entries count, which name a shard; a request that is refused as a whole does not.
//
// Its fields are guarded by collector.mu.
type budget struct {
	shard   shards.Shard
	rate    float64
	highest float64 // by configuration; 0 if there is none
	tried   bool    // it has throttled
	grown   moment  // when proof last raised the rate
	cutAt   moment  // requests that began before, and a while after, say nothing new

	// What may be sent now, in seconds of the documented limit. A record that is larger than a whole burst makes a debt.
	records, bytes float64
	at             moment // as of then

	took    window // what was stored in the last second
	refused window // what was not, for its rate
	share   share  // guarded by buffer.mu
	again   []*entry
	waiting []*entry // behind those which were sent before and come again
	load    load
}

func newBudget(s shards.Shard, percent int, now moment) *budget {
	b := &budget{shard: s, rate: 1, at: now, took: window{width: tenth}, refused: window{width: tenth}, load: newLoad(now)}
	if percent > 0 {
		b.highest = float64(percent) / 100
		b.rate = min(b.rate, b.highest)
	}
	b.records, b.bytes = b.rate*burst, b.rate*burst
	return b
}

// pay takes what an entry costs; false if it must wait.
func (b *budget) pay(e *entry, now moment) bool {
	b.refill(now)
	if b.lacks(e) > 0 {
		return false
	}
	b.records -= 1.0 / shardRecords
	b.bytes -= float64(e.size) / shardBytes
	e.budget = b
	return true
}

// lacks returns how much of the limit, in seconds, is missing for an entry.
func (b *budget) lacks(e *entry) float64 {
	full := b.rate * burst
	return max(min(1.0/shardRecords, full)-b.records, min(float64(e.size)/shardBytes, full)-b.bytes)
}

// refill brings the balance and the rate up to now.
func (b *budget) refill(now moment) {
	passed := (now - b.at).Seconds()
	if passed <= 0 {
		return
	}
	b.at = now
	b.records = min(b.records+passed*b.rate, b.rate*burst)
	b.bytes = min(b.bytes+passed*b.rate, b.rate*burst)
	if b.rate < 1 {
		b.setRate(min(1, b.rate+passed*recovery))
	}
}

func (b *budget) setRate(rate float64) {
	if b.highest > 0 {
		rate = min(rate, b.highest)
	}
	b.rate = max(rate, lowestRate)
}

// stored notes that the shard took an entry.
func (b *budget) stored(e *entry, now moment) {
	b.took.add(now, e.size)
	b.load.stored.add(now, e.size)
	b.refill(now)
	took := b.took.sum(now)
	if float64(took.records) < b.rate*shardRecords*proof && float64(took.bytes) < b.rate*shardBytes*proof {
		return
	}
	before := b.rate
	switch {
	case !b.tried:
		b.setRate(2 * b.rate)
	case now-b.grown >= time.Second:
		b.setRate(b.rate + recovery)
	}
	b.grown = now
	b.records += (b.rate - before) * burst
	b.bytes += (b.rate - before) * burst
}

// throttled notes that the shard refused an entry of a request that began at start.
func (b *budget) throttled(e *entry, start, now moment) {
	b.load.throttled.add(now, e.size)
	b.refused.add(now, e.size)
	b.refill(now)
	if b.refused.latest(now).records > b.took.latest(now).records {
		b.records, b.bytes = -shutTime*b.rate, -shutTime*b.rate
	}
	if b.tried && start < b.cutAt+cutTime {
		return
	}
	took, refused := b.took.sum(now), b.refused.sum(now)
	if b.rate > 1 { // it went up for no better reason than that nothing was refused
		b.rate = max(1, min(b.rate, max(float64(took.records)/shardRecords, float64(took.bytes)/shardBytes)))
	}
	part := float64(refused.records) / float64(refused.records+took.records)
	b.setRate(b.rate * (1 - max(mildestCut, deepestCut*part)))
	b.tried, b.cutAt = true, now
	b.records, b.bytes = min(b.records, 0), min(b.bytes, 0)
}

// hold lets an entry wait for its turn. What was sent before goes first: it is older.
func (b *budget) hold(e *entry) {
	if e.tries > 0 {
		b.again = append(b.again, e)
	} else {
		b.waiting = append(b.waiting, e)
	}
}

func (b *budget) holds() bool { return len(b.again)+len(b.waiting) > 0 }

// next returns the queue whose first entry is the next one.
func (b *budget) next() *[]*entry {
	if len(b.again) > 0 {
		return &b.again
	}
	return &b.waiting
}

// turn takes out the entries that may be sent now, and returns when to come again.
func (b *budget) turn(now moment) (free []*entry, again moment) {
	for b.holds() {
		queue := b.next()
		e := (*queue)[0]
		if !b.pay(e, now) {
			pause := time.Duration(b.lacks(e) / b.rate * float64(time.Second))
			return free, now + min(max(pause, shortestPause), longestPause)
		}
		(*queue)[0] = nil
		*queue = (*queue)[1:]
		free = append(free, e)
	}
	b.again, b.waiting = nil, nil
	return free, never
}

// empty takes all entries out.
func (b *budget) empty() []*entry {
	all := slices.Concat(b.again, b.waiting)
	b.again, b.waiting = nil, nil
	return all
}

// budgetOf returns the budget of the one shard that all of an entry belongs to, or nil if there is none.
func (r *route) budgetOf(e *entry) *budget {
	if len(r.budgets) == 0 {
		return nil
	}
	i := r.shard(e.span.Start)
	if !r.shards[i].Range.Contains(e.span.End) {
		return nil
	}
	return r.budgets[i]
}

// makeReady lets an entry be sent as soon as its shard's budget allows. It needs mu.
func (c *collector) makeReady(e *entry) {
	b := c.route.budgetOf(e)
	if b == nil {
		c.joinReady(e)
		return
	}
	now := c.now()
	if e.tries == 0 {
		b.load.offer(e, now)
	}
	if !b.holds() && b.pay(e, now) {
		c.joinReady(e)
		return
	}
	if !b.holds() {
		c.paced = append(c.paced, b)
		c.buffer.hold(&b.share, true)
		c.signal()
	}
	b.hold(e)
}

// turn makes ready what waited for its shard's budget, and returns when to come again. It needs mu.
func (c *collector) turn(now moment) moment {
	again := never
	kept := c.paced[:0]
	for _, b := range c.paced {
		free, then := b.turn(now)
		for _, e := range free {
			e.sendBy = now
			c.joinReady(e)
		}
		if b.holds() {
			kept = append(kept, b)
			again = min(again, then)
		} else {
			c.buffer.hold(&b.share, false)
		}
	}
	clear(c.paced[len(kept):])
	c.paced = kept
	return again
}

// pace lets everything that waits for a budget wait for that of the present route. It needs mu.
func (c *collector) pace() {
	var entries []*entry
	for _, b := range c.paced {
		entries = append(entries, b.empty()...)
		c.buffer.hold(&b.share, false)
	}
	c.paced = nil
	for _, e := range entries {
		c.makeReady(e)
	}
}
