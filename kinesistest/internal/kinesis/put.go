package kinesis

import (
	"cmp"
	"context"
	"slices"
	"unicode/utf8"

	"github.com/penstock-go/penstock/kinesistest/internal/kinesis/wire"
)

// An entry is one record of a put. Until the request is accepted as a whole, its fields alias the request's body.
type entry struct {
	data, key, hash          []byte // data as it stands in the document, still encoded
	hasData, hasKey, hasHash bool
	point                    hashKey // where it goes
}

func (e *entry) member(d wire.Decoder, name []byte) bool {
	switch string(name) {
	case "Data":
		e.data, e.hasData = d.RawBlob(), true
	case "PartitionKey":
		e.key, e.hasKey = d.Span(), true
	case "ExplicitHashKey":
		e.hash, e.hasHash = d.Span(), true
	default:
		return false
	}
	return true
}

// check validates the entry and finds its point; auto says that the stream does not want a partition key. The messages
// repeat the partition key where the service does.
func (e *entry) check(auto bool) error {
	switch {
	case !e.hasKey && !auto:
		return invalid("partitionKey", "must not be null")
	case e.hasKey && len(e.key) == 0:
		return invalid("partitionKey", "must have a length of at least 1")
	case utf8.RuneCount(e.key) > maxPartitionKeyLen:
		return invalid("partitionKey", "value %q must have a length of at most %d", e.key, maxPartitionKeyLen)
	case auto:
		e.point = anyHashKey()
		return nil
	case !e.hasHash:
		e.point = hashPartitionKey(e.key)
		return nil
	}
	k, wellFormed, ok := parseHashKey(e.hash)
	if !wellFormed {
		return invalid("explicitHashKey", "value %q is not a decimal number", e.hash)
	}
	if !ok {
		return invalidArgument("the explicit hash key %s is not below 2^128", e.hash)
	}
	e.point = k
	return nil
}

// A put is the input of PutRecord and PutRecords.
type put struct {
	streamRef
	entries  []entry
	count    int     // of the entries in the request; beyond the limit they are counted but not kept
	ordering *string // SequenceNumberForOrdering
	dryRun   bool

	encrypted bool // the records are, once they are stored
	throttled bool // a shard refused a record because of its rate
}

// load checks the entries against the limits of the stream and decodes them into one slab, exactly as large as they are:
// that slab, a piece of the memory, is where they stay.
func (p *put) load(d wire.Decoder, rules putRules, memory *arena) ([]record, error) {
	total := 0
	for i := range p.entries {
		e := &p.entries[i]
		if err := e.check(rules.auto); err != nil {
			return nil, err
		}
		size := len(e.key) + d.BlobLen(e.data)
		if size > rules.maxRecord {
			return nil, invalidArgument("record %d has %d bytes of data and partition key, the stream takes at most %d",
				i, size, rules.maxRecord)
		}
		total += size
	}
	if total > maxPutBytes {
		return nil, invalidArgument("the records have %d bytes of data and partition keys, a request takes at most %d",
			total, maxPutBytes)
	}
	slab := memory.take(total)
	records := make([]record, len(p.entries))
	for i := range p.entries {
		e := &p.entries[i]
		start := len(slab)
		slab = d.AppendBlob(append(slab, e.key...), e.data)
		records[i] = record{body: slab[start:len(slab):len(slab)], keyLen: uint16(len(e.key)), encrypted: rules.key != ""}
	}
	if d.Err() != nil {
		return nil, unserializable()
	}
	return records, nil
}

// A placement is where a record was stored, or why it was not.
type placement struct {
	shard   *shard
	place   int // of the shard among the open ones
	number  sequenceNumber
	refused *fault // nil if it was stored
}

// store routes the records and appends them to their shards, within the limit.
func (p *put) store(ctx context.Context, st *stream, records []record, limit putLimit) []placement {
	placed := make([]placement, len(records))
	left := make([]int, len(records))
	for i := range left {
		left[i] = i
	}
	now := millis()
	a := appending{
		records: records, placed: placed, now: now, horizon: st.horizon(now), limit: limit,
		stored: func(i int, number sequenceNumber, at int64) {
			placed[i].number = number
			st.observeStored(ctx, placed[i].shard, &records[i], p.entries[i].hash, number, at)
		},
		refused: func(i int) {
			placed[i].refused = st.rateExceeded(placed[i].shard)
			p.throttled = true
		},
	}
	for first := true; len(left) > 0; first = false {
		// A shard may close between the look at the route and the append. What was meant for it is routed anew, by a
		// route that was published before it closed: so this ends.
		open := *st.route.Load()
		for _, i := range left {
			place := shardFor(open, p.entries[i].point)
			placed[i].shard, placed[i].place = open[place], place
		}
		if first {
			left = refuse(ctx, placed, left)
		}
		slices.SortFunc(left, func(a, b int) int {
			return cmp.Or(placed[a].place-placed[b].place, a-b)
		})
		left = a.byShard(left)
	}
	return placed
}

// appending is the records of a put on their way into shards.
type appending struct {
	records []record
	placed  []placement
	now     int64
	horizon int64
	limit   putLimit
	stored  func(i int, number sequenceNumber, at int64)
	refused func(i int)
}

