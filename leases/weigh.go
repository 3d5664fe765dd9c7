package leases

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"
)

// What the planner does with what rows tell of traffic and of processors. Its limits are those of the Java library's leader where that has
// any: it moves leases when a worker carries a tenth more or less than the mean, and takes of a busy processor's leases six tenths of what
// is too much. Everything is reckoned in whole bytes and whole percent, so that all workers come to the same result.
const (
	bandPercent  = 10      // by which a worker may differ from the mean, and by which a move must bring two workers nearer to one another
	grainPercent = 1       // of the mean: what is less is not worth a move
	shedPercent  = 60      // of what a busy processor has too much
	busyPoints   = 10      // more percent of the processor than the mean is too much
	roomPoints   = 5       // a worker is given no lease with which it would, by the fleet's mean, use so many more than that
	leastFlow    = 1 << 10 // bytes a second, for each worker: below it nothing is moved for weight
	maxFlow      = 1 << 40 // what a row can say at most
)

// usage is what a worker's row says of its processor, in percent.
type usage struct {
	used, limit int
}

// flow returns the lease's weight: how many bytes a second are read of its shard, by its row.
func flow(l Lease) int64 {
	if !(l.ThroughputKBps > 0) {
		return 0 // or the row does not say; or it is no number
	}
	return int64(math.Round(min(l.ThroughputKBps, maxFlow/1024) * 1024))
}

// weights is the planner's knowledge of what each worker carries.
type weights struct {
	flow  map[string]int64 // bytes a second that a worker reads; a lease in a handoff counts where it goes
	total int64            // of all leases that can be read
	of    map[string][]int // where each worker's leases are in held, as they were at first
}

// weigh counts a lease to a worker.
func (w *weights) weigh(l Lease, worker string) {
	if x := flow(l); x > 0 {
		w.flow[worker] += x
		w.total += x
	}
}

// pass counts a lease that moves.
func (p *planner) pass(l Lease, to string) {
	p.load[l.Owner]--
	p.load[to]++
	p.flow[l.Owner] -= flow(l)
	p.flow[to] += flow(l)
}

// mean returns what each worker would read if all read the same.
func (p *planner) mean() int64 { return p.total / int64(max(1, len(p.workers))) }

func (p *planner) band() int64 { return p.mean() * bandPercent / 100 }

func (p *planner) grain() int64 { return p.mean() * grainPercent / 100 }

// A worker has at least half of an even share of the leases, and at most half as many more, or one, whatever their weights.
func (p *planner) least(worker string) int { return p.fair(worker) - p.fair(worker)/2 }

func (p *planner) most(worker string) int {
	most := p.even + max(1, p.even/2)
	if limit := p.limit(worker); limit > 0 {
		return min(most, limit)
	}
	return most
}

// fair returns a worker's even share, less what does not come out even.
func (p *planner) fair(worker string) int {
	if limit := p.limit(worker); limit > 0 {
		return min(p.even, limit)
	}
	return p.even
}

// excuse leaves those who carry much already with fewer of the idle leases than would make their shares even, and more to the others.
func (p *planner) excuse() {
	if p.total == 0 || len(p.pool) == 0 {
		return
	}
	var sum int64
	for _, l := range p.pool {
		sum += flow(l.Lease)
	}
	var others []string
	even, total, rest := maps.Clone(p.target), 0, 0
	for _, worker := range p.workers {
		total, rest = total+p.target[worker], rest+p.target[worker]
		if most := p.load[worker] + p.bearable(worker, sum/int64(len(p.pool))); most < p.target[worker] {
			p.target[worker] = max(most, p.least(worker))
			rest -= p.target[worker]
		} else {
			others = append(others, worker)
		}
	}
	p.spread(others, rest)
	for _, worker := range p.workers {
		total -= p.target[worker]
	}
	if total > 0 {
		p.target = even // the others have no room, and an idle lease is worse than an uneven load
	}
}

// bearable returns how many leases of a weight a worker could have without carrying clearly more than the mean.
func (p *planner) bearable(worker string, x int64) int {
	if p.strain(worker) >= busyPoints {
		return 0
	}
	x = max(1, x)
	return int(max(0, (p.mean()+p.band()-p.flow[worker]+x/2)/x))
}

// standIn returns the load that a worker which stops gives its leases by: who carries much counts as having an even share at least.
func (p *planner) standIn() map[string]int {
	load := maps.Clone(p.load)
	maps.DeleteFunc(load, func(worker string, _ int) bool { return p.leaving[worker] })
	for _, worker := range p.workers {
		if p.total > 0 && p.bearable(worker, p.total/int64(len(p.pool)+len(p.held))) == 0 {
			load[worker] = max(load[worker], p.fair(worker))
		}
	}
	return load
}

