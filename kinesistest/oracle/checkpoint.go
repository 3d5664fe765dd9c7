package oracle

import (
	"cmp"
	"strconv"
	"strings"
	"time"
)

// The attributes of a checkpoint, and the one text that is not a sequence number but stands behind all of them.
const (
	checkpoint    = "checkpoint"
	subCheckpoint = "checkpointSubSequenceNumber"
	shardEnd      = "SHARD_END"
)

// A mark is a checkpoint: everything up to sub of the record with the sequence number is done.
type mark struct {
	sequence string // a decimal number, SHARD_END, or one of the texts that stand for a start
	sub      int64
}

// markOf reads the checkpoint of a row; ok is false if it has none.
func markOf(r Row) (m mark, ok bool) {
	m.sequence, ok = r[checkpoint]
	m.sub, _ = strconv.ParseInt(r[subCheckpoint], 10, 64) // absent is 0
	return m, ok
}

func (m mark) String() string {
	if m.numeric() {
		return m.sequence + "/" + strconv.FormatInt(m.sub, 10)
	}
	return m.sequence
}

func (m mark) numeric() bool { return m.sequence != "" && m.sequence[0] >= '0' && m.sequence[0] <= '9' }

// class orders the three sorts of checkpoints: a start, a sequence number, the end.
func (m mark) class() int {
	switch {
	case m.sequence == shardEnd:
		return 2
	case m.numeric():
		return 1
	}
	return 0
}

// compare orders checkpoints. All starts are alike: which of them is earlier, only the shard knows.
func (m mark) compare(o mark) int {
	if c := cmp.Compare(m.class(), o.class()); c != 0 || !m.numeric() {
		return c
	}
	if c := compareNumbers(m.sequence, o.sequence); c != 0 {
		return c
	}
	return cmp.Compare(m.sub, o.sub)
}

// compareNumbers compares decimal numbers of any length.
func compareNumbers(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	if c := cmp.Compare(len(a), len(b)); c != 0 {
		return c
	}
	return strings.Compare(a, b)
}

// checkpoints judges every change of a checkpoint. A row that is deleted and made again begins anew.
func (j *trial) checkpoints() {
	inShard := make(map[shardRef][]*position)
	for _, p := range j.positions {
		in := refOf(p.Place)
		inShard[in] = append(inShard[in], p)
	}
	for i := range j.history.RowWrites {
		w := &j.history.RowWrites[i]
		if w.Table != j.consumer.Table || w.After == nil || !isLease(w) {
			continue
		}
		now, ok := markOf(w.After)
		was, had := markOf(w.Before)
		if !ok || had && now == was {
			continue
		}
		v := Verdict{Lease: w.Key, Worker: holder(w.After), Now: now.String(), At: w.At}
		if had {
			v.Was = was.String()
		}
		if had && now.compare(was) < 0 {
			v.Kind = CheckpointWentBack
			j.accuse(v)
			continue
		}
		j.beyond(inShard, w, now, v)
	}
}

// beyond judges whether everything that a checkpoint says is done was handled when it was written. A position that was not is held
// against the first checkpoint beyond it alone.
func (j *trial) beyond(inShard map[shardRef][]*position, w *RowWrite, now mark, v Verdict) {
	in := j.shardOf(w.Key)
	rest := inShard[in]
	for len(rest) > 0 && (mark{rest[0].SequenceNumber, rest[0].sub}).compare(now) <= 0 {
		if p := rest[0]; p.expected && !p.handledBy(w.At) {
			if v.Count == 0 {
				v.Place, v.SubSequence = p.Place, p.sub
			}
			v.Count++
		}
		rest = rest[1:]
	}
	inShard[in] = rest
	if v.Count > 0 {
		v.Kind = CheckpointBeyond
		j.accuse(v)
	}
}

// handledBy reports whether the position had been handled by the time t.
func (p *position) handledBy(t time.Time) bool { return p.times > 0 && !p.first.After(t) }
