package consumer

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/penstock-go/penstock/checkpoint"
	"github.com/penstock-go/penstock/internal/retry"
)

// The sentinels that errors of this package match with errors.Is. Errors about a lease match those of package leases besides.
var (
	// ErrConfig is the kind of every [ConfigError].
	ErrConfig = errors.New("consumer: wrong configuration")
	// ErrRunning is returned by a second Run while the first one has not returned.
	ErrRunning = errors.New("consumer: Run is already running")
	// ErrStreamNotFound: the service does not know the stream, in the client's region and account. Correct the stream's name or
	// the client's region, or create the stream.
	ErrStreamNotFound = errors.New("consumer: the stream does not exist")
	// ErrConsumerNotFound: the stream has no enhanced fan-out consumer with the configured ARN, or that is one of another stream. Correct
	// Stream.ConsumerARN, or leave it out, so that a consumer is registered.
	ErrConsumerNotFound = errors.New("consumer: the enhanced fan-out consumer does not exist")
	// ErrConsumerLimit: the stream has as many enhanced fan-out consumers as the service allows. Deregister one, name one that is
	// registered, or set Stream.PollAtLimit.
	ErrConsumerLimit = errors.New("consumer: the stream has no room for another enhanced fan-out consumer")
	// ErrAccessDenied: the service refused the credentials, or they lack a permission. The [StreamError] around it names the
	// operation whose permission is missing.
	ErrAccessDenied = errors.New("consumer: access denied")
	// ErrUnreachable: no connection came about. Correct the client's endpoint or region, or mend the network.
	ErrUnreachable = errors.New("consumer: the endpoint cannot be reached")
	// ErrEncryption: the key of the encrypted stream cannot be used. It is mended in KMS, or with kms:Decrypt on the key; the
	// shards are read on where they stood as soon as it is.
	ErrEncryption = errors.New("consumer: the stream's encryption key cannot be used")
	// ErrPanic is the kind of every [PanicError].
	ErrPanic = errors.New("consumer: the handler panicked")
	// ErrOutage is for handlers to return, alone or wrapped: what failed has nothing to do with the records, as when a database is away.
	// They are tried again for as long as it takes: the call is not counted as an attempt, and no batch is cut in halves for it.
	ErrOutage = errors.New("consumer: the handler cannot work")
	// ErrBatch is the kind of every [BatchError].
	ErrBatch = errors.New("consumer: records cannot be handled")
	// ErrTrimmed is the kind of every [TrimmedError].
	ErrTrimmed = errors.New("consumer: records were trimmed before they were read")
	// ErrAggregate is the kind of every [AggregateError].
	ErrAggregate = errors.New("consumer: malformed aggregate")
	// ErrNoChildren is what the hooks see while a shard has ended and the service does not list its children yet.
	ErrNoChildren = errors.New("consumer: the shard has ended, but its children are not listed yet")
	// ErrReply reports a reply of the service that its documentation rules out. The call is made again.
	ErrReply = errors.New("consumer: the service sent an invalid reply")
	// ErrSilent is why a subscription is given up and opened again: no event came for 35 seconds, though an idle shard has one
	// every few seconds.
	ErrSilent = errors.New("consumer: the subscription fell silent")
)

// ConfigError is one fault of a [Config]. [New] joins as many as there are.
type ConfigError struct {
	Field  string // as in the source, for example "Streams[1].Name"
	Reason string // what is wrong and what to set instead
}

// Error names the field and says what to change.
func (e *ConfigError) Error() string { return "consumer: Config." + e.Field + ": " + e.Reason }

// Unwrap returns [ErrConfig].
func (e *ConfigError) Unwrap() error { return ErrConfig }

// StreamError says what went wrong with a stream, and what to change. It matches one of the sentinels above and keeps the cause.
type StreamError struct {
	Stream string
	Op     string // the operation of the API that failed
	Kind   error  // ErrStreamNotFound, ErrConsumerNotFound, ErrConsumerLimit, ErrAccessDenied or ErrUnreachable; nil for other failures
	Cause  error
}

// Error names the stream and the operation.
func (e *StreamError) Error() string {
	advice := map[error]string{
		ErrStreamNotFound:   ": check the name, and the region and account of the Kinesis client",
		ErrConsumerNotFound: ": correct ConsumerARN, or leave it out",
		ErrConsumerLimit:    ": deregister a consumer, name one that is registered, or set PollAtLimit",
		ErrAccessDenied:     ": allow kinesis:" + e.Op + " on the stream, or correct the credentials",
		ErrUnreachable:      ": check the endpoint and the region of the Kinesis client",
	}[e.Kind]
	if e.Kind == nil {
		return fmt.Sprintf("consumer: stream %s: %s: %v", e.Stream, e.Op, e.Cause)
	}
	return fmt.Sprintf("%v: stream %s: %s%s: %v", e.Kind, e.Stream, e.Op, advice, e.Cause)
}

