package catalog

import (
	"time"

	"github.com/penstock-go/penstock/consumer"
)

// Consumer returns hooks for the consumer of this process.
func (s *State) Consumer(to Sink) consumer.Hooks {
	return consumer.Hooks{
		StateChanged: func(shard consumer.Shard, _, state consumer.State) {
			if s.changed(shard, state) {
				begin(to, "consumer.", shard.Stream)
			}
		},
		Fetched: func(f consumer.Fetched) { s.fetched(to, f) },
		FetchFailed: func(shard consumer.Shard, err error) {
			code := Code(err)
			to.Add(FetchFails, 1, shard.Stream, s.codes.bounded(code))
			if Throttled(code) {
				to.Add(ReadThrottles, 1, shard.Stream)
			}
		},
		Handled: func(h consumer.Handled) { handled(to, h) },
		Checkpointed: func(c consumer.Checkpointed) {
			to.Observe(Checkpoints, c.Duration.Seconds(), c.Shard.Stream)
			if c.Err != nil {
				to.Add(CheckpointFail, 1, c.Shard.Stream)
			}
		},
		Trimmed:            func(e *consumer.TrimmedError) { to.Add(Trims, 1, e.Shard.Stream) },
		MalformedAggregate: func(e *consumer.AggregateError) { to.Add(Malformed, 1, e.Shard.Stream) },
		DeadLettered: func(d consumer.DeadLettered) {
			result := "kept"
			if d.Err != nil {
				result = "failed"
			}
			to.Add(DeadLetters, float64(len(d.Records)), d.Shard.Stream, result)
		},
		FellBack:      func(error) { to.Add(ReadFallbacks, 1) },
		NearRetention: func(n consumer.NearRetention) { to.Add(NearRetention, 1, n.Shard.Stream) },
		PolledInstead: func(stream string, _ error) { to.Add(PolledInstead, 1, stream) },
		Called: func(c consumer.Called) {
			to.Observe(Calls, c.Duration.Seconds(), c.Op)
			if c.Err != nil {
				to.Add(CallFails, 1, c.Op)
			}
		},
		Synced: func(y consumer.Synced) {
			result := "ok"
			if y.Err != nil {
				result = "failed"
			}
			to.Add(Syncs, 1, y.Stream, result)
		},
		Leases: s.leaseHooks(to),
	}
}

// Outside returns the hook of its name, which is apart because it costs an MD5 for each member of an aggregate.
func Outside(to Sink) func(consumer.Shard, int) {
	return func(s consumer.Shard, members int) { to.Add(OutsideShard, float64(members), s.Stream) }
}

func (s *State) fetched(to Sink, f consumer.Fetched) {
	to.Observe(Fetches, f.Duration.Seconds(), f.Shard.Stream)
	to.Add(FetchedRecords, float64(f.Records), f.Shard.Stream)
	to.Add(FetchedBytes, float64(f.Bytes), f.Shard.Stream)
	s.behind(f.Shard, time.Duration(f.MillisBehindLatest)*time.Millisecond)
}

func handled(to Sink, h consumer.Handled) {
	stream := h.Shard.Stream
	to.Add(Handled, float64(h.Done), stream)
	to.Observe(HandlerTime, h.Duration.Seconds(), stream)
	to.Observe(BatchRecords, float64(h.Records), stream)
	if h.Err != nil {
		to.Add(HandlerFails, 1, stream)
		to.Add(FailedRecords, float64(h.Records-h.Done), stream)
		return
	}
	if !h.Arrival.IsZero() {
		to.Observe(RecordAge, max(0, time.Since(h.Arrival).Seconds()), stream)
	}
}
