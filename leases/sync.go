package leases

import (
	"strings"
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

// Missing returns the leases to create for a stream, given a listing of its shards and the leases that there are; stream is as in
// Lease.Stream. It is pure. Everything else comes into being when a parent ends.
//
//   - From TrimHorizon and AtTimestamp: the roots of the listing, where no lease exists for the root or for a descendant. A root
//     with a leased descendant was read before, and has been cleaned up since.
//   - From Latest: the open shards, where no lease exists for the shard or for an ancestor. An ancestor's end creates it.
//
// A lease that cannot be read is one too. The listing may have been filtered by the service or not. A synchronisation that goes on where
// another one was interrupted uses the first one's time, so that what arrived in between is read. For the same reason Latest is TrimHorizon
// where leases tell that the stream, or an earlier one of its name, has been read before, and none tells since when.
func Missing(listed []shards.Shard, existing Snapshot, stream string, start Start) []Lease {
	f := newFamily(listed)
	before := f.note(existing.Damaged, stream)
	var since time.Time
	for _, l := range existing.Leases {
		// One that stands at LATEST without a time is a Java worker's, whose first start may be under way.
		before = before || nameOf(l.Stream) == nameOf(stream) && !(l.Checkpoint == checkpoint.Latest && l.StartAt.IsZero())
		if l.Stream == stream {
			f.leased[l.ShardID] = true
			since = earliest(since, l.StartAt)
		}
	}
	start.At = earliest(start.At, since)
	if start.Position == checkpoint.Latest && before && since.IsZero() {
		start.Position = checkpoint.TrimHorizon
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

// nameOf returns what streams of one name have in common: all but the time at which they were made.
func nameOf(stream string) string { return stream[:strings.LastIndexByte(stream, ':')+1] }

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

// note counts the leases that cannot be read with the others, and reports whether there are any.
func (f family) note(damaged []DamagedError, stream string) bool {
	keys := make(map[string]bool, len(damaged))
	for _, damage := range damaged {
		keys[damage.Key] = true
	}
	before := false
	for _, s := range f.listed {
		if keys[keyOf(stream, s.ID)] {
			f.leased[s.ID], before = true, true
		}
	}
	return before
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
