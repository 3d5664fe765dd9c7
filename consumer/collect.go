package consumer

import (
	"hash/maphash"
	"slices"
	"time"

	"github.com/penstock-go/penstock/checkpoint"
)

// collector deals the records of a shard out to its lanes. It is the event loop of one goroutine, and nothing of it is shared: lanes get
// whole parcels and say when they are done with them.
//
//	page ─▶ cut ─▶ by key ─┬─▶ lane.queue ─▶ lane.busy ─▶ Handler
//	                       └─▶ lane.queue ─▶ lane.busy ─▶ Handler
//
// The first parcel of a queue becomes the busy one as soon as its lane is idle and it is ready: when it is full, when its window has
// ended, when memory runs out, at the end of the shard; and without a window, when no more of the page can be dealt out.
//
// A single lane without a window needs no goroutine of its own: the loop itself calls the handler, with one parcel after the other, and
// takes the next page when all of the last one is done.
type collector struct {
	r        *reader
	lanes    []*lane
	inline   bool       // the loop calls the handler
	straight bool       // one lane, and the handler has no say about each record
	idle     chan *lane // lanes that have done their parcel; has room for all
	seed     maphash.Seed

	from     *stock    // the page that is being dealt out; nil: none
	lag      int64     // of that page
	next     Record    // cut out of it, and not in a lane yet
	kept     bool      // there is a next
	leave    bool      // the handler does not want it
	panicked bool      // the handler has, over a record of that page, and it is logged
	asOf     time.Time // what came in before then is in that page, or was in an earlier one; zero: not known
	blocked  bool      // too much is in the air: windows are over
	last     *page     // the page with which the shard ends

	inAir  int // user records in parcels
	limit  int // of inAir
	turn   int // of records without a key
	spares []*parcel
}

// stock is the memory of a page, reserved until the last parcel with a part of it is done.
type stock struct {
	reserved int64
	memory   int64 // of that, what does not depend on how many user records there are
	users    int   // that were dealt out
	parts    int   // parcels that have some of it, and one more while it is dealt out
}

// parcel is the records of a batch.
type parcel struct {
	records []Record
	tickets []checkpoint.Ticket // of the records, where there are several lanes
	stocks  []*stock            // of which the records are
	bytes   int
	lag     int64
	due     time.Time // the end of its window
	full    bool
	passed  checkpoint.Position // the last record behind it that the handler does not want; zero: none
	stale   int                 // so many of its places may have records of an earlier use
}

// The bounds of the user records of one shard that are in its lanes at a time, where there are several: fewer would make the lanes wait for
// one another, and more take up memory.
const (
	minInAir = 1000
	maxInAir = 100_000
)

// inAir returns how many user records of a shard are in its lanes at most.
func (s Shape) inAir() int {
	switch {
	case s.inline():
		return s.MaxRecords
	case s.Concurrency == 1:
		return 2 * s.MaxRecords
	}
	return max(2*s.MaxRecords, minInAir, min(2*s.Concurrency*s.MaxRecords, maxInAir))
}

func (s Shape) inline() bool { return s.Concurrency == 1 && s.Window == 0 }

// trackedPerInAir is how much further than what is in the air the tracker looks: one slow lane is waited for by the others only when they
// are this far ahead of it.
const trackedPerInAir = 4

func newCollector(r *reader) *collector {
	lanes := r.shape.Concurrency
	c := &collector{r: r, inline: r.shape.inline(), idle: make(chan *lane, lanes), seed: maphash.MakeSeed(), limit: r.shape.inAir()}
	_, chooses := r.handler.(Chooser)
	_, weighs := r.handler.(Weigher)
	c.straight = lanes == 1 && !chooses && !weighs
	for n := range lanes {
		l := &lane{r: r, n: n, give: make(chan *parcel, 1)}
		c.lanes = append(c.lanes, l)
		if !c.inline {
			r.helpers.Go("handle "+r.shard.ID, func() { l.run(c.idle) })
		}
	}
	return c
}

// run deals pages out until the shard has ended, whose last page it then returns, or reading has. No handler runs when it returns.
func (c *collector) run(pages <-chan page) (last page, err error) {
	defer c.close()
	for {
		if !c.work() {
			return page{}, errGivenUp
		}
		if c.last != nil && c.from == nil && c.inAir == 0 {
			return *c.last, nil
		}
		if !c.wait(pages) {
			return page{}, errGivenUp
		}
	}
}

