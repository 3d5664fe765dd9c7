// Package consumer reads Kinesis streams: a [Consumer] is one worker of an application. The workers share the shards of the streams among
// themselves through leases, which live in a DynamoDB table of the KCL's layout, and each hands the user records of its shards to a
// [Handler].
//
//	c, err := consumer.New(consumer.Config{
//		Application: "billing",
//		Streams:     []consumer.Stream{{Name: "orders"}},
//		Kinesis:     kinesis.NewFromConfig(aws),
//		DynamoDB:    dynamodb.NewFromConfig(aws),
//		Handler:     consumer.HandlerFunc(handle),
//	})
//	...
//	err = c.Run(ctx) // until ctx ends
//
// # What it promises
//
//   - At least once. A checkpoint never passes a record whose handler has not succeeded and that no dead-letter sink has taken: not on
//     a crash, a reshard, a start at LATEST, an expired iterator, the end of a shard or a handoff. A batch that fails is tried again for
//     as long as the worker holds the lease, unless [Failure] says what else is to become of it; nothing is passed over.
//   - In order. Records of a shard are handled in stream order, one batch at a time, and a shard only after all of its parents, so
//     that the records of one partition key are in order also across splits and merges. A handler may ask for several lanes inside a
//     shard ([Shape]); then the records of each key still are in order and handled one batch at a time.
//   - No zombie. When the lease is lost, or the worker can no longer prove that it has it, the handler's context ends and
//     no checkpoint can be written. Until the handler has returned, this worker gives the lease to nobody.
//   - Nothing is dropped. An aggregate that cannot be taken apart is handled as one record, and members of aggregates that do not
//     belong to the shard are handled like all others, unless Config.DropOutsideShard is set; both are reported. Where the stream has dropped records before they were read,
//     that is reported too ([TrimmedError]).
//
// # The path of a record
//
//	GetRecords ──────── poll.go ──┐
//	                              ├─ feed ── one page ahead ── unpack.go ── collect.go ─┬─ deliver.go ── Handler
//	SubscribeToShard ─ fanout.go ─┘ source.go                               by key      └─ deliver.go ── Handler
//	                                                                                         │ Ack, nil, dead letter
//	                                                                                    progress.go ── leases.Held.Checkpoint
//
// # When the handler fails
//
//	  ┌──────────────────────── pause, growing ◀───────────────────────┐
//	  ▼                                                                │
//	piece ──▶ Handle ── fails ──┬─ some of it is done: the rest ───────┤
//	  │         │ nil           ├─ Bisect: the first half ─────────────┤
//	  │         ▼               ├─ attempts left: the same again ──────┘
//	  │       done              └─ none left ─┐
//	  │         ▲                             ▼
//	  │         │ the sink has it         Failure.Then
//	  │         └─── SendToDeadLetter ◀─┬─────┘ ▲
//	  │                                 │       │
//	  └─ too old ───────────────────────┼───────┘
//	                  StopRun ◀─────────┘
//	                  Run ends, and the piece stays not done
//
// # The life of a shard in a worker
//
// A life begins when the worker comes to hold the shard's lease and ends when it gives the lease up. [State] has the states;
// [Hooks].StateChanged sees each step.
//
//	hold ─▶ waiting ─────▶ opening ─────▶ reading ───────────▶ ended
//	           │ parents      │ handler      │ all handled,       ▲
//	           │ ended        │ made         │ children leased    │ if the page
//	           │              │              │                    │ was the last
//	           └──────────────┴──────────────┤                    │
//	                     lease asked for,    ▼                    │
//	                     or shutdown      draining ───────────────┘
//	                                         │ handler done,
//	                                         ▼ checkpointed
//	                                      released
//
//	waiting, opening, reading, draining ──── lease lost ─────▶ lost
//
// Draining: nothing more is fetched, the handler finishes the batch it has, what is done is written down. Lost: the handler's context has
// ended; when it returns, nothing is written. Ended: the children have leases, and SHARD_END is written after that.
//
// # Where reading begins
//
// A lease that stands at a record is read from that record on, and what its position covers is left out: so reading resumes in the
// middle of an aggregate. A lease that stands at LATEST is read from the time at which the shards were first listed, by the
// service's own clock, whatever expires or restarts before the first record; LATEST itself is never asked of the service. Where leases tell
// that the application has read the stream before, or one of its name that was deleted, LATEST is not now: what has no lease is read from then
// on, or from its beginning where no lease says when that was. If the
// service says for a minute that this time is still to come, its clock was wrong once, and all that the shard has is read. Before the first
// record of such a lease is handled, the record's place is written down. Children of a shard that was read are always read from their
// beginning.
//
// # A stream that is made anew
//
// A stream may be deleted, and another one made of its name. A worker to which the service does not know a shard, a consumer or a record's
// place any more looks at the stream again, as it does once an hour, until it knows what is there: after ten seconds, and then less and less
// often, down to once in two minutes. If the stream was made at another time, or has to be read by another fan-out consumer, the lives of
// its shards end and begin anew, and the leases that the new one lacks are created. What comes into the new stream is read, also where the
// start is LATEST; that the old one's places are gone is reported ([TrimmedError]). Leases of the old one that fit nothing in the new one
// are deleted: by their holder, where its place is refused and the shard has ancestors now, which are read instead, also where they have
// leases at SHARD_END, which do not tell in which stream that was; else by the audit, after some minutes. Where the application reads
// several streams, those of the old one have keys of their own, and stay in the table as nobody's: a worker that finds leases of a later
// stream in the table, or learns when it audits the leases that there is one, reads nothing more under the older ones.
//
// # The lease table
//
// Run makes the table where there is none: on demand, with the service's defaults. What else can be said of it is said to its store,
// [dynamo.Config], and the store then stands in [Config.Leases] in place of the client in [Config.DynamoDB], and names the table in place of
// [Config.TableName]:
//
//	table, err := dynamo.New(dynamo.Config{
//		API: dynamodb.NewFromConfig(aws), Table: "billing", // and Application, where the table has another name
//		ReadUnits: 20, WriteUnits: 50, // provisioned; of a table that is made
//		Tags: map[string]string{"team": "payments"}, DeletionProtection: true, // of a table that is made
//		PointInTimeRecovery: true, // turned on in an existing table too
//		Logger: logger, Progress: told, // what Run waits for while the table is made
//	})
//	...
//	c, err := consumer.New(consumer.Config{Application: "billing", Leases: table, ...})
//
// All workers may say the same: whoever comes first makes the table. Everything else, such as a key of your own or scaling with the
// load, is set on the table itself, which is used as it is found.
//
// # Memory
//
// [Config.MaxBufferedBytes] bounds, over all shards of the worker, what has been fetched and is not handled: data, keys twice, 300
// bytes for every Kinesis record, and the user records that are taken out of them. Aggregates are taken apart in steps, as batches need
// their members, so that of one with a million members no more than a batch is in memory. Room for the largest reply (10 MiB of data)
// and for taking it apart is reserved before each GetRecords call, so that at the default of 128 MiB nine calls are under way at once; a
// smaller budget means one call at a time, and the bound is then the largest reply. Each shard has at most two pages, the one being handled and one fetched ahead; with a window or several lanes it has as many as
// have records in its batches. What comes on top:
//
//   - with JSON, while a reply is decoded, the SDK's own buffers: about three times the reply, for each call under way; with CBOR a reply is
//     read to where it stays;
//   - with enhanced fan-out, one event of each shard, which is decoded before there is room for it: at a subscription's 2 MiB a
//     second it is small, but the service documents no bound (32 MiB is ours);
//   - the key tables of an aggregate, as far as they take more than a MiB or than the aggregate: at most six times the aggregate, where
//     it is made of very many very short keys;
//   - slices of records that the handler keeps.
//
// A handler that fails for long keeps its shard's pages in memory; shards whose handlers fail can so use up the budget of the others,
// which then wait. A budget of 25 MiB for each shard of the worker rules that out.
//
// # Goroutines
//
// A shard that is read has four of them or more, all ended when the life is: the one that the lease runs it in, which deals records out
// and calls the handler; with a window or several lanes one for each lane, which does the latter; one that fetches; one that checkpoints
// on the interval; one that watches for the lease to be asked for. No lock is held while anything is waited for.
//
// # Files, in the order in which a record meets them
//
//	config.go    Config, Stream, Start: what there is to set, and the check of it
//	errors.go    sentinels and typed errors
//	hooks.go     what can be observed
//	handler.go   Handler, Batch, Record, Shard: what the user sees
//	lifetime.go  Starter, Ender, ...: what else a handler may be told, and Positioner: what it may say
//	shape.go     Shaper: what batches a handler asks for
//	consumer.go  New and Run
//	calls.go     the Kinesis client, with hooks
//	streams.go   the set of streams, and its changes
//	stream.go    before any record of a stream: find it, register for fan-out, create the first leases
//	shard.go     one shard's life, and its states
//	source.go    the seam between the two ways to read: pages, the memory budget, bookmarks, retries
//	poll.go      GetRecords
//	fanout.go    SubscribeToShard
//	audit.go     what the service lists, for the audit of the leases
//	lineage.go   what comes after a shard, and what it means that one is not found
//	anew.go      whether a stream is still the one that was found
//	unpack.go    pages of Kinesis records to user records
//	collect.go   user records to lanes, by key, and to batches
//	choose.go    what a handler leaves out, how it weighs, and that there is nothing to do
//	deliver.go   a lane: the calls of the handler, and their retries
//	failure.go   what becomes of records that cannot be handled
//	sinks.go     dead-letter sinks: a file, a stream
//	progress.go  what is done, and what of that is written down
//
// and what looks on from outside:
//
//	vital.go      what a shard's life is judged by: the calls under way, the lag
//	snapshot.go   Snapshot: streams, shards, owners, positions, lags
//	retention.go  the lag against how long the stream keeps records
//	health.go     Health: whether only a new start will help
//	kcl.go        what the KCL's parts and options are here
package consumer
