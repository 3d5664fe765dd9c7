package wire

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/aws/smithy-go"
)

var (
	// ErrMalformed: what came is not the CBOR document that the service's model says, or not CBOR at all. The error in the
	// chain is a [*SyntaxError].
	ErrMalformed = errors.New("wire: malformed CBOR")
	// ErrUnsupported: a value has no place in this protocol. No operation of Kinesis has such a value.
	ErrUnsupported = errors.New("wire: not expressible in this protocol")
	// ErrTooLarge: a reply or an event is larger than any that the service sends, or a request than any that it takes.
	ErrTooLarge = errors.New("wire: larger than the service allows")
	// ErrFrame: an event stream does not consist of sound frames. The error in the chain is a [*FrameError].
	ErrFrame = errors.New("wire: corrupt event stream")
	// ErrRefused: the server did not understand a request because it was CBOR. It has done nothing, and the request can be
	// repeated in JSON. The error in the chain is a [*RefusedError].
	ErrRefused = errors.New("wire: the server does not speak CBOR")
	errSeek    = errors.New("wire: seek to outside of the request")
	// ErrClosed: [Subscription.Next] after [Subscription.Close].
	ErrClosed = errors.New("wire: the subscription is closed")
	// ErrNoStream: SubscribeToShard succeeded but its reply was not handed over. The client is a stand-in that does not pass
	// on the options of a call.
	ErrNoStream = errors.New("wire: the client ignored the options of the call")
)

// SyntaxError says where and why a document is malformed. It holds nothing of the document.
type SyntaxError struct {
	Offset int    // in bytes from the start of the document
	Reason string // what is wrong, in a few words
}

// Error implements error.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%v: %s at byte %d", ErrMalformed, e.Reason, e.Offset)
}

// Unwrap makes errors.Is(err, ErrMalformed) hold.
func (e *SyntaxError) Unwrap() error { return ErrMalformed }

// FrameError says why a frame of an event stream cannot be used.
type FrameError struct {
	Reason string
	Err    error // why reading failed; nil if it did not
}

// Error implements error.
func (e *FrameError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%v: %s: %v", ErrFrame, e.Reason, e.Err)
	}
	return fmt.Sprintf("%v: %s", ErrFrame, e.Reason)
}

// Unwrap makes errors.Is(err, ErrFrame) hold, and errors.Is with the cause.
func (e *FrameError) Unwrap() []error {
	if e.Err != nil {
		return []error{ErrFrame, e.Err}
	}
	return []error{ErrFrame}
}

// RefusedError is the answer of a server that does not speak CBOR.
type RefusedError struct {
	Status int   // of the HTTP reply
	Err    error // what the reply says, as the SDK would have returned it
}

// Error gives the status and, if it is the name of an error, the code. The rest of an answer may repeat parts of the request, and so
// may the code of a server that is not AWS's.
func (e *RefusedError) Error() string {
	var api smithy.APIError
	if errors.As(e.Err, &api) && errorName.MatchString(api.ErrorCode()) {
		return fmt.Sprintf("%v: HTTP status %d, %s", ErrRefused, e.Status, api.ErrorCode())
	}
	return fmt.Sprintf("%v: HTTP status %d", ErrRefused, e.Status)
}

var errorName = regexp.MustCompile(`^[A-Za-z]{1,60}(Exception|Error)$`)

// Unwrap makes errors.Is(err, ErrRefused) hold, and errors.As with the service's error.
func (e *RefusedError) Unwrap() []error { return []error{ErrRefused, e.Err} }