// admits reports whether a lease may move to a worker for the sake of even counts: not if what the two read would become more uneven by it.
// So whatever was moved for weight is not moved back. Where nothing is known of weights, everything may.
func (p *planner) admits(l standing, to string) bool {
	x := flow(l.Lease)
	switch {
	case p.total == 0 || p.load[to] < p.least(to) || p.load[l.Owner] > p.most(l.Owner):
		return true
	case l.from == to || !p.roomy(l.Lease, to):
		return false
	case x < p.grain():
		return p.flow[to]+x <= p.mean()+p.band()
	}
	return p.flow[to]+x <= p.flow[l.Owner]
}

// parting returns the leases of those who have too many, in the order in which to part with them. Where weights are known it begins with an
// even choice of heavy and light ones for each worker's surplus, so that who gets them carries as much as who gave them.
func (p *planner) parting(surplus map[string]int) []standing {
	if p.total == 0 {
		return p.held
	}
	of := make(map[string][]standing)
	for _, l := range p.held {
		if surplus[l.Owner] > 0 && l.CheckpointOwner == "" {
			of[l.Owner] = append(of[l.Owner], l)
		}
	}
	var first, rest []standing
	for _, worker := range p.workers {
		all := of[worker]
		n := min(surplus[worker], len(all))
		slices.SortStableFunc(all, func(a, b standing) int { return cmp.Compare(flow(b.Lease), flow(a.Lease)) })
		for i, l := range all {
			if (i*n+len(all)/2)/len(all) < ((i+1)*n+len(all)/2)/len(all) {
				first = append(first, l)
			} else {
				rest = append(rest, l)
			}
		}
	}
	return append(first, rest...)
}

// settled reports whether the counts are, so that weights have their turn: nothing is idle, on its way, or new to its holder.
func (p *planner) settled() bool {
	return len(p.pool) == 0 && !p.moved && !slices.ContainsFunc(p.held, func(l standing) bool {
		_, shares := p.target[l.Owner]
		return l.CheckpointOwner != "" || l.unaware || !shares
	})
}

// shifts returns what me should ask for to make weights even. All leases that should move are worked out, one for each receiver, since each
// move changes what is best for the next.
func (p *planner) shifts() []Lease {
	if p.led || p.partial || p.leaving[p.me] || p.mean() < leastFlow || !p.settled() {
		return nil
	}
	p.of = make(map[string][]int, len(p.workers))
	for i, l := range p.held {
		p.of[l.Owner] = append(p.of[l.Owner], i)
	}
	moves := p.relieve()
	if len(moves) == 0 {
		moves = p.level()
	}
	var mine []Lease
	for _, m := range moves {
		if m.to == p.me && !m.barred {
			mine = append(mine, m.Lease)
		}
	}
	return mine
}

// shift is a move for weight.
type shift struct {
	standing
	to string
}

// level plans moves from those who read much to those who read little.
func (p *planner) level() []shift {
	var moves []shift
	given := make(map[string]bool)
	for range p.workers {
		m, found := p.bestShift(given)
		if !found {
			break
		}
		moves = append(moves, p.make(m, given))
	}
	return moves
}

// make counts a move as made. No lease moves twice in a plan, and nobody is given two.
func (p *planner) make(m shift, given map[string]bool) shift {
	p.pass(m.Lease, m.to)
	i := slices.IndexFunc(p.held, func(l standing) bool { return l.Key == m.Key })
	p.held[i].recent = true
	given[m.to] = true
	return m
}

// bestShift returns the move that the heaviest worker that can give, and the lightest that can be given to, should make.
func (p *planner) bestShift(given map[string]bool) (shift, bool) {
	donors := slices.SortedFunc(slices.Values(p.workers), func(a, b string) int { return cmp.Or(cmp.Compare(p.flow[b], p.flow[a]), cmp.Compare(a, b)) })
	receivers := slices.Clone(donors)
	slices.Reverse(receivers)
	for _, from := range donors {
		if p.load[from] <= p.least(from) {
			continue
		}
		for _, to := range receivers {
			if p.flow[from]-p.flow[to] <= p.band() {
				break
			}
			outside := p.flow[from] > p.mean()+p.band() || p.flow[to] < p.mean()-p.band()
			if !outside || given[to] || p.load[to] >= p.most(to) {
				continue
			}
			if l, found := p.choose(from, to); found {
				return shift{l, to}, true
			}
		}
	}
	return shift{}, false
}

