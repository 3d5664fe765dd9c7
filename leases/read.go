package leases

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/penstock-go/penstock/internal/owned"
)

// A small table is read whole by every worker. In a large one that would cost the table times the workers, so it is cut into parts, and
// each is read by two watchers of it. Who they are, every worker works out by itself; where two disagree about who lives, a part has one
// watcher more or less for a while.
const (
	// partCount is fixed, so that all workers mean the same by a part.
	partCount = 64
	// watchersPerPart is more than one, so that one that dies together with others leaves no lease unwatched.
	watchersPerPart = 2
	// A table of fewer rows, or with fewer workers, is read whole.
	partedRows    = 500
	partedWorkers = 5
)

// reading is what one look at the table brought.
type reading struct {
	whole  bool
	began  time.Time
	pieces []piece
	failed bool // in part or as a whole
}

// piece is what one scan found.
type piece struct {
	part     int // noPart: the whole table
	snapshot Snapshot
	at       time.Time // when the scan was done
}

// startReading begins a look at the table; the answer comes to c.readings.
func (c *Coordinator) startReading(ctx context.Context) {
	c.busy = true
	whole, parts := c.wantsWhole(time.Now()), c.parts
	c.readers.Go("read the table", func() { c.readings <- c.readTable(ctx, whole, parts) })
}

// wantsWhole reports whether the next look must be at the whole table: there is nothing to be left to others, or a plan needs it.
func (c *Coordinator) wantsWhole(now time.Time) bool {
	return !c.parted || c.unsettled || !now.Before(c.wholeDue)
}

// readTable reads the whole table or the parts. In a large fleet there are workers that watch none.
func (c *Coordinator) readTable(ctx context.Context, whole bool, parts []int) reading {
	r := reading{whole: whole, began: time.Now()}
	if whole {
		snapshot, err := c.scan(ctx)
		r.pieces, r.failed = []piece{{noPart, snapshot, time.Now()}}, err != nil
		if r.failed {
			r.pieces = nil
		}
		return r
	}
	var mu sync.Mutex // guards r
	var group owned.Group
	for _, part := range parts {
		group.Go("read a part", func() {
			snapshot, err := c.scanPart(ctx, part)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				r.failed = true
				return
			}
			r.pieces = append(r.pieces, piece{part, snapshot, time.Now()})
		})
	}
	group.Wait(c.life) // each call ends with ctx
	return r
}

// digest notes what was read, and does what follows from it.
func (c *Coordinator) digest(ctx context.Context, r reading) {
	c.busy, c.scannedAt = false, time.Now()
	var all Snapshot
	for _, p := range r.pieces {
		if r.whole {
			c.watch.see(p.snapshot, p.at)
		} else {
			c.watch.seePart(p.part, p.snapshot, p.at)
		}
		all.Leases, all.Workers = append(all.Leases, p.snapshot.Leases...), append(all.Workers, p.snapshot.Workers...)
		all.Damaged, all.Foreign = append(all.Damaged, p.snapshot.Damaged...), all.Foreign+p.snapshot.Foreign
	}
	if len(r.pieces) == 0 {
		return
	}
	if r.whole {
		c.reportDamage(all.Damaged)
		c.forgetTraces()
	}
	c.heedNames(ctx, all.Leases)
	c.heedMembers()
	c.buryDead(ctx)
	c.act(ctx, r, all)
}

// act plans and carries out this worker's part: its own share, and what nobody else may see in the parts that it watches.
func (c *Coordinator) act(ctx context.Context, r reading, found Snapshot) {
	switch {
	case r.whole:
		p := c.plan(true, c.watches)
		p.give = slices.DeleteFunc(p.give, func(g gift) bool { return !c.left(g.Lease) })
		ripe := c.heedLack(&p)
		if !r.failed {
			c.settle(p, r.began)
		}
		p.ask, p.offer = append(p.ask, c.heedWeights(p)...), ripe
		c.carryOut(ctx, p, found)
	case c.anyIdle(found.Leases):
		c.carryOut(ctx, c.plan(false, c.watches), found)
	default:
		c.hooks.Scanned(found, Planned{Share: c.share})
	}
}

// left reports whether a lease is one that others may not take: it is in a part that this worker watches, and has not only just been found
// without an owner, as all are at the start, when everybody looks at the whole table.
func (c *Coordinator) left(l Lease) bool {
	idle, _ := c.watch.idleFor(l.Key, c.scannedAt)
	return c.watches(c.watch.seen[l.Key]) && (l.Holder() != "" || idle > c.pace.scan)
}

