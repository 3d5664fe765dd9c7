package producer

import (
	"errors"
	"time"
)

// Result is what became of one record. A nil Err means that the record is stored where every consumer finds it.
type Result struct {
	// ShardID and SequenceNumber are those of the Kinesis record in which the record is stored. Empty if Err is not nil.
	ShardID, SequenceNumber string
	// SubSequence is the record's place in its aggregate, from 0; 0 for a record that is stored on its own. With the sequence
	// number it is the record's position in the shard, as consumers see it.
	SubSequence uint64
	// Attempts are the record's attempts in their order, the last 32 of them. The slice is shared by the records of an aggregate:
	// it must not be changed.
	Attempts []Attempt
	// Err is nil or a [*FailedError]; from [Producer.PutSync] also what Put would have returned, or [ErrOutcomeUnknown] where ctx ended first.
	Err error
}

// maxAttemptsKept bounds what a record that is sent again and again remembers.
const maxAttemptsKept = 32

// Attempt is one sending of a record.
type Attempt struct {
	Number   int // from 1; a record that was packed anew with others goes on from the highest count among them
	Start    time.Time
	Duration time.Duration
	// Code is the service's error code; one of the codes of this package where the service gave none; empty if the attempt
	// succeeded. The service's own messages are not kept, since they repeat partition keys.
	Code string
	// Unknown: the record may have been stored.
	Unknown bool

	kind error // ErrUnreachable, ErrThrottled or ErrUnavailable, or nil
}

// The codes of attempts that failed without an error code of the service.
const (
	CodeTimeout      = "Timeout"      // no reply within Config.RequestTimeout
	CodeUnreachable  = "Unreachable"  // no connection came about; nothing was sent
	CodeConnection   = "Connection"   // the connection broke, or the reply could not be read
	CodeCanceled     = "Canceled"     // Close gave the request up
	CodeInvalidReply = "InvalidReply" // the reply does not say what became of each record
	CodeWrongShard   = "WrongShard"   // stored in a shard to which not all records of the aggregate belong
	CodeUnknownShard = "UnknownShard" // stored in a shard that was not known yet, or not since a pause; decided when it is
)

// failedError builds the error of a record that was given up for the reason. maybe says that an attempt which is not in attempts any
// more may have stored it.
func failedError(reason error, attempts []Attempt, maybe bool) *FailedError {
	e := &FailedError{Reason: reason, MaybeStored: maybe || maybeStored(attempts)}
	if n := len(attempts); n > 0 {
		last := attempts[n-1]
		e.Attempts, e.Last, e.Code = last.Number, last.kind, last.Code
	}
	if errors.Is(e.Last, reason) {
		e.Last = nil
	}
	return e
}
