package catalog

import (
	"errors"

	"github.com/penstock-go/penstock/producer"
)

// Producer returns hooks for a producer to the stream.
func (s *State) Producer(to Sink, stream string) producer.Hooks {
	p := s.producer(stream)
	begin(to, "producer.", stream)
	return producer.Hooks{
		RequestDone: func(r producer.RequestDone) {
			to.Add(Requests, 1, stream, requestResult(r))
			to.Observe(RequestTime, r.Duration.Seconds(), stream)
			to.Observe(RequestRecords, float64(r.Records), stream)
			to.Observe(RequestBytes, float64(r.Bytes), stream)
		},
		Retried: func(r producer.Retried) {
			to.Add(Retries, 1, stream, s.codes.bounded(r.Attempt.Code))
		},
		KinesisRecordDone: func(r producer.KinesisRecordDone) { recordDone(to, r, stream) },
		UserRecordsDone:   func(d producer.UserRecordsDone) { recordsDone(to, d, stream) },
		FellBack:          func(error) { to.Add(Fallbacks, 1, stream) },
		WrongShard:        func(w producer.WrongShard) { to.Add(WrongShard, float64(w.UserRecords), stream) },
		HotShard:          func(h producer.HotShard) { to.Add(HotShards, 1, stream, h.ShardID) },
		Panicked:          func(any) { to.Add(Panics, 1, stream) },
		ShardMapLoaded: func(l producer.ShardMapLoaded) {
			p.shards.Store(int64(l.Shards))
			p.degraded.Store(false)
		},
		Degraded: func(error) { p.degraded.Store(true) },
	}
}

func requestResult(r producer.RequestDone) string {
	switch {
	case r.Err != nil:
		return "failed"
	case r.Failed > 0:
		return "partial"
	}
	return "ok"
}

// recordDone is one attempt of one Kinesis record.
func recordDone(to Sink, r producer.KinesisRecordDone, stream string) {
	to.Observe(BufferingTime, r.Buffering.Seconds(), stream)
	switch {
	case r.Code == "":
		to.Observe(Aggregated, float64(r.UserRecords), stream)
	case Throttled(r.Code):
		to.Add(WriteThrottles, 1, stream)
	}
}

// recordsDone is the result of records that shared their fate.
func recordsDone(to Sink, d producer.UserRecordsDone, stream string) {
	n := float64(d.UserRecords)
	if d.Attempts > 0 {
		to.Observe(RecordAttempts, float64(d.Attempts), stream)
	}
	if d.Err != nil {
		to.Add(Records, n, stream, "failed")
		to.Add(RecordFailures, n, stream, Reason(d.Err))
		return
	}
	to.Add(Records, n, stream, "stored")
	to.Add(RecordBytes, float64(d.Bytes), stream)
}

// reasons are what records fail for.
var reasons = []struct {
	err  error
	name string
}{
	{producer.ErrExpired, "expired"}, {producer.ErrTooManyAttempts, "too_many_attempts"}, {producer.ErrEarlierFailed, "earlier_failed"},
	{producer.ErrAccessDenied, "access_denied"}, {producer.ErrStreamNotFound, "stream_not_found"}, {producer.ErrEncryption, "encryption"},
	{producer.ErrRecordTooLarge, "too_large"}, {producer.ErrRejected, "rejected"}, {producer.ErrThrottled, "throttled"}, {producer.ErrClosed, "closed"},
}

// Reason names why a record failed, in a word.
func Reason(err error) string {
	for _, r := range reasons {
		if errors.Is(err, r.err) {
			return r.name
		}
	}
	return "other"
}
