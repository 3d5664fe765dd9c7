package leases

import (
	"time"

	"github.com/penstock-go/penstock/checkpoint"
	"github.com/penstock-go/penstock/internal/shards"
)

// Start is where the reading of a stream begins that has no leases yet.
type Start struct {
	// Position is TrimHorizon, Latest or AtTimestamp.
	Position checkpoint.Position
	// At is stored as Lease.StartAt. For AtTimestamp it is the user's time. For Latest it is the service's own clock at the
	// listing, less a second, so that "latest" stays where it was at the first start, whatever restarts or expires later. It is
	// not used for TrimHorizon.
	At time.Time
}

// Missing returns the leases to create for a stream, given a listing of its shards and the leases that it has already; stream is
// as in Lease.Stream. It is pure. Everything else comes into being when a parent ends.
//
//   - From TrimHorizon and AtTimestamp: the roots of the listing, where no lease exists for the root or for a descendant. A root
//     with a leased descendant was read before, and has been cleaned up since.
//   - From Latest: the open shards, where no lease exists for the shard or for an ancestor. An ancestor's end creates it.
//
// The listing may have been filtered by the service or not. A synchronisation that goes on where another one was interrupted
// uses the first one's time, so that what arrived in between is read.
func Missing(listed []shards.Shard, existing []Lease, stream string, start Start) []Lease {
	f := newFamily(listed)
	for _, l := range existing {
		if l.Stream == stream {
			f.leased[l.ShardID] = true
			start.At = earliest(start.At, l.StartAt)
		}
	}
	var missing []Lease
	for _, s := range f.beginnings(start.Position) {
		l := ForShard(stream, s, start.Position)
		if start.Position != checkpoint.TrimHorizon {
			l.StartAt = start.At
		}
		missing = append(missing, l)
	}
	return missing
}

func earliest(a, b time.Time) time.Time {
	if b.IsZero() || (!a.IsZero() && a.Before(b)) {
		return a
	}
	return b
}

// family is a stream's shards, how they descend from one another, and which of them have leases.
type family struct {
	listed            []shards.Shard
	parents, children map[string][]string
	leased            map[string]bool
}

func newFamily(listed []shards.Shard) family {
	f := family{
		listed: listed, leased: make(map[string]bool),
		parents: make(map[string][]string, len(listed)), children: make(map[string][]string, len(listed)),
	}
	for _, s := range listed {
		f.parents[s.ID] = s.Parents
		for _, parent := range s.Parents {
			f.children[parent] = append(f.children[parent], s.ID)
		}
	}
	return f
}

// beginnings returns the shards that need a lease now.
func (f family) beginnings(from checkpoint.Position) []shards.Shard {
	candidates, line := shards.Roots(f.listed), f.children
	if from == checkpoint.Latest {
		candidates, line = shards.Open(f.listed), f.parents
	}
	var missing []shards.Shard
	for _, s := range candidates {
		if !f.leased[s.ID] && !f.anyLeased(s.ID, line, make(map[string]bool)) {
			missing = append(missing, s)
		}
	}
	return missing
}

// anyLeased reports whether a relation of the shard has a lease, along one line. seen keeps a listing that runs in circles from
// doing so here.
func (f family) anyLeased(id string, line map[string][]string, seen map[string]bool) bool {
	for _, relation := range line[id] {
		if seen[relation] {
			continue
		}
		seen[relation] = true
		if f.leased[relation] || f.anyLeased(relation, line, seen) {
			return true
		}
	}
	return false
}