// choose returns the lease that comes nearest to what the one has too much or the other lacks, whichever is less. Its move brings them nearer
// to one another by more than the band, so that no noise sends it back.
func (p *planner) choose(from, to string) (best standing, found bool) {
	gap, excess, lack := p.flow[from]-p.flow[to], p.flow[from]-p.mean(), p.mean()-p.flow[to]
	ideal, least := gap/2, p.band()/2
	if excess > 0 && lack > 0 {
		ideal = min(excess, lack)
	}
	if excess > p.band() {
		least = p.grain()
	}
	off := func(l standing) int64 { return max(flow(l.Lease)-ideal, ideal-flow(l.Lease)) }
	for _, l := range p.movable(from) {
		x := flow(l.Lease)
		if l.from == to || x < least || gap-x <= p.band() || !p.roomy(l.Lease, to) {
			continue
		}
		if !found || off(l) < off(best) {
			best, found = l, true
		}
	}
	return best, found
}

// movable returns a worker's leases that may be moved for weight.
func (p *planner) movable(worker string) []standing {
	var all []standing
	for _, i := range p.of[worker] {
		if l := p.held[i]; !l.recent && flow(l.Lease) >= p.grain() {
			all = append(all, l)
		}
	}
	return all
}

// strain returns by how many percent a worker's processor is busier than the mean of those that tell; 0: it does not tell.
func (p *planner) strain(worker string) int {
	u, tells := p.cpu[worker]
	if !tells {
		return 0
	}
	return u.used - p.meanUse()
}

// meanUse returns the mean of the processors' use, over the workers that tell.
func (p *planner) meanUse() int {
	sum, n := 0, 0
	for _, worker := range p.workers {
		if u, tells := p.cpu[worker]; tells {
			sum, n = sum+u.used, n+1
		}
	}
	return sum / max(1, n)
}

// roomy reports whether a worker's processor can bear a lease of another one. What it will cost nobody knows: the mean is taken of what it
// costs that one and, if that is less, of what it would by the mean of the fleet.
func (p *planner) roomy(l Lease, to string) bool {
	u, tells := p.cpu[to]
	if !tells {
		return true
	}
	cost := flow(l) * int64(p.meanUse()) / max(1, p.mean())
	if from, tells := p.cpu[l.Owner]; tells {
		cost = max(cost, (cost+flow(l)*int64(from.used)/max(1, p.flow[l.Owner]))/2)
	}
	return u.used+int(cost) <= min(p.meanUse()+roomPoints, u.limit)
}

// relieve plans moves from those whose processors are far busier than the mean. What a processor does shows late, so there are none while
// any lease has moved lately.
func (p *planner) relieve() []shift {
	if slices.ContainsFunc(p.held, func(l standing) bool { return l.recent }) {
		return nil
	}
	byUse := slices.SortedFunc(slices.Values(p.workers), func(a, b string) int { return cmp.Or(cmp.Compare(p.cpu[a].used, p.cpu[b].used), cmp.Compare(a, b)) })
	byUse = slices.DeleteFunc(byUse, func(worker string) bool { _, tells := p.cpu[worker]; return !tells })
	var moves []shift
	given := make(map[string]bool)
	for _, from := range slices.Backward(byUse) {
		if p.load[from] <= p.least(from) || p.strain(from) < busyPoints && p.cpu[from].used <= p.cpu[from].limit {
			continue
		}
		for _, to := range byUse {
			if given[to] || p.load[to] >= p.most(to) {
				continue
			}
			if l, found := p.ballast(from, to); found {
				moves = append(moves, p.make(shift{l, to}, given))
				break
			}
		}
	}
	return moves
}

// ballast returns the heaviest lease within what a busy worker should lose, else its lightest, if the other one can bear it.
func (p *planner) ballast(from, to string) (best standing, found bool) {
	use := p.cpu[from].used
	excess := max(use-p.meanUse(), use-p.cpu[from].limit)
	most := p.flow[from] * int64(excess) * shedPercent / 100 / int64(max(1, use))
	for _, l := range p.movable(from) {
		x, y := flow(l.Lease), flow(best.Lease)
		if l.from != to && p.roomy(l.Lease, to) && (!found || x <= most && (y > most || x > y) || x > most && x < y) {
			best, found = l, true
		}
	}
	return best, found
}

// heedWeights returns the moves for weight that it is time to ask for: what a look at the table shows must have been so in every one for a while.
func (c *Coordinator) heedWeights(p plan) []Lease {
	now := time.Now()
	switch {
	case len(p.shift) == 0:
		c.uneven = time.Time{}
		return nil
	case c.uneven.IsZero():
		c.uneven = now
	}
	if now.Sub(c.uneven) < c.pace.patience {
		return nil
	}
	c.uneven = time.Time{}
	return p.shift
}
