package aggregation

import (
	"crypto/md5"
	"encoding/binary"
	"slices"
)

// Encoder collects user records and writes them as one aggregate. The zero value is ready, and after [Encoder.Reset] it can be
// used again: it keeps its memory, so that in a steady state nothing is allocated. An Encoder is for one goroutine at a time.
//
// In the message the tables stand before the records, yet a table may grow with the last record; so the three parts are
// kept apart until [Encoder.AppendTo] joins them. Their lengths give the exact size at any moment.
type Encoder struct {
	keys     table
	hashKeys table
	records  []byte // the fields "records", encoded
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

// Grow makes room for n more bytes of records, so that an Encoder that will hold about as much takes its memory in one piece. It does not
// count for the size. A negative n is as 0.
func (e *Encoder) Grow(n int) { e.records = slices.Grow(e.records, max(n, 0)) }

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
	dst = append(dst, e.records...)
	sum := md5.Sum(dst[start:])
	return append(dst, sum[:]...)
}

// Reset makes the Encoder empty. It forgets the keys but keeps its memory, which is about that of the largest aggregate
// that it has held.
func (e *Encoder) Reset() {
	e.keys.reset()
	e.hashKeys.reset()
	e.records = e.records[:0]
	e.count = 0
}

// message returns the size in bytes of the protobuf message.
func (e *Encoder) message() int {
	return len(e.keys.encoded) + len(e.hashKeys.encoded) + len(e.records)
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
