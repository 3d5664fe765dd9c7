package kinesis

import (
	"net/http"

	"github.com/penstock-go/penstock/kinesistest/internal/kinesis/wire"
)

// An eventStream is the reply to SubscribeToShard: frames, of which the first is the initial response, the others are
// events, and the last may be an exception. The documents in the frames have the format of the request.
type eventStream struct {
	c    *call
	http *http.ResponseController
	buf  []byte // of the frame that is being made
}

func newEventStream(c *call) *eventStream {
	return &eventStream{c: c, http: http.NewResponseController(c.w)}
}

// The headers of a frame, as the event stream protocol names them.
const (
	messageType   = ":message-type"
	eventType     = ":event-type"
	exceptionType = ":exception-type"
	contentType   = ":content-type"
)

// payloadType is the content type of a frame's payload.
func (es *eventStream) payloadType() string {
	if es.c.fmt == jsonFormat {
		return "application/json"
	}
	return es.c.fmt.contentType
}

// start sends the head of the reply and the initial response, which clients of a protocol without REST bindings wait for
// before they return from the call.
func (es *eventStream) start() error {
	es.c.started = true
	es.c.w.Header().Set("Content-Type", "application/vnd.amazon.eventstream")
	es.c.w.WriteHeader(http.StatusOK)
	return es.send([]wire.Header{
		{Name: messageType, Value: "event"},
		{Name: eventType, Value: "initial-response"},
		{Name: contentType, Value: es.payloadType()},
	}, func(enc wire.Encoder) {
		enc.Map()
		enc.EndMap()
	})
}

// event sends what a read found, which may be nothing. The continuation number tells the client where to go on; there is
// none in the last event of a shard, which names the children instead.
func (es *eventStream) event(s *shard, b batch, now int64) error {
	return es.send([]wire.Header{
		{Name: messageType, Value: "event"},
		{Name: eventType, Value: "SubscribeToShardEvent"},
		{Name: contentType, Value: es.payloadType()},
	}, func(enc wire.Encoder) {
		enc.Map()
		writeRecords(enc, s, b.records)
		writeNumber(enc, "MillisBehindLatest", b.behind)
		if b.drained {
			writeChildren(enc, b.children)
		} else {
			writeText(enc, "ContinuationSequenceNumber", continuation(s, b, now).String())
		}
		enc.EndMap()
	})
}

// continuation returns the number to go on from: that of the last record, or, if there is none, one between the record
// before and the record to come, which moves on with time. It may be used with either type of position.
func continuation(s *shard, b batch, now int64) sequenceNumber {
	if b.records.len() > 0 {
		last := b.next - 1
		return s.sequence(last, b.records.at(last).at)
	}
	return s.sequence(b.next-1, now+1000)
}

// exception sends the error that ends the stream.
func (es *eventStream) exception(f *fault) error {
	return es.send([]wire.Header{
		{Name: messageType, Value: "exception"},
		{Name: exceptionType, Value: f.code},
		{Name: contentType, Value: es.payloadType()},
	}, func(enc wire.Encoder) { writeFaultBody(enc, f) })
}

// send sends one frame, at once.
func (es *eventStream) send(headers []wire.Header, document func(wire.Encoder)) error {
	buf, start := wire.BeginFrame(es.buf[:0], headers)
	enc := es.c.fmt.encoder(buf)
	document(enc)
	es.buf = wire.EndFrame(enc.Bytes(), start)
	if _, err := es.c.w.Write(es.buf); err != nil {
		return err
	}
	return es.http.Flush()
}
