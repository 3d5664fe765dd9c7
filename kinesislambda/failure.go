package kinesislambda

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/penstock-go/penstock/consumer"
)

// Destination is where messages go about records that are passed over. Packages tofile, tostream, tosqs, tosns and tos3 have some.
type Destination interface {
	// Deliver keeps the message. After nil the records count as done; otherwise it is called again, with growing delays. It is called from
	// several goroutines at once.
	Deliver(ctx context.Context, r *InvocationRecord) error
}

// DestinationFunc is a function that is a [Destination].
type DestinationFunc func(ctx context.Context, r *InvocationRecord) error

// Deliver calls f.
func (f DestinationFunc) Deliver(ctx context.Context, r *InvocationRecord) error { return f(ctx, r) }

// InvocationRecord is the message about records that were passed over, of the form that the service documents. It has no data: the records are
// to be read from the stream again, by their sequence numbers, while the stream has them. Payload alone has them.
type InvocationRecord struct {
	RequestContext   RequestContext   `json:"requestContext"`
	ResponseContext  *ResponseContext `json:"responseContext,omitempty"` // nil: the function was not called
	Version          string           `json:"version"`
	Timestamp        time.Time        `json:"timestamp"`
	KinesisBatchInfo KinesisBatchInfo `json:"KinesisBatchInfo"`
	// Payload is the whole event, as JSON. It is for destinations that can take it: of the service's own, S3.
	Payload string `json:"payload,omitempty"`

	// MappingUUID is Mapping.UUID.
	MappingUUID string `json:"-"`
}

// RequestContext says what was called, and why no more.
type RequestContext struct {
	RequestID              string `json:"requestId"`
	FunctionArn            string `json:"functionArn"`
	Condition              string `json:"condition"` // one of the Condition constants
	ApproximateInvokeCount int    `json:"approximateInvokeCount"`
}

// Conditions under which records are passed over. The last one is ours: the service documents none.
const (
	ConditionRetryAttemptsExhausted = "RetryAttemptsExhausted"
	ConditionRecordAgeExceeded      = "RecordAgeExceeded"
	ConditionPayloadSizeExceeded    = "PayloadSizeExceeded"
)

// ResponseContext says how the last call ended.
type ResponseContext struct {
	StatusCode      int    `json:"statusCode"`
	ExecutedVersion string `json:"executedVersion"`
	FunctionError   string `json:"functionError"`
}

// KinesisBatchInfo says where the records are.
type KinesisBatchInfo struct {
	ShardID                         string    `json:"shardId"`
	StartSequenceNumber             string    `json:"startSequenceNumber"`
	EndSequenceNumber               string    `json:"endSequenceNumber"`
	ApproximateArrivalOfFirstRecord time.Time `json:"approximateArrivalOfFirstRecord"`
	ApproximateArrivalOfLastRecord  time.Time `json:"approximateArrivalOfLastRecord"`
	BatchSize                       int       `json:"batchSize"`
	StreamArn                       string    `json:"streamArn"`
}

// Message returns the message as JSON: without the payload, as the service sends it to queues and topics.
func (r *InvocationRecord) Message() ([]byte, error) {
	bare := *r
	bare.Payload = ""
	return json.Marshal(&bare)
}

// Put is what the consumer calls for records that are given up.
func (h *mapped) Put(ctx context.Context, f consumer.Failed) error {
	condition := ConditionRetryAttemptsExhausted
	if f.Reason == consumer.TooOld {
		condition = ConditionRecordAgeExceeded
	}
	return h.passOver(ctx, f.Shard, span(f.Records), f.Records, condition, f.Attempts, f.Cause)
}

// stretch is some records of a shard.
type stretch struct {
	first, last           string
	arrivedFirst, arrived time.Time
	size                  int
}

func span(records []consumer.Record) (s stretch) {
	s.add(records)
	return s
}

func (s *stretch) add(records []consumer.Record) {
	first, last := &records[0], &records[len(records)-1]
	if s.size == 0 {
		s.first, s.arrivedFirst = first.SequenceNumber, first.ApproximateArrival
	}
	s.last, s.arrived = last.SequenceNumber, last.ApproximateArrival
	s.size += len(records)
}

// passOver tells the destination of records, or drops them if the mapping says so. After nil they are done with.
func (h *mapped) passOver(ctx context.Context, shard consumer.Shard, s stretch, records []consumer.Record, condition string, calls int, cause error) error {
	fields := []zap.Field{
		zap.String("shard", shard.ID), zap.String("first", s.first), zap.String("last", s.last), zap.Int("records", s.size),
		zap.String("condition", condition), zap.NamedError("cause", cause),
	}
	if h.OnFailure == nil {
		count(h.Hooks.DroppedEvents, shard, s.size)
		h.Logger.Error("records were discarded, as the mapping allows", fields...)
		return nil
	}
	r, err := h.invocationRecord(shard, s, records, condition, calls, cause)
	if err != nil {
		return err
	}
	if err := inTime(ctx, h.OnFailure.Deliver(ctx, r)); err != nil {
		h.Logger.Error("the destination did not take a message", append(fields, zap.Error(err))...)
		return err //nolint:wrapcheck // the destination's own
	}
	count(h.Hooks.OnFailureDestinationDeliveredEvents, shard, s.size)
	h.Logger.Error("records were passed over, and the destination was told", fields...)
	return nil
}

func (h *mapped) invocationRecord(
	shard consumer.Shard, s stretch, records []consumer.Record, condition string, calls int, cause error,
) (*InvocationRecord, error) {
	r := &InvocationRecord{
		RequestContext: RequestContext{
			RequestID: newID(), FunctionArn: h.functionArn(shard), Condition: condition, ApproximateInvokeCount: calls,
		},
		Version: "1.0", Timestamp: milliseconds(time.Now()), MappingUUID: h.UUID,
		KinesisBatchInfo: KinesisBatchInfo{
			ShardID: shard.ID, StartSequenceNumber: s.first, EndSequenceNumber: s.last, BatchSize: s.size, StreamArn: shard.ARN,
			ApproximateArrivalOfFirstRecord: milliseconds(s.arrivedFirst), ApproximateArrivalOfLastRecord: milliseconds(s.arrived),
		},
	}
	var call *InvocationError
	if errors.As(cause, &call) {
		r.RequestContext.RequestID = call.RequestID
		r.ResponseContext = &ResponseContext{StatusCode: 200, ExecutedVersion: "$LATEST", FunctionError: "Unhandled"}
	}
	if len(records) > 0 {
		q := h.request(shard, records)
		payload, err := q.payload()
		if err != nil {
			return nil, err
		}
		r.Payload = string(payload)
	}
	return r, nil
}

// milliseconds returns a time as messages have it.
func milliseconds(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }
