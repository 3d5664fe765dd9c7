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

// stale notes a row and reports whether it has stood still for longer than its worker would let it.
func (c *callers) stale(row Worker, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	known, ok := c.seen[row.ID]
	if !ok || !known.updated.Equal(row.Updated) {
		c.note(row, now)
		// Nothing but the row's own time can tell at first sight.
		return now.Sub(row.Updated) > max(row.silentAfter(), 2*javaBeat)
	}
	return now.Sub(known.since) > row.silentAfter()
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
