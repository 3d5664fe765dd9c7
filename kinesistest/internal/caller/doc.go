// Package caller carries the name that a client goes by, from the request's header to whoever wants to know who asks: rules
// that pick requests, and logs that tell who wrote.
//
// File: caller.go.
package caller
