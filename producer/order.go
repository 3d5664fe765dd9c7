package producer

import "slices"

// What follows keeps the order of a producer with Config.Ordered.
//
// Each lane has at most one entry out: sent, or waiting for its next attempt. The others wait in the lane's queue. A record's
// place is thus decided before the next one of its key can be sent, whatever becomes of the attempt.
//
// When the shards change, lanes retire and others take their place. The records that wait are divided among the new lanes, in their
// order; but an entry that is out may still come back, and its records must then go before those. So it blocks the lanes to
// which its records belong now: they send nothing until it has its result, or until its records are at the front of their queues.

// release lets the next entry of a lane be sent, if it may. It needs mu.
func (c *collector) release(l *lane) {
	if l.held || l.out != nil || l.blockers > 0 || len(l.queue) == 0 {
		return
	}
	l.out = l.queue[0]
	l.queue[0] = nil
	l.queue = l.queue[1:]
	c.makeReady(l.out)
}

// leave ends an entry's stay in its lane: it has its result, or its records are in other entries. It needs mu.
func (c *collector) leave(e *entry) {
	if !c.ordered {
		return
	}
	delete(c.orphans, e)
	if e.lane.out == e {
		e.lane.out = nil
		c.follow(e.lane)
	}
	for _, l := range e.blocks {
		l.blockers--
		c.follow(l)
	}
	e.blocks = nil
}

// follow sends what waited behind an entry. It needs mu.
func (c *collector) follow(l *lane) {
	if len(l.queue) > 0 {
		l.queue[0].sendBy = 0 // it has waited for long enough
	}
	c.release(l)
	if l.overdue && l.out == nil && l.blockers == 0 {
		l.overdue = false
		c.overdue = append(c.overdue, l)
		c.signal()
	}
}

// install replaces the route. The lanes that it does not have any more are emptied into the new ones.
func (p *Producer) install(next *route) {
	staying := make(map[*lane]bool, len(next.lanes))
	for _, l := range next.lanes {
		staying[l] = true
	}
	going := slices.DeleteFunc(slices.Clone(p.route.Load().lanes), func(l *lane) bool { return staying[l] })
	for _, l := range going {
		l.mu.Lock() // only the installer, of which there is one, holds several of these locks
	}
	failed := p.collector.adopt(next, going)
	// A Put that found a retired lane looks for the route again, and must then find this one.
	p.route.Store(next)
	for _, l := range going {
		l.retired = true
		l.mu.Unlock()
	}
	p.callbacks.push(failed...)
	p.signal()
}

// adopt moves what waits in lanes that retire, whose locks the caller holds. It returns the records that turn out to be too large.
func (c *collector) adopt(next *route, going []*lane) []finished {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.route, c.misplaced = next, 0
	c.heard(next.loaded)
	var failed []finished
	for _, l := range going {
		if l.out != nil {
			c.orphans[l.out] = true
			l.out = nil
		}
		entries := l.open.sealInto(l.queue)
		l.queue = nil
		failed = append(failed, c.move(entries)...)
	}
	c.pace()
	c.block()
	for _, l := range next.lanes {
		c.release(l)
	}
	return failed
}

// move divides entries that have never been sent among the lanes of the present route. It needs mu.
func (c *collector) move(entries []*entry) (failed []finished) {
	var records []record
	for _, e := range entries {
		tooLarge := doom{maxRecord: c.route.maxRecord, wrap: c.route.wrap}
		f, rest := tooLarge.divide(e)
		failed = append(failed, f...)
		records = append(records, rest...)
	}
	for _, g := range c.route.divide(records) {
		for _, n := range c.route.pack(g.records) {
			n.lane = g.lane // sendBy stays 0: they have waited for long enough
			if c.ordered {
				g.lane.queue = append(g.lane.queue, n)
			} else {
				c.makeReady(n)
			}
		}
	}
	return failed
}

// block lets the entries that are out of retired lanes block the lanes to which their records belong by the present route. It
// needs mu.
func (c *collector) block() {
	for e := range c.orphans {
		for _, l := range e.blocks {
			l.blockers--
		}
		e.blocks = nil
		for _, g := range c.route.divide(e.records) {
			g.lane.blockers++
			e.blocks = append(e.blocks, g.lane)
		}
	}
}
