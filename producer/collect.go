package producer

import (
	"container/heap"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// never is a moment that does not come.
const never = moment(math.MaxInt64)

// collector is where entries are from the moment they leave their lane until they are in flight, and again between two attempts.
//
//	            +-> queue of its lane (ordered, or held) --release--+
//	lane --enqueue--------------------------------------------------+-> paced --> ready --form--> request --> settled
//	                                                                     ^ the shard's budget                    |
//	                             parked, until the shards are known -----+-- delayed <---------------------------+
//
// One goroutine, collect, moves them on when their time has come.
type collector struct {
	ordered     bool
	linger, ttl moment
	maxRecords  int // in a request
	maxBytes    int
	signal      func() // wakes the collect goroutine; never blocks
	now         func() moment
	buffer      *buffer
	contact     atomic.Int64 // the last moment when the stream was the one that is listed

	mu         sync.Mutex // guards the fields below and those of lanes that say so
	route      *route     // the current one
	ready      []*entry   // may be sent now
	readyBytes int
	sendBy     moment          // when ready must be sent though it fills no request
	halves     [][]*entry      // requests that the service rejected as a whole, in two; sent as they are
	delayed    delayed         // wait for their next attempt
	paced      []*budget       // entries wait for them
	misplaced  int             // entries that went where they do not belong by the current route
	parked     []*entry        // stored in a shard that is not known yet
	orphans    map[*entry]bool // they are out of a retired lane: records of theirs may not be overtaken in new ones
	expired    []*entry        // found too old to be sent
	overdue    []*lane         // their out is done and their open aggregate has lingered enough
	slots      int             // requests that may still be put in flight
	dead       bool            // Close has given up: everything fails
}

// enqueue takes an entry from its lane, whose lock the caller holds so that entries come in the lane's order. A nil entry is none.
func (c *collector) enqueue(l *lane, e *entry) {
	if e == nil {
		return
	}
	e.borrow(c.buffer)
	c.mu.Lock()
	defer c.mu.Unlock()
	e.lane = l
	e.sendBy = e.earliest - c.ttl + c.linger
	c.queue(l, e)
}

// queue needs mu.
func (c *collector) queue(l *lane, e *entry) {
	e.lane = l
	if !c.ordered && !l.held {
		c.makeReady(e)
		return
	}
	l.queue = append(l.queue, e)
	c.release(l)
}

// joinReady lets an entry be sent. It needs mu.
func (c *collector) joinReady(e *entry) {
	c.ready = append(c.ready, e)
	c.readyBytes += e.size
	earlier := e.sendBy < c.sendBy
	c.sendBy = min(c.sendBy, e.sendBy)
	if earlier || c.full() {
		c.signal()
	}
}

func (c *collector) full() bool {
	return len(c.ready) >= c.maxRecords || c.readyBytes >= c.maxBytes
}

// hasten sends what is ready without waiting for company.
func (c *collector) hasten() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.ready) > 0 {
		c.sendBy = 0
	}
}

// delay lets an entry wait for its next attempt until e.due. It needs mu.
func (c *collector) delay(e *entry) {
	heap.Push(&c.delayed, e)
	c.signal()
}

// next puts as many requests together as may be in flight and returns them, with the entries that it found expired, and when to come
// again. Entries that cannot be sent as they are, because the shards have changed, are packed anew on the way.
func (c *collector) next(now moment) (requests [][]*entry, expired []*entry, again moment) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.delayed) > 0 && c.delayed[0].due <= now {
		e := heap.Pop(&c.delayed).(*entry)
		e.sendBy = now
		c.makeReady(e)
	}
	again = c.turn(now)
	for c.slots > 0 {
		request := c.form(now)
		if len(request) == 0 {
			break
		}
		c.slots--
		requests = append(requests, request)
	}
	if c.slots > 0 {
		again = min(again, c.sendBy)
	}
	if len(c.delayed) > 0 {
		again = min(again, c.delayed[0].due)
	}
	expired, c.expired = c.expired, nil
	return requests, expired, again
}

// remakeTime is less than it takes to delete a stream and make another one of its name.
const remakeTime = 10 * time.Second

// silent reports whether nothing has been heard of the stream for so long that it may be another one by now: its shards have the same names
// then, and other ranges.
func (c *collector) silent(now moment) bool { return now-moment(c.contact.Load()) > remakeTime }

// heard notes that at a moment the stream was the one that is listed. It needs mu.
func (c *collector) heard(at moment) { c.contact.Store(max(c.contact.Load(), int64(at))) }

// collect is the goroutine that moves entries on. It ends when the producer is closed and every record has been told.
func (p *Producer) collect() {
	defer close(p.requests)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		timer.Reset(max(p.step()-p.now(), 0))
		select {
		case <-p.wake:
		case <-timer.C:
		case <-p.buffer.drained:
			p.callbacks.close()
			p.life.end()
			return
		}
	}
}

// step does what is due and returns when to come again.
func (p *Producer) step() moment {
	if p.isDead() {
		p.abandonAll()
		return never
	}
	now := p.now()
	lingerEnd := moment(p.lingerEnd.Load())
	if lingerEnd <= now {
		// Whoever adds a record from here on finds no end set, and sets one; whose record came before is sealed below.
		p.lingerEnd.Store(int64(never))
		p.sealAll(now)
		lingerEnd = moment(p.lingerEnd.Load())
	}
	p.sealOverdue(now)
	if p.nextSweep <= now {
		p.nextSweep = p.sweep(now)
	}
	if p.nextWatch <= now { // nobody comes for this alone: where nothing moves, nothing is hot
		p.nextWatch = p.watch(now)
	}
	requests, expired, again := p.collector.next(now)
	for _, r := range requests {
		p.requests <- r // never blocks: it has room for all slots
	}
	for _, e := range expired {
		p.fail(e, &doom{now: now, later: p.failLater})
	}
	return min(again, lingerEnd, p.nextSweep)
}

// sealAll ends the open aggregates of all lanes. One end of the linger time serves them all: a record waits at most that long, and
// what is sealed together shares requests.
func (p *Producer) sealAll(now moment) {
	for _, l := range p.route.Load().lanes {
		p.sealLane(l, now)
	}
	p.collector.hasten()
}

// sealOverdue ends the open aggregates that had to wait for the one before them.
func (p *Producer) sealOverdue(now moment) {
	c := &p.collector
	c.mu.Lock()
	lanes := c.overdue
	c.overdue = nil
	c.mu.Unlock()
	for _, l := range lanes {
		p.sealLane(l, now)
	}
}

func (p *Producer) sealLane(l *lane, now moment) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open.encoder == nil {
		return
	}
	c := &p.collector
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ordered && (l.out != nil || len(l.queue) > 0 || l.blockers > 0) {
		l.overdue = true // it goes on filling until it may be sent
		return
	}
	e := l.open.seal()
	e.borrow(c.buffer)
	e.sendBy = now
	c.queue(l, e)
}

// delayed is a heap of entries by due.
type delayed []*entry

func (d delayed) Len() int           { return len(d) }
func (d delayed) Less(i, j int) bool { return d[i].due < d[j].due }
func (d delayed) Swap(i, j int)      { d[i], d[j] = d[j], d[i] }
func (d *delayed) Push(x any)        { *d = append(*d, x.(*entry)) }
func (d *delayed) Pop() any {
	old := *d
	e := old[len(old)-1]
	old[len(old)-1] = nil
	*d = old[:len(old)-1]
	return e
}

// replace makes the entries the heap's.
func (d *delayed) replace(entries []*entry) {
	*d = entries
	heap.Init(d)
}
