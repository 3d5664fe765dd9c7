package wire

import (
	"errors"
	"iter"
	"time"
)

// MaxDepth is how deeply maps and arrays may nest in a document. The deepest one that Kinesis defines has four levels.
const MaxDepth = 32

// ErrSyntax is the cause of every decoding failure: the document is not well formed, or a member has another type than
// its model says. The service answers both with SerializationException.
var ErrSyntax = errors.New("wire: malformed document")

// A Decoder reads one document. It belongs to one goroutine.
//
// The sequences of Fields and Items must be consumed by a for-range loop that asks for, or skips, exactly one value in
// each round. A loop that is left early leaves the Decoder in the middle of the document; only Err may be called then.
type Decoder interface {
	// Fields yields the name of each member of the map at the cursor, whose value is null or not a map it fails on.
	// Members whose value is null are skipped. The name is valid until the next call.
	Fields() iter.Seq[[]byte]
	// Items yields the position of each element of the array at the cursor.
	Items() iter.Seq[int]
	// Span returns the text at the cursor, which is valid UTF-8. It may alias the document.
	Span() []byte
	// RawBlob returns the binary value at the cursor as it stands in the document, which it may alias. AppendBlob decodes it.
	RawBlob() []byte
	// BlobLen returns the number of bytes that raw decodes to, if it is well formed.
	BlobLen(raw []byte) int
	// AppendBlob appends the bytes that raw stands for to dst. A malformed raw value is an error of the document.
	AppendBlob(dst, raw []byte) []byte
	// Int returns the whole number at the cursor.
	Int() int64
	// Bool returns the truth value at the cursor.
	Bool() bool
	// Time returns the timestamp at the cursor, cut to milliseconds.
	Time() time.Time
	// Skip passes over the value at the cursor, checking that it is well formed.
	Skip()
	// End checks that nothing follows the value that was read.
	End()
	// Err returns the first failure, which wraps ErrSyntax, or nil.
	Err() error
}

// Text returns the text at the cursor of d as a string of its own. It is a pointer because the service tells an empty
// member from an absent one.
func Text(d Decoder) *string {
	s := string(d.Span())
	return &s
}
