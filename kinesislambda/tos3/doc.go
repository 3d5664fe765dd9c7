// Package tos3 keeps messages about records that a mapping passes over in an S3 bucket: one object for each, with the whole event, under the
// names that the service documents:
//
//	aws/lambda/<mapping's UUID>/<shard>/2006/01/02/2006-01-02T15.04.05-<random UUID>
//
// File: bucket.go.
package tos3
