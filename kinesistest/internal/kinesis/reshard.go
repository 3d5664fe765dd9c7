package kinesis

import (
	"slices"

	"github.com/penstock-go/penstock/kinesistest/internal/kinesis/wire"
)

// replace closes parents and opens a shard for each of the given ranges in their place. The caller holds st.mu.
//
// A child opens at least a millisecond after its parents opened, and its sequence numbers are stamped at least a second
// later, so that lifetimes and numbers order the generations even if no time passes between two reshards.
func (st *stream) replace(parents []*shard, ranges ...[2]hashKey) {
	at, created := millis(), int64(0)
	for _, p := range parents {
		at, created = max(at, p.createdAt+1), max(created, p.created+1)
	}
	children := make([]*shard, len(ranges))
	for i, r := range ranges {
		c := newShard(st.nextShard, r[0], r[1], at, max(created, at/1000))
		st.nextShard++
		c.parent = parents[0].id
		if len(parents) > 1 {
			c.adjacent = parents[1].id
		}
		children[i] = c
	}
	st.shards = append(st.shards, children...)
	st.observeShards(parents, children, at) // before the first record of a child is
	st.publish(parents, children)
	for _, p := range parents {
		p.close(at, children...)
	}
}

// publish makes a route of the present one with children in the place of parents, which are neighbours in it. The caller
// holds st.mu.
func (st *stream) publish(parents, children []*shard) {
	open := slices.Clone(*st.route.Load())
	i := shardFor(open, children[0].from)
	open = slices.Replace(open, i, i+len(parents), children...)
	st.route.Store(&open)
}

// split closes s and opens two shards, the second of which starts at k. The caller holds st.mu.
func (st *stream) split(s *shard, k hashKey) {
	st.replace([]*shard{s}, [2]hashKey{s.from, k.prev()}, [2]hashKey{k, s.to})
}

// merge closes two adjacent shards, in either order, and opens one, of which a is the parent and b the adjacent parent.
// The caller holds st.mu.
func (st *stream) merge(a, b *shard) {
	low, high := a, b
	if adjoins(b, a) {
		low, high = b, a
	}
	st.replace([]*shard{a, b}, [2]hashKey{low.from, high.to})
}

// reshard starts a change of the shards of a provisioned stream; see update.
func (db *DB) reshard(st *stream, check func() error, change func()) error {
	return db.update(st, func() error {
		if st.mode == modeOnDemand {
			return clientFault("ValidationException", "stream %s is on-demand: the service chooses its shards", st.name)
		}
		return check()
	}, change)
}

// openShard returns the open shard with the given id. The caller holds st.mu.
func (st *stream) openShard(id string) (*shard, error) {
	i := slices.IndexFunc(st.shards, func(s *shard) bool { return s.id == id })
	if i < 0 {
		return nil, notFound("shard %s in stream %s not found", id, st.name)
	}
	if _, closed := st.shards[i].lifetime(); closed != 0 {
		return nil, invalidArgument("shard %s in stream %s is closed", id, st.name)
	}
	return st.shards[i], nil
}

func (db *DB) splitShard(c *call) error {
	var ref streamRef
	var id, start *string
	err := c.decode(func(d wire.Decoder, name string) bool {
		switch name {
		case "ShardToSplit":
			id = wire.Text(d)
		case "NewStartingHashKey":
			start = wire.Text(d)
		default:
			return ref.member(d, name)
		}
		return true
	})
	err = first(err, checkName("shardToSplit", id), checkRequired("newStartingHashKey", start))
	if err != nil {
		return err
	}
	k, wellFormed, inSpace := parseHashKey([]byte(*start))
	if !wellFormed {
		return invalid("newStartingHashKey", "value %q is not a decimal number", *start)
	}
	st, err := db.stream(ref)
	if err != nil {
		return err
	}
	var s *shard
	return db.reshard(st, func() (err error) {
		if s, err = st.openShard(*id); err != nil {
			return err
		}
		// Both children must own at least one hash key.
		if !inSpace || k.compare(s.from) <= 0 || k.compare(s.to) > 0 {
			return invalidArgument("hash key %s does not split shard %s, which has %s to %s", *start, s.id, s.from, s.to)
		}
		return nil
	}, func() { st.split(s, k) })
}

func (db *DB) mergeShards(c *call) error {
	var ref streamRef
	var id, adjacent *string
	err := c.decode(func(d wire.Decoder, name string) bool {
		switch name {
		case "ShardToMerge":
			id = wire.Text(d)
		case "AdjacentShardToMerge":
			adjacent = wire.Text(d)
		default:
			return ref.member(d, name)
		}
		return true
	})
	err = first(err, checkName("shardToMerge", id), checkName("adjacentShardToMerge", adjacent))
	if err != nil {
		return err
	}
	st, err := db.stream(ref)
	if err != nil {
		return err
	}
	var a, b *shard
	return db.reshard(st, func() (err error) {
		if a, err = st.openShard(*id); err != nil {
			return err
		}
		if b, err = st.openShard(*adjacent); err != nil {
			return err
		}
		if !adjoins(a, b) && !adjoins(b, a) {
			return invalidArgument("shards %s and %s are not adjacent", a.id, b.id)
		}
		return nil
	}, func() { st.merge(a, b) })
}

// adjoins reports whether high starts where low ends.
func adjoins(low, high *shard) bool {
	return low.to != maxHashKey && low.to.next() == high.from
}
