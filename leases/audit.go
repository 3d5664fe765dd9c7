package leases

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"go.uber.org/zap"
)

// audit sets the leases against what the service lists, now and then, until ctx ends. One worker of the fleet does so, the one that draws
// the best lot; where two think that they do, no harm comes of it.
func (c *Coordinator) audit(ctx context.Context) {
	tick := time.NewTicker(c.cfg.AuditInterval)
	defer tick.Stop()
	past := make(map[string]finding)
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-tick.C:
			if !c.isAuditor() {
				clear(past) // somebody else looked in the meantime
				continue
			}
			c.auditAll(ctx, past)
		}
	}
}

// auditAll is one audit. past has the findings of the one before, and gets those of this one.
func (c *Coordinator) auditAll(ctx context.Context, past map[string]finding) {
	began := time.Now()
	listings, err := c.cfg.Listings(ctx)
	if err != nil {
		c.log.Warn("the shards of a stream could not be listed; its leases are not audited", zap.Error(err))
	}
	sum := Audited{Err: err}
	for _, l := range listings {
		found := c.auditStream(ctx, l, past[l.Stream])
		past[l.Stream] = found
		sum.note(found)
	}
	if ctx.Err() == nil {
		sum.Duration = time.Since(began)
		c.hooks.Audited(sum)
	}
}

func (a *Audited) note(found finding) {
	if found.made {
		a.Streams++
	}
	if len(found.holes) > 0 {
		a.Partial++
	}
	if found.repaired {
		a.Repaired++
	}
}

// isAuditor reports whether this worker draws the best lot of those that it knows.
func (c *Coordinator) isAuditor() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.auditor
}

func bestLot(me string, peers []string, thing string) bool {
	own := rankOf(me, thing)
	return !slices.ContainsFunc(peers, func(peer string) bool {
		lot := rankOf(peer, thing)
		return peer != me && slices.Compare(lot[:], own[:]) < 0
	})
}

// finding is what an audit has seen of a stream, to be compared with what the next one sees: a scan is no snapshot, and a first
// synchronisation may be under way.
type finding struct {
	made   bool
	keys   map[string]bool
	holes  map[string]bool
	reborn map[string]bool

	repaired bool // leases were created
}

// auditStream repairs what two audits in a row have found wrong, and deletes what nobody needs any more.
func (c *Coordinator) auditStream(ctx context.Context, l Listing, before finding) finding {
	if !l.complete() {
		return finding{}
	}
	snapshot, err := c.scan(ctx) // after the listing: what was created since is found
	if err != nil {
		return finding{}
	}
	census := newCensus(l, snapshot)
	now := finding{made: true, keys: make(map[string]bool), holes: make(map[string]bool), reborn: make(map[string]bool)}
	calm := before.made
	for _, row := range census.rows {
		now.keys[row.Key] = true
		calm = calm && before.keys[row.Key]
	}
	reborn, spent := census.reborn(), census.spent() // first: what holes finds counts as there from then on
	for _, hole := range census.holes() {
		now.holes[hole.Key] = true
		if calm && before.holes[hole.Key] && ctx.Err() == nil {
			now.repaired = c.repair(ctx, census, hole) || now.repaired
		}
	}
	for _, row := range reborn {
		now.reborn[row.Key] = true
		if calm && before.reborn[row.Key] { // a listing that is younger than the lease says so
			_ = c.remove(ctx, row, "the stream was deleted and made anew; the lease was the old one's")
		}
	}
	for _, row := range spent {
		if _, listed := census.byID[row.ShardID]; !listed || !c.cfg.KeepEnded {
			_ = c.remove(ctx, row, "the shard has been read to its end, and its children are being read")
		}
	}
	c.buryWorkers(ctx, snapshot.Workers)
	return now
}

// repair creates a lease if consistent reads say that it is missing, too: those of the relations first and its own last. Children are
// created before their parents' SHARD_END is written, so whoever reads a parent and then its child cannot be fooled. It reports whether
// it created the lease.
func (c *Coordinator) repair(ctx context.Context, found census, hole Lease) bool {
	relations := found.ancestors(hole.ShardID)
	slices.Reverse(relations)
	for _, parent := range found.parents[hole.ShardID] {
		for _, sibling := range found.descendants(parent) {
			if !slices.Contains(relations, sibling) && sibling != hole.ShardID {
				relations = append(relations, sibling)
			}
		}
	}
	for _, child := range found.descendants(hole.ShardID) {
		if !slices.Contains(relations, child) {
			relations = append(relations, child)
		}
	}
	var read Snapshot
	for _, id := range append(relations, hole.ShardID) {
		key := keyOf(found.listing.Stream, id)
		row, err := c.get(ctx, key)
		switch {
		case errors.Is(err, ErrNotFound):
		case errors.Is(err, ErrDamaged):
			read.Damaged = append(read.Damaged, DamagedError{Key: key})
		case err != nil:
			return false // the next audit tries again
		default:
			read.Leases = append(read.Leases, row)
		}
	}
	certain := found.against(read)
	if _, is := certain.hole(certain.byID[hole.ShardID]); !is {
		return false
	}
	created, err := c.create(ctx, hole, "repair")
	if err != nil || !created {
		return false
	}
	c.log.Error("a lease was missing, and has been created", zap.String("lease", hole.Key), zap.Stringer("at", hole.Checkpoint))
	c.hooks.Repaired(hole)
	c.nudge()
	return true
}

// remove deletes a lease, if it is as it was read.
func (c *Coordinator) remove(ctx context.Context, row Lease, why string) error {
	err := c.callWithin(ctx, &Called{Op: "Delete", Key: row.Key}, c.pace.attempt, func(ctx context.Context) error { return c.cfg.Store.Delete(ctx, removal(row)) })
	if err == nil {
		c.log.Info("lease deleted", zap.String("lease", row.Key), zap.String("because", why))
		c.hooks.Deleted(row)
	}
	return err
}

// buryWorkers deletes the rows of workers that died long ago, as a Java leader does.
func (c *Coordinator) buryWorkers(ctx context.Context, workers []Worker) {
	for _, w := range workers {
		if w.ID == c.cfg.Worker || time.Since(w.Updated) < forgottenAfter {
			continue
		}
		c.bury(ctx, w.ID, w.Updated)
	}
}

// buryDead deletes the rows of workers of this package that have died, if it falls to this worker. Who looks at a large table seldom finds the row
// changed since it looked last, and would take such a worker for one that lives. One that lives all the same writes its row again.
func (c *Coordinator) buryDead(ctx context.Context) {
	if c.isLed() {
		return // the leader has rules of its own for them
	}
	asRead := make(map[string]time.Time)
	for id, p := range c.watch.workers {
		mine := c.parted && slices.Contains(c.parts, p.part) || !c.parted && bestLot(c.cfg.Worker, c.peers, id)
		if mine && id != c.cfg.Worker && p.row.Every > 0 && p.silent && !p.gone && c.scannedAt.Sub(p.since) > c.pace.failover {
			asRead[id] = p.row.Updated
		}
	}
	c.each(ctx, "bury", slices.Sorted(maps.Keys(asRead)), func(ctx context.Context, id string) { c.bury(ctx, id, asRead[id]) })
}

// bury deletes the row of a worker that is dead, if it has not been written since.
func (c *Coordinator) bury(ctx context.Context, id string, asRead time.Time) {
	err := c.call(ctx, "Retire", func(ctx context.Context) error { return c.cfg.Store.Retire(ctx, id, asRead) })
	if err == nil {
		c.log.Info("the row of a dead worker is deleted", zap.String("dead", id), zap.Time("written", asRead))
	}
}
