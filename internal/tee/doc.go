// Package tee makes one function of several, so that more than one party can be told of an event. Functions may be nil.
//
// File: tee.go.
package tee