func (c *Coordinator) carryOut(ctx context.Context, p plan, found Snapshot) {
	c.hooks.Scanned(found, Planned{Take: len(p.take), Ask: len(p.ask), Give: len(p.give), Offer: len(p.offer), Share: p.share, Idle: p.idle, Old: p.old})
	c.takeAll(ctx, p.take)
	c.giveAll(ctx, p.give)
	c.each(ctx, "ask", keysIn(p.ask), c.askFor)
	c.offerAll(ctx, p.offer)
}

// settle decides when the whole table is to be read again.
func (c *Coordinator) settle(p plan, began time.Time) {
	c.share, c.counted = p.share, c.load()
	c.unsettled = len(p.take)+len(p.ask)+len(p.offer)+p.later > 0 || p.idle > 0 && c.scannedAt.Before(c.calm)
	c.wholeDue = c.scannedAt.Add(c.jitter.Spread(c.wholePeriod()))
	if c.calm.After(began) {
		c.wholeDue = c.calm // what was seen is in motion still
	}
}

// anyIdle reports whether one of the leases just read has no live holder: else there is nothing to do in a part of the table.
func (c *Coordinator) anyIdle(rows []Lease) bool {
	return slices.ContainsFunc(rows, func(row Lease) bool { return !row.Ended() && !c.watch.seen[row.Key].idleSince.IsZero() })
}

// wholePeriod returns the time between two looks at the whole of a large table: the more workers there are, the longer, so that they
// together read the table about as often as its watchers do.
func (c *Coordinator) wholePeriod() time.Duration {
	if len(c.parts) == 0 { // nothing else shows who has come or died
		return max(6*c.pace.failover, time.Duration(3*len(c.peers))*c.pace.scan/10)
	}
	return max(3*c.pace.failover, time.Duration(2*len(c.peers))*c.pace.scan)
}

// heedMembers works out what to watch when the fleet has changed, and looks at everything soon, and once more when the leases have
// moved. Not at once, since all others do so too.
func (c *Coordinator) heedMembers() {
	now := time.Now()
	peers := c.watch.peers(c.cfg.Worker, now)
	auditor := bestLot(c.cfg.Worker, peers, "audit")
	c.mu.Lock()
	c.auditor = auditor
	c.mu.Unlock()
	c.parted = len(c.watch.seen) >= partedRows && len(peers) >= partedWorkers
	if slices.Equal(peers, c.peers) {
		return
	}
	c.peers, c.parts = peers, partsOf(c.cfg.Worker, peers)
	soon := c.jitter.Spread(c.crowdTime())
	c.calm = now.Add(c.pace.failover*3/2 + soon)
	if now.Add(soon).Before(c.wholeDue) {
		c.wholeDue = now.Add(soon)
	}
}

// missWhole looks at the whole of a large table soon when this worker has less than its share: somebody has more. So it does when it has come
// to have more: somebody may have less and not know it, or the share has grown. Where that is one lease more, as it is for nearly everybody when
// a worker dies, it is not in a hurry.
func (c *Coordinator) missWhole() {
	held := c.load()
	if !c.parted || held == c.share || held > c.share && held == c.counted {
		return
	}
	wait := c.pace.scan
	if held == c.share+1 {
		wait = c.crowdTime()
	}
	if soon := time.Now().Add(c.jitter.Spread(wait)); soon.Before(c.wholeDue) {
		c.wholeDue = soon
	}
	c.counted = held
}

// crowdTime is over how long the workers of a fleet spread looks at the whole table that all of them want to make.
func (c *Coordinator) crowdTime() time.Duration {
	return time.Duration(len(c.peers)) * c.pace.scan / 10
}

// partsOf returns the parts of the table that worker me watches: those for which it draws one of the best lots.
func partsOf(me string, peers []string) []int {
	var mine []int
	for part := range partCount {
		own, better := partLot(me, part), 0
		for _, peer := range peers {
			if lot := partLot(peer, part); peer != me && bytes.Compare(lot, own) < 0 {
				better++
			}
		}
		if better < watchersPerPart {
			mine = append(mine, part)
		}
	}
	return mine
}

func partLot(worker string, part int) []byte {
	lot := rankOf(worker, string(rune('0'+part)))
	return lot[:]
}

// nextScan returns when the table is to be looked at again: after the usual time, or when the next lease may be found silent.
func (c *Coordinator) nextScan() time.Time {
	next := c.scannedAt.Add(c.pace.scan)
	if expiry, ok := c.watch.nextExpiry(c.cfg.Worker, c.watches); ok && expiry.Before(next) {
		return later(expiry.Add(time.Millisecond), c.scannedAt.Add(c.pace.discover/5))
	}
	return next
}

