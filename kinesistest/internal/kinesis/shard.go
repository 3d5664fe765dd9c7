package kinesis

import (
	"fmt"
	"sync"
	"sync/atomic"
)

// A shard is one shard of a stream, open or closed. A shard is made by the creation of its stream or by a reshard, and
// closes once:
//
//	open --split or merge--> closed --retention passes--> not listed any more
//	  \________________________\______stream deleted_____> gone
type shard struct {
	number    uint32
	id        string
	from, to  hashKey       // the range of hash keys it owns, both ends included
	parent    string        // "" for the shards a stream was created with
	adjacent  string        // the second parent, of the child of a merge
	created   int64         // seconds: the creation time inside its sequence numbers
	createdAt int64         // milliseconds: when it opened
	epoch     atomic.Uint32 // of its iterators: those of an older one have expired before their time

	mu       sync.Mutex    // guards everything below; never held across a wait
	log      recordLog     //
	lastAt   int64         // arrival time of the newest record, which later ones are not allowed to precede
	closedAt int64         // milliseconds; 0 while it is open
	children []*shard      // what it was split or merged into
	gone     bool          // its stream was deleted
	wake     chan struct{} // closed at the next change; nil while nobody waits
	meter    shardMeter    //
}

func newShard(number uint32, from, to hashKey, createdAt, created int64) *shard {
	return &shard{
		number:    number,
		id:        fmt.Sprintf("shardId-%012d", number),
		from:      from,
		to:        to,
		createdAt: createdAt,
		created:   created,
	}
}

// sequence returns the sequence number of the record with the given ordinal. Index 0 is the start of the shard.
func (s *shard) sequence(ordinal, atMillis int64) sequenceNumber {
	return sequenceNumber{created: s.created, shard: s.number, index: uint64(ordinal) + 1, at: atMillis / 1000}
}

// starting and ending are the ends of the shard's sequence number range. The ending one exists once it is closed.
func (s *shard) starting() sequenceNumber {
	return sequenceNumber{created: s.created, shard: s.number, at: s.created}
}

func (s *shard) ending(closedAt int64) sequenceNumber {
	return sequenceNumber{created: s.created, shard: s.number, index: endIndex, at: closedAt / 1000}
}

// changed wakes whoever waits for a change of the shard. Callers hold s.mu.
func (s *shard) changed() {
	if s.wake != nil {
		close(s.wake)
		s.wake = nil
	}
}

// append stores the records that the limit lets pass and calls stored with the number and the arrival time of each, and refused for each of
// the others. It stores none and returns false if the shard is closed, so that the caller routes them anew. A put that races with the
// deletion of its stream may still succeed.
func (s *shard) append(rs []record, now, horizon int64, limit putLimit, stored func(i int, n sequenceNumber, at int64), refused func(i int)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closedAt != 0 {
		return false
	}
	// The wall clock may step back; arrival times inside a shard must not, because they are searched.
	s.lastAt = max(s.lastAt, now)
	s.log.trim(horizon)
	for i, r := range rs {
		if !s.meter.admit(len(r.body), now, limit) {
			refused(i)
			continue
		}
		r.at = s.lastAt
		stored(i, s.sequence(s.log.next, r.at), r.at)
		s.log.append(r)
	}
	s.changed()
	return true
}

// close ends the shard: it is followed by children.
func (s *shard) close(at int64, children ...*shard) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closedAt = at
	s.children = children
	s.changed()
}

// delete marks the shard as one of a deleted stream.
func (s *shard) delete() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone = true
	s.log = recordLog{}
	s.changed()
}

// lifetime returns when the shard opened and when it closed, 0 if it has not, in milliseconds.
func (s *shard) lifetime() (opened, closed int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.createdAt, s.closedAt
}

// A batch is what one read of a shard found.
type batch struct {
	records  view
	size     int           // bytes of the records
	full     bool          // another record was left out, or would have been, because of the bytes
	next     int64         // ordinal to go on from
	behind   int64         // milliseconds between now and the next record that is waiting; 0 at the tip
	drained  bool          // the shard is closed and nothing is left to read
	children []*shard      // of a drained shard
	gone     bool          // the stream was deleted
	wake     chan struct{} // closed at the next change of the shard; nil unless it was asked for
}

// readLimit bounds one read. At least one record is read if there is one, however large it is.
type readLimit struct{ records, bytes int }

// get is read for a GetRecords call, which is held to the shard's rates by the given factor. It returns false if that refuses it.
func (s *shard) get(from int64, limit readLimit, now, horizon int64, scale float64) (batch, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.meter.admitRead(now, scale) {
		return batch{}, false
	}
	b := s.readLocked(from, limit, now, horizon, false)
	s.meter.chargeRead(b.size, b.full, now, scale)
	return b, true
}

// read returns the records from the given ordinal on, or from the horizon if that is later.
func (s *shard) read(from int64, limit readLimit, now, horizon int64, wait bool) batch {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.readLocked(from, limit, now, horizon, wait)
}

// readLocked is read for a caller that holds s.mu.
func (s *shard) readLocked(from int64, limit readLimit, now, horizon int64, wait bool) batch {
	s.log.trim(horizon)
	from = max(from, s.log.first)
	from = min(from, s.log.next)
	b := batch{gone: s.gone, records: s.log.view(from, s.log.next)}
	b.records.to, b.size, b.full = cut(b.records, limit)
	b.next = b.records.to
	switch {
	case b.next < s.log.next:
		// A reader may be less than a millisecond behind, but 0 would say that it has caught up.
		b.behind = max(1, now-s.log.view(b.next, s.log.next).at(b.next).at)
	case s.closedAt != 0:
		b.drained, b.children = true, s.children
	}
	if wait {
		if s.wake == nil {
			s.wake = make(chan struct{})
		}
		b.wake = s.wake
	}
	return b
}

// cut returns where a read of v that obeys limit ends, how many bytes it has, and whether the bytes are all that it may have.
func cut(v view, limit readLimit) (end int64, size int, full bool) {
	end = min(v.to, v.from+int64(limit.records))
	for i := v.from; i < end; i++ {
		n := len(v.at(i).body)
		if size+n > limit.bytes && i > v.from {
			return i, size, true
		}
		size += n
	}
	return end, size, size >= limit.bytes
}
