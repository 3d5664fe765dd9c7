package shards

import (
	"slices"

	"github.com/penstock-go/penstock/internal/hashkey"
)

// Open returns the shards that take new records, ordered by their ranges.
func Open(all []Shard) []Shard {
	open := slices.DeleteFunc(slices.Clone(all), func(s Shard) bool { return s.Closed })
	slices.SortFunc(open, func(a, b Shard) int { return a.Range.Start.Compare(b.Range.Start) })
	return open
}

// Children returns the shards that name id as a parent.
func Children(all []Shard, id string) []Shard {
	var children []Shard
	for _, s := range all {
		if slices.Contains(s.Parents, id) {
			children = append(children, s)
		}
	}
	return children
}

// Roots returns the shards none of whose parents are among all: where reading from the beginning starts. Parents that have left
// the retention period are not listed any more.
func Roots(all []Shard) []Shard {
	listed := make(map[string]bool, len(all))
	for _, s := range all {
		listed[s.ID] = true
	}
	var roots []Shard
	for _, s := range all {
		if !slices.ContainsFunc(s.Parents, func(p string) bool { return listed[p] }) {
			roots = append(roots, s)
		}
	}
	return roots
}

// Tile reports whether the shards cover the hash space exactly once. They must be ordered by their ranges, as [Open] returns
// them. A listing that was taken across a reshard may not tile.
func Tile(ordered []Shard) bool {
	expect, more := hashkey.Key{}, true
	for _, s := range ordered {
		if !more || s.Range.Start != expect {
			return false
		}
		expect, more = s.Range.End.Next()
	}
	return !more
}

// Find returns the index of the shard that owns k among shards that tile the space, as [Open] orders them, or -1.
func Find(tiling []Shard, k hashkey.Key) int {
	i, _ := slices.BinarySearchFunc(tiling, k, func(s Shard, k hashkey.Key) int { return s.Range.End.Compare(k) })
	if i == len(tiling) || !tiling[i].Range.Contains(k) {
		return -1
	}
	return i
}
