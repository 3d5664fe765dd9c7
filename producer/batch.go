package producer

// form takes the entries of the next request, or returns none if it is too early for one. It needs mu.
//
// A request goes when it is full, or when the first of its entries has waited long enough for company; then it takes along whatever
// else is ready. If the producer is ordered, no two entries of a lane are ready at once, so that a request never
// holds two whose order matters: the service does not promise to store a request's records in their order.
func (c *collector) form(now moment) []*entry {
	if n := len(c.halves); n > 0 {
		request := c.halves[n-1]
		c.halves = c.halves[:n-1]
		return request
	}
	if len(c.ready) == 0 || !c.full() && c.sendBy > now {
		return nil
	}
	request, bytes := make([]*entry, 0, min(len(c.ready), c.maxRecords)), 0
	for len(c.ready) > 0 && len(request) < c.maxRecords {
		e := c.ready[0]
		if len(request) > 0 && bytes+e.size > c.maxBytes {
			break
		}
		c.takeReady()
		if e.earliest <= now {
			c.expired = append(c.expired, e)
			continue
		}
		shard, fits := c.route.expect(e)
		if !fits {
			c.repack(e, e.open())
			continue
		}
		e.expected, e.doubtful = shard, c.silent(now)
		request = append(request, e)
		bytes += e.size
	}
	return request
}

// takeReady needs mu.
func (c *collector) takeReady() {
	c.readyBytes -= c.ready[0].size
	c.ready[0] = nil
	if c.ready = c.ready[1:]; len(c.ready) == 0 {
		c.ready, c.sendBy = nil, never
	}
}

// repack makes new entries, by the present route, of records that were taken out of an entry: what was one aggregate becomes one or more
// for each shard. The new ones go in front of everything of their lanes that has not been sent. It needs mu.
func (c *collector) repack(e *entry, records []record) {
	for _, group := range c.route.divide(records) {
		entries := c.route.pack(group.records)
		for _, n := range entries {
			n.inherit(e)
			n.lane = group.lane
			if !c.ordered {
				c.makeReady(n)
			}
		}
		if c.ordered {
			group.lane.queue = append(entries, group.lane.queue...)
		}
	}
	c.leave(e)
}

// inherit takes over what holds for all parts of an entry that was taken apart.
func (e *entry) inherit(from *entry) {
	e.sendBy = from.sendBy
	e.schedule, e.attempted = from.schedule, from.attempted
}

// group is records of one lane, in their order.
type group struct {
	lane    *lane
	records []record
}

// divide sorts records by lane. Within a lane their order stays.
func (r *route) divide(records []record) []group {
	var groups []group
	at := make(map[*lane]int)
	for i := range records {
		l := r.lane(&records[i])
		g, ok := at[l]
		if !ok {
			g = len(groups)
			at[l] = g
			groups = append(groups, group{lane: l})
		}
		groups[g].records = append(groups[g].records, records[i])
	}
	return groups
}
