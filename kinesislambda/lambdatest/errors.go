package lambdatest

import (
	"encoding/json"
	"errors"
	"fmt"
)

// The sentinels that errors of this package match with errors.Is.
var (
	// ErrConfig: [Start] was given a faulty [Config].
	ErrConfig = errors.New("lambdatest: wrong configuration")
	// ErrClosed is returned by Invoke after Close.
	ErrClosed = errors.New("lambdatest: the function is closed")
	// ErrBusy: no environment was free in time ([Config].Concurrency). The event was not given to the function.
	ErrBusy = errors.New("lambdatest: no environment of the function was free")
	// ErrInit: the binary did not come to ask for work. The event was not given to it.
	ErrInit = errors.New("lambdatest: the function did not start")
	// ErrTimeout: the function was not done in time. Its process was killed.
	ErrTimeout = errors.New("lambdatest: the function's time was over")
	// ErrExited: the process ended while it had the event.
	ErrExited = errors.New("lambdatest: the process exited before it answered")
	// ErrFunction is the kind of every [FunctionError].
	ErrFunction = errors.New("lambdatest: the function failed")
	// ErrResponseSize: the answer is larger than 6 MB.
	ErrResponseSize = errors.New("lambdatest: the answer exceeds 6 MB")
)

// FunctionError is an error that the function reported, a panic among them.
type FunctionError struct {
	Type       string          `json:"errorType"`
	Message    string          `json:"errorMessage"`
	StackTrace json.RawMessage `json:"stackTrace"`
}

// Error has the function's own words.
func (e *FunctionError) Error() string {
	return fmt.Sprintf("%v: %s: %s", ErrFunction, e.Type, e.Message)
}

// Unwrap returns [ErrFunction].
func (e *FunctionError) Unwrap() error { return ErrFunction }
