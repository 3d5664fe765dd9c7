package wire

import (
	"encoding/binary"
	"math"
	"math/big"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis/schemas"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/document"
)

// A serializer writes the SDK's generated types as a document, as their schemas say. It serves every operation: thanks to it no
// member is lost that a later SDK adds to a request.
//
// Maps and arrays get their definite length when they are closed, in a head that was left room for when they were opened.
type serializer struct {
	*body
	open    []scope
	room    [4]scope                       // open's first memory
	records []types.PutRecordsRequestEntry // what the list of records is filled with
	err     error
}

// A scope is an open structure, list, map or union.
type scope struct {
	kind  scopeKind
	head  int // where in the text the head is
	room  int // how long it is
	count int // of entries
}

type scopeKind uint8

const (
	inStruct scopeKind = iota
	inList
	inMap
	inUnion
)

// The number of entries is not known when a head is written. That of a structure with fewer members than 24 fits into the one
// byte of a narrow head; all else gets a wide one, with two bytes for the number whether it needs them or not.
const (
	narrowHead = 1
	wideHead   = 3
	narrowMost = 23
)

var _ smithy.ShapeSerializer = (*serializer)(nil)

// Bytes implements smithy.ShapeSerializer. The blobs that the text refers to are read through the body alone.
func (s *serializer) Bytes() []byte { return s.text }

// value begins a value: it counts it, and names it if it is the member of a structure.
func (s *serializer) value(schema *smithy.Schema) {
	if len(s.open) == 0 {
		return
	}
	top := &s.open[len(s.open)-1]
	switch top.kind {
	case inStruct:
		top.count++
		s.text = appendText(s.text, schema.MemberName())
	case inList:
		top.count++
	case inMap, inUnion: // WriteKey and WriteUnion have done it
	}
}

func (s *serializer) begin(kind scopeKind, room int) {
	s.open = append(s.open, scope{kind: kind, head: len(s.text), room: room})
	for range room {
		s.text = append(s.text, 0)
	}
}

// finish closes the innermost scope.
func (s *serializer) finish(major byte) {
	if len(s.open) == 0 {
		s.err = ErrUnsupported
		return
	}
	top := s.open[len(s.open)-1]
	s.open = s.open[:len(s.open)-1]
	head := s.text[top.head:]
	switch {
	case top.room == narrowHead:
		head[0] = major | byte(top.count)
	case top.count <= math.MaxUint16:
		head[0] = major | 25
		binary.BigEndian.PutUint16(head[1:wideHead], uint16(top.count))
	default:
		s.err = ErrTooLarge
	}
}

// WriteStruct implements smithy.ShapeSerializer.
func (s *serializer) WriteStruct(schema *smithy.Schema) {
	s.value(schema)
	if len(schema.Members()) > narrowMost {
		s.begin(inStruct, wideHead)
		return
	}
	s.begin(inStruct, narrowHead)
}

// CloseStruct implements smithy.ShapeSerializer.
func (s *serializer) CloseStruct() { s.finish(majorMap) }

// WriteList implements smithy.ShapeSerializer.
func (s *serializer) WriteList(schema *smithy.Schema) {
	s.value(schema)
	s.begin(inList, wideHead)
	if schema == schemas.PutRecordsInput_Records && s.records != nil {
		s.entries()
	}
}

// CloseList implements smithy.ShapeSerializer.
func (s *serializer) CloseList() { s.finish(majorArray) }

// WriteMap implements smithy.ShapeSerializer.
func (s *serializer) WriteMap(schema *smithy.Schema) {
	s.value(schema)
	s.begin(inMap, wideHead)
}

// WriteKey implements smithy.ShapeSerializer.
func (s *serializer) WriteKey(_ *smithy.Schema, key string) {
	if n := len(s.open); n > 0 {
		s.open[n-1].count++
	}
	s.text = appendText(s.text, key)
}

