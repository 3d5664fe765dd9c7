package kinesis

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/penstock-go/penstock/kinesistest/internal/kinesis/wire"
)

// TargetPrefix is how the X-Amz-Target header of every request to Kinesis starts. The operation's name follows.
const TargetPrefix = "Kinesis_20131202."

// A format is one of the two formats of documents.
type format struct {
	contentType string
	decoder     func([]byte) wire.Decoder
	encoder     func([]byte) wire.Encoder
}

var (
	jsonFormat = &format{"application/x-amz-json-1.1", wire.NewJSON, wire.NewJSONEncoder}
	cborFormat = &format{"application/x-amz-cbor-1.1", wire.NewCBOR, wire.NewCBOREncoder}
)

// formatOf returns the format of a request with the given content type, or nil.
func formatOf(contentType string) *format {
	mediaType, _, _ := strings.Cut(contentType, ";")
	switch strings.TrimSpace(mediaType) {
	case jsonFormat.contentType, "application/json":
		return jsonFormat
	case cborFormat.contentType:
		return cborFormat
	}
	return nil
}

// An operation reads its input from the call, does its work and writes its output there. Its errors are faults.
type operation func(db *DB, c *call) error

// operations is what the service can do, by the names in the X-Amz-Target header.
var operations = map[string]operation{
	"AddTagsToStream":                        (*DB).addTagsToStream,
	"CreateStream":                           (*DB).createStream,
	"DecreaseStreamRetentionPeriod":          (*DB).decreaseStreamRetentionPeriod,
	"DeleteResourcePolicy":                   (*DB).deleteResourcePolicy,
	"DeleteStream":                           (*DB).deleteStream,
	"DeregisterStreamConsumer":               (*DB).deregisterStreamConsumer,
	"DescribeAccountSettings":                (*DB).describeAccountSettings,
	"DescribeLimits":                         (*DB).describeLimits,
	"DescribeStream":                         (*DB).describeStream,
	"DescribeStreamConsumer":                 (*DB).describeStreamConsumer,
	"DescribeStreamSummary":                  (*DB).describeStreamSummary,
	"DisableEnhancedMonitoring":              (*DB).disableEnhancedMonitoring,
	"EnableEnhancedMonitoring":               (*DB).enableEnhancedMonitoring,
	"GetRecords":                             (*DB).getRecords,
	"GetResourcePolicy":                      (*DB).getResourcePolicy,
	"GetShardIterator":                       (*DB).getShardIterator,
	"IncreaseStreamRetentionPeriod":          (*DB).increaseStreamRetentionPeriod,
	"ListShards":                             (*DB).listShards,
	"ListStreamConsumers":                    (*DB).listStreamConsumers,
	"ListStreams":                            (*DB).listStreams,
	"ListTagsForResource":                    (*DB).listTagsForResource,
	"ListTagsForStream":                      (*DB).listTagsForStream,
	"MergeShards":                            (*DB).mergeShards,
	"PutRecord":                              (*DB).putRecord,
	"PutRecords":                             (*DB).putRecords,
	"PutResourcePolicy":                      (*DB).putResourcePolicy,
	"RegisterStreamConsumer":                 (*DB).registerStreamConsumer,
	"RemoveTagsFromStream":                   (*DB).removeTagsFromStream,
	"SplitShard":                             (*DB).splitShard,
	"StartStreamEncryption":                  (*DB).startStreamEncryption,
	"StopStreamEncryption":                   (*DB).stopStreamEncryption,
	"SubscribeToShard":                       (*DB).subscribeToShard,
	"TagResource":                            (*DB).tagResource,
	"UntagResource":                          (*DB).untagResource,
	"UpdateAccountSettings":                  (*DB).updateAccountSettings,
	"UpdateMaxRecordSize":                    (*DB).updateMaxRecordSize,
	"UpdateShardCount":                       (*DB).updateShardCount,
	"UpdateStreamMode":                       (*DB).updateStreamMode,
	"UpdateStreamRecordDistributionStrategy": (*DB).updateStreamRecordDistributionStrategy,
	"UpdateStreamWarmThroughput":             (*DB).updateStreamWarmThroughput,
}

// A call is one request on its way through an operation. It belongs to the goroutine that serves the request.
type call struct {
	ctx     context.Context
	w       http.ResponseWriter
	fmt     *format
	in      wire.Decoder
	enc     wire.Encoder // nil until the operation asks for it
	reply   *buffer      // what enc appends to
	started bool         // the operation wrote the head of the reply itself
}

// decode reads the request's document. member is called for every member and reports whether it knows it.
func (c *call) decode(member func(d wire.Decoder, name string) bool) error {
	for name := range c.in.Fields() {
		if !member(c.in, string(name)) {
			c.in.Skip()
		}
	}
	return c.decoded()
}

