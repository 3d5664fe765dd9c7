package leases

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"maps"
	"slices"
)

// standing is a lease as the planner sees it.
type standing struct {
	Lease
	idle    bool // it is nobody's, or its holder is silent
	overdue bool // it has been idle for so long that the worker for which it was meant seems not to take it
	barred  bool // this worker must leave it alone for now
}

// plan is what one worker does next to have its fair share.
type plan struct {
	take []Lease // idle ones, in the order in which to try
	ask  []Lease // others' leases
	// load counts each live worker's leases; one in a handoff counts where it goes.
	load map[string]int
}

// balance plans for worker me. It is a pure function: workers that see the same table compute the same distribution, each acts
// on its own part alone, and so they do not work against one another. maxLeases is 0 for no limit.
//
// Shares are equal within one. Leases that cannot be read weigh nothing: those at SHARD_END, and those whose parents have not
// ended. The busiest workers keep the larger shares, so that no lease moves without need.
func balance(me string, maxLeases int, all []standing) plan {
	p := planner{me: me, room: maxLeases, load: map[string]int{me: 0}}
	if maxLeases == 0 {
		p.room = len(all)
	}
	p.count(all)
	load := maps.Clone(p.load)
	p.setTargets()
	idle := p.shareOut()
	return plan{take: p.order(idle), ask: p.moves(), load: load}
}

// planner is one run of balance.
type planner struct {
	me      string
	room    int // how many leases me may still get
	asking  int // handoffs to me that are under way
	load    map[string]int
	idle    []standing
	held    []standing // runnable, with a live holder
	workers []string   // busiest first
	target  map[string]int
}

// count sorts the leases and finds out who lives and how much each has.
func (p *planner) count(all []standing) {
	unfinished := make(map[string]bool, len(all))
	for _, l := range all {
		unfinished[l.Key] = !l.Ended()
	}
	for _, l := range all {
		runnable := unfinished[l.Key] && !slices.ContainsFunc(l.ParentKeys(), func(k string) bool { return unfinished[k] })
		if !l.idle {
			p.countHeld(l, runnable)
		} else if runnable {
			p.idle = append(p.idle, l)
		}
	}
	byKey := func(a, b standing) int { return cmp.Compare(a.Key, b.Key) }
	slices.SortFunc(p.idle, byKey)
	slices.SortFunc(p.held, byKey)
}

// countHeld notes a lease with a live holder. Whom it names as its next owner lives too, until the holder's silence says otherwise.
func (p *planner) countHeld(l standing, runnable bool) {
	to := cmp.Or(l.Owner, l.CheckpointOwner)
	p.load[l.Holder()] += 0
	p.load[to] += 0
	if to == p.me {
		p.room--
		if l.CheckpointOwner != "" && l.CheckpointOwner != p.me {
			p.asking++
		}
	}
	if runnable {
		p.load[to]++
		p.held = append(p.held, l)
	}
}

// setTargets gives each worker its share of all that can be read.
func (p *planner) setTargets() {
	for worker := range p.load {
		p.workers = append(p.workers, worker)
	}
	slices.SortFunc(p.workers, func(a, b string) int {
		return cmp.Or(cmp.Compare(p.load[b], p.load[a]), cmp.Compare(a, b))
	})
	total := len(p.idle) + len(p.held)
	share, extra := total/len(p.workers), total%len(p.workers)
	p.target = make(map[string]int, len(p.workers))
	for i, worker := range p.workers {
		p.target[worker] = share
		if i < extra {
			p.target[worker]++
		}
	}
}

// shareOut deals the idle leases to those below their targets and returns what me should take. Of the leases dealt to others it
// returns those that are overdue: the other one is full, or about to be found dead.
func (p *planner) shareOut() []standing {
	var mine []standing
	next := p.dealer()
	for _, l := range p.idle {
		to := next()
		if (to == p.me || l.overdue) && !l.barred && p.room > 0 {
			p.room--
			mine = append(mine, l)
		}
	}
	return mine
}

// dealer returns a function that names the next worker below its target, the busiest first, and counts the lease to it; "" when
// there is none.
func (p *planner) dealer() func() string {
	at := 0
	return func() string {
		for ; at < len(p.workers); at++ {
			if worker := p.workers[at]; p.load[worker] < p.target[worker] {
				p.load[worker]++
				return worker
			}
		}
		return ""
	}
}

// maxAsks bounds the handoffs to one worker that are under way at once: each stops a shard for a moment.
func maxAsks(target int) int { return max(8, target/4) }

// moves returns what me should ask of those above their targets. The dealer goes on where shareOut left off.
func (p *planner) moves() []Lease {
	surplus := make(map[string]int, len(p.workers))
	for _, worker := range p.workers {
		surplus[worker] = max(0, p.load[worker]-p.target[worker])
	}
	limit := min(p.room, maxAsks(p.target[p.me])-p.asking)
	next := p.dealer()
	var asks []Lease
	for _, l := range p.held {
		if surplus[l.Owner] == 0 || l.CheckpointOwner != "" {
			continue
		}
		surplus[l.Owner]--
		if next() == p.me && !l.barred && len(asks) < limit {
			asks = append(asks, l.Lease)
		}
	}
	return asks
}

// order returns leases in an order of the worker's own. Workers that see different tables, as they do when all start at once, would
// otherwise all try the same lease first.
func (p *planner) order(idle []standing) []Lease {
	rank := make(map[string][sha256.Size]byte, len(idle))
	take := make([]Lease, len(idle))
	for i, l := range idle {
		take[i] = l.Lease
		rank[l.Key] = sha256.Sum256([]byte(p.me + "\x00" + l.Key))
	}
	slices.SortFunc(take, func(a, b Lease) int {
		x, y := rank[a.Key], rank[b.Key]
		return bytes.Compare(x[:], y[:])
	})
	return take
}
