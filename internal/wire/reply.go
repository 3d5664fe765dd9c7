package wire

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"unsafe"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/schemas"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

const (
	// maxReply bounds a reply, in bytes. The largest is that of GetRecords: 10 MiB of data, and for each of at most 10,000
	// records a key of at most 1 KiB and some 200 bytes more.
	maxReply = 32 << 20
	// firstPiece is how much is allocated for a reply that does not say how long it is.
	firstPiece = 64 << 10
)

// readReply reads the body of a reply into memory of its own, which is as long as the reply says it is. What cannot be read is
// closed at once: the SDK would read it to its end, which may never come. If scratch is given, the reply is in its memory if there is room.
func readReply(r *http.Response, scratch *[]byte) ([]byte, error) {
	doc, err := readBody(r, scratch)
	if err != nil {
		_ = r.Body.Close() // nothing more is wanted of it
		r.Body = http.NoBody
	}
	return doc, err
}

func readBody(r *http.Response, scratch *[]byte) ([]byte, error) {
	if r.ContentLength > maxReply {
		return nil, fmt.Errorf("%w: a reply of %d bytes", ErrTooLarge, r.ContentLength)
	}
	if r.ContentLength < 0 {
		return readUnsized(r.Body)
	}
	var doc []byte
	if n := int(r.ContentLength); scratch != nil && n <= cap(*scratch) {
		doc = (*scratch)[:n]
	} else {
		doc = uncleared(n)
	}
	if _, err := io.ReadFull(r.Body, doc); err != nil {
		return nil, cutOff(err)
	}
	return doc, nil
}

// uncleared returns n bytes of memory with anything in them, for who writes over all of them at once: to clear the memory of a large reply
// takes half as long as to read the reply. A Builder's memory is such, and nobody else has it once the Builder is gone.
func uncleared(n int) []byte {
	var b strings.Builder
	b.Grow(n + 1)
	b.WriteByte(0)
	return unsafe.Slice(unsafe.StringData(b.String()), n)[:n:n]
}

func readUnsized(r io.Reader) ([]byte, error) {
	doc := make([]byte, 0, firstPiece)
	for {
		n, err := r.Read(doc[len(doc):cap(doc)])
		doc = doc[:len(doc)+n]
		switch {
		case errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
			return doc, nil
		case err != nil:
			return nil, cutOff(err)
		case len(doc) > maxReply:
			return nil, fmt.Errorf("%w: a reply of more than %d bytes", ErrTooLarge, maxReply)
		case len(doc) == cap(doc):
			doc = append(doc, 0)[:len(doc)]
		}
	}
}

// cutOff makes an early end tell from an empty one.
func cutOff(err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("wire: reading the reply: %w", err)
}

// scratches are for replies whose values are copied out of them. A reply to PutRecords has some 55 KB; a longer one gets memory of its own.
var scratches = sync.Pool{New: func() any {
	b := make([]byte, 128<<10)
	return &b
}}

// readOutput reads the reply to an operation that succeeded.
func readOutput(r *smithyhttp.Response, out smithy.Deserializable) error {
	var scratch *[]byte
	if _, ok := out.(*kinesis.PutRecordsOutput); ok { // nothing of it aliases the reply
		scratch = scratches.Get().(*[]byte)
		defer scratches.Put(scratch)
	}
	doc, err := readReply(r.Response, scratch)
	if err != nil {
		return &smithy.DeserializationError{Err: err}
	}
	if len(doc) == 0 {
		return nil // operations without a result answer nothing
	}
	if err := deserialize(doc, out, byHand(out)); err != nil {
		return &smithy.DeserializationError{Err: err}
	}
	return nil
}

// byHand returns what reads the bulk of a reply or an event into out, nil if it has none.
func byHand(out smithy.Deserializable) func(*deserializer, *smithy.Schema) bool {
	switch out := out.(type) {
	case *kinesis.GetRecordsOutput:
		return recordsInto(&out.Records, schemas.GetRecordsOutput_Records)
	case *types.SubscribeToShardEvent:
		return recordsInto(&out.Records, schemas.SubscribeToShardEvent_Records)
	case *kinesis.PutRecordsOutput:
		return func(d *deserializer, member *smithy.Schema) bool {
			if !resultsByHand || member != schemas.PutRecordsOutput_Records {
				return false
			}
			out.Records = d.results()
			return true
		}
	}
	return nil
}

func recordsInto(list *[]types.Record, of *smithy.Schema) func(*deserializer, *smithy.Schema) bool {
	return func(d *deserializer, member *smithy.Schema) bool {
		if !recordsByHand || member != of {
			return false
		}
		*list = d.records()
		return true
	}
}

// isCBOR reports whether a Content-Type says that what it stands for is CBOR.
func isCBOR(contentType string) bool {
	kind, _, _ := strings.Cut(contentType, ";")
	kind = strings.TrimSpace(kind)
	return strings.EqualFold(kind, contentTypeCBOR) || strings.EqualFold(kind, "application/cbor")
}