// work does what can be done without waiting for anything but, where the loop calls it itself, the handler. It returns false if reading
// must end.
func (c *collector) work() bool {
	for {
		if !c.deal() || !c.handOut() {
			return false
		}
		if c.from == nil || c.inAir > 0 {
			return true
		}
		if c.r.reading.Err() != nil {
			return false
		}
		// What was in the way has been handled.
	}
}

// close waits for the handlers, and gives back what is reserved for parcels that no handler has seen.
func (c *collector) close() {
	for _, l := range c.lanes {
		for l.busy != nil {
			c.took(<-c.idle)
		}
		close(l.give)
		for _, p := range l.queue {
			c.drop(p.stocks)
		}
	}
	if c.from != nil {
		c.drop([]*stock{c.from})
	}
}

// deal puts records into lanes until the page is done or the next record has no place. It returns false if reading must end.
func (c *collector) deal() bool {
	c.blocked = false
	for c.from != nil {
		if !c.kept && !c.cut() {
			return true
		}
		if c.r.adrift && !c.r.anchored(&c.next) {
			return false
		}
		if c.leave && c.pass() {
			continue
		}
		var p *parcel
		if !c.leave {
			p = c.place(c.laneOf(&c.next))
		}
		if p == nil {
			c.blocked = true
			return true
		}
		if c.straight {
			c.pour(p)
		}
	}
	return true
}

// cut takes the next record from the page, or ends the page.
func (c *collector) cut() bool {
	if c.kept = c.r.unpack.cut(&c.next); c.kept {
		c.leave = c.unwanted()
		return true
	}
	c.r.unpack.finish()
	c.next = Record{}
	c.from.settle(c.r)
	c.drop([]*stock{c.from})
	c.from = nil
	c.idles()
	return false
}

// settle gives back what was reserved for more user records than there were.
func (s *stock) settle(r *reader) {
	if need := s.memory + int64(s.users)*r.shape.user(); need < s.reserved {
		r.c.budget.release(s.reserved - need)
		s.reserved = need
	}
}

// laneOf returns the lane of a record's key. A record without one is in order with no other.
func (c *collector) laneOf(r *Record) *lane {
	switch {
	case len(c.lanes) == 1:
		return c.lanes[0]
	case r.PartitionKey == "":
		c.turn++
		return c.lanes[c.turn%len(c.lanes)]
	}
	return c.lanes[maphash.String(c.seed, r.PartitionKey)%uint64(len(c.lanes))]
}

// place puts c.next into a parcel of its lane. It returns nil if too much is in the air.
func (c *collector) place(l *lane) *parcel {
	if c.inAir == c.limit {
		return nil
	}
	size := c.weigh()
	p := c.parcelFor(l, size)
	if len(c.lanes) > 1 && !c.track(p) {
		return nil
	}
	if n := len(p.stocks); n == 0 || p.stocks[n-1] != c.from {
		p.stocks = append(p.stocks, c.from)
		c.from.parts++
	}
	p.records = append(p.records, c.next)
	p.bytes += size
	p.lag = c.lag
	p.passed = checkpoint.Position{}
	c.inAir++
	c.from.users++
	c.kept = false
	return p
}

// parcelFor returns the parcel of a lane that has room for a record: the last of its queue, or a new one behind that.
func (c *collector) parcelFor(l *lane, size int) *parcel {
	if n := len(l.queue); n > 0 {
		p := l.queue[n-1]
		if len(p.records) == 0 || len(p.records) < c.r.shape.MaxRecords && p.bytes+size <= c.r.shape.MaxBytes {
			return p
		}
		p.full = true
	}
	p := &parcel{}
	if n := len(c.spares); n > 0 {
		p, c.spares = c.spares[n-1], c.spares[:n-1]
	}
	p.due = time.Now().Add(c.r.shape.Window)
	if n := min(c.r.unpack.left()/len(c.lanes)+1, c.r.shape.MaxRecords); cap(p.records) < n {
		p.records = make([]Record, 0, n)
	}
	l.queue = append(l.queue, p)
	return p
}

// pour fills the parcel of a single lane straight from the page, which saves moving each record.
func (c *collector) pour(p *parcel) {
	for len(p.records) < c.r.shape.MaxRecords && c.inAir < c.limit {
		n := len(p.records)
		p.records = slices.Grow(p.records, 1)[:n+1]
		r := &p.records[n]
		if !c.r.unpack.cut(r) {
			p.records = p.records[:n]
			return
		}
		size := len(r.Data) + len(r.PartitionKey)
		if p.bytes+size > c.r.shape.MaxBytes {
			c.next, c.kept = *r, true
			*r = Record{}
			p.records = p.records[:n]
			return
		}
		p.bytes += size
		c.inAir++
		c.from.users++
	}
}

