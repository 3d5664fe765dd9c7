// Package kinesis emulates Amazon Kinesis Data Streams for one account in one region, as an [http.Handler] that speaks the
// service's wire protocol. Its answers follow the service's API reference; where that leaves something open, a comment at the
// place says what was chosen.
//
// A request passes these stages, in the goroutine that the HTTP server runs it in:
//
//	ServeHTTP --format, operation, body--> operation --decode, check, find the stream--> work --> encode --> reply
//
// Data is kept like this:
//
//	DB --name--> stream --hash key--> shard --ordinal--> record
//
// A record's place in its shard is its ordinal, 0, 1, 2 and so on. Sequence numbers and shard iterators are made of ordinals
// and read back to them, so there is no index besides the log of records.
//
// Locks are taken in the order DB, stream, shard, and a consumer's after its stream's. None is held while a request waits,
// while bytes are read or written, or while a timer runs. Records are read without a lock: a shard's log only grows at its
// end and loses whole chunks at its front.
//
// Invariants:
//
//   - the hash key ranges of a stream's open shards cover the space exactly once, at every moment that a put can see;
//   - a shard takes no record after it closed, and its children take records before it closes only from puts that found
//     them in the route: for a client that waits for its puts, the records of a partition key are in order across reshards;
//   - sequence numbers grow within a shard, and those of a child are above all of its parents';
//   - arrival times do not decrease within a shard;
//   - no request, however malformed, is answered with an internal failure.
//
// Goroutines: one for each transition of a stream or consumer that is under way, if transitions take time. [DB.Close] waits
// for them. A subscription lives in its request's goroutine.
//
// Files in reading order: db.go, serve.go, buffer.go, errors.go, observe.go, validate.go, arn.go; account.go, bucket.go, limits.go; hashkey.go, sequence.go, arena.go, log.go,
// shard.go, retain.go, stream.go; create.go, mode.go, describe.go, list.go, token.go, resource.go, tags.go, policy.go,
// monitor.go; encrypt.go, distribute.go, put.go, refuse.go, position.go, get.go, expire.go; reshard.go,
// scale.go; consumer.go, subscribe.go, events.go.
package kinesis