// Unwrap returns the kind and the cause.
func (e *StreamError) Unwrap() []error {
	if e.Kind == nil {
		return []error{e.Cause}
	}
	return []error{e.Kind, e.Cause}
}

// explained makes an error that an operator has to mend match the sentinel which says how.
func explained(err error) error {
	switch retry.Classify(err) {
	case retry.Encryption:
		return fmt.Errorf("%w (%s): %w", ErrEncryption, retry.Code(err), err)
	case retry.Denied:
		return fmt.Errorf("%w: %w", ErrAccessDenied, err)
	case retry.Transient, retry.Throttled, retry.Unreachable, retry.NotFound, retry.Busy, retry.Invalid, retry.Expired, retry.Canceled:
	}
	return err
}

// PanicError is what a batch ends with whose handler panicked. Its text leaves the value out, since a value may hold record
// data, except for errors of the Go runtime.
type PanicError struct {
	Value any
	Stack []byte
}

// Error says that the handler panicked.
func (e *PanicError) Error() string {
	if fault, ok := e.Value.(runtime.Error); ok {
		return ErrPanic.Error() + ": " + fault.Error()
	}
	return fmt.Sprintf("%v with a value of type %T", ErrPanic, e.Value)
}

// Unwrap returns [ErrPanic].
func (e *PanicError) Unwrap() error { return ErrPanic }

// BatchError is why Run has ended where the policy for records that cannot be handled is [StopRun].
type BatchError struct{ Failed }

// Error names the shard and the first record.
func (e *BatchError) Error() string {
	text := fmt.Sprintf("%v: stream %s, shard %s, %d from record %s on: %v", ErrBatch, e.Shard.Stream, e.Shard.ID, len(e.Records),
		e.Records[0].SequenceNumber, e.Reason)
	if e.Cause != nil {
		text += ": " + e.Cause.Error()
	}
	return text
}

// Unwrap returns [ErrBatch] and the cause, if there is one.
func (e *BatchError) Unwrap() []error {
	if e.Cause == nil {
		return []error{ErrBatch}
	}
	return []error{ErrBatch, e.Cause}
}

// TrimmedError is reported, not returned: a shard could not be read on from where its checkpoint stands, since the records
// there have left the stream's retention period, or the stream was deleted and created anew. Reading goes on with the oldest record there is.
// Where Position names no record, or one that was read before, none is known to be missing: so much time has passed since that what came in
// meanwhile, if anything did and nobody read it, may be gone.
type TrimmedError struct {
	Shard    Shard
	Position checkpoint.Position // where reading should have gone on
	Cause    error               // the service's refusal, or what else tells; nil where the record at Position was missing
}

// Error names the shard and the position.
func (e *TrimmedError) Error() string {
	what := ErrTrimmed.Error()
	if e.Position.Sentinel() || e.Position.SubSequence() != checkpoint.Inclusive && e.Cause == nil {
		what = "consumer: records may have been trimmed before they were read"
	}
	text := fmt.Sprintf("%s: stream %s, shard %s, at %v", what, e.Shard.Stream, e.Shard.ID, e.Position)
	if e.Cause != nil {
		text += ": " + e.Cause.Error()
	}
	return text
}

// Unwrap returns [ErrTrimmed] and the cause, if there is one.
func (e *TrimmedError) Unwrap() []error {
	if e.Cause == nil {
		return []error{ErrTrimmed}
	}
	return []error{ErrTrimmed, e.Cause}
}

// AggregateError is reported, not returned: a Kinesis record has the checksum of an aggregate but cannot be taken apart. It is
// handled as one plain record.
type AggregateError struct {
	Shard          Shard
	SequenceNumber string
	Cause          error // an *aggregation.Error
}

// Error names the shard and the record's sequence number.
func (e *AggregateError) Error() string {
	return fmt.Sprintf("%v: stream %s, shard %s, record %s: %v", ErrAggregate, e.Shard.Stream, e.Shard.ID, e.SequenceNumber, e.Cause)
}

// Unwrap returns [ErrAggregate] and the cause.
func (e *AggregateError) Unwrap() []error { return []error{ErrAggregate, e.Cause} }
