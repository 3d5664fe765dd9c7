package aggregation

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// A protobuf field begins with a tag: its number, shifted left by three, and its wire type. These are the tags of the
// fields that the format defines; a known number with another wire type is, to every protobuf parser, an unknown field.
const (
	tagPartitionKey = 1<<3 | wireBytes // AggregatedRecord.partition_key_table
	tagHashKey      = 2<<3 | wireBytes // AggregatedRecord.explicit_hash_key_table
	tagRecord       = 3<<3 | wireBytes // AggregatedRecord.records

	tagPartitionKeyIndex = 1<<3 | wireVarint // Record.partition_key_index
	tagHashKeyIndex      = 2<<3 | wireVarint // Record.explicit_hash_key_index
	tagData              = 3<<3 | wireBytes  // Record.data
	tagTags              = 4<<3 | wireBytes  // Record.tags

	tagTagKey = 1<<3 | wireBytes // Tag.key
)

// The wire types of protobuf.
const (
	wireVarint     = 0
	wireFixed64    = 1
	wireBytes      = 2
	wireStartGroup = 3
	wireEndGroup   = 4
	wireFixed32    = 5
)

// maxGroups is how deeply groups may be nested in an unknown field: the default limit of the protobuf parser in Java.
const maxGroups = 100

// varintSize returns the length in bytes of v as a varint.
func varintSize(v int) int {
	return (bits.Len64(uint64(v)|1) + 6) / 7
}

// bytesSize returns the length in bytes of a field with a one-byte tag and n bytes of content.
func bytesSize(n int) int {
	return 1 + varintSize(n) + n
}

// appendKey appends a field with a one-byte tag and the content key.
func appendKey(b []byte, tag byte, key string) []byte {
	b = append(b, tag)
	b = binary.AppendUvarint(b, uint64(len(key)))
	return append(b, key...)
}

// readVarint reads the varint at b[i:], where i is not negative, and returns the index after it, or -1 if there is no
// varint of at most ten bytes and 64 bits. Like all parsers it takes needlessly long ones too.
func readVarint(b []byte, i int) (v uint64, next int) {
	if i < len(b) && b[i] < 0x80 {
		return uint64(b[i]), i + 1
	}
	return readLongVarint(b, i)
}

func readLongVarint(b []byte, i int) (v uint64, next int) {
	if i+1 < len(b) && b[i+1] < 0x80 {
		return uint64(b[i]&0x7f) | uint64(b[i+1])<<7, i + 2
	}
	v, n := binary.Uvarint(b[i:])
	if n <= 0 {
		return 0, -1
	}
	return v, i + n
}

// fields reads a message field by field:
//
//	for f := (fields{message: m}); f.next(); { … }
//
// ends at the end of the message, or before it with f.malformed set. It keeps indexes, not slices, because it is the innermost
// loop of decoding and storing a pointer costs more than storing a number.
type fields struct {
	message    []byte
	off        int    // where the next field begins
	tag        uint64 // the tag of the field just read; for a group, the tag of its end
	num        uint64 // its value, if the wire type is varint
	start, end int    // where its value stands, if the wire type is bytes
	malformed  bool
}

// bytes returns the value of the field just read, of wire type bytes. It aliases the message, and its capacity ends with it, so
// that appending to it cannot touch what follows.
func (f *fields) bytes() []byte { return f.message[f.start:f.end:f.end] }

// next reads a field, and reports false if there is none or it is malformed. It knows one kind of field, nearly the only
// kind there is: wire type bytes, a tag of one byte and a length of one or two. It leaves the rest to nextOfAnyKind.
func (f *fields) next() bool {
	m, i := f.message, f.off
	if len(m)-i < 3 || m[i]&0x87 != wireBytes || m[i] < 1<<3 {
		return f.nextOfAnyKind()
	}
	n, start := int(m[i+1]), i+2
	if n >= 0x80 {
		if m[i+2] >= 0x80 {
			return f.nextOfAnyKind()
		}
		n, start = n&0x7f|int(m[i+2])<<7, i+3
	}
	if n > len(m)-start {
		return f.nextOfAnyKind()
	}
	f.tag, f.start, f.end, f.off = uint64(m[i]), start, start+n, start+n
	return true
}

// nextOfAnyKind is next for every field. Groups, which protobuf has given up, can only be unknown fields; they are read
// over, as every parser does, and nothing of them is kept.
func (f *fields) nextOfAnyKind() bool {
	if f.off == len(f.message) {
		return false
	}
	ok := f.readTag()
	if ok && f.tag&7 == wireStartGroup {
		ok = f.skipGroup()
	} else {
		ok = ok && f.readValue()
	}
	f.malformed = !ok
	return ok
}

// readTag reads a tag. Field number 0 and numbers of more than 29 bits do not exist.
func (f *fields) readTag() bool {
	tag, next := readVarint(f.message, f.off)
	if next < 0 || tag < 1<<3 || tag > math.MaxUint32 {
		return false
	}
	f.tag, f.off = tag, next
	return true
}

// readValue reads the value that follows f.tag, which does not begin a group.
func (f *fields) readValue() bool {
	switch f.tag & 7 {
	case wireBytes:
		n, start := readVarint(f.message, f.off)
		if start < 0 || n > uint64(len(f.message)-start) {
			return false
		}
		f.start, f.end = start, start+int(n)
		f.off = f.end
		return true
	case wireVarint:
		num, next := readVarint(f.message, f.off)
		if next < 0 {
			return false
		}
		f.num, f.off = num, next
		return true
	case wireFixed32:
		return f.skip(4)
	case wireFixed64:
		return f.skip(8)
	default: // the end of a group that did not begin, or one of the two wire types that do not exist
		return false
	}
}

func (f *fields) skip(n int) bool {
	if len(f.message)-f.off < n {
		return false
	}
	f.off += n
	return true
}

// skipGroup reads over a group, whose start tag has been read, to after the end tag that belongs to it.
func (f *fields) skipGroup() bool {
	var open [maxGroups]uint64 // the numbers of the groups that the reader is inside of
	open[0] = f.tag >> 3
	for depth := 1; depth > 0; {
		if !f.readTag() {
			return false
		}
		switch f.tag & 7 {
		case wireStartGroup:
			if depth == maxGroups {
				return false
			}
			open[depth] = f.tag >> 3
			depth++
		case wireEndGroup:
			depth--
			if open[depth] != f.tag>>3 {
				return false
			}
		default:
			if !f.readValue() {
				return false
			}
		}
	}
	return true
}
