package producer

import (
	"hash/maphash"
	"sync"

	"github.com/penstock-go/penstock/internal/hashkey"
	"github.com/penstock-go/penstock/internal/shards"
)

// mode is what the producer knows about the stream. The package documentation draws the transitions.
type mode uint8

const (
	holding mode = iota // nothing yet: records wait
	plain               // no shards: each record goes on its own
	sharded             // the open shards: records of a shard share aggregates
)

// virtualLanes is how many lanes there are without shards. With Config.Ordered it bounds how many records are in flight.
const virtualLanes = 512

// route says which lane a record goes through. It is immutable and replaced as a whole, see install.
type route struct {
	mode   mode
	shards []shards.Shard // tile the hash space; none if they are not known. With them, mode plain only means no aggregates
	ends   []hashkey.Key  // of their ranges
	spans  map[string]hashkey.Range
	lanes  []*lane
	seed   maphash.Seed
	loaded moment // when the listing of the shards began
	// budgets are those of the shards, in their order; guarded by collector.mu as soon as the route is installed
	budgets []*budget
	packing
}

// lane is where records wait that may share aggregates, and whose order is kept if the producer is ordered: one for each shard, or a
// share of the partition keys where shards are not known.
type lane struct {
	shard string        // that all records of the lane belong to, or ""
	span  hashkey.Range // of that shard
	held  bool          // nothing leaves it but by a new route

	// mu guards the fields below it. The installer of a new route holds it for all lanes that the route gives up, so that whoever waited
	// for it finds the new route published. It is taken before collector.mu.
	mu      sync.Mutex
	open    filling
	retired bool
	packing packing

	// The fields below are guarded by collector.mu and used if the producer is ordered, or the lane held.
	queue    []*entry
	out      *entry // the only one that may be sent; nil if none
	blockers int    // entries of retired lanes that must have their result first
	overdue  bool   // the open aggregate has lingered enough: it goes as soon as out is done
}

// lane returns the lane of a record.
func (r *route) lane(rec *record) *lane {
	switch r.mode {
	case sharded:
		return r.lanes[r.shard(rec.hash)]
	case plain:
		// By the partition key, not by the hash key: records of one key may have different explicit hash keys.
		return r.lanes[maphash.String(r.seed, rec.partitionKey)%virtualLanes]
	case holding:
	}
	return r.lanes[0]
}

// shard returns the index of the shard that a hash key belongs to. Where there are shards they tile the space.
func (r *route) shard(k hashkey.Key) int {
	low, high := 0, len(r.ends)-1
	for low < high {
		middle := int(uint(low+high) >> 1)
		if end := &r.ends[middle]; k.Hi < end.Hi || k.Hi == end.Hi && k.Lo <= end.Lo {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return low
}

// expect finds the one shard to which a whole entry belongs. It returns false if there is none, or if an aggregate would have to be
// sent without knowing.
func (r *route) expect(e *entry) (shard string, ok bool) {
	if r.mode != sharded && e.aggregated && len(e.records) > 1 {
		return "", false
	}
	if len(r.shards) == 0 {
		return "", true
	}
	s := &r.shards[r.shard(e.span.Start)]
	return s.ID, s.Range.Contains(e.span.End)
}

// judgement is what a shard says about an entry that was stored in it.
type judgement uint8

const (
	arrived judgement = iota // every consumer finds it
	strayed                  // a consumer that checks ranges drops it
	unclear                  // the shard is not known yet
)

// judge decides whether an aggregate that was stored in an unexpected shard is good there: only if all its records belong to it,
// since the KCL drops an aggregate as a whole. Single plain records are never dropped.
func (r *route) judge(e *entry, shard string) judgement {
	span, known := r.spans[shard]
	switch {
	case !e.aggregated || len(e.records) == 1 || shard == e.expected && !e.doubtful:
		return arrived
	case !known || e.doubtful && e.landed.at-r.loaded > remakeTime:
		return unclear
	case span.Contains(e.span.Start) && span.Contains(e.span.End):
		return arrived
	}
	return strayed
}

// misplaces reports whether the shard in which an entry was stored is one where the service does not put such entries, by the listing that
// it was sent by. Then the service does not go by hash keys, or the stream is another one by now.
func (r *route) misplaces(e *entry, shard string) bool {
	span, known := r.spans[shard]
	return known && e.expected != "" && e.expected != shard && !(span.Contains(e.span.Start) && span.Contains(e.span.End))
}

func newHolding(p packing) *route {
	return &route{mode: holding, packing: p, lanes: []*lane{{held: true, packing: p}}}
}

// newPlain makes a route without aggregation. The lanes of an old route of that kind stay.
func newPlain(p packing, old *route) *route {
	p.aggregate = false
	if old != nil && old.mode == plain && old.packing == p {
		return &route{mode: plain, seed: old.seed, packing: p, lanes: old.lanes}
	}
	r := &route{mode: plain, seed: maphash.MakeSeed(), packing: p, lanes: make([]*lane, virtualLanes)}
	for i := range r.lanes {
		r.lanes[i] = &lane{packing: p}
	}
	return r
}

// newSharded makes the route for a listing whose open shards tile the space. Lanes of shards that the old route has, too, are kept
// as they are.
func newSharded(p packing, open []shards.Shard, old *route) *route {
	r := &route{mode: sharded, packing: p}
	kept := make(map[string]*lane)
	if old.mode == sharded && old.packing == p {
		for _, l := range old.lanes {
			kept[l.shard] = l
		}
	}
	for _, s := range open {
		l := kept[s.ID]
		if l == nil || l.span != s.Range {
			l = &lane{shard: s.ID, span: s.Range, packing: p}
		}
		r.lanes = append(r.lanes, l)
	}
	return r
}

// know adds what a listing of the open shards says. Budgets of shards that the old route has, too, go on.
func (r *route) know(open []shards.Shard, loaded moment, old *route, percent int) {
	r.shards, r.loaded = open, loaded
	r.spans = make(map[string]hashkey.Range, len(open))
	kept := make(map[string]*budget, len(old.budgets))
	for _, b := range old.budgets {
		kept[b.shard.ID] = b
	}
	for _, s := range open {
		r.ends = append(r.ends, s.Range.End)
		r.spans[s.ID] = s.Range
		b := kept[s.ID]
		if b == nil || b.shard.Range != s.Range {
			b = newBudget(s, percent, loaded)
		}
		r.budgets = append(r.budgets, b)
	}
}
