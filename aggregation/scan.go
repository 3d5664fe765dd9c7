package aggregation

// scan is the check of a message, in one pass over it, and what the pass finds. The indexes can only be judged when it is over,
// since a table may stand after the records that use it; so of each table the highest index in use is kept.
type scan struct {
	body     []byte
	count    int // records
	keys     int // entries of table 1
	hashKeys int // entries of table 2
	textEnd  int // where the last key of either table ends

	highestKey     reference
	highestHashKey reference
}

// reference is a record's use of a key.
type reference struct {
	index  uint64
	record int
	offset int // of the record, in the aggregate
	exists bool
}

// run makes the check, except for the spelling of the explicit hash keys.
func (s *scan) run() error {
	if err := s.walk(); err != nil {
		return err
	}
	if s.count == 0 {
		return &Error{Reason: ReasonEmpty, Record: -1}
	}
	if err := s.highestKey.check(s.keys); err != nil {
		return err
	}
	return s.highestHashKey.check(s.hashKeys)
}

// walk reads every field of the message.
func (s *scan) walk() error {
	f := fields{message: s.body}
	at := 0 // where the field just read begins
	for ; f.next(); at = f.off {
		switch f.tag {
		case tagPartitionKey:
			s.keys++
			s.textEnd = f.off
		case tagHashKey:
			s.hashKeys++
			s.textEnd = f.off
		case tagRecord:
			if reason := s.record(f.bytes(), at); reason != 0 {
				return fault(reason, s.count, at)
			}
		}
	}
	if f.malformed {
		return fault(ReasonMalformed, -1, at)
	}
	return nil
}

// record reads one record, which begins at the offset at of the body.
func (s *scan) record(b []byte, at int) Reason {
	var e entry
	if reason := e.read(b); reason != 0 {
		return reason
	}
	s.highestKey.raise(e.key, s.count, at)
	if e.hasHashKey {
		s.highestHashKey.raise(e.hashKey, s.count, at)
	}
	s.count++
	return 0
}

// raise keeps the reference if its index is the highest so far.
func (r *reference) raise(index uint64, record, at int) {
	if index > r.index || !r.exists {
		*r = reference{index: index, record: record, offset: at, exists: true}
	}
}

// check returns an error if a table of n entries has none for the reference. The comparison is one of uint64: an index of 2^32
// must not become 0 by conversion, as it does in the KCL.
func (r *reference) check(n int) error {
	if r.exists && r.index >= uint64(n) {
		return fault(ReasonBadIndex, r.record, r.offset)
	}
	return nil
}

// fault returns the error for what stands at the offset at of the body.
func fault(reason Reason, record, at int) error {
	return &Error{Reason: reason, Record: record, Offset: len(Magic) + at}
}

// entry is a record as it stands in the message.
type entry struct {
	key        uint64
	hashKey    uint64
	hasHashKey bool
	data       []byte
}

// read reads a record into an entry that is zero, and returns 0 or what is wrong with the record. It knows records as every
// writer known writes them, with the fields that count, each once, in the order of their numbers, and no others. It leaves
// the rest to readInAnyOrder.
func (e *entry) read(b []byte) Reason {
	if len(b) < 4 || b[0] != tagPartitionKeyIndex {
		return e.readInAnyOrder(b)
	}
	i := 2
	e.key = uint64(b[1])
	if e.key >= 0x80 {
		e.key, i = readVarint(b, 1)
	}
	e.hasHashKey = uint(i) < uint(len(b)) && b[i] == tagHashKeyIndex
	if e.hasHashKey {
		e.hashKey, i = readVarint(b, i+1)
	}
	if uint(i) >= uint(len(b)) || b[i] != tagData {
		return e.readInAnyOrder(b)
	}
	n, i := readVarint(b, i+1)
	if i < 0 || n != uint64(len(b)-i) {
		return e.readInAnyOrder(b)
	}
	e.data = b[i:]
	return 0
}

// readInAnyOrder reads any record; of a field that occurs twice the last counts.
func (e *entry) readInAnyOrder(b []byte) Reason {
	hasKey, hasData := false, false
	f := fields{message: b}
	for f.next() {
		switch f.tag {
		case tagPartitionKeyIndex:
			e.key, hasKey = f.num, true
		case tagHashKeyIndex:
			e.hashKey, e.hasHashKey = f.num, true
		case tagData:
			e.data, hasData = f.bytes(), true
		case tagTags:
			if reason := checkTag(f.bytes()); reason != 0 {
				return reason
			}
		}
	}
	switch {
	case f.malformed:
		return ReasonMalformed
	case !hasKey || !hasData:
		return ReasonMissingField
	default:
		return 0
	}
}

// checkTag reads a tag, which nobody is known to write and no library hands on. A tag that is broken makes the whole
// message invalid for every protobuf parser, so it does here.
func checkTag(b []byte) Reason {
	hasKey := false
	f := fields{message: b}
	for f.next() {
		hasKey = hasKey || f.tag == tagTagKey
	}
	switch {
	case f.malformed:
		return ReasonMalformed
	case !hasKey:
		return ReasonMissingField
	default:
		return 0
	}
}
