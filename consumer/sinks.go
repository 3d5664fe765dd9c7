package consumer

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/penstock-go/penstock/aggregation"
	"github.com/penstock-go/penstock/internal/hashkey"
	"github.com/penstock-go/penstock/internal/lines"
	"github.com/penstock-go/penstock/internal/retry"
	"github.com/penstock-go/penstock/internal/shards"
)

// FileSink is a [DeadLetter] that appends to a file: one line of JSON for each record, a [DeadRecord], on the disk when Put returns. Where writing
// fails, or the process ends, some of a batch may be there, and will be there twice once it is written again; a line that was broken off
// is followed by a whole one. Workers of one machine may share a file. It has record data in it, and keys: if the sink makes it, only its owner can
// read it.
type FileSink struct{ file *lines.File }

// DeadRecord is a line of a [FileSink].
type DeadRecord struct {
	Stream          string    `json:"stream"`
	Shard           string    `json:"shard"`
	SequenceNumber  string    `json:"sequenceNumber"`
	SubSequence     uint64    `json:"subSequence"`
	Aggregated      bool      `json:"aggregated"`
	Arrival         time.Time `json:"approximateArrival"`
	Attempts        int       `json:"attempts"`
	Reason          string    `json:"reason"`
	Error           string    `json:"error,omitempty"` // what the handler said
	PartitionKey    string    `json:"partitionKey"`
	ExplicitHashKey string    `json:"explicitHashKey,omitempty"`
	Data            []byte    `json:"data"` // base64
}

// NewFileSink opens the file, or creates it.
func NewFileSink(path string) (*FileSink, error) {
	file, err := lines.Open(path)
	if err != nil {
		return nil, fmt.Errorf("consumer: dead-letter file: %w", err)
	}
	return &FileSink{file}, nil
}

// Put appends the records and waits until they are on the disk.
func (s *FileSink) Put(ctx context.Context, f Failed) error {
	text, err := deadLines(f)
	if err == nil {
		err = s.file.Append(ctx, text)
	}
	if err != nil {
		return fmt.Errorf("consumer: dead-letter file: %w", err)
	}
	return nil
}

// Close closes the file. No Put may follow.
func (s *FileSink) Close() error {
	if err := s.file.Close(); err != nil {
		return fmt.Errorf("consumer: dead-letter file: %w", err)
	}
	return nil
}

func deadLines(f Failed) ([]byte, error) {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	said := ""
	if f.Cause != nil {
		said = f.Cause.Error()
	}
	for i := range f.Records {
		r := &f.Records[i]
		err := enc.Encode(DeadRecord{
			Stream: f.Shard.Stream, Shard: f.Shard.ID, SequenceNumber: r.SequenceNumber, SubSequence: r.SubSequence, Aggregated: r.Aggregated,
			Arrival: r.ApproximateArrival, Attempts: f.Attempts, Reason: f.Reason.String(), Error: said,
			PartitionKey: r.PartitionKey, ExplicitHashKey: r.ExplicitHashKey, Data: r.Data,
		})
		if err != nil {
			return nil, fmt.Errorf("write a line: %w", err)
		}
	}
	return text.Bytes(), nil
}

// PutRecordAPI is the part of the Kinesis client that a [StreamSink] calls; *kinesis.Client satisfies it.
type PutRecordAPI interface {
	PutRecord(context.Context, *kinesis.PutRecordInput, ...func(*kinesis.Options)) (*kinesis.PutRecordOutput, error)
}

// StreamSink is a [DeadLetter] that puts the records, with their keys and nothing else, into another stream, in their order: whatever
// reads that sees what the handler should have seen. Members of aggregates become plain records; but one whose partition key the service does not
// take for a record of its own, because it is longer than 256 characters or no text, becomes an aggregate of one. A record without a partition key
// gets its sequence number for one, which the service asks for. If a put fails, those before it may be in the stream twice.
type StreamSink struct {
	api    PutRecordAPI
	stream shards.Stream
}

// NewStreamSink returns a sink for a stream, named by its name or its ARN. It makes no call.
func NewStreamSink(api PutRecordAPI, stream string) (*StreamSink, error) {
	id, err := shards.ParseStream(stream)
	if err != nil {
		return nil, fmt.Errorf("consumer: dead-letter stream: %w", err)
	}
	return &StreamSink{api: api, stream: id}, nil
}

// Put puts the records, one after the other. Where the service refuses one, the error has its code; its message, which may repeat a partition key,
// is in the error that is wrapped.
func (s *StreamSink) Put(ctx context.Context, f Failed) error {
	var last *string
	for i := range f.Records {
		in, err := letter(&f.Records[i])
		if err != nil {
			return fmt.Errorf("consumer: dead-letter stream %s: %w", s.stream.Name(), err)
		}
		in.StreamName, in.StreamARN, in.SequenceNumberForOrdering = s.stream.NameParam(), s.stream.ARNParam(), last
		out, err := s.api.PutRecord(ctx, in, once)
		if err != nil {
			return &sinkError{stream: s.stream.Name(), err: err}
		}
		last = out.SequenceNumber
	}
	return nil
}

// maxKeyCharacters is how long the service lets the partition key of a record be.
const maxKeyCharacters = 256

// letter returns the request that puts a record anew.
func letter(r *Record) (*kinesis.PutRecordInput, error) {
	in := &kinesis.PutRecordInput{Data: r.Data, PartitionKey: aws.String(cmp.Or(r.PartitionKey, r.SequenceNumber))}
	if r.ExplicitHashKey != "" {
		in.ExplicitHashKey = &r.ExplicitHashKey
	}
	if utf8.ValidString(r.PartitionKey) && utf8.RuneCountInString(r.PartitionKey) <= maxKeyCharacters {
		return in, nil
	}
	var alone aggregation.Encoder
	if err := alone.Add(r.PartitionKey, r.ExplicitHashKey, r.Data); err != nil {
		return nil, err //nolint:wrapcheck // the caller says where
	}
	in.Data, in.PartitionKey = alone.AppendTo(nil), &r.SequenceNumber
	if in.ExplicitHashKey == nil { // or it would come to another shard than its member belongs to
		in.ExplicitHashKey = aws.String(hashkey.Of(r.PartitionKey).String())
	}
	return in, nil
}

// sinkError is a failure of the service's, or of the way to it; of a refusal without its message.
type sinkError struct {
	stream string
	err    error
}

func (e *sinkError) Error() string {
	return fmt.Sprintf("consumer: dead-letter stream %s: %s", e.stream, cmp.Or(retry.Code(e.err), e.err.Error()))
}

func (e *sinkError) Unwrap() error { return e.err }
