package kinesis

import "sort"

// A record is one stored record. Its sequence number is not kept: it follows from the shard, the record's ordinal and its
// arrival time.
type record struct {
	body   []byte // the partition key, then the data; part of a slab that the records of one request share
	at     int64  // arrival, milliseconds since the epoch
	keyLen uint16

	encrypted bool
}

func (r *record) key() []byte  { return r.body[:r.keyLen] }
func (r *record) data() []byte { return r.body[r.keyLen:] }

// chunkLen is the number of records of a chunk: 10 KiB on a 64-bit machine. The first chunk of a log begins smaller, for a stream may
// have thousands of shards with a few records each.
const (
	chunkLen      = 256
	firstChunkLen = 4
)

type chunk []record

// A recordLog holds the records of a shard in the order of their arrival. A record's ordinal is its place counted from
// the shard's first record ever; trimming does not change it.
//
// A record never changes once it is appended. A chunk that grows leaves its records behind for the views that have it. So a view taken
// under the shard's lock may be read after the lock was given up, while others append and trim.
type recordLog struct {
	chunks []chunk // all of chunkLen, but for the first if it is also the last
	base   int64   // ordinal of the first slot of chunks[0], a multiple of chunkLen
	first  int64   // ordinal of the oldest record that is kept
	next   int64   // ordinal of the next record to arrive
}

func (l *recordLog) append(r record) {
	slot := l.next - l.base
	switch at, in := slot/chunkLen, slot%chunkLen; {
	case slot == 0:
		l.chunks = []chunk{make(chunk, firstChunkLen)}
	case in == 0:
		l.chunks = append(l.chunks, make(chunk, chunkLen))
	case in == int64(len(l.chunks[at])):
		grown := make(chunk, min(2*in, chunkLen))
		copy(grown, l.chunks[at])
		l.chunks = []chunk{grown}
	}
	l.chunks[slot/chunkLen][slot%chunkLen] = r
	l.next++
}

// A view is a run of records. It shares the log's chunks.
type view struct {
	chunks   []chunk
	base     int64
	from, to int64
}

func (l *recordLog) view(from, to int64) view { return view{l.chunks, l.base, from, to} }

func (v view) len() int { return int(v.to - v.from) }

// at returns the record with the given ordinal, which lies in [v.from, v.to).
func (v view) at(ordinal int64) *record {
	slot := ordinal - v.base
	return &v.chunks[slot/chunkLen][slot%chunkLen]
}

// firstSince returns the ordinal of the first kept record that arrived at or after ms.
func (l *recordLog) firstSince(ms int64) int64 {
	v := l.view(l.first, l.next)
	return l.first + int64(sort.Search(v.len(), func(i int) bool { return v.at(l.first+int64(i)).at >= ms }))
}

// trim forgets the records that arrived before ms. The slots of a chunk that still has kept records hold on to the
// forgotten ones; whole chunks are let go.
func (l *recordLog) trim(ms int64) {
	v := l.view(l.first, l.next)
	if v.len() == 0 || v.at(l.first).at >= ms {
		return
	}
	l.first = l.firstSince(ms)
	if drop := (l.first - l.base) / chunkLen; drop > 0 {
		// The slice is copied, not cut: a cut one would keep the dropped chunks reachable.
		l.chunks = append([]chunk(nil), l.chunks[drop:]...)
		l.base += drop * chunkLen
	}
}
