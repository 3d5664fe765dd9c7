package kinesislambda

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"go.uber.org/zap"

	"github.com/penstock-go/penstock/consumer"
)

// Handler makes a handler for a worker of a Lambda function, which is fed as an event source mapping would feed it. The function gets Kinesis
// records as they are in the stream, aggregates closed. The error joins every fault of the mapping and of the function's shape.
//
// The handler is for [consumer.Config.Handler]. It asks the consumer for its batches and for what becomes of failures, so that the fields
// for these in the consumer's configuration have no effect.
func Handler[F Func](fn F, m Mapping) (consumer.Handler, error) {
	m = m.withDefaults()
	call, err := newFunction(fn)
	if err := errors.Join(err, m.validate()); err != nil {
		return nil, err
	}
	return &mapped{Mapping: m, call: call, filters: m.FilterCriteria.compile(), windows: make(map[shardKey]*tumbling)}, nil
}

// mapped is a function with its mapping. The consumer finds what else it is by these interfaces.
type mapped struct {
	Mapping
	call    function
	filters filters
	chosen  atomic.Bool // a consumer asks which records are wanted

	mu      sync.Mutex // guards windows; what is in them is the shard's
	windows map[shardKey]*tumbling
}

var (
	_ consumer.Shaper     = (*mapped)(nil)
	_ consumer.Chooser    = (*mapped)(nil)
	_ consumer.Weigher    = (*mapped)(nil)
	_ consumer.Idler      = (*mapped)(nil)
	_ consumer.Ender      = (*mapped)(nil)
	_ consumer.Drainer    = (*mapped)(nil)
	_ consumer.LeaseLoser = (*mapped)(nil)
	_ consumer.DeadLetter = (*mapped)(nil)
)

// noWindow asks for batches that do not wait, even where the consumer's configuration has a window for those of other handlers.
const noWindow = -1

// Shape is what the mapping asks of the consumer.
func (h *mapped) Shape() consumer.Shape {
	failure := &consumer.Failure{Bisect: h.BisectBatchOnFunctionError, MaxAttempts: h.attempts(), MaxAge: h.age()}
	if failure.MaxAttempts > 0 || failure.MaxAge > 0 {
		failure.Then, failure.DeadLetter = consumer.SendToDeadLetter, h
	}
	return consumer.Shape{
		Raw: true, MaxRecords: h.BatchSize, MaxBytes: h.room(), Window: cmp.Or(h.MaximumBatchingWindow, noWindow),
		Concurrency: h.ParallelizationFactor, Failure: failure,
	}
}

// Wants says whether a record passes the filters.
func (h *mapped) Wants(s consumer.Shard, r *consumer.Record) bool {
	h.chosen.Store(true)
	count(h.Hooks.PolledEvents, s, 1)
	return h.wants(s, r)
}

func (h *mapped) wants(s consumer.Shard, r *consumer.Record) bool {
	if len(h.filters) == 0 {
		return true
	}
	e := eventRecord(s, r, r.Data)
	if h.filters.match(&e) {
		return true
	}
	count(h.Hooks.FilteredOutEvents, s, 1)
	return false
}

// The bytes of an event beside its records, of a record beside its data, key and sequence number, and of the rest of a window's event.
const (
	eventOverhead  = 64
	recordOverhead = 900 // 400 of names and fixed values, 200 of two ARNs' fixed parts, and a stream's name and a role's
	windowOverhead = 1024
)

// room returns how many bytes of JSON the records of an event may have.
func (h *mapped) room() int {
	if h.TumblingWindow > 0 {
		return maxPayload - eventOverhead - windowOverhead - maxState
	}
	return maxPayload - eventOverhead
}

// Weigh returns how many bytes of JSON a record has in an event, at most.
func (h *mapped) Weigh(r *consumer.Record) int {
	key := len(r.PartitionKey)
	for i := range len(r.PartitionKey) {
		if c := r.PartitionKey[i]; c < ' ' || c > '~' || strings.IndexByte(`"\<>&`, c) >= 0 {
			key = 6 * len(r.PartitionKey) // as escapes
			break
		}
	}
	return recordOverhead + 2*len(r.SequenceNumber) + key + base64.StdEncoding.EncodedLen(len(r.Data))
}

