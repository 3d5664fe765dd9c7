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
	mu     sync.Mutex // guards the fields below
	load   map[string]int
	prompt map[string]bool // those of this package, which take at once what they are given
}

// know takes over what the last look at the table said about the other workers.
func (h *heirs) know(load map[string]int, prompt map[string]bool, me string) {
	others := maps.Clone(load)
	delete(others, me)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.load, h.prompt = others, prompt
}

// prompts reports whether a worker takes at once what it is given, if it lives.
func (h *heirs) prompts(worker string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.prompt[worker]
}

// none reports whether there is no other worker.
func (h *heirs) none() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.load) == 0
}

// strike takes a worker off the list.
func (h *heirs) strike(worker string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.load, worker)
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
