// Package wire speaks CBOR 1.1 with Kinesis, in place of the SDK's JSON: record data travels as it is, not in base64 inside of a
// document that is read byte by byte. The AWS SDK for Java speaks it by default.
//
// The client is the user's own. Its signing, endpoints, credentials and middleware stay as they are; [Call] and [Subscribe] only give each
// call another protocol and, where needed, another end:
//
//	producer, consumer                   the SDK's stack                        this package
//
//	Call ── option of one call ──▶ ReleaseRequestBody ─────────────────── protocol.go: gives the body's memory back, last
//	                               OperationSerializer ────────────────── serialize.go ─▶ entries.go ─▶ body.go ◀── the caller's blobs
//	                               Retry, Signing: SHA-256 ◀───────────── body.go, without a copy
//	                               HTTP client ◀───────────────────────── body.go, once for each attempt
//	                               OperationDeserializer ──────────────── reply.go ─▶ deserialize.go ─▶ records.go
//	                                                                      fault.go: errors, and "what was that?"
//	Subscribe ───────────────────▶ OperationEventStreamDeserializer ───── subscription.go takes the connection over
//	Next ───────────────────────────────────────────────────────────────── frame.go ─▶ event.go ─▶ records.go
//
// # The document
//
// A request or a reply is a CBOR map with the member names of the service's model. Three things differ from the JSON of the SDK: blobs are
// byte strings; timestamps are whole milliseconds under tag 1 (by RFC 8949 it would be seconds); an error has its code under "__type".
// Requests are written with definite lengths. Replies are read with definite and indefinite ones, with null for absent, with tags,
// with members that nobody knows, and with whole numbers of any width; and, since servers other than AWS's write CBOR as if it were JSON,
// with base64 in text for a blob and with seconds for a timestamp.
//
// Everything goes through the schemas that the SDK was generated with, so that a member which a later SDK knows is sent and
// received like any other. Only the long lists (records, and what became of records) are written and read by hand, and only while the SDK
// knows no other member of their entries than those that are.
//
// # Who owns what
//
//   - A request refers to the caller's blobs and does not copy the large ones: they must not change until the call has returned.
//   - The rest of a request lies in memory from a pool, which goes back when the operation is over. The SDK closes the body of an attempt
//     before it goes on, so that a connection which still sends cannot read what belongs to the next call.
//   - A reply is read into one piece of memory of exactly its length, and each quarter of a MiB taken apart before the next is
//     waited for. The data of the reply's records aliases this memory; nothing else does. Keys and sequence numbers lie in pieces of up
//     to 16 KiB, the entries' other values beside the entries; results share the ids of shards. All of it is the caller's from then on.
//     Who keeps one record keeps the whole reply's memory; who wants a single one for long makes a copy.
//   - An event of a subscription is a reply in this sense.
//
// # CBOR or JSON
//
// A [Choice] is what one user of a client speaks. It begins as asked for, or with JSON if AWS_CBOR_DISABLE is set, and not to false. When a
// server answers a call in CBOR as something it does not understand (unknown operation, unsupported media type, a document it cannot read),
// nothing was done there; the call is made again in JSON, and if that is understood, JSON is kept. Errors that the service's model has,
// throttling and failures of the server are never taken for it.
//
// JSON is the SDK's own, but for the records of PutRecords: their data is written in base64 straight into memory of the pool.
//
// # Bad input
//
// Whatever comes over the wire ends as a value or as a typed error: [SyntaxError] for documents, [FrameError] for event streams, [ErrTooLarge]
// for what is longer than anything the service sends. Nothing is allocated for a length that is only claimed: a reply's memory is
// bounded, an entry's is taken when the entry is there, and nesting is bounded by a constant. A document with very many entries that say next to
// nothing is refused, so that what is made of a reply stays in proportion to it: of one to GetRecords, twenty times its length and 512 KiB.
//
// # Files
//
//	choice.go        Call, and which protocol the next one is made in
//	errors.go        sentinels and typed errors
//	protocol.go      one call's smithyhttp.ClientProtocol
//	serialize.go     the SDK's types to a document
//	entries.go       the records of a request, by hand
//	json.go          the SDK's JSON for one call, and its records by hand
//	body.go          a document that refers to blobs, as something to read
//	reply.go         the reply to a call, and which part of it is read by hand
//	deserialize.go   a document to the SDK's types
//	records.go       lists of records and of results, by hand
//	batch.go         lists in few pieces of memory
//	slab.go          strings in few pieces of memory, and memory as it comes
//	fault.go         errors of the service, and refusals of CBOR
//	subscription.go  an event stream without the SDK's goroutines
//	event.go         frames to events
//	frame.go         the event stream's framing
//	cursor.go        CBOR items, one after the other
//	run.go           maps and arrays of them, and what is passed over
//	head.go          how an item begins
package wire
