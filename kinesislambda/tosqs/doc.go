// Package tosqs sends messages about records that a mapping passes over to an SQS queue. A message says where the records are; it does not
// have them. File: queue.go.
package tosqs
