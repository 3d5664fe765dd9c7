package wire

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

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
	// atATime is how much of a reply is read before it is looked at: what is still in the processor's cache is found sooner.
	atATime = 256 << 10
)

// openReply returns a cursor at the beginning of a reply, which comes into memory of its own, as long as the reply says it is; or into
// that of scratch, if it is given and has the room.
func openReply(r *http.Response, scratch *[]byte) (cursor, error) {
	if r.ContentLength > maxReply {
		return cursor{}, fmt.Errorf("%w: a reply of %d bytes", ErrTooLarge, r.ContentLength)
	}
	if r.ContentLength <= 0 { // 0 is also what stays in a Response that a user's own client has put together
		doc, err := readUnsized(r.Body)
		return cursor{doc: doc}, err
	}
	c := cursor{body: r.Body, coming: int(r.ContentLength), step: atATime}
	if scratch != nil && c.coming <= cap(*scratch) {
		c.doc = (*scratch)[:0]
	} else {
		c.doc = uncleared(c.coming)[:0]
	}
	return c, nil
}

// readReply reads all of a reply.
func readReply(r *http.Response) ([]byte, error) {
	c, err := openReply(r, nil)
	if err == nil && !c.reach(uint64(c.coming)) {
		err = c.err
	}
	if err != nil {
		giveUp(r)
	}
	return c.doc, err
}

// giveUp closes a reply that nothing more is wanted of. The SDK would read it to its end, which may never come.
func giveUp(r *http.Response) {
	_ = r.Body.Close() // whatever it says
	r.Body = http.NoBody
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
	}
	c, err := openReply(r.Response, scratch)
	if err == nil {
		err = deserializeFrom(c, out, byHand(out))
	}
	if err != nil {
		giveUp(r.Response)
		return &smithy.DeserializationError{Err: err}
	}
	if scratch != nil { // not after a failure: a read that was given up may still write into it
		scratches.Put(scratch)
	}
	return nil
}

// byHand returns what reads the bulk of a reply or an event into out, nil if it has none.
func byHand(out smithy.Deserializable) reader {
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

func recordsInto(list *[]types.Record, of *smithy.Schema) reader {
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
