package aggregation

import "slices"

// UserRecord is one record of an aggregate, as a producer's user put it.
type UserRecord struct {
	// PartitionKey is the record's own key, not that of the Kinesis record around it. It may be retained. All keys of an
	// aggregate share one allocation, so one key that is kept keeps them all; strings.Clone parts it from them.
	PartitionKey string
	// ExplicitHashKey is the record's explicit hash key in decimal, or empty if the record has none. It never has a sign or
	// leading zeros, which the service would refuse, even if the writer left them in.
	ExplicitHashKey string
	// Data is the payload. It aliases the aggregate and is empty, not nil, for a record without payload.
	Data []byte
	// SubSequence is the record's place in the aggregate, from 0. With the Kinesis record's sequence number it is the record's
	// position in the shard.
	SubSequence uint64
}

// Decode appends the user records of an aggregate to dst, in their order, and returns the extended slice. Data of the
// records aliases data; the keys do not. On an error, always an [*Error], dst is returned as it was given:
// [ErrNotAggregated] for a plain record (which allocates nothing), and one of the other sentinels for an aggregate that is
// damaged in any place.
//
// A [UserRecord] takes 64 bytes of memory and may take as few as 6 in an aggregate. Where that matters, use a [Decoder].
func Decode(dst []UserRecord, data []byte) ([]UserRecord, error) {
	var d Decoder
	if err := d.Reset(data); err != nil {
		return dst, err
	}
	return d.Append(dst, d.Len()), nil
}

// Decoder takes an aggregate apart in steps. [Decoder.Reset] checks the whole aggregate; what follows cannot fail. The zero
// value holds no records. A Decoder may be used for many aggregates, one after the other, and keeps the memory of its
// tables. It is for one goroutine at a time.
//
// Besides the records that it returns, a Decoder takes 8 bytes for each key of the tables and one copy of the keys. A key
// takes at least two bytes of the aggregate, so that even for an aggregate of nothing but empty keys it stays below six
// times the length. It keeps hold of the aggregate until the next Reset.
type Decoder struct {
	fields   fields // over the message; what is left of it
	spans    []span // the memory of the two tables
	keys     []span // table 1
	hashKeys []span // table 2
	// text is a copy of the message as far as the last key. Every writer known puts the tables first, so that it holds little
	// else. It is one allocation for all keys, and leaves none for when a record is returned.
	text  string
	next  uint64 // sub-sequence number of the next record
	count int    // records not yet taken
}

// span is where a key stands in the message, and so in Decoder.text.
type span struct{ start, end uint32 }

// Reset makes d hold the records of the aggregate data, in place of whatever it held. It checks everything that there is to
// check and returns the same errors as [Decode]; then d holds no records. The caller must not change data until all records are
// taken or d is reset.
func (d *Decoder) Reset(data []byte) error {
	message, err := open(data)
	return d.ResetTo(Envelope{message, err})
}

// ResetTo is [Decoder.Reset] for data of which [OpenAll] has made the checksum.
func (d *Decoder) ResetTo(e Envelope) error {
	*d = Decoder{spans: d.spans}
	switch {
	case e.err != nil:
		return e.err
	case e.message == nil:
		return errPlain
	}
	body := e.message
	s := scan{body: body}
	if err := s.run(); err != nil {
		return err
	}
	d.readTables(&s)
	if err := d.checkHashKeys(body); err != nil {
		return err
	}
	d.fields.message, d.count = body, s.count
	return nil
}

// Len returns how many records have not been taken yet.
func (d *Decoder) Len() int { return d.count }

// Append appends the next n records, or as many as are left, to dst and returns the extended slice. What the records share with
// the aggregate is as in [Decode].
func (d *Decoder) Append(dst []UserRecord, n int) []UserRecord {
	n = max(0, min(n, d.count))
	start := len(dst)
	dst = slices.Grow(dst, n)[:start+n]
	for i := range dst[start:] {
		d.take(&dst[start+i])
	}
	return dst
}

// Next returns the next record, and false if there is none.
func (d *Decoder) Next() (r UserRecord, ok bool) {
	if d.count == 0 {
		return UserRecord{}, false
	}
	d.take(&r)
	return r, true
}

// NextInto is Next for readers that take very many records: it sets r, which saves a copy of each. Without a next record r stays as it is.
func (d *Decoder) NextInto(r *UserRecord) bool {
	if d.count == 0 {
		return false
	}
	d.take(r)
	return true
}

// Skip drops the next n records, or as many as are left. A reader that resumes after sub-sequence number s skips s+1.
func (d *Decoder) Skip(n int) {
	for range min(n, d.count) {
		d.advance()
	}
}

// take puts the next record, which there is, into r.
func (d *Decoder) take(r *UserRecord) {
	sub := d.next
	d.advance()
	var e entry
	e.read(d.fields.bytes())
	*r = UserRecord{PartitionKey: d.key(d.keys[e.key]), Data: e.data, SubSequence: sub}
	if e.hasHashKey {
		r.ExplicitHashKey = d.key(d.hashKeys[e.hashKey])
	}
}

// advance moves to the next record, which there is, and leaves it in d.fields.
func (d *Decoder) advance() {
	for d.fields.next() {
		if d.fields.tag == tagRecord {
			d.next++
			d.count--
			return
		}
	}
	// Reset has read the same bytes to their end without a fault, so they are not the same any more.
	panic("aggregation: data was changed while a Decoder was reading it")
}

func (d *Decoder) key(s span) string { return d.text[s.start:s.end] }

// readTables reads the two key tables. Their sizes are known, so one allocation of just the right size does; and in what known
// writers write, the part of the message up to the last key is the tables and nothing else.
func (d *Decoder) readTables(s *scan) {
	if n := s.keys + s.hashKeys; cap(d.spans) < n {
		d.spans = make([]span, n)
	}
	keys, hashKeys := d.spans[:0:s.keys], d.spans[s.keys:s.keys]
	f := fields{message: s.body[:s.textEnd]}
	for f.next() {
		k := span{uint32(f.start), uint32(f.end)}
		switch f.tag {
		case tagPartitionKey:
			keys = append(keys, k)
		case tagHashKey:
			hashKeys = append(hashKeys, k)
		}
	}
	d.keys, d.hashKeys, d.text = keys, hashKeys, string(f.message)
}

// checkHashKeys asks of every explicit hash key that a record uses whether it is one, and takes it down to its canonical form.
// An entry that nobody uses does not matter: at least one writer is known to have left such entries, and the KCL does not look
// at them either.
func (d *Decoder) checkHashKeys(body []byte) error {
	var bad []bool // nil as long as all are good
	for i := range d.hashKeys {
		k := &d.hashKeys[i]
		canonical, ok := canonicalHashKey(d.key(*k))
		if !ok && bad == nil {
			bad = make([]bool, len(d.hashKeys))
		}
		if !ok {
			bad[i] = true
			continue
		}
		k.start = k.end - uint32(len(canonical)) // it is the end of what was there
	}
	if bad == nil {
		return nil
	}
	return findUse(body, bad)
}

// findUse returns the error for the first record that uses one of the bad hash keys, if one does.
func findUse(body []byte, bad []bool) error {
	f := fields{message: body}
	record := 0
	for at := 0; f.next(); at = f.off {
		if f.tag != tagRecord {
			continue
		}
		var e entry
		e.read(f.bytes())
		if e.hasHashKey && bad[e.hashKey] {
			return fault(ReasonBadHashKey, record, at)
		}
		record++
	}
	return nil
}