// Handle calls the function with the records of a batch: with all of them at once, where a consumer has made the batch.
func (h *mapped) Handle(ctx context.Context, b *consumer.Batch) error {
	b.Records = h.passing(b)
	if len(b.Records) == 0 {
		return nil
	}
	if h.TumblingWindow > 0 {
		return h.tumble(ctx, b)
	}
	for done := 0; done < len(b.Records); {
		records := b.Records[done:]
		records = records[:h.fitting(records)]
		n, _, err := h.invoke(ctx, b.Shard, records, h.request(b.Shard, records))
		if done += n; n > 0 {
			b.Ack(done)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// passing returns the records of a batch that pass the filters. A consumer has left out the others before; whoever calls the handler
// himself has not, and if one fails, he gets them all again.
func (h *mapped) passing(b *consumer.Batch) []consumer.Record {
	if h.chosen.Load() || len(h.filters) == 0 {
		return b.Records
	}
	var wanted []consumer.Record
	for i := range b.Records {
		if h.wants(b.Shard, &b.Records[i]) {
			wanted = append(wanted, b.Records[i])
		}
	}
	return wanted
}

// fitting returns how many of the records make an event: all of a consumer's batch, and one in any case.
func (h *mapped) fitting(records []consumer.Record) int {
	size := h.Weigh(&records[0])
	n := 1
	for n < min(len(records), h.BatchSize) {
		if size += h.Weigh(&records[n]); size > h.room() {
			break
		}
		n++
	}
	return n
}

// request makes an event of records. The function gets a copy of their data: it may keep or change it, as on Lambda.
func (h *mapped) request(s consumer.Shard, records []consumer.Record) *request {
	total := 0
	for i := range records {
		total += len(records[i].Data)
	}
	buffer := make([]byte, 0, total)
	r := &request{}
	r.event.Records = make([]events.KinesisEventRecord, len(records))
	for i := range records {
		start := len(buffer)
		buffer = append(buffer, records[i].Data...)
		r.event.Records[i] = eventRecord(s, &records[i], buffer[start:len(buffer):len(buffer)])
	}
	return r
}

func eventRecord(s consumer.Shard, r *consumer.Record, data []byte) events.KinesisEventRecord {
	region, account := regionOf(s.ARN)
	return events.KinesisEventRecord{
		AwsRegion: region, EventID: s.ID + ":" + r.SequenceNumber, EventName: "aws:kinesis:record", EventSource: "aws:kinesis",
		EventSourceArn: arnOf(s), EventVersion: "1.0", InvokeIdentityArn: "arn:aws:iam::" + account + ":role/penstock",
		Kinesis: events.KinesisRecord{
			ApproximateArrivalTimestamp: events.SecondsEpochTime{Time: r.ApproximateArrival}, Data: data,
			PartitionKey: r.PartitionKey, SequenceNumber: r.SequenceNumber, KinesisSchemaVersion: "1.0",
		},
	}
}

// arnOf returns the stream's ARN. A shard made for a test may have none.
func arnOf(s consumer.Shard) string {
	if s.ARN != "" {
		return s.ARN
	}
	return "arn:aws:kinesis:us-east-1:000000000000:stream/" + s.Stream
}

// regionOf returns the region and the account that an ARN names.
func regionOf(arn string) (region, account string) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 {
		return "us-east-1", "000000000000"
	}
	return parts[3], parts[4]
}

func (h *mapped) functionArn(s consumer.Shard) string {
	if h.FunctionArn != "" {
		return h.FunctionArn
	}
	region, account := regionOf(s.ARN)
	return "arn:aws:lambda:" + region + ":" + account + ":function:function"
}

// invoke calls the function with an event of the records and returns how many of them are done. If it is not all, the error says why.
func (h *mapped) invoke(ctx context.Context, s consumer.Shard, records []consumer.Record, r *request) (done int, answer reply, err error) {
	if len(records) == 1 && h.Weigh(&records[0]) > h.room() {
		return h.tooLarge(ctx, s, records)
	}
	id := newID()
	answer, err = h.guard(ctx, s, id, r)
	switch {
	case err != nil:
	case h.ReportBatchItemFailures:
		done, err = answer.done(records)
	default:
		done = len(records)
	}
	if err == nil && r.window && answer.state == nil {
		done, err = 0, ErrState
	}
	count(h.Hooks.InvokedEvents, s, len(records))
	if err == nil {
		if h.Hooks.IteratorAge != nil && done > 0 {
			h.Hooks.IteratorAge(s, time.Since(records[done-1].ApproximateArrival))
		}
		return done, answer, nil
	}
	if h.Hooks.FailedInvokeEvents != nil {
		h.Hooks.FailedInvokeEvents(s, len(records), err)
	}
	return done, answer, &InvocationError{RequestID: id, Cause: err}
}

// guard makes the call: in the function's time, with what a function is told of it, and with a panic as an error.
func (h *mapped) guard(ctx context.Context, s consumer.Shard, id string, r *request) (answer reply, err error) {
	call, cancel := context.WithTimeoutCause(ctx, h.Timeout, ErrTimeout)
	defer cancel()
	late := time.AfterFunc(2*h.Timeout, func() {
		h.Logger.Error("the function has not returned though its time is over; its shard stands still", zap.String("shard", s.ID),
			zap.String("requestId", id), zap.Duration("timeout", h.Timeout))
	})
	defer late.Stop()
	defer func() {
		if value := recover(); value != nil {
			fault := &consumer.PanicError{Value: value, Stack: debug.Stack()}
			h.Logger.Error("the function panicked", zap.Error(fault), zap.ByteString("stack", fault.Stack))
			err = fault
		}
		if cause := context.Cause(call); cause != nil { // even if it has succeeded: the service would not have waited, nor does the worker
			err = errors.Join(cause, err)
		}
	}()
	return h.call(lambdacontext.NewContext(call, &lambdacontext.LambdaContext{AwsRequestID: id, InvokedFunctionArn: h.functionArn(s)}), r)
}

// tooLarge is what becomes of a record that no event has room for.
func (h *mapped) tooLarge(ctx context.Context, s consumer.Shard, records []consumer.Record) (int, reply, error) {
	err := fmt.Errorf("%w: record %s", ErrPayloadSize, records[0].SequenceNumber)
	if !h.passesOver() {
		return 0, reply{}, err
	}
	if failed := h.passOver(ctx, s, span(records), records, ConditionPayloadSizeExceeded, 0, err); failed != nil {
		return 0, reply{}, fmt.Errorf("%w: %w", consumer.ErrOutage, failed)
	}
	return 1, reply{state: State{}}, nil
}

// newID returns an id for an invocation.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	text := hex.EncodeToString(b[:])
	return text[:8] + "-" + text[8:12] + "-" + text[12:16] + "-" + text[16:20] + "-" + text[20:]
}
