// Package tostream puts messages about records that a mapping passes over into a Kinesis stream, each as one record whose partition key is
// the id of the shard that it is about. File: stream.go.
package tostream
