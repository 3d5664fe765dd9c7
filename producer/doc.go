// Package producer puts user records into a Kinesis stream. A [Producer] gathers the records of many goroutines into aggregates of the
// KPL's format, one shard to an aggregate, and the aggregates into PutRecords requests, and tells each record's owner what became of it.
//
//	p, err := producer.New(producer.Config{Kinesis: kinesis.NewFromConfig(aws), Stream: "orders"})
//	...
//	err = p.Put(ctx, producer.Record{PartitionKey: "customer-7", Data: order}, func(r producer.Result) { ... })
//	...
//	err = p.Close(ctx) // after it every record has its result
//
// # What it promises
//
//   - One result for each record that Put took: stored, failed with a typed error, expired, or given up by Close.
//   - Stored means delivered. A consumer that checks hash ranges drops an aggregate as a whole if one member does not belong to the shard, as
//     the KCL does. So records share an aggregate only if they belong to one shard by the newest listing, and an aggregate that was stored in
//     another one (a split came in between) is not reported as stored but taken apart and sent anew by the new listing. A record on its own
//     is good wherever it lands.
//   - Bounded memory. Put waits while the buffer is full, with its context; TryPut never does.
//   - With [Config].Ordered, the records of one partition key are stored in the order of their Puts, through retries, unknown outcomes and
//     reshards. First occurrences, that is: a record whose outcome was unknown may stand in the stream twice.
//
// # The path of a record
//
//	Put ── buffer.go ── route.go ──▶ lane, one for each shard ── seal ──▶ collect.go ── batch.go ──▶ send.go ──▶ retry.go
//	       room in       hash key     open aggregate       full, or    paced, ready     requests      the call     │
//	       bytes and     to shard                          lingered    delayed, parked                             │
//	       records                                            ▲                                                    │
//	                                                          └────────────── packed anew, or once more ◀──────────┤
//	                                                                                                               ▼
//	                                                                         done ◀── callback.go ◀── stored, or given up
//
// A record belongs to the lane of its shard. The lane's open aggregate ends when it is full or [Config].Linger has passed; one end of the
// linger time serves all lanes, so that they share requests. The sender completes the aggregates of a request together, not under a lane's lock.
//
// # What is known of the stream
//
//	           the shards are listed                           unknown shard in a reply:
//	holding ─────────────────────────▶ sharded ◀────────────── listed again, the old route serves meanwhile
//	   │                                 │  ▲
//	   │ denied, no such stream, AUTO    │  │ the shards are listed after all; AUTO
//	   │ record distribution, or         ▼  │ record distribution has been switched off
//	   └ nothing known for long ───────▶ plain
//	     Config.DisableAggregation: plain for good
//
// holding: records wait in one lane. sharded: they are aggregated by shard. plain: each record goes on its own, which is safe without
// knowing anything: a producer that may only call PutRecords works, and says once that it does not aggregate. Nothing is ever aggregated
// blindly.
//
// AUTO record distribution may be switched on and off while the producer runs. While it is on, the stream is described every five minutes; when
// it has been switched off, aggregation goes on. When it is switched on, records are stored in shards to which they do not belong though
// the shards have not changed. After three of them the producer stops aggregating at once, and has the stream described anew. If the
// service will not say, or says that nothing has changed, it looks again every five minutes. The log and [Hooks.Degraded] say so.
//
// A stream may be deleted and another one be made of its name, whose shards have the same names and other ranges. Requests that fail meanwhile
// tell. If there were none, because nothing was put for ten seconds, the first record makes the shards be listed while it lingers, and an
// aggregate that was stored by the old listing is judged by the new one.
//
// # How fast a shard is sent to
//
// Each shard has a budget of Kinesis records and bytes, which starts at what the service promises of a shard: 1000 records and 1 MiB in a
// second. A shard that refuses entries gets less, by how much it refuses, and more again with time; one that takes more than was promised, as a
// server without limits does, gets twice as much until it refuses. What a budget does not allow waits, and what is for other shards goes past
// it, in the buffer too: of several shards none has more than eight times of what is free, and one that its budget holds back not more than
// is free. A shard that refuses everything is asked at a hundredth of the rate. Where the shards are not known there are no budgets, but only the
// delays of the entries that were refused.
//
// [Producer.Shards] tells each shard's load, and the keys that make most of it: found in samples, in fixed memory. When a shard throttles for
// seconds while the stream as a whole has room, [Hooks.HotShard] and a line in the log say so, and what to do about it.
//
// # Data that looks like an aggregate
//
// Consumers take one level of aggregates apart. Data that begins and ends like one would come out as its members, so it is wrapped in an
// aggregate of its own, unless aggregation is off.
//
// # Failures
//
// Each Kinesis record of a request has its own fate. Throttling and passing faults are tried again, after an exponential delay with jitter,
// until [Config].TTL or MaxAttempts; missing permission, stream or encryption key fail at once. A request that is rejected as a whole is
// halved until the offender stands alone. Whether a lost reply hides a stored record cannot be known: such results match
// [ErrOutcomeUnknown] if they end in failure. The service's messages repeat partition keys and are dropped; its codes are kept.
//
// # Order
//
// With Config.Ordered a lane has one entry out at a time: in flight, or waiting for its next attempt. What that costs is written at the
// field. After a record has failed for good, [OrderedFailure] says whether later records of its key go on or fail.
//
// # Memory
//
// Config.MaxBufferedBytes bounds data and keys of the records that have no result yet, and what else they take: the lists and indexes of a
// full aggregate's records; the SDK's text of a request in flight in JSON. Requests are sent also while nothing is free, so that the buffer may
// be overdrawn by those in flight. What comes on top: about 100 bytes for each record that waits in an open aggregate, or 500 if it goes on its
// own (bounded by Config.MaxBufferedRecords, which includes those whose done has not returned); memory that is kept for the next aggregates
// until two collections have passed; 4 MiB for the hash keys of partition keys that come again; about 5 KiB for each shard's load; and the
// heads of requests, at most 1 MiB for each of Config.MaxInFlight.
//
// # Goroutines
//
//	collect   1              ends linger times, forms requests, expires what is too old
//	discover  1              describes the stream and lists its shards
//	send      MaxInFlight    one request each
//	callback  4              run done functions; a slow one holds its record's count, not its bytes
//
// New starts them, Close waits for them. Locks are taken in the order lane, collector; neither is held across I/O, a timer, a hook or a done
// function.
//
// # Files, in the order in which a record meets them
//
//	config.go     Config: what there is to set, and the check of it
//	errors.go     sentinels and typed errors
//	hooks.go      what can be observed
//	producer.go   New, Put, TryPut, PutSync
//	record.go     what Put takes, and what of it is refused
//	keys.go       the hash keys of partition keys that come again
//	buffer.go     room in bytes and records; generations, for Flush
//	route.go      hash key to lane; what a shard says of an aggregate stored in it
//	discover.go   how the route comes to be known
//	entry.go      records as one Kinesis record: packed, measured, encoded, taken apart
//	limit.go      how fast a shard is sent to
//	hot.go        what each shard has to take; shards that are hot
//	sketch.go     the keys that make most of a shard's load
//	collect.go    entries that wait, and the goroutine that moves them on
//	order.go      one entry of a lane at a time; lanes that retire when shards change
//	batch.go      entries to requests
//	send.go       the call, and what it says of each entry
//	retry.go      stored, once more, or given up
//	doom.go       how records are given up
//	broken.go     keys with a failed record, for FailLater
//	callback.go   done functions
//	result.go     what they are told
//	close.go      Flush and Close
//	kpl.go        what the KPL's options and metrics are here
//	lifetime.go   the context of the producer's own work
package producer
