package aggregation

import (
	"crypto/md5"
	"encoding/binary"
	"slices"

	"github.com/penstock-go/penstock/internal/checksum"
)

// Encoder collects user records and writes them as one aggregate. The zero value is ready, and after [Encoder.Reset] it can be
// used again: it keeps its memory, so that in a steady state nothing is allocated. An Encoder is for one goroutine at a time.
//
// In the message the tables stand before the records, yet a table may grow with the last record; so the three parts are
// kept apart until [Encoder.AppendTo] or [Finish] joins them. Their lengths give the exact size at any moment.
type Encoder struct {
	keys     table
	hashKeys table
	records  []byte // room for what stands before them, then the fields "records", encoded
	room     int    // of it, in bytes
	nextRoom int    // that the next aggregate begins with: Finish has seen how much this one takes
	count    int
}

// Add adds a record to the aggregate; data is copied. An empty explicitHashKey means that the record has none. Otherwise it is
// written as the KPL would write it: surrounding spaces, a plus sign and leading zeros do not count.
//
// On an error, always an [*Error], nothing was added: [ErrNoPartitionKey] if partitionKey is empty, [ErrBadHashKey] if
// explicitHashKey is not a number or too large, [ErrTooLarge] if the message would pass 2 GiB. Add knows no other limit:
// those of the service on the size of a record (see [Encoder.SizeWith]) and on the length of a partition key are the
// caller's to keep. A string may be retained until [Encoder.Reset].
func (e *Encoder) Add(partitionKey, explicitHashKey string, data []byte) error {
	p, reason := e.place(partitionKey, explicitHashKey, len(data))
	if reason != 0 {
		return &Error{Reason: reason, Record: e.count}
	}
	if p.newKey {
		e.keys.add(tagPartitionKey, partitionKey)
	}
	if p.newHashKey {
		e.hashKeys.add(tagHashKey, p.canonical)
	}
	if e.count == 0 {
		e.makeRoom()
	}
	b := e.records
	b = append(b, tagRecord)
	b = binary.AppendUvarint(b, uint64(p.inner))
	b = append(b, tagPartitionKeyIndex)
	b = binary.AppendUvarint(b, uint64(p.key))
	if p.hasHashKey() {
		b = append(b, tagHashKeyIndex)
		b = binary.AppendUvarint(b, uint64(p.hashKey))
	}
	b = append(b, tagData)
	b = binary.AppendUvarint(b, uint64(len(data)))
	b = append(b, data...)
	e.records = b
	e.count++
	return nil
}

// makeRoom begins with as much room for the tables as the last ones took, so that Finish need not move the records.
func (e *Encoder) makeRoom() {
	e.room = e.nextRoom
	e.records = slices.Grow(e.records[:0], e.room)[:e.room]
}

// Grow makes room for n more bytes of records, so that an Encoder that will hold about as much takes its memory in one piece. It does not
// count for the size. A negative n is as 0.
func (e *Encoder) Grow(n int) {
	if e.count == 0 {
		e.makeRoom()
	}
	e.records = slices.Grow(e.records, max(n, 0))
}

// Len returns the number of records added.
func (e *Encoder) Len() int { return e.count }

// Size returns exactly how many bytes [Encoder.AppendTo] would append: 0 for no records, else the envelope included.
func (e *Encoder) Size() int {
	if e.count == 0 {
		return 0
	}
	return Overhead + e.message()
}

// SizeWith returns exactly what [Encoder.Size] would be after Add of a record with these keys and n bytes of data. For a
// record that Add would refuse that is the present size. It allocates nothing, and an Add of the same record that follows
// need not look its keys up again.
func (e *Encoder) SizeWith(partitionKey, explicitHashKey string, n int) int {
	p, reason := e.place(partitionKey, explicitHashKey, n)
	if reason != 0 {
		return e.Size()
	}
	return Overhead + e.message() + p.size
}

// AppendTo appends the aggregate to dst and returns the extended slice, which is the caller's. The Encoder is not changed.
// It appends nothing if there are no records, since an aggregate without records is not one.
func (e *Encoder) AppendTo(dst []byte) []byte {
	if e.count == 0 {
		return dst
	}
	dst = slices.Grow(dst, e.Size())
	dst = append(dst, Magic...)
	start := len(dst)
	dst = append(dst, e.keys.encoded...)
	dst = append(dst, e.hashKeys.encoded...)
	dst = append(dst, e.records[e.room:]...)
	sum := md5.Sum(dst[start:])
	return append(dst, sum[:]...)
}