// byShard appends those of the records that left lists, sorted by the shards they are placed in: each shard's records in their
// order, under one lock. It returns the ones whose shard has closed, in the order of the request.
func (a *appending) byShard(left []int) (again []int) {
	var run []record
	for len(left) > 0 {
		s, n := a.placed[left[0]].shard, 0
		run = run[:0]
		for n < len(left) && a.placed[left[n]].shard == s {
			run = append(run, a.records[left[n]])
			n++
		}
		stored := func(i int, number sequenceNumber, at int64) { a.stored(left[i], number, at) }
		if !s.append(run, a.now, a.horizon, a.limit, stored, func(i int) { a.refused(left[i]) }) {
			again = append(again, left[:n]...)
		}
		left = left[n:]
	}
	slices.Sort(again)
	return again
}

func (db *DB) putRecords(c *call) error {
	p := put{entries: make([]entry, 0, maxEntries)}
	err := c.decode(p.listMember)
	if err != nil {
		return err
	}
	if p.count < 1 || p.count > maxEntries {
		return invalid("records", "must have 1 to %d members", maxEntries)
	}
	placed, err := db.put(c, &p)
	if err != nil {
		return err
	}
	enc := c.out(kib + 128*len(placed))
	digits := make([]byte, 0, sequenceDigits)
	enc.Map()
	writeNumber(enc, "FailedRecordCount", failed(placed))
	p.writeEncryption(enc)
	enc.Name("Records")
	enc.Array()
	for i := range placed {
		enc.Map()
		digits = writePlacement(enc, &placed[i], digits)
		enc.EndMap()
	}
	enc.EndArray()
	enc.EndMap()
	return nil
}

func (p *put) listMember(d wire.Decoder, name string) bool {
	switch name {
	case "Records":
		p.decodeEntries(d)
	case "DryRun":
		p.dryRun = d.Bool()
	default:
		return p.streamRef.member(d, name)
	}
	return true
}

// decodeEntries reads the records of a request. There may be hundreds, so what reads the members of one is made once for all.
func (p *put) decodeEntries(d wire.Decoder) {
	var e *entry
	member := func(name []byte) bool {
		if !e.member(d, name) {
			d.Skip()
		}
		return true
	}
	for range d.Items() {
		// Entries beyond the limit are read into the place of the last one: the request is refused anyway.
		if p.count++; p.count <= maxEntries {
			p.entries = append(p.entries, entry{})
		}
		e = &p.entries[len(p.entries)-1]
		d.Fields()(member)
	}
}

func (db *DB) putRecord(c *call) error {
	p := put{entries: make([]entry, 1)}
	err := c.decode(func(d wire.Decoder, name string) bool {
		switch name {
		case "SequenceNumberForOrdering":
			p.ordering = wire.Text(d)
		case "DryRun":
			p.dryRun = d.Bool()
		default:
			return p.entries[0].member(d, []byte(name)) || p.streamRef.member(d, name)
		}
		return true
	})
	if err != nil {
		return err
	}
	if p.ordering != nil {
		if _, wellFormed, _ := parseSequenceNumber(*p.ordering); !wellFormed {
			return invalid("sequenceNumberForOrdering", "value %q is not a sequence number", *p.ordering)
		}
	}
	placed, err := db.put(c, &p)
	if err != nil {
		return err
	}
	if placed[0].refused != nil {
		return placed[0].refused
	}
	enc := c.out(kib)
	enc.Map()
	writePlacement(enc, &placed[0], nil)
	p.writeEncryption(enc)
	enc.EndMap()
	return nil
}

// put stores the entries of a decoded request.
func (db *DB) put(c *call, p *put) ([]placement, error) {
	// What every stream wants is asked for before the stream is looked for; whether it wants a partition key, only it knows.
	if slices.ContainsFunc(p.entries, func(e entry) bool { return !e.hasData }) {
		return nil, invalid("data", "must not be null")
	}
	st, err := db.readyStream(p.streamRef)
	if err != nil {
		return nil, err
	}
	rules := st.putRules()
	if rules.auto && p.ordering != nil {
		return nil, invalidArgument("stream %s distributes records by itself: SequenceNumberForOrdering has no meaning", st.name)
	}
	records, err := p.load(c.in, rules, &st.memory)
	if err != nil {
		return nil, err
	}
	if err := db.useKey(rules.key); err != nil {
		return nil, err
	}
	if p.dryRun {
		return nil, dryRun()
	}
	p.encrypted = rules.key != ""
	placed := p.store(c.ctx, st, records, putLimit{db.limits.Load().Shards, float64(rules.maxRecord)})
	if p.throttled {
		db.grow(st)
	}
	return placed, nil
}

// writeEncryption tells that the records are encrypted. A reply says nothing if they are not.
func (p *put) writeEncryption(enc wire.Encoder) {
	if p.encrypted {
		writeText(enc, "EncryptionType", encryptionKMS)
	}
}

// failed counts the records that were not stored.
func failed(placed []placement) (n int64) {
	for i := range placed {
		if placed[i].refused != nil {
			n++
		}
	}
	return n
}

// writePlacement writes the members that tell where a record was stored, or why not. It uses digits as scratch and returns it.
func writePlacement(enc wire.Encoder, p *placement, digits []byte) []byte {
	if p.refused != nil {
		writeText(enc, "ErrorCode", p.refused.code)
		writeText(enc, "ErrorMessage", p.refused.message)
		return digits
	}
	digits = p.number.appendTo(digits[:0])
	enc.Name("SequenceNumber")
	enc.PlainBytes(digits)
	enc.Name("ShardId")
	enc.Plain(p.shard.id)
	return digits
}
