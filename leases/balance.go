package leases

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"slices"
)

// standing is a lease as the planner sees it.
type standing struct {
	Lease
	idle    bool   // it is nobody's, or its holder is silent
	old     bool   // its row has stood still for three failover times
	overdue bool   // it has been idle for so long that the worker for which it was meant seems not to take it
	barred  bool   // this worker must leave it alone for now
	held    bool   // this worker holds it
	unaware bool   // its holder may not know yet, and so not hear that it is asked for
	from    string // who had it before, if that was not long ago: it does not go back there for weight
	recent  bool   // it changed hands lately, or was asked for: it does not move for weight
	remote  bool   // others watch it: whether its holder lives is for them to find out
}

// scene is everything that a plan is made from.
type scene struct {
	me        string
	maxLeases int // of this worker; 0: no limit
	maxMoves  int // handoffs to this worker at once; 0: the usual number
	leases    []standing
	members   map[string]bool  // workers that live; nil: those that hold leases
	leaving   map[string]bool  // of these, the ones that take no more
	caps      map[string]int   // the others' limits, where they are known
	cpu       map[string]usage // the workers' processors, where they are known
	led       bool             // a Java worker leads: balancing is its business
	giving    bool             // what is dealt to others is written in their names, because not everybody sees it
	partial   bool             // a part of the table was read: enough to take, not to ask
}

// plan is what one worker does next to have its fair share.
type plan struct {
	take  []Lease // idle ones, in the order in which to try
	ask   []Lease // others' leases
	later int     // others' leases to ask for once their holders know of them
	shift []Lease // others' leases to ask for because of their weights, if there is nothing else to do and it stays so
	offer []gift  // leases of this worker that others lack, if they go on lacking them
	// coming counts the handoffs to each worker that are under way, and those of offer.
	coming map[string]int
	give   []gift // idle ones for others
	share  int    // how many leases this worker should have
	idle   int    // leases that can be read and that nobody holds
	old    int    // those of them that have been so for long
	// load counts each live worker's leases, those of workers that leave excepted; one in a handoff counts where it goes.
	load map[string]int
}

// gift is a lease and the worker that should have it.
type gift struct {
	Lease
	to string
}

// balance plans for one worker. It is a pure function: workers that see the same table compute the same distribution, each acts on
// its own part alone, and so they do not work against one another.
//
// Shares are equal within one, below each worker's limit, unless weights speak against it (weigh.go). Leases that cannot be read do not
// count: those at SHARD_END, and those whose parents have not ended. The busiest workers keep the larger shares, so that no lease moves
// without need.
func balance(s scene) plan {
	p := planner{scene: s, room: s.maxLeases, load: map[string]int{s.me: 0}, coming: make(map[string]int), weights: weights{flow: make(map[string]int64)}}
	if s.maxLeases == 0 {
		p.room = len(s.leases)
	}
	p.count()
	p.setTargets()
	load := p.standIn()
	mine, gifts := p.shareOut()
	asks, offers := p.moves()
	return plan{
		take: p.order(mine), give: gifts, ask: asks, offer: offers, coming: p.coming, later: p.later, share: p.share(), idle: p.idle, old: p.old, load: load,
		shift: p.shifts(),
	}
}

// planner is one run of balance.
type planner struct {
	scene
	room    int            // how many leases me may still get
	coming  map[string]int // handoffs to each worker that are under way
	load    map[string]int
	pool    []standing // to be dealt: idle, or bound to be
	idle    int        // those of them that this worker may deal with now
	old     int
	later   int
	held    []standing // runnable, with a live holder
	workers []string   // those that have a share, the busiest first
	next    int        // of those, the first that may be below its target
	target  map[string]int
	even    int  // what everybody would have at least if all leases weighed the same
	moved   bool // somebody should have a lease of somebody else's by count
	content bool // me has too few leases and would carry too much with more
	weights
}

