package oracle

// A shardRef names a shard.
type shardRef struct{ stream, shard string }

func refOf(p Place) shardRef { return shardRef{p.Stream, p.Shard} }

// A family knows which shards came of which.
type family struct {
	parents map[shardRef][]shardRef
	known   map[[2]shardRef]bool // answers of before
}

func newFamily(reshards []Reshard) *family {
	f := &family{parents: make(map[shardRef][]shardRef), known: make(map[[2]shardRef]bool)}
	for _, r := range reshards {
		for _, c := range r.Children {
			child := shardRef{r.Stream, c.ID}
			for _, p := range []string{c.Parent, c.AdjacentParent} {
				if p != "" {
					f.parents[child] = append(f.parents[child], shardRef{r.Stream, p})
				}
			}
		}
	}
	return f
}

// before reports whether shard a is an ancestor of shard b. A history that contradicts itself, in which a shard descends from
// itself, gets an answer all the same.
func (f *family) before(a, b shardRef) bool {
	pair := [2]shardRef{a, b}
	if answer, asked := f.known[pair]; asked {
		return answer
	}
	f.known[pair] = false
	for _, p := range f.parents[b] {
		if p == a || f.before(a, p) {
			f.known[pair] = true
			return true
		}
	}
	return false
}
