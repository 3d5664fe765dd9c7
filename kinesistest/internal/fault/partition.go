package fault

import (
	"net/http"
	"slices"
	"sync"
)

// A Partition cuts callers off the server, as a network does: what either side sends is held until the partition heals.
type Partition struct {
	set     *Set
	callers []string
	once    sync.Once
	healed  chan struct{}
}

// Cut begins a partition.
func (s *Set) Cut(callers ...string) *Partition {
	p := &Partition{set: s, callers: slices.Clone(callers), healed: make(chan struct{})}
	s.mu.Lock()
	defer s.mu.Unlock()
	all := append(slices.Clip(*s.partitions.Load()), p)
	s.partitions.Store(&all)
	return p
}

// Heal ends the partition. What was held goes on its way. It may be called more than once.
func (p *Partition) Heal() {
	p.once.Do(func() {
		s := p.set
		s.mu.Lock()
		all := slices.DeleteFunc(slices.Clone(*s.partitions.Load()), func(o *Partition) bool { return o == p })
		s.partitions.Store(&all)
		s.mu.Unlock()
		close(p.healed)
	})
}

// behind holds a caller's request while it is cut off, and returns a response writer that does the same to every part of the
// reply.
func (s *Set) behind(name string, w http.ResponseWriter, r *http.Request) http.ResponseWriter {
	gate := func() {
		for _, p := range *s.partitions.Load() {
			if slices.Contains(p.callers, name) {
				s.await(p, r)
			}
		}
	}
	gate()
	return &held{ResponseWriter: w, gate: gate}
}

// await returns when the partition has healed. If the client or the server goes first, it breaks the connection off: the
// request never arrived, or the reply never will.
func (s *Set) await(p *Partition, r *http.Request) {
	select {
	case <-p.healed:
	case <-r.Context().Done():
		breakOff()
	case <-s.closed:
		breakOff()
	}
}