// count sorts the leases and finds out who lives and how much each has.
func (p *planner) count() {
	for worker := range p.members {
		p.load[worker] += 0
	}
	unfinished := make(map[string]bool, len(p.leases))
	for _, l := range p.leases {
		unfinished[l.Key] = !l.Ended()
	}
	for _, l := range p.leases {
		runnable := unfinished[l.Key] && !slices.ContainsFunc(l.ParentKeys(), func(k string) bool { return unfinished[k] })
		switch {
		case !p.orphaned(l):
			p.countHeld(l, runnable)
		case runnable:
			p.pool = append(p.pool, l)
			p.total += flow(l.Lease)
			p.countIdle(l)
		}
	}
	byKey := func(a, b standing) int { return cmp.Compare(a.Key, b.Key) }
	slices.SortFunc(p.pool, byKey)
	slices.SortFunc(p.held, byKey)
}

// orphaned reports whether a lease is to be dealt. Where each worker sees a part of the table, all leases of a holder that does not live are dealt
// together, whoever is to find them silent and when: so that all who deal a part of them deal the same.
func (p *planner) orphaned(l standing) bool {
	return l.idle || p.giving && p.members != nil && !p.members[l.Holder()] && l.Holder() != p.me
}

func (p *planner) countIdle(l standing) {
	if !l.idle || l.remote {
		return
	}
	p.idle++
	if l.old {
		p.old++
	}
}

// countHeld notes a lease with a live holder. Whom it names as its next owner lives too, until the holder's silence says otherwise.
func (p *planner) countHeld(l standing, runnable bool) {
	to := cmp.Or(l.Owner, l.CheckpointOwner)
	p.load[l.Holder()] += 0
	p.load[to] += 0
	if to == p.me {
		p.room--
	}
	if l.CheckpointOwner != "" && l.CheckpointOwner != to {
		p.coming[to]++
	}
	if runnable {
		p.load[to]++
		p.weigh(l.Lease, to)
		p.held = append(p.held, l)
	}
}

// setTargets gives each worker its share of all that can be read. Workers that leave, or that are about to be found dead, have none.
func (p *planner) setTargets() {
	for worker := range p.load {
		if worker == p.me || !p.leaving[worker] && (p.members == nil || p.members[worker]) {
			p.workers = append(p.workers, worker)
		}
	}
	slices.SortFunc(p.workers, func(a, b string) int {
		return cmp.Or(cmp.Compare(p.load[b], p.load[a]), cmp.Compare(a, b))
	})
	p.target = make(map[string]int, len(p.workers))
	p.even = p.spread(p.workers, len(p.pool)+len(p.held))
	p.excuse()
}

// spread sets even targets that come to total, as far as there is room, and returns what everybody gets at least who has the room.
func (p *planner) spread(workers []string, total int) int {
	open := slices.Clone(workers)
	for len(open) > 0 {
		share, extra := total/len(open), total%len(open)
		full := func(worker string) bool { limit := p.limit(worker); return limit > 0 && limit <= share }
		if !slices.ContainsFunc(open, full) {
			for i, worker := range open {
				p.target[worker] = share
				if i < extra {
					p.target[worker]++
				}
			}
			return share
		}
		// Those that cannot take a full share take what they can; the others share the rest.
		open = slices.DeleteFunc(open, func(worker string) bool {
			if full(worker) {
				p.target[worker] = p.limit(worker)
				total -= p.limit(worker)
				return true
			}
			return false
		})
	}
	return 0
}

// share returns how many leases me should have.
func (p *planner) share() int {
	if p.content {
		return p.load[p.me]
	}
	return p.target[p.me]
}

// limit returns how many leases a worker holds at most; 0: any number, or nobody knows.
func (p *planner) limit(worker string) int {
	if worker == p.me {
		return p.maxLeases
	}
	return p.caps[worker]
}

// shareOut deals the idle leases to those below their targets and returns what me should take, and what it should give to others. Of the
// leases dealt to others me takes those that are overdue: the other one is full, or about to be found dead.
func (p *planner) shareOut() (mine []standing, gifts []gift) {
	next := p.dealer()
	for _, l := range p.pool {
		to := next(l)
		switch {
		case l.barred, l.remote, !l.idle:
		case (to == p.me || l.overdue) && p.room > 0:
			p.room--
			mine = append(mine, l)
		case p.giving && !p.led && to != p.me && to != "":
			gifts = append(gifts, gift{l.Lease, to})
		}
	}
	return mine, gifts
}

