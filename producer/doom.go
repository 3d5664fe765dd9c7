package producer

import (
	"errors"
	"time"
)

// doom says which records fail. The zero value spares all.
type doom struct {
	all       error  // if not nil, every record fails, for this reason
	now       moment // records that expire by then fail
	maxRecord int    // if not 0, larger records fail
	wrap      bool   // how they are measured
	// later: a record fails if one before it with its partition key did. keys are those of the failed records.
	later bool
	keys  map[string]bool
}

// of returns why a record that has its payload fails, or nil. It must be asked in the order of the records.
func (d *doom) of(r *record) error {
	reason := d.reason(r)
	if reason != nil && d.later {
		if d.keys == nil {
			d.keys = make(map[string]bool)
		}
		d.keys[r.partitionKey] = true
	}
	return reason
}

func (d *doom) reason(r *record) error {
	switch {
	case d.all != nil:
		return d.all
	case r.expires <= d.now:
		return ErrExpired
	case d.keys[r.partitionKey]:
		return ErrEarlierFailed
	}
	if d.maxRecord == 0 || int(r.size) <= d.maxRecord && !d.wrap {
		return nil
	}
	content := r.content()
	if n := wireSize(&content, d.wrap); n > d.maxRecord {
		return &SizeError{Bytes: n, Max: d.maxRecord}
	}
	return nil
}

// touches reports whether any of the records may fail.
func (d *doom) touches(records []record) bool {
	for i := range records {
		if d.all != nil || records[i].expires <= d.now || d.keys[records[i].partitionKey] {
			return true
		}
	}
	return false
}

// divide takes an entry apart: the records that fail, by reason, and the rest. It needs collector.mu.
func (d *doom) divide(e *entry) (failed []finished, rest []record) {
	records := e.open()
	for i := range records {
		reason := d.of(&records[i])
		if reason == nil {
			rest = append(rest, records[i])
			continue
		}
		if n := len(failed); n == 0 || !errors.Is(failed[n-1].reason, reason) {
			failed = append(failed, finished{reason: reason})
		}
		f := &failed[len(failed)-1]
		f.records = append(f.records, records[i])
	}
	return failed, rest
}

// fail gives up those records of an entry that are doomed, and packs the others anew. The entry waits nowhere.
func (p *Producer) fail(e *entry, d *doom) {
	c := &p.collector
	c.mu.Lock()
	failed, rest := d.divide(e)
	if errors.Is(d.all, ErrClosed) {
		p.abandoned.Store(true)
	}
	if !d.later {
		c.repack(e, rest)
		c.mu.Unlock()
		p.callbacks.push(failed...)
		return
	}
	c.mu.Unlock()
	// Until repack the entry holds up its lane, so that no later record of its keys can be sent meanwhile.
	p.breakKeys(failed)
	failed = append(failed, p.failFollowers(failed, d)...)
	c.mu.Lock()
	c.repack(e, rest)
	c.mu.Unlock()
	p.callbacks.push(failed...)
}

// breakKeys lets Put refuse the keys of failed records until the records' owners know.
func (p *Producer) breakKeys(failed []finished) {
	for i := range failed {
		failed[i].broken = true
		p.broken.add(failed[i].records)
	}
}

// failFollowers gives up the records that wait behind failed ones of the same key. Their keys are broken already: a Put that did not see
// it had its lane's lock before, so that its record is found here.
func (p *Producer) failFollowers(failed []finished, d *doom) (followers []finished) {
	seen := make(map[*lane]bool)
	for _, f := range failed {
		for i := range f.records {
			l := p.lock(&f.records[i])
			if !seen[l] {
				seen[l] = true
				followers = append(followers, p.prune(l, &doom{later: true, keys: d.keys})...)
			}
			l.mu.Unlock()
		}
	}
	return followers
}

// lock returns the lane of a record, locked.
func (p *Producer) lock(r *record) *lane {
	for {
		l := p.route.Load().lane(r)
		l.mu.Lock()
		if !l.retired {
			return l
		}
		// Whoever retired it had the lock until the next route was published.
		l.mu.Unlock()
	}
}

// prune takes the doomed records out of a lane, whose lock the caller holds.
func (p *Producer) prune(l *lane, d *doom) []finished {
	c := &p.collector
	c.mu.Lock()
	defer c.mu.Unlock()
	entries := l.queue
	if d.touches(l.open.records) {
		entries = l.open.sealInto(entries)
	}
	var kept []*entry
	var failed []finished
	for _, e := range entries {
		if !d.touches(e.records) {
			kept = append(kept, e)
			continue
		}
		f, rest := d.divide(e)
		failed = append(failed, f...)
		for _, n := range l.packing.pack(rest) {
			n.inherit(e)
			n.lane = l
			kept = append(kept, n)
		}
	}
	l.queue = kept
	if d.later {
		p.breakKeys(failed)
	}
	c.release(l)
	return failed
}

// The time between two looks for expired records: a share of TTL, and not longer than a user would notice.
const (
	sweepsPerTTL  = 64
	longestSweep  = 250 * time.Millisecond
	shortestSweep = time.Millisecond
)

// sweep gives up the records that have expired while they waited, and returns when to come again.
func (p *Producer) sweep(now moment) moment {
	for _, e := range p.collector.takeWaiting(func(e *entry) bool { return e.earliest <= now }) {
		p.fail(e, &doom{now: now, later: p.failLater})
	}
	for _, l := range p.route.Load().lanes {
		if !p.cfg.Ordered && !l.held {
			break // nothing waits in the lanes but what lingers
		}
		l.mu.Lock()
		failed := p.prune(l, &doom{now: now, later: p.failLater})
		l.mu.Unlock()
		p.callbacks.push(failed...)
	}
	if p.buffer.empty() {
		return now + p.cfg.TTL // nothing that comes later expires earlier
	}
	return now + min(max(p.cfg.TTL/sweepsPerTTL, shortestSweep), longestSweep)
}

// abandonAll gives up everything that waits, after Close has been patient for as long as it was told.
func (p *Producer) abandonAll() {
	everything := &doom{all: ErrClosed}
	for _, l := range p.route.Load().lanes {
		l.mu.Lock()
		failed := p.prune(l, everything)
		l.mu.Unlock()
		if len(failed) > 0 {
			p.abandoned.Store(true)
		}
		p.callbacks.push(failed...)
	}
	for _, e := range p.collector.takeWaiting(func(*entry) bool { return true }) {
		p.fail(e, everything)
	}
}

// takeWaiting takes out the entries that wait outside of lanes and that are wanted.
func (c *collector) takeWaiting(wanted func(*entry) bool) (taken []*entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	sift := func(entries []*entry) (kept []*entry) {
		for _, e := range entries {
			if wanted(e) {
				taken = append(taken, e)
			} else {
				kept = append(kept, e)
			}
		}
		return kept
	}
	if c.ready = sift(c.ready); len(c.ready) == 0 {
		c.sendBy = never
	}
	c.readyBytes = 0
	for _, e := range c.ready {
		c.readyBytes += e.size
	}
	c.delayed.replace(sift(c.delayed))
	c.parked = sift(c.parked)
	for _, b := range c.paced { // one that is left empty is taken out at the next turn
		b.again, b.waiting = sift(b.again), sift(b.waiting)
	}
	var halves [][]*entry
	for _, h := range c.halves {
		if h = sift(h); len(h) > 0 {
			halves = append(halves, h)
		}
	}
	c.halves = halves
	return taken
}
