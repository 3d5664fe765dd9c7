package leases

import (
	"sync"
	"time"
)

// callers remembers the rows of workers that ask for leases, to find out whether they change. A worker that died keeps its row; that
// it stands still can only be seen by looking twice.
type callers struct {
	mu   sync.Mutex // guards seen
	seen map[string]caller
}

type caller struct {
	updated time.Time
	since   time.Time // when the row was first seen as it is
}

// stale notes a row and reports whether its worker has let it stand still for too long: whether its clock has moved less than this one's
// since the row was first seen as it was. That is so too if the row has changed once and then no more. The clocks need not agree.
func (c *callers) stale(row Worker, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	known, ok := c.seen[row.ID]
	if !ok || !known.updated.Equal(row.Updated) {
		c.note(row, now)
	}
	if !ok {
		// Nothing but the row's own time can tell at first sight.
		return now.Sub(row.Updated) > max(row.silentAfter(), 2*javaBeat)
	}
	return now.Sub(known.since)-row.Updated.Sub(known.updated) > row.silentAfter()
}

// note keeps the row, and drops those that nobody has asked about for long. The caller holds mu.
func (c *callers) note(row Worker, now time.Time) {
	if c.seen == nil {
		c.seen = make(map[string]caller)
	}
	for id, known := range c.seen {
		if now.Sub(known.since) > forgottenAfter {
			delete(c.seen, id)
		}
	}
	c.seen[row.ID] = caller{row.Updated, now}
}