// watches reports whether this worker reads a lease's row all the time.
func (c *Coordinator) watches(s sighting) bool { return !c.parted || slices.Contains(c.parts, s.part) }

// plan decides what to do, and to whom to leave what when this worker stops. Unless the whole table was read, leases for which own does
// not hold are left to others.
func (c *Coordinator) plan(whole bool, own func(sighting) bool) plan {
	now := time.Now()
	s := scene{
		me: c.cfg.Worker, maxLeases: c.cfg.MaxLeases, maxMoves: c.cfg.MaxMoves, members: c.watch.members(now), leaving: make(map[string]bool),
		caps: make(map[string]int), cpu: make(map[string]usage), led: c.isLed(), giving: c.parted, partial: !whole,
	}
	prompt := make(map[string]bool)
	for id, p := range c.watch.workers {
		prompt[id] = p.row.Every > 0
		s.caps[id] = p.row.MaxLeases
		s.leaving[id] = p.row.Failing() && id != c.cfg.Worker
		if u, tells := p.row.cpu(); tells {
			s.cpu[id] = u
		}
	}
	for _, sighting := range c.watch.seen {
		if c.cfg.Runnable(sighting.row) {
			l := c.standing(sighting, s.led)
			l.remote = !whole && !own(sighting) && !l.held
			s.leases = append(s.leases, l)
		}
	}
	plan := balance(s)
	c.heirs.know(plan.load, prompt, c.cfg.Worker)
	return plan
}

// standing returns a lease as the planner wants it. What this worker holds is known better than a scan can show it.
func (c *Coordinator) standing(seen sighting, led bool) standing {
	row := seen.row
	idle, silent := c.watch.idleFor(row.Key, c.scannedAt)
	s := standing{
		Lease: row, idle: silent, overdue: idle > c.pace.failover/2, old: silent && c.scannedAt.Sub(seen.since) > 3*c.pace.failover,
		barred: c.rests(row.Key) || led && row.Owner == c.cfg.Worker,
	}
	s.unaware = seen.named && !silent
	s.recent = c.scannedAt.Sub(seen.movedAt) < c.pace.abide
	if c.scannedAt.Sub(seen.movedAt) < c.pace.remember {
		s.from = seen.from
	}
	h, held := c.holding(row.Key)
	switch {
	case !held:
	case h.progress().over():
		s.barred = true // its Work has not returned: two must not run side by side
	default:
		s.Lease, s.idle, s.held = h.Lease(), false, true
	}
	return s
}

// scan reads the whole table.
func (c *Coordinator) scan(ctx context.Context) (snapshot Snapshot, err error) {
	err = c.callWithin(ctx, &Called{Op: "Scan"}, c.pace.sweep, func(ctx context.Context) (err error) {
		snapshot, err = c.cfg.Store.Scan(ctx)
		return err
	})
	return snapshot, err
}

func (c *Coordinator) scanPart(ctx context.Context, part int) (snapshot Snapshot, err error) {
	err = c.call(ctx, "ScanPart", func(ctx context.Context) (err error) {
		snapshot, err = c.cfg.Store.ScanPart(ctx, part, partCount)
		return err
	})
	return snapshot, err
}

// lookAround reads the whole table and takes no other part than to know it: for a worker that stops.
func (c *Coordinator) lookAround(ctx context.Context) {
	snapshot, err := c.scan(ctx)
	if err != nil {
		return
	}
	c.scannedAt = time.Now()
	c.watch.see(snapshot, c.scannedAt)
	c.plan(true, c.watches)
}

// lookAtNewborn reads the leases of children whose parent has just ended here, and takes or gives them: in a large table nobody else
// sees them for a while.
func (c *Coordinator) lookAtNewborn(ctx context.Context) {
	c.mu.Lock()
	keys := slices.Sorted(maps.Keys(c.newborn))
	clear(c.newborn)
	c.mu.Unlock()
	if len(keys) == 0 || !c.parted {
		return
	}
	var found Snapshot
	for _, key := range keys {
		if row, err := c.get(ctx, key); err == nil {
			c.watch.note(row, time.Now())
			found.Leases = append(found.Leases, row)
		}
	}
	if c.anyIdle(found.Leases) {
		c.carryOut(ctx, c.plan(false, func(s sighting) bool { return slices.Contains(keys, s.row.Key) }), found)
	}
}
