// Package audit keeps a log of requests: who asked, for what, and how it was answered. It names operations and resources as policies of
// IAM do, so that what a program was seen to need can be held against what a policy allows it.
//
//	request --> read.go: action and resources --> log.go
//
// Invariants: a request reaches its service as it came; no data, partition key or credential is kept; the log is bounded.
//
// Files: read.go, log.go.
package audit
