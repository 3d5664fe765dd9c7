package leases

import (
	"slices"

	"github.com/penstock-go/penstock/checkpoint"
	"github.com/penstock-go/penstock/internal/hashkey"
	"github.com/penstock-go/penstock/internal/shards"
)

// Listing is what the service says about the shards of one stream, in one complete and unfiltered walk.
type Listing struct {
	Stream string // as in Lease.Stream
	Shards []shards.Shard
	// Start is where the application begins to read the stream.
	Start Start
}

// complete reports whether the listing was not taken across a reshard: the open shards are the whole of the hash space, and none of them
// descends from another.
func (l Listing) complete() bool {
	open := shards.Open(l.Shards)
	if !shards.Tile(open) {
		return false
	}
	for _, s := range open {
		if slices.ContainsFunc(s.Parents, func(id string) bool {
			return slices.ContainsFunc(open, func(o shards.Shard) bool { return o.ID == id })
		}) {
			return false
		}
	}
	return true
}

// census sets a listing against the leases that there are. A row that cannot be read counts as one that is being worked on.
type census struct {
	family
	listing Listing
	byID    map[string]shards.Shard
	rows    map[string]Lease // by shard id
	broken  map[string]bool
}

func newCensus(l Listing, s Snapshot) census {
	c := census{family: newFamily(l.Shards), listing: l, byID: make(map[string]shards.Shard, len(l.Shards))}
	for _, shard := range l.Shards {
		c.byID[shard.ID] = shard
	}
	return c.against(s)
}

// against returns the census of the same listing with other leases.
func (c census) against(s Snapshot) census {
	c.rows, c.broken = make(map[string]Lease), make(map[string]bool)
	for _, row := range s.Leases {
		if row.Stream == c.listing.Stream {
			c.rows[row.ShardID] = row
		}
	}
	for _, damage := range s.Damaged {
		for _, shard := range c.listing.Shards {
			if keyOf(c.listing.Stream, shard.ID) == damage.Key {
				c.broken[shard.ID] = true
			}
		}
	}
	return c
}

// holes returns the leases of shards that nobody reads, has read or will read. Those come first that follow a parent which has ended; then,
// the youngest first, those whose relations tell that what came before them has been read; and then the eldest of each line of which
// nothing is known. What a new lease will bring forth needs none.
func (c census) holes() []Lease {
	var found []Lease
	missing := make(map[string]bool)
	search := func(ordered []shards.Shard, fits func(shards.Shard) bool) {
		for _, shard := range ordered {
			if !fits(shard) || slices.ContainsFunc(c.ancestors(shard.ID), func(id string) bool { return missing[id] }) {
				continue
			}
			if row, is := c.hole(shard); is {
				missing[shard.ID], c.rows[shard.ID] = true, row
				found = append(found, row)
			}
		}
	}
	ordered := c.eldestFirst()
	search(ordered, c.parentLeased)
	slices.Reverse(ordered)
	search(ordered, c.followsSomething)
	slices.Reverse(ordered)
	search(ordered, func(shards.Shard) bool { return true })
	return found
}

// followsSomething reports whether a parent of the shard has another descendant with a lease: then the parent has ended.
func (c census) followsSomething(shard shards.Shard) bool {
	return slices.ContainsFunc(shard.Parents, c.anyBelow)
}

// hole returns the lease that a shard lacks.
func (c census) hole(shard shards.Shard) (Lease, bool) {
	if _, leased := c.rows[shard.ID]; leased || c.broken[shard.ID] {
		return Lease{}, false
	}
	related := false
	for _, id := range c.ancestors(shard.ID) {
		row, leased := c.rows[id]
		if leased && !row.Ended() || c.broken[id] {
			return Lease{}, false // its end brings forth what comes after it
		}
		related = related || leased
	}
	related = related || c.followsSomething(shard)
	if shard.Closed && !c.parentLeased(shard) && c.covered(shard) {
		return Lease{}, false // done, and cleaned up
	}
	if shard.Closed && !related && c.listing.Start.Position == checkpoint.Latest {
		return Lease{}, false // it ended before the application began
	}
	return c.restore(shard, related), true
}

// restore returns the lease to create. In doubt records are read once more rather than never: at a bare LATEST nothing is created.
func (c census) restore(shard shards.Shard, related bool) Lease {
	l := ForShard(c.listing.Stream, shard, checkpoint.TrimHorizon)
	if related {
		return l
	}
	switch c.listing.Start.Position {
	case checkpoint.AtTimestamp:
		l.Checkpoint, l.StartAt = checkpoint.AtTimestamp, c.listing.Start.At
	case checkpoint.Latest:
		for _, row := range c.rows {
			l.StartAt = earliest(l.StartAt, row.StartAt)
		}
		if !l.StartAt.IsZero() {
			l.Checkpoint = checkpoint.Latest
		}
	}
	return l
}

