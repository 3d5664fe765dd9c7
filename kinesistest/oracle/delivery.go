package oracle

// puts judges what producers were told.
func puts(h *History, r *Report) (all Verdicts) {
	if len(r.Put) == 0 {
		return nil
	}
	stored := make(map[pointer]Digest)
	for _, p := range positionsOf(h, r, &Consumer{}) {
		stored[p.pointer] = p.data
	}
	for _, p := range r.Put {
		data, there := stored[pointer{p.Place, p.SubSequence}]
		if !there || differ(p.Data, data) {
			all = append(all, Verdict{Kind: NotStored, Place: p.Place, SubSequence: p.SubSequence})
		}
	}
	return all
}

// differ reports whether two digests are known to be of different data.
func differ(a, b Digest) bool { return a != (Digest{}) && b != (Digest{}) && a != b }

// deliveries counts what was handled and judges what was lost, duplicated, altered or made up.
func (j *trial) deliveries() {
	j.byPlace = make(map[pointer]*position, len(j.positions))
	for _, p := range j.positions {
		j.byPlace[p.pointer] = p
	}
	for _, h := range j.handled {
		p := j.byPlace[pointer{h.Place, h.SubSequence}]
		if p == nil {
			j.accuse(Verdict{Kind: Unknown, Place: h.Place, SubSequence: h.SubSequence, Worker: h.Worker, At: h.At})
			continue
		}
		if differ(h.Data, p.data) {
			j.accuse(Verdict{Kind: Altered, Place: h.Place, SubSequence: h.SubSequence, Worker: h.Worker, At: h.At})
		}
		if p.times == 0 || h.At.Before(p.first) {
			p.first = h.At
		}
		p.times++
	}
	for _, p := range j.positions {
		switch {
		case p.times == 0 && p.expected:
			j.accuse(Verdict{Kind: Lost, Place: p.Place, SubSequence: p.sub})
		case p.times > 1:
			j.accuse(Verdict{Kind: Duplicated, Place: p.Place, SubSequence: p.sub, Count: p.times})
		}
	}
}
