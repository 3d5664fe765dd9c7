package oracle

import "time"

// Check judges a program by a history. No verdicts means that nothing is wrong.
func Check(h History, r Report) Verdicts {
	var all Verdicts
	if n := h.Forgotten.Records + h.Forgotten.Reshards + h.Forgotten.RowWrites; n > 0 { // what was read is not judged
		all = append(all, Verdict{Kind: Incomplete, Count: n})
	}
	all = append(all, puts(&h, &r)...)
	family := newFamily(h.Reshards)
	for i := range r.Consumers {
		c := &r.Consumers[i]
		j := &trial{consumer: c, history: &h, family: family, positions: positionsOf(&h, &r, c)}
		j.handled = handledBy(&r, c.Name)
		j.deliveries()
		j.order()
		if c.Table != "" {
			j.leases()
		}
		all = append(all, j.verdicts...)
	}
	return all
}

// A trial judges one consumer.
type trial struct {
	consumer  *Consumer
	history   *History
	family    *family
	positions []*position // in the order of the history: within a shard that is stream order
	handled   []*Handled  // by this consumer, in the report's order
	byPlace   map[pointer]*position
	verdicts  Verdicts
}

func (j *trial) accuse(v Verdict) {
	v.Consumer = j.consumer.Name
	j.verdicts = append(j.verdicts, v)
}

// A pointer names a position.
type pointer struct {
	Place
	sub int64
}

// A position is one user record that was stored.
type position struct {
	pointer
	key, data Digest
	expected  bool // the consumer has to handle it
	times     int  // that it was handled
	first     time.Time
	rank      int // its place among all positions of its shard
}

// positionsOf lists what was stored in the consumer's streams, user record by user record.
func positionsOf(h *History, r *Report, c *Consumer) (all []*position) {
	ranks := make(map[shardRef]int)
	for i := range h.Records {
		rec := &h.Records[i]
		if !c.readsStream(rec.Stream) {
			continue
		}
		inside, told := r.Contents[rec.Place]
		if !told {
			inside = []UserRecord{{Key: rec.Key, Data: rec.Data}}
		}
		for _, u := range inside {
			in := refOf(rec.Place)
			all = append(all, &position{
				pointer: pointer{rec.Place, u.SubSequence}, key: u.Key, data: u.Data, expected: c.reads(rec), rank: ranks[in],
			})
			ranks[in]++
		}
	}
	return all
}

func handledBy(r *Report, consumer string) (all []*Handled) {
	for i := range r.Handled {
		if r.Handled[i].Consumer == consumer {
			all = append(all, &r.Handled[i])
		}
	}
	return all
}