// track gives the record a ticket, by which its lane says that it is done.
func (c *collector) track(p *parcel) bool {
	t, ok := c.r.progress.deliver(c.r.unpack.positionOf(&c.next))
	if ok {
		p.tickets = append(p.tickets, t)
	}
	return ok
}

// handOut gives every idle lane its parcel that is ready. It returns false if reading must end.
func (c *collector) handOut() bool {
	for _, l := range c.lanes {
		for l.busy == nil && len(l.queue) > 0 && c.ready(l.queue[0]) {
			c.handOver(l)
			if !c.inline {
				break
			}
			l.quit = !l.handle(l.busy)
			c.took(l)
			if l.quit {
				return false
			}
		}
	}
	return true
}

func (c *collector) ready(p *parcel) bool {
	if len(p.records) == 0 { // the tracker had no room for its first
		return false
	}
	return p.full || len(p.records) == c.r.shape.MaxRecords || c.blocked || c.r.shape.Window == 0 || c.last != nil && c.from == nil || c.r.c.budget.isTight() || !time.Now().Before(p.due)
}

// handOver gives an idle lane the first parcel of its queue.
func (c *collector) handOver(l *lane) {
	l.busy = l.queue[0]
	l.busy.forget()
	l.queue = slices.Delete(l.queue, 0, 1)
	if !c.inline {
		l.give <- l.busy // has room, since the lane is idle
	}
}

// forget lets go of the records of an earlier use that were not written over. Until then they are kept, which saves writing every place
// twice; a shard that has no next page at once keeps no parcels at all.
func (p *parcel) forget() {
	if n := len(p.records); n < p.stale {
		clear(p.records[n:p.stale])
		p.stale = n
	}
}

// took clears away what a lane has done.
func (c *collector) took(l *lane) {
	p := l.busy
	l.busy = nil
	if !p.passed.Sentinel() && !l.quit {
		c.r.progress.reach(p.passed)
	}
	c.inAir -= len(p.records)
	c.drop(p.stocks)
	clear(p.stocks)
	*p = parcel{records: p.records[:0], tickets: p.tickets[:0], stocks: p.stocks[:0], stale: max(p.stale, len(p.records))}
	c.spares = append(c.spares, p)
}

// drop gives up parts of pages, and what is reserved for those that have no other part.
func (c *collector) drop(parts []*stock) {
	for _, s := range parts {
		if s.parts--; s.parts == 0 {
			c.r.c.budget.release(s.reserved)
		}
	}
}

// hungry reports whether another page is wanted.
func (c *collector) hungry() bool {
	if c.from != nil || c.last != nil {
		return false
	}
	if c.inline {
		return c.inAir == 0
	}
	return c.inAir < c.limit
}

// wait waits for something to do. It returns false when reading has ended.
func (c *collector) wait(pages <-chan page) bool {
	if c.from == nil && c.inAir == 0 && c.last == nil {
		select {
		case p, open := <-pages: // the one that was fetched ahead
			return c.load(p, open)
		default:
			c.spares = nil // a shard at rest keeps no memory that nobody counts
		}
	}
	var tight <-chan struct{}
	ring := time.NewTimer(time.Hour)
	defer ring.Stop()
	if due, waits := c.nextDue(); waits {
		ring.Reset(time.Until(due))
		tight = c.r.c.budget.tightened()
	}
	if !c.hungry() {
		pages = nil
	}
	select {
	case p, open := <-pages:
		return c.load(p, open)
	case l := <-c.idle:
		c.took(l)
		return !l.quit
	case <-ring.C:
	case <-tight:
	case <-c.r.reading.Done():
		return false
	}
	return true
}

// nextDue returns when the first window ends of a parcel that only waits for that.
func (c *collector) nextDue() (due time.Time, waits bool) {
	for _, l := range c.lanes {
		if l.busy == nil && len(l.queue) > 0 && len(l.queue[0].records) > 0 && (!waits || l.queue[0].due.Before(due)) {
			due, waits = l.queue[0].due, true
		}
	}
	return due, waits
}

// load begins a page. It returns false if there is none and never will be.
func (c *collector) load(p page, open bool) bool {
	if !open {
		return false
	}
	c.from, c.lag = &stock{reserved: p.reserved, memory: p.memory, parts: 1}, p.lag
	c.panicked = false
	c.r.unpack.load(p.records)
	c.asOf = p.doneThrough()
	if p.end {
		c.last = &p
	}
	return true
}
