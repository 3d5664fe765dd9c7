// Package wire reads and writes the two document formats that Kinesis speaks, and the frames of its event stream.
//
// A request or a reply is one document: a map of named members. It travels either as JSON ("application/x-amz-json-1.1")
// or as CBOR ("application/x-amz-cbor-1.1"). Both have the same members; they differ in three scalars:
//
//	             JSON                          CBOR
//	blob         base64 string                 byte string
//	timestamp    seconds, with a fraction      tag 1 and milliseconds
//	null         the same as an absent member  the same as an absent member
//
// A [Decoder] walks a document once, from front to back, and never builds a tree: the caller ranges over the members of a
// map and asks for the value of each one that it knows. The first error sticks, ends every loop, and is read once at the
// end with [Decoder.Err]; until then the values returned after an error are zero. Spans and raw blobs alias the document.
//
// An [Encoder] appends a document to a slice. It trusts its caller to open and close maps and arrays in pairs.
//
// Invariants:
//
//   - no document, however malformed, makes a Decoder panic, recurse deeper than [MaxDepth], or allocate more than the
//     document is long (times a small constant);
//   - a Decoder accepts exactly one value, with nothing but white space after it;
//   - what an Encoder wrote, the Decoder of the same format reads back.
//
// Files in reading order: decoder.go, json.go, number.go, cbor.go, encoder.go, base64.go, frame.go.
package wire
