package owned

import (
	"context"
	"maps"
	"slices"
	"sync"
)

// Group is a set of goroutines with one owner. The zero value is ready. Go may be called from any goroutine, also from
// one of the group, but not after a Wait that nothing in the group keeps open.
type Group struct {
	mu      sync.Mutex     // guards the fields below
	running map[string]int // name -> goroutines under it
	total   int
	idle    chan struct{} // closed when total falls to zero; nil while nobody waits
}

// Go runs f in a goroutine of its own. The name stands in the answer of [Group.Wait] while f runs; several goroutines may
// share one.
func (g *Group) Go(name string, f func()) {
	g.mu.Lock()
	if g.running == nil {
		g.running = make(map[string]int)
	}
	g.running[name]++
	g.total++
	g.mu.Unlock()
	go func() {
		defer g.done(name)
		f()
	}()
}

func (g *Group) done(name string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.running[name]--; g.running[name] == 0 {
		delete(g.running, name)
	}
	if g.total--; g.total == 0 && g.idle != nil {
		close(g.idle)
		g.idle = nil
	}
}

// Wait blocks until no goroutine of the group is left, or until ctx ends: then it returns the sorted names of those still
// running. A nil answer means that all have returned.
func (g *Group) Wait(ctx context.Context) []string {
	idle := g.whenIdle()
	if idle == nil {
		return nil
	}
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return g.Running()
	}
}

func (g *Group) whenIdle() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.total == 0 {
		return nil
	}
	if g.idle == nil {
		g.idle = make(chan struct{})
	}
	return g.idle
}

// Running returns the sorted names of the goroutines that run now, each once.
func (g *Group) Running() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Sorted(maps.Keys(g.running))
}
