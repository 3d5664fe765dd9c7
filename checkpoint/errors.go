package checkpoint

import "errors"

var (
	// ErrPosition reports a text that is neither a sentinel nor a sequence number, or a sub-sequence number below -1.
	ErrPosition = errors.New("checkpoint: malformed position")
	// ErrWindow reports that as many records are out as the tracker's window takes.
	ErrWindow = errors.New("checkpoint: window full")
	// ErrOrder reports a delivery that is not behind the one before it.
	ErrOrder = errors.New("checkpoint: delivery out of order")
)