// decoded checks that the document was read without failure to its end.
func (c *call) decoded() error {
	c.in.End()
	if c.in.Err() != nil {
		return unserializable()
	}
	return nil
}

// out returns the encoder of the reply's document, which is about size bytes long.
func (c *call) out(size int) wire.Encoder {
	c.reply = newBuffer(min(size, maxBody))
	c.enc = c.fmt.encoder(c.reply.b)
	return c.enc
}

// ServeHTTP serves one request. Every operation passes through here.
func (db *DB) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Amzn-Requestid", requestID())
	h.Set("X-Amz-Id-2", extendedID())
	c := &call{ctx: r.Context(), w: w, fmt: formatOf(r.Header.Get("Content-Type"))}
	err := db.serve(c, r)
	switch {
	case c.started:
	case err != nil:
		c.writeFault(err)
	default:
		c.writeReply()
	}
}

// serve runs the operation that the request asks for.
func (db *DB) serve(c *call, r *http.Request) error {
	name, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), TargetPrefix)
	op := operations[name]
	if c.fmt == nil {
		c.fmt = jsonFormat
		return &fault{http.StatusNotFound, "UnknownOperationException", "unknown content type"}
	}
	if !ok || op == nil || r.Method != http.MethodPost {
		return clientFault("UnknownOperationException", "unknown operation")
	}
	if err := db.admitCall(name, nil); err != nil {
		return err
	}
	body, err := readBody(r)
	if err != nil {
		return err
	}
	defer body.free()
	c.in = c.fmt.decoder(body.b)
	return op(db, c)
}

// readBody reads the whole body of r. The buffer is the caller's.
func readBody(r *http.Request) (*buffer, error) {
	tooLarge := &fault{http.StatusRequestEntityTooLarge, "RequestEntityTooLargeException", "the request is too large"}
	if r.ContentLength > maxBody {
		return nil, tooLarge
	}
	// One byte more than the body lets the last Read report the end.
	body := newBuffer(int(max(r.ContentLength, 0)) + 1)
	for {
		n, err := r.Body.Read(body.b[len(body.b):cap(body.b)])
		body.b = body.b[:len(body.b)+n]
		switch {
		case len(body.b) > maxBody:
			return nil, tooLarge
		case errors.Is(err, io.EOF):
			return body, nil
		case err != nil:
			return nil, unserializable()
		case len(body.b) == cap(body.b):
			body.b = append(body.b, 0)[:len(body.b)]
		}
	}
}

// A bodyTaker is a response writer that can take over a finished body, which spares the copy of Write. It calls free when
// it does not need the bytes any more.
type bodyTaker interface {
	TakeBody(body []byte, free func())
}

// writeReply sends the document that the operation wrote. Operations without output send an empty body.
func (c *call) writeReply() {
	c.w.Header().Set("Content-Type", c.fmt.contentType)
	if c.enc == nil {
		c.w.Header().Set("Content-Length", "0")
		c.w.WriteHeader(http.StatusOK)
		return
	}
	c.reply.b = c.enc.Bytes()
	c.w.Header().Set("Content-Length", strconv.Itoa(len(c.reply.b)))
	c.w.WriteHeader(http.StatusOK)
	if t, ok := c.w.(bodyTaker); ok {
		t.TakeBody(c.reply.b, c.reply.free)
		return
	}
	// An error means that the client went away: nobody is left to be told.
	_, _ = c.w.Write(c.reply.b)
	c.reply.free()
}

// writeFault sends an error instead of a reply.
func (c *call) writeFault(err error) {
	f := asFault(err)
	enc := c.fmt.encoder(nil)
	writeFaultBody(enc, f)
	c.w.Header().Set("Content-Type", c.fmt.contentType)
	c.w.Header().Set("Content-Length", strconv.Itoa(len(enc.Bytes())))
	c.w.WriteHeader(f.status)
	_, _ = c.w.Write(enc.Bytes())
}

// asFault returns err as a fault. Every error of an operation is one; another would be a defect of this package.
func asFault(err error) *fault {
	var f *fault
	if errors.As(err, &f) {
		return f
	}
	return &fault{http.StatusInternalServerError, "InternalFailureException", err.Error()}
}

func writeFaultBody(enc wire.Encoder, f *fault) {
	enc.Map()
	enc.Name("__type")
	enc.Text(f.code)
	enc.Name("message")
	enc.Text(f.message)
	enc.EndMap()
}

// requestID returns a random UUID.
func requestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	s := hex.EncodeToString(b[:])
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}

// extendedID returns the second, longer identifier that the service gives a request.
func extendedID() string {
	var b [48]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.StdEncoding.EncodeToString(b[:])
}