// Finish appends to dst the aggregates of the encoders, in their order, and returns the extended slice; that of an Encoder without records is
// nil. It does for many what [Encoder.AppendTo] does for one, and costs less: records stay where they were added, and several checksums are
// computed at once. An aggregate is in the memory of its Encoder, and good until the Encoder's next Add, Grow or Reset.
func Finish(dst [][]byte, encoders ...*Encoder) [][]byte {
	var messages [atOnce][]byte
	var sums [atOnce][md5.Size]byte
	for len(encoders) > 0 {
		n := min(len(encoders), atOnce)
		for i, e := range encoders[:n] {
			whole := e.join()
			dst, messages[i] = append(dst, whole), nil
			if whole != nil {
				messages[i] = whole[len(Magic) : len(whole)-md5.Size]
			}
		}
		checksum.Sums(sums[:], messages[:n])
		for i, whole := range dst[len(dst)-n:] {
			if whole != nil {
				copy(whole[len(whole)-md5.Size:], sums[i][:])
			}
		}
		encoders = encoders[n:]
	}
	return dst
}

// join puts magic and tables in front of the records, and returns the aggregate but for its checksum, for which there is room at the end.
func (e *Encoder) join() []byte {
	if e.count == 0 {
		return nil
	}
	head := len(Magic) + len(e.keys.encoded) + len(e.hashKeys.encoded)
	e.nextRoom = head + head/16
	if more := head - e.room; more > 0 {
		end := len(e.records)
		e.records = slices.Grow(e.records, more+md5.Size)[:end+more]
		copy(e.records[head:], e.records[e.room:end])
		e.room = head
	}
	e.records = slices.Grow(e.records, md5.Size)
	start, end := e.room-head, len(e.records)+md5.Size
	whole := e.records[start:end:end]
	b := whole[copy(whole, Magic):]
	b = b[copy(b, e.keys.encoded):]
	copy(b, e.hashKeys.encoded)
	return whole
}

// Reset makes the Encoder empty. It forgets the keys but keeps its memory, which is about that of the largest aggregate
// that it has held.
func (e *Encoder) Reset() {
	e.keys.reset()
	e.hashKeys.reset()
	e.records, e.room = e.records[:0], 0
	e.count = 0
}

// message returns the size in bytes of the protobuf message.
func (e *Encoder) message() int {
	return len(e.keys.encoded) + len(e.hashKeys.encoded) + len(e.records) - e.room
}

// placement is where a record's keys stand in the tables, or would stand, and what the record adds to the message.
type placement struct {
	key        int    // index of the partition key
	hashKey    int    // index of the explicit hash key
	canonical  string // the explicit hash key as written, or empty
	newKey     bool   // the partition key is not in its table yet
	newHashKey bool
	inner      int // bytes of the record without its own tag and length
	size       int // bytes that the message grows by, new keys included
}

func (p *placement) hasHashKey() bool { return p.canonical != "" }

// place works out the placement of a record with n bytes of data, or the reason to refuse it.
func (e *Encoder) place(partitionKey, explicitHashKey string, n int) (p placement, reason Reason) {
	switch {
	case partitionKey == "":
		return p, ReasonNoPartitionKey
	case n < 0 || n > maxMessage: // beyond, the sums below could overflow
		return p, ReasonTooLarge
	}
	p.key, p.newKey = e.keys.find(partitionKey)
	if p.newKey {
		p.size += bytesSize(len(partitionKey))
	}
	p.inner = 1 + varintSize(p.key) + bytesSize(n)
	if explicitHashKey != "" {
		var ok bool
		if p.canonical, ok = canonicalHashKey(trimHashKey(explicitHashKey)); !ok {
			return p, ReasonBadHashKey
		}
		p.hashKey, p.newHashKey = e.hashKeys.find(p.canonical)
		if p.newHashKey {
			p.size += bytesSize(len(p.canonical))
		}
		p.inner += 1 + varintSize(p.hashKey)
	}
	p.size += bytesSize(p.inner)
	if p.size > maxMessage-e.message() {
		return p, ReasonTooLarge
	}
	return p, 0
}