// dealer returns a function that names the worker which gets a lease, and counts it to it; "" when all have their shares. Where everybody
// sees the same leases, the busiest worker comes first. Where each sees a part of them, the lease's key decides: all parts would otherwise
// go to the same few workers. Whoever let the lease fall idle does not get it again.
func (p *planner) dealer() func(standing) string {
	if p.giving {
		return p.dealByKey
	}
	return p.dealInOrder
}

func (p *planner) dealByKey(l standing) string {
	best, rank := "", [sha256.Size]byte{}
	for _, worker := range p.workers {
		if p.load[worker] >= p.target[worker] || worker == l.Owner && worker != p.me {
			continue
		}
		if r := rankOf(worker, l.Key); best == "" || bytes.Compare(r[:], rank[:]) < 0 {
			best, rank = worker, r
		}
	}
	if best != "" {
		p.load[best]++
		p.flow[best] += flow(l.Lease)
	}
	return best
}

// dealInOrder names the first worker below its target.
func (p *planner) dealInOrder(l standing) string {
	for ; p.next < len(p.workers); p.next++ {
		if worker := p.workers[p.next]; p.load[worker] < p.target[worker] {
			p.load[worker]++
			p.flow[worker] += flow(l.Lease)
			return worker
		}
	}
	return ""
}

// maxAsks bounds the handoffs to one worker that are under way at once: each stops a shard for a moment.
func (p *planner) maxAsks() int {
	if p.maxMoves > 0 {
		return p.maxMoves
	}
	return max(8, p.target[p.me]/4)
}

// moves returns what me should ask of those above their targets, and what it should offer to those below them. The dealer goes on where
// shareOut left off.
func (p *planner) moves() (asks []Lease, offers []gift) {
	if p.led || p.partial || p.leaving[p.me] {
		return nil, nil
	}
	surplus := make(map[string]int, len(p.workers))
	for _, worker := range p.workers { // those that leave give their leases away by themselves
		surplus[worker] = max(0, p.load[worker]-p.target[worker])
	}
	limit := min(p.room, p.maxAsks()-p.coming[p.me])
	for _, l := range p.parting(surplus) {
		if surplus[l.Owner] == 0 || l.CheckpointOwner != "" || l.held && l.barred {
			continue
		}
		to := p.receiver(l)
		if to == "" {
			continue
		}
		surplus[l.Owner]--
		p.moved = true
		p.pass(l.Lease, to)
		switch {
		case l.barred:
		case to != p.me:
			offers = p.offer(offers, l, to)
		case len(asks) >= limit:
		case l.unaware:
			p.later++
		default:
			asks = append(asks, l.Lease)
		}
	}
	return asks, offers
}

// offer adds a lease of me's to what it offers. Where everybody sees the whole table nothing is offered: who lacks a lease knows it. To others
// one at a time is offered, if nothing is on its way to them: they may want to have few moves at once.
func (p *planner) offer(offers []gift, l standing, to string) []gift {
	if !p.giving || !l.held || p.coming[to] > 0 {
		return offers
	}
	p.coming[to]++
	return append(offers, gift{l.Lease, to})
}

// receiver returns the first worker below its target that should have a lease of another one; "": none should.
func (p *planner) receiver(l standing) string {
	for i := p.next; i < len(p.workers); i++ {
		worker := p.workers[i]
		switch {
		case p.load[worker] >= p.target[worker]:
			if i == p.next {
				p.next++
			}
		case p.admits(l, worker):
			return worker
		case worker == p.me:
			p.content = true
		}
	}
	return ""
}

// order returns leases in an order of the worker's own. Workers that see different tables, as they do when all start at once, would
// otherwise all try the same lease first.
func (p *planner) order(idle []standing) []Lease {
	rank := make(map[string][sha256.Size]byte, len(idle))
	take := make([]Lease, len(idle))
	for i, l := range idle {
		take[i] = l.Lease
		rank[l.Key] = rankOf(p.me, l.Key)
	}
	slices.SortFunc(take, func(a, b Lease) int {
		x, y := rank[a.Key], rank[b.Key]
		return bytes.Compare(x[:], y[:])
	})
	return take
}

// rankOf draws a lot for a worker and a thing: the same everywhere, and independent for each pair.
func rankOf(worker, thing string) [sha256.Size]byte {
	return sha256.Sum256([]byte(worker + "\x00" + thing))
}
