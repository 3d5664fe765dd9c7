package kinesislambda

import (
	"errors"
	"fmt"

	"github.com/penstock-go/penstock/consumer"
)

// The sentinels that errors of this package match with errors.Is.
var (
	// ErrConfig is the kind of every [ConfigError].
	ErrConfig = errors.New("kinesislambda: wrong configuration")
	// ErrEvent: what was invoked with is no event of one shard, in order. Nothing of it was handled.
	ErrEvent = errors.New("kinesislambda: not an event of one shard of a stream")
	// ErrRecord is the kind of every [RecordError].
	ErrRecord = errors.New("kinesislambda: a record was not handled")
	// ErrTimeout: a function was not done in its time ([Mapping].Timeout).
	ErrTimeout = errors.New("kinesislambda: the function's time was over")
	// ErrReported: a function's answer names a record that failed.
	ErrReported = errors.New("kinesislambda: the function reports a failure")
	// ErrAnswer: a function's answer cannot be understood, or names no record of the batch. All of the batch counts as failed.
	ErrAnswer = errors.New("kinesislambda: the function's answer is invalid")
	// ErrState: the answer of a function with a tumbling window has no state. That counts as a failure.
	ErrState = errors.New("kinesislambda: the function's answer has no state")
	// ErrPayloadSize: a record does not fit into an event of 6 MB. Give the mapping an OnFailure destination for such records.
	ErrPayloadSize = errors.New("kinesislambda: the record does not fit into an event")
	// ErrDeadline is why a handler's context ends before the invocation does: what is left of the time is for the answer.
	ErrDeadline = errors.New("kinesislambda: the invocation's time is nearly over")
)

// RecordError says which record of an event was not handled. All records before it were.
type RecordError struct {
	Shard          consumer.Shard
	SequenceNumber string // of the Kinesis record
	SubSequence    uint64 // the first user record in it that is not done
	Cause          error  // what the handler returned, a *consumer.PanicError, or why it was not called
}

// Error names the shard and the record.
func (e *RecordError) Error() string {
	return fmt.Sprintf("%v: stream %s, shard %s, record %s/%d: %v", ErrRecord, e.Shard.Stream, e.Shard.ID, e.SequenceNumber, e.SubSequence, e.Cause)
}

// Unwrap returns [ErrRecord] and the cause.
func (e *RecordError) Unwrap() []error { return []error{ErrRecord, e.Cause} }

// ConfigError is one fault of what a function or a mapping was made with. [Handler] joins as many as there are.
type ConfigError struct {
	Field  string // as in the source, for example "Mapping.BatchSize"
	Reason string // what is wrong and what to set instead
}

// Error names the field and says what to change.
func (e *ConfigError) Error() string { return "kinesislambda: " + e.Field + ": " + e.Reason }

// Unwrap returns [ErrConfig].
func (e *ConfigError) Unwrap() error { return ErrConfig }

// InvocationError is a call of a function that failed, or did not get all records done.
type InvocationError struct {
	RequestID string
	Cause     error // what the function returned, a *consumer.PanicError, or one of the sentinels
}

// Error has the cause's text, which is the function's own.
func (e *InvocationError) Error() string {
	return fmt.Sprintf("kinesislambda: invocation %s: %v", e.RequestID, e.Cause)
}

// Unwrap returns the cause.
func (e *InvocationError) Unwrap() error { return e.Cause }
