// Package tofile keeps messages about records that a mapping passes over in a file: one line of JSON for each, with the whole event,
// so that nothing is lost even when the stream has dropped the records.
//
//	d, err := tofile.Open("failed.jsonl")
//	...
//	defer d.Close()
//	handler, err := kinesislambda.Handler(fn, kinesislambda.Mapping{OnFailure: d, MaximumRetryAttempts: 5})
//
// The file holds the records' data; only its owner may read it. File: file.go.
package tofile