// CloseMap implements smithy.ShapeSerializer.
func (s *serializer) CloseMap() { s.finish(majorMap) }

// WriteUnion implements smithy.ShapeSerializer: a union is a map of one entry.
func (s *serializer) WriteUnion(schema, variant *smithy.Schema) {
	s.value(schema)
	s.begin(inUnion, 0)
	s.text = appendHead(s.text, majorMap, 1)
	s.text = appendText(s.text, variant.MemberName())
}

// CloseUnion implements smithy.ShapeSerializer.
func (s *serializer) CloseUnion() {
	if n := len(s.open); n > 0 {
		s.open = s.open[:n-1]
	}
}

// WriteString implements smithy.ShapeSerializer.
func (s *serializer) WriteString(schema *smithy.Schema, v string) {
	s.value(schema)
	s.text = appendText(s.text, v)
}

// WriteBlob implements smithy.ShapeSerializer. The blob may be referred to instead of copied.
func (s *serializer) WriteBlob(schema *smithy.Schema, v []byte) {
	s.value(schema)
	s.text = appendHead(s.text, majorBytes, uint64(len(v)))
	s.put(v)
}

// WriteTime implements smithy.ShapeSerializer. The service's timestamps have milliseconds.
func (s *serializer) WriteTime(schema *smithy.Schema, v time.Time) {
	s.value(schema)
	s.text = appendInteger(append(s.text, tagTimestamp), v.UnixMilli())
}

// WriteBool implements smithy.ShapeSerializer.
func (s *serializer) WriteBool(schema *smithy.Schema, v bool) {
	s.value(schema)
	if v {
		s.text = append(s.text, headTrue)
		return
	}
	s.text = append(s.text, headFalse)
}

// WriteNil implements smithy.ShapeSerializer.
func (s *serializer) WriteNil(schema *smithy.Schema) {
	s.value(schema)
	s.text = append(s.text, headNull)
}

// WriteInt8 implements smithy.ShapeSerializer.
func (s *serializer) WriteInt8(schema *smithy.Schema, v int8) { s.WriteInt64(schema, int64(v)) }

// WriteInt16 implements smithy.ShapeSerializer.
func (s *serializer) WriteInt16(schema *smithy.Schema, v int16) { s.WriteInt64(schema, int64(v)) }

// WriteInt32 implements smithy.ShapeSerializer.
func (s *serializer) WriteInt32(schema *smithy.Schema, v int32) { s.WriteInt64(schema, int64(v)) }

// WriteInt64 implements smithy.ShapeSerializer.
func (s *serializer) WriteInt64(schema *smithy.Schema, v int64) {
	s.value(schema)
	s.text = appendInteger(s.text, v)
}

// WriteFloat32 implements smithy.ShapeSerializer.
func (s *serializer) WriteFloat32(schema *smithy.Schema, v float32) {
	s.value(schema)
	s.text = binary.BigEndian.AppendUint32(append(s.text, headFloat32), math.Float32bits(v))
}

// WriteFloat64 implements smithy.ShapeSerializer.
func (s *serializer) WriteFloat64(schema *smithy.Schema, v float64) {
	s.value(schema)
	s.text = binary.BigEndian.AppendUint64(append(s.text, headFloat64), math.Float64bits(v))
}

// WriteBigInt implements smithy.ShapeSerializer. The model of Kinesis has no such type.
func (s *serializer) WriteBigInt(schema *smithy.Schema, _ *big.Int) { s.err = unsupported(schema) }

// WriteBigFloat implements smithy.ShapeSerializer. The model of Kinesis has no such type.
func (s *serializer) WriteBigFloat(schema *smithy.Schema, _ *big.Float) { s.err = unsupported(schema) }

// WriteDocument implements smithy.ShapeSerializer. The model of Kinesis has no such type.
func (s *serializer) WriteDocument(schema *smithy.Schema, _ document.Value) {
	s.err = unsupported(schema)
}
