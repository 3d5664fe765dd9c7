package producer

import (
	"slices"
	"sync"
	"unsafe"

	"github.com/penstock-go/penstock/aggregation"
	"github.com/penstock-go/penstock/internal/hashkey"
	"github.com/penstock-go/penstock/internal/retry"
)

// aggregateKey is the partition key of a Kinesis record that is an aggregate. It decides nothing, since an aggregate always has an
// explicit hash key; it is the KPL's, and short because it counts into the record's size.
const aggregateKey = "a"

// entry is one Kinesis record on its way: a user record on its own, or an aggregate of several.
//
// It is owned by whoever has it: the collector, under its lock, while it waits; a sender while it is in flight.
type entry struct {
	records []record
	one     [1]record // where records points for an entry of one
	// encoder holds an aggregate. It is finished by the sender: its MD5 must not be paid for under a lane's lock.
	encoder    *aggregation.Encoder
	data       []byte // the payload; nil until an aggregate is finished, and then in its encoder's memory
	aggregated bool
	size       int // by the service's measure: data and partition key
	lent       int // bytes of the buffer that it takes beside those of its records
	lender     *buffer

	span     hashkey.Range // the least and the greatest hash key of the records
	earliest moment        // the first expiry of a record
	sendBy   moment        // waits for company until then

	lane     *lane  // where it queues; decides the order if the producer is ordered
	expected string // the shard that should take it, or ""
	doubtful bool   // by a listing that may be another stream's
	blocks   []*lane
	budget   *budget // that paid for it last; nil if none did
	offered  bool    // counted as load of its shard

	attempts  []Attempt
	attempted moment          // the end of the last one, if a hook wants to know
	tries     int             // attempts so far; the greatest number of any of its records
	schedule  *retry.Schedule // of the delays between attempts; nil before the first
	due       moment          // the next attempt, while it is delayed
	landed    landing         // while it is parked
}

// landing is where an entry was stored.
type landing struct {
	shard, sequenceNumber string
	at                    moment // when the reply was read
}

// encoders keeps encoders for the next aggregates. They keep their memory.
var encoders = sync.Pool{New: func() any { return new(aggregation.Encoder) }}

// Memory for the next entries: record lists of about the size of a full aggregate, and entries of one record with their payloads.
var (
	recordLists = sync.Pool{New: func() any { return new([]record) }}
	singles     = sync.Pool{New: func() any { return new(entry) }}
)

// largestKept is the largest payload of a record on its own whose memory is kept, in bytes.
const largestKept = 64 << 10

// newSingle makes the entry of a record that goes on its own. The payload is copied.
func newSingle(rec *record, r *Record, wrap bool) *entry {
	e := singles.Get().(*entry)
	e.one[0] = *rec
	e.records = e.one[:]
	if wrap && aggregation.IsAggregated(r.Data) {
		var alone aggregation.Encoder
		if alone.Add(r.PartitionKey, r.ExplicitHashKey, r.Data) == nil { // check has refused what Add would
			e.data, e.aggregated = alone.AppendTo(e.data[:0]), true
		}
	}
	if !e.aggregated {
		e.data = append(e.data[:0], r.Data...)
	}
	e.measure()
	return e
}

// reuse keeps the memory of an entry that is stored. Its records must have been told, and nothing else may refer to it.
func (e *entry) reuse() {
	switch {
	case e.encoder != nil:
		release(e.encoder)
		keepRecords(e.records)
	case cap(e.data) <= largestKept:
		*e = entry{data: e.data[:0]}
		singles.Put(e)
	}
}

func keepRecords(records []record) {
	clear(records)
	records = records[:0]
	recordLists.Put(&records)
}

// newAggregate makes an entry of the records in the encoder. A single one goes on its own: an envelope would be a waste.
func newAggregate(records []record, encoder *aggregation.Encoder) *entry {
	if len(records) == 1 {
		content := records[0].with(payload(encoder.AppendTo(nil)))
		e := newSingle(&records[0], &content, true)
		release(encoder)
		keepRecords(records)
		return e
	}
	e := &entry{records: records, encoder: encoder, aggregated: true}
	e.measure()
	return e
}

