package oracle

// order judges whether the positions of each partition key were first handled in stream order.
func (j *trial) order() {
	latest := make(map[Digest]map[shardRef]*position) // of each key, the last position of each shard that was handled
	seen := make(map[*position]bool)
	for _, h := range j.handled {
		p := j.byPlace[pointer{h.Place, h.SubSequence}]
		if p == nil || seen[p] || p.key == (Digest{}) {
			continue // made up, handled again, or without a key and so without an order
		}
		seen[p] = true
		shards := latest[p.key]
		if shards == nil {
			shards = make(map[shardRef]*position)
			latest[p.key] = shards
		}
		j.place(shards, p, h)
	}
}

// place judges p, the next position of its key, against the latest ones of every shard, and becomes the latest of its own.
func (j *trial) place(latest map[shardRef]*position, p *position, h *Handled) {
	in := refOf(p.Place)
	late := false
	for shard := range latest {
		late = late || j.family.before(in, shard)
	}
	own := latest[in]
	if own != nil && own.rank > p.rank {
		late = true
	} else {
		latest[in] = p
	}
	if late {
		j.accuse(Verdict{Kind: Reordered, Place: p.Place, SubSequence: p.sub, Worker: h.Worker, At: h.At})
	}
}
