package leases

import (
	"context"
	"time"

	"go.uber.org/zap"
)

// shutDown is how a worker leaves, in order:
//
//  1. its row says that it stops: a Java leader would give the leases back to it, and others would still hand it what it has asked for;
//  2. every Work is told to finish, those of many leases wave by wave, and the handoffs that this worker has asked for are withdrawn;
//  3. each lease is given away by its keeper as soon as its Work has returned, and what others still give to this worker is passed
//     on;
//  4. after ShutdownTimeout every Work that still runs is cancelled;
//  5. after a grace the rest is abandoned: it is not renewed any more, cannot write any more, and expires;
//  6. what an heir does not take soon is given to another one;
//  7. its row is deleted.
func (c *Coordinator) shutDown() error {
	_ = c.beat(c.life, departing(c.cfg.Worker, c.pace.beat)) // reported; passOnUntilIdle makes it again
	defer c.retire()
	c.leave()
	done := c.passOnUntilIdle(c.cfg.ShutdownTimeout)
	if !done {
		c.log.Warn("shutdown timeout: handlers are cancelled", zap.Strings("running", c.works.Running()))
		c.stopAll()
		done = c.passOnUntilIdle(c.pace.grace)
	}
	close(c.abandoned)
	if c.waitForKeepers(c.pace.attempt) {
		c.hands.Wait(c.life) // nobody has anything for them to do
	}
	if !done {
		return newStuckError(c.stuckKeys())
	}
	c.passOn(c.life)
	c.seeTaken(c.life)
	c.works.Wait(c.life) // all Work has returned; its goroutines are on their last line
	return nil
}

// waveSize is how many leases a worker lets go of in the time between two questions to the index. To hand over a lease takes two writes. A new table on
// demand takes 4,000 in a second, and the renewals of ten thousand leases are 3,000 of them: with more in a wave shards would be read by
// nobody while their leases wait for their writes.
const waveSize = 200

// leave starts the draining of everything held.
func (c *Coordinator) leave() {
	c.mu.Lock()
	c.draining = true
	c.mu.Unlock()
	c.exodus = exodus{began: time.Now(), all: c.holdings()}
	c.drainWave()
}

// exodus is the leaving of a worker's leases.
type exodus struct {
	began time.Time
	all   []*Held
	told  int // so many of them were told to drain
}

// drainWave tells the next of those that have not been told to drain: all of them before half of ShutdownTimeout is over, and at once where nobody is
// to take them.
func (c *Coordinator) drainWave() {
	e, half := &c.exodus, c.cfg.ShutdownTimeout/2
	due := float64(len(e.all)) * min(1, time.Since(e.began).Seconds()/half.Seconds())
	to := min(len(e.all), max(e.told+waveSize, int(due)))
	if c.heirs.none() {
		to = len(e.all)
	}
	for _, h := range e.all[e.told:to] {
		h.advance(draining)
	}
	e.told = to
}

func (c *Coordinator) stopAll() {
	for _, h := range c.holdings() {
		h.advance(stopped)
	}
}

// stuckKeys returns what is still held when nobody waits for it any more.
func (c *Coordinator) stuckKeys() []string {
	var keys []string
	for _, h := range c.holdings() {
		keys = append(keys, h.key)
	}
	return keys
}

// passOnUntilIdle passes on what names this worker until no lease is held, or for the time given; it reports which.
func (c *Coordinator) passOnUntilIdle(patience time.Duration) bool {
	ctx, cancel := context.WithTimeout(c.life, patience)
	defer cancel()
	beat := time.Now()
	for ctx.Err() == nil {
		if time.Since(beat) > c.pace.beat {
			beat = time.Now()
			_ = c.beat(ctx, departing(c.cfg.Worker, c.pace.beat))
		}
		c.refreshHeirs(ctx)
		c.passOn(ctx)
		if c.waitForKeepers(c.pace.discover) {
			return true
		}
		c.drainWave()
	}
	return false
}

// refreshHeirs looks at the table now and then while handlers finish, so that no lease is left to a worker that has gone meanwhile.
func (c *Coordinator) refreshHeirs(ctx context.Context) {
	if time.Since(c.scannedAt) < c.pace.scan {
		return
	}
	c.lookAround(ctx)
}

// retire deletes this worker's row. If that fails, others find that it stands still.
func (c *Coordinator) retire() {
	_ = c.call(c.life, "Retire", func(ctx context.Context) error { return c.cfg.Store.Retire(ctx, c.cfg.Worker, time.Time{}) })
}

// waitForKeepers waits until every lease has been given up, or for the time given.
func (c *Coordinator) waitForKeepers(patience time.Duration) bool {
	ctx, cancel := context.WithTimeout(c.life, patience)
	defer cancel()
	return c.keepers.Wait(ctx) == nil
}

// passOn gives away what names this worker and is not in its hands: handoffs that it has asked for, and leases that others gave it
// because they did not know that it stops.
func (c *Coordinator) passOn(ctx context.Context) {
	keys, err := c.keysOf(ctx)
	if err != nil {
		return
	}
	for key := range c.asked {
		keys = append(keys, key)
	}
	clear(c.asked)
	var strays []string
	for _, key := range keys {
		if _, held := c.holding(key); !held && !c.watch.ended(key) {
			strays = append(strays, key)
		}
	}
	c.each(ctx, "pass on", strays, c.passOnOne)
}

func (c *Coordinator) passOnOne(ctx context.Context, key string) {
	row, err := c.get(ctx, key)
	switch {
	case err != nil || row.Owner != c.cfg.Worker || row.Ended():
	case row.CheckpointOwner == c.cfg.Worker || row.CheckpointOwner == "":
		// Not back to where it came from: that worker may be stopping too.
		if to := c.heirs.next(c.watch.owner(key)); c.attempt(ctx, bequest(row, to)) {
			c.noteBequest(row, to)
		}
	default:
		c.attempt(ctx, refuse(row)) // withdraw
	}
}