// payload returns the data of the only record of an aggregate of our own.
func payload(aggregate []byte) []byte {
	users, err := aggregation.Decode(make([]aggregation.UserRecord, 0, 1), aggregate)
	if err != nil {
		panic("producer: own aggregate: " + err.Error()) // a fault of this module, never of its input
	}
	return users[0].Data
}

func release(encoder *aggregation.Encoder) {
	encoder.Reset()
	encoders.Put(encoder)
}

// measure works out what depends on the records.
func (e *entry) measure() {
	switch {
	case e.encoder != nil:
		e.size = e.encoder.Size() + len(aggregateKey)
	case e.aggregated:
		e.size = len(e.data) + len(aggregateKey)
	default:
		e.size = len(e.data) + len(e.records[0].partitionKey)
	}
	e.span = hashkey.Range{Start: e.records[0].hash, End: e.records[0].hash}
	e.earliest = e.records[0].expires
	for i := range e.records {
		r := &e.records[i]
		if r.hash.Compare(e.span.Start) < 0 {
			e.span.Start = r.hash
		}
		if r.hash.Compare(e.span.End) > 0 {
			e.span.End = r.hash
		}
		e.earliest = min(e.earliest, r.expires)
		if r.past != nil {
			e.tries = max(e.tries, r.past.tries)
		}
	}
}

// encode makes the payloads of aggregates, where they are not made yet.
func encode(entries ...*entry) {
	var encoders []*aggregation.Encoder
	for _, e := range entries {
		if e.encoder != nil && e.data == nil {
			encoders = append(encoders, e.encoder)
		}
	}
	payloads := aggregation.Finish(make([][]byte, 0, len(encoders)), encoders...)
	for _, e := range entries {
		if e.encoder != nil && e.data == nil {
			e.data, payloads = payloads[0], payloads[1:]
		}
	}
}

// besideRecord is what an aggregate takes for a record beside data and key: its place in the list, and for its key a second place and one in the
// index.
const besideRecord = int(unsafe.Sizeof(record{})) + 64

// borrow counts what an aggregate takes beside data and keys: something for each record, and memory that grows in steps.
func (e *entry) borrow(b *buffer) {
	if e.encoder == nil {
		return
	}
	e.lender, e.lent = b, len(e.records)*besideRecord+e.size/8
	b.lend(e.lent)
}

// payBack gives back what was borrowed.
func (e *entry) payBack() {
	if e.lent > 0 {
		e.lender.giveBytes(e.lent)
		e.lent = 0
	}
}

// open takes the entry apart: its records, each with its payload and its past. The entry must not be used any more, but for its lane.
func (e *entry) open() []record {
	e.payBack()
	encode(e)
	payloads := [][]byte{e.data}
	if e.aggregated {
		payloads = payloads[:0]
		users, err := aggregation.Decode(make([]aggregation.UserRecord, 0, len(e.records)), e.data)
		if err != nil {
			panic("producer: own aggregate: " + err.Error()) // a fault of this module, never of its input
		}
		for i := range users {
			payloads = append(payloads, users[i].Data)
		}
	}
	maybe := maybeStored(e.attempts)
	pasts := make([]past, len(e.records))
	for i := range e.records {
		r, before := &e.records[i], &pasts[i]
		*before = past{data: payloads[i], attempts: history(r.past, e.attempts), tries: e.tries, maybe: maybe || r.past != nil && r.past.maybe}
		r.past = before
	}
	e.attempts = nil
	return e.records
}

func maybeStored(attempts []Attempt) bool {
	return slices.ContainsFunc(attempts, func(a Attempt) bool { return a.Unknown })
}

// note writes down an attempt, and forgets the oldest of too many.
func (e *entry) note(a Attempt) {
	e.tries++
	a.Number = e.tries
	if len(e.attempts) >= maxAttemptsKept {
		e.attempts = slices.Delete(e.attempts, 0, 1)
	}
	e.attempts = append(e.attempts, a)
}