// eldestFirst returns the listed shards, parents before their children.
func (c census) eldestFirst() []shards.Shard {
	ordered, placed := make([]shards.Shard, 0, len(c.listed)), make(map[string]bool, len(c.listed))
	var place func(s shards.Shard)
	place = func(s shards.Shard) {
		if placed[s.ID] {
			return
		}
		placed[s.ID] = true
		for _, id := range s.Parents {
			if parent, listed := c.byID[id]; listed {
				place(parent)
			}
		}
		ordered = append(ordered, s)
	}
	for _, s := range c.listed {
		place(s)
	}
	return ordered
}

// ancestors returns everything that a shard descends from, as far as the listing tells, the nearest first.
func (c census) ancestors(id string) []string { return walk(id, c.parents) }

// descendants returns everything that descends from a shard.
func (c census) descendants(id string) []string { return walk(id, c.children) }

func walk(id string, line map[string][]string) []string {
	all := []string{id}
	for i := 0; i < len(all); i++ {
		for _, next := range line[all[i]] {
			if !slices.Contains(all, next) {
				all = append(all, next)
			}
		}
	}
	return all[1:]
}

func (c census) anyBelow(id string) bool {
	return slices.ContainsFunc(c.descendants(id), func(id string) bool { _, leased := c.rows[id]; return leased })
}

func (c census) parentLeased(shard shards.Shard) bool {
	return slices.ContainsFunc(shard.Parents, func(id string) bool { _, leased := c.rows[id]; return leased || c.broken[id] })
}

// covered reports whether the leases of a shard's descendants take over all of its range.
func (c census) covered(shard shards.Shard) bool {
	var heirs []hashkey.Range
	for _, id := range c.descendants(shard.ID) {
		if _, leased := c.rows[id]; leased || c.broken[id] {
			heirs = append(heirs, c.byID[id].Range)
		}
	}
	slices.SortFunc(heirs, func(a, b hashkey.Range) int { return a.Start.Compare(b.Start) })
	next := shard.Range.Start
	for _, heir := range heirs {
		if heir.Start.Compare(next) > 0 {
			return false
		}
		if heir.End.Compare(shard.Range.End) >= 0 {
			return true
		}
		if heir.End.Compare(next) >= 0 {
			next, _ = heir.End.Next() // not the last point: that would have been the shard's end
		}
	}
	return false
}

// reborn returns the leases of a stream that was deleted, where one of the same name was made since: they say of an open shard that it has
// ended. Either it is their own, and they stand at SHARD_END, or it is a parent of theirs.
func (c census) reborn() []Lease {
	var all []Lease
	for id, row := range c.rows {
		if row.Ended() && c.open(id) || slices.ContainsFunc(row.Parents, c.open) {
			all = append(all, row)
		}
	}
	return all
}

// open reports whether a shard is listed, and takes new records.
func (c census) open(id string) bool {
	shard, listed := c.byID[id]
	return listed && !shard.Closed
}

// spent returns the leases that nobody needs any more, by the KCL's rules: at SHARD_END, no parent has a lease, and every child has one
// that has moved on from where it was created; or the shard is not listed any more, and neither is a child that has no lease.
func (c census) spent() []Lease {
	var all []Lease
	for id, row := range c.rows {
		if !row.Ended() || slices.ContainsFunc(row.Parents, func(id string) bool { _, leased := c.rows[id]; return leased || c.broken[id] }) {
			continue
		}
		_, listed := c.byID[id]
		if c.succeeded(row, !listed) {
			all = append(all, row)
		}
	}
	return all
}

// succeeded reports whether all children of a shard are in hand. Of a shard that has expired, children that have expired too are none.
func (c census) succeeded(row Lease, expired bool) bool {
	children := row.Children
	if len(children) == 0 {
		children = c.children[row.ShardID]
	}
	if len(children) == 0 {
		return expired
	}
	for _, id := range children {
		child, leased := c.rows[id]
		_, listed := c.byID[id]
		switch {
		case leased && (expired || child.Checkpoint != checkpoint.TrimHorizon && child.Checkpoint != checkpoint.AtTimestamp):
		case !leased && expired && !listed:
		default:
			return false
		}
	}
	return true
}
