package leases

import (
	"cmp"
	"maps"
	"slices"
	"sync"
)

// heirs says to whom a worker that stops gives its leases: to the live worker with the fewest, so that the fleet is even without
// another move.
type heirs struct {
	mu   sync.Mutex // guards load
	load map[string]int
}

// know takes over what the last look at the table said about the other workers.
func (h *heirs) know(load map[string]int, me string) {
	others := maps.Clone(load)
	delete(others, me)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.load = others
}

// next returns the worker that gets the next lease and counts it, or "" where there is no other. It is never the worker named
// but: the one from whom the lease has just come, who is stopping as well.
func (h *heirs) next(but string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	candidates := slices.DeleteFunc(slices.Collect(maps.Keys(h.load)), func(worker string) bool { return worker == but })
	if len(candidates) == 0 {
		return ""
	}
	heir := slices.MinFunc(candidates, func(a, b string) int { return cmp.Or(cmp.Compare(h.load[a], h.load[b]), cmp.Compare(a, b)) })
	h.load[heir]++
	return heir
}