// history joins attempts, and forgets the oldest of too many. Its result shares no memory that is written later.
func history(p *past, attempts []Attempt) []Attempt {
	if p == nil || len(p.attempts) == 0 {
		return slices.Clip(attempts)
	}
	all := slices.Concat(p.attempts, attempts)
	return slices.Clip(all[max(0, len(all)-maxAttemptsKept):])
}

// packing says how records become entries.
type packing struct {
	aggregate  bool // several may share an entry
	maxRecord  int  // size of a record, at most: data and partition key. The service's maximum until the stream's is known
	maxBytes   int  // of an aggregate, envelope included
	maxRecords int  // in an aggregate; 0 means any number
	alone      int  // size of records that go on their own though they would fit: so large, or larger
	wrap       bool // data that is an aggregate itself goes inside another one
}

// mostEnvelope is what an aggregate of one record has besides data and keys, at most.
const mostEnvelope = 64

// fitsAlone reports whether a record could share an aggregate at all.
func (p *packing) fitsAlone(r *Record) bool {
	n := len(r.Data)
	if n+len(r.PartitionKey) >= p.alone {
		return false
	}
	if !p.aggregate || n+len(r.PartitionKey)+len(r.ExplicitHashKey)+mostEnvelope <= p.maxBytes {
		return p.aggregate
	}
	var empty aggregation.Encoder
	return empty.SizeWith(r.PartitionKey, r.ExplicitHashKey, n) <= p.maxBytes
}

// accepts reports whether a record still fits an aggregate.
func (p *packing) accepts(encoder *aggregation.Encoder, r *Record) bool {
	return (p.maxRecords == 0 || encoder.Len() < p.maxRecords) && encoder.SizeWith(r.PartitionKey, r.ExplicitHashKey, len(r.Data)) <= p.maxBytes
}

// pack makes entries of records that belong to one lane and have their payloads, in their order.
func (p *packing) pack(records []record) []*entry {
	var entries []*entry
	var open filling
	for i := range records {
		rec := &records[i]
		content := rec.takeContent()
		if !p.fitsAlone(&content) {
			entries = open.sealInto(entries)
			entries = append(entries, newSingle(rec, &content, p.wrap))
			continue
		}
		if open.encoder != nil && !p.accepts(open.encoder, &content) {
			entries = open.sealInto(entries)
		}
		open.add(rec, &content)
	}
	return open.sealInto(entries)
}

// filling is an aggregate that still takes records.
type filling struct {
	encoder *aggregation.Encoder // nil while there are no records
	records []record
	// What the last one came to, which is a good guess for the next: records, and their size.
	room, size int
}

// add copies a record into the aggregate.
func (f *filling) add(rec *record, r *Record) {
	if f.encoder == nil {
		f.encoder = encoders.Get().(*aggregation.Encoder)
		f.encoder.Grow(f.size)
		f.records = (*recordLists.Get().(*[]record))[:0]
		if cap(f.records) == 0 {
			f.records = make([]record, 0, max(f.room, 1))
		}
	}
	if err := f.encoder.Add(r.PartitionKey, r.ExplicitHashKey, r.Data); err != nil {
		panic("producer: " + err.Error()) // check has refused what Add would
	}
	if n := len(f.records); n%touchedAtOnce == 0 {
		clear(f.records[n:min(n+touchedAtOnce, cap(f.records))])
	}
	f.records = append(f.records, *rec)
}

// touchedAtOnce is how many places of a list are written to ahead of their records. Another processor has used the memory last: one place
// after the other, each Put would wait for it.
const touchedAtOnce = 32

// seal returns the aggregate as an entry, or nil if it is empty, and begins a new one.
func (f *filling) seal() *entry {
	if f.encoder == nil {
		return nil
	}
	e := newAggregate(f.records, f.encoder)
	*f = filling{room: len(e.records), size: e.size}
	return e
}

func (f *filling) sealInto(entries []*entry) []*entry {
	if e := f.seal(); e != nil {
		return append(entries, e)
	}
	return entries
}
