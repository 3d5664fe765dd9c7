package aggregation

import (
	"errors"
	"fmt"
)

// The sentinels, one for each [Reason]. Errors of this package match them with errors.Is.
var (
	// ErrNotAggregated: the data is a plain record, not an aggregate. This is no fault.
	ErrNotAggregated = errors.New("aggregation: not an aggregated record")
	// ErrBadChecksum: the data begins like an aggregate, but the MD5 at its end is not that of its message. Either it was
	// cut or altered, or it is a plain record that happens to begin with the four bytes.
	ErrBadChecksum = errors.New("aggregation: the checksum does not match the message")
	// ErrMalformed: the message is not well-formed protobuf.
	ErrMalformed = errors.New("aggregation: the message is not well-formed protobuf")
	// ErrMissingField: a record lacks its partition key index or its data, or a tag lacks its key. Writers that treat the
	// format as proto3 leave out index 0 and empty data; proto2 requires both to be written.
	ErrMissingField = errors.New("aggregation: a required field is missing")
	// ErrBadIndex: a record refers to a key that its table does not have.
	ErrBadIndex = errors.New("aggregation: a key index is outside its table")
	// ErrBadHashKey: an explicit hash key is not a decimal number from 0 to 2^128-1.
	ErrBadHashKey = errors.New("aggregation: an explicit hash key is not a decimal number from 0 to 2^128-1")
	// ErrEmpty: the aggregate is sound but holds no records.
	ErrEmpty = errors.New("aggregation: the aggregate holds no records")
	// ErrNoPartitionKey: a record was added without a partition key.
	ErrNoPartitionKey = errors.New("aggregation: the partition key is empty")
	// ErrTooLarge: the message exceeds the 2 GiB that protobuf allows.
	ErrTooLarge = errors.New("aggregation: the message is larger than 2 GiB")
)

// Reason says why data could not be decoded, or a record not be added.
type Reason uint8

// The reasons, each with the sentinel of the same name.
const (
	ReasonNotAggregated  Reason = iota + 1 // ErrNotAggregated
	ReasonBadChecksum                      // ErrBadChecksum
	ReasonMalformed                        // ErrMalformed
	ReasonMissingField                     // ErrMissingField
	ReasonBadIndex                         // ErrBadIndex
	ReasonBadHashKey                       // ErrBadHashKey
	ReasonEmpty                            // ErrEmpty
	ReasonNoPartitionKey                   // ErrNoPartitionKey
	ReasonTooLarge                         // ErrTooLarge
)

// reasons holds, by Reason, its name (for logs and metric labels) and its sentinel.
var reasons = [...]struct {
	name string
	err  error
}{
	ReasonNotAggregated:  {"not aggregated", ErrNotAggregated},
	ReasonBadChecksum:    {"bad checksum", ErrBadChecksum},
	ReasonMalformed:      {"malformed", ErrMalformed},
	ReasonMissingField:   {"missing field", ErrMissingField},
	ReasonBadIndex:       {"bad index", ErrBadIndex},
	ReasonBadHashKey:     {"bad hash key", ErrBadHashKey},
	ReasonEmpty:          {"empty", ErrEmpty},
	ReasonNoPartitionKey: {"no partition key", ErrNoPartitionKey},
	ReasonTooLarge:       {"too large", ErrTooLarge},
}

// String returns the reason in a word or two, fit for a metric label. It is "unknown" for a value that is not a reason.
func (r Reason) String() string {
	if r == 0 || int(r) >= len(reasons) {
		return "unknown"
	}
	return reasons[r].name
}

// Error is the type of every error that this package returns. It never contains data or keys. Treat it as read-only: the one
// for plain records is shared, so that telling them apart costs no allocation.
type Error struct {
	// Reason says what is wrong.
	Reason Reason
	// Record is the number, from 0, of the user record at fault, or -1 if the fault is not that of one record.
	Record int
	// Offset is the position, in bytes from the beginning of the aggregate, of the field at fault, or 0 if there is no
	// such field.
	Offset int
}

// errPlain is returned for every plain record.
var errPlain = &Error{Reason: ReasonNotAggregated, Record: -1}

// Error says what is wrong and where.
func (e *Error) Error() string {
	switch text := e.cause().Error(); {
	case e.Record >= 0 && e.Offset > 0:
		return fmt.Sprintf("%s (user record %d, offset %d)", text, e.Record, e.Offset)
	case e.Offset > 0:
		return fmt.Sprintf("%s (offset %d)", text, e.Offset)
	case e.Record >= 0:
		return fmt.Sprintf("%s (user record %d)", text, e.Record)
	default:
		return text
	}
}

// Unwrap returns the sentinel of the error's reason.
func (e *Error) Unwrap() error { return e.cause() }

// errUnknown stands in for the sentinel of an Error that was made outside the package without a reason.
var errUnknown = errors.New("aggregation: unknown reason")

func (e *Error) cause() error {
	if e.Reason == 0 || int(e.Reason) >= len(reasons) {
		return errUnknown
	}
	return reasons[e.Reason].err
}
