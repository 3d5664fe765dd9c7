package kinesislambda

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/penstock-go/penstock/aggregation"
	"github.com/penstock-go/penstock/consumer"
)

// identify returns the shard that all records of an event are of. An event that mixes shards, is out of order or has a record without a
// sequence number is refused whole: no single number could say up to where it is done.
func identify(records []events.KinesisEventRecord) (consumer.Shard, error) {
	first := &records[0]
	shard := consumer.Shard{Stream: streamOf(first.EventSourceArn), ID: shardOf(first.EventID)}
	prefix := shard.ID + ":"
	last := ""
	for i := range records {
		r := &records[i]
		number := strings.TrimLeft(r.Kinesis.SequenceNumber, "0")
		switch {
		case r.Kinesis.SequenceNumber == "":
			return shard, fmt.Errorf("%w: record %d has no sequence number", ErrEvent, i)
		case r.EventSourceArn != first.EventSourceArn || !strings.HasPrefix(r.EventID, prefix) && r.EventID != shard.ID:
			return shard, fmt.Errorf("%w: record %d is of another shard than record 0", ErrEvent, i)
		case before(number, last):
			return shard, fmt.Errorf("%w: record %d stands after one with a larger sequence number", ErrEvent, i)
		}
		last = number
	}
	return shard, nil
}

// streamOf returns a stream's name from its ARN, or "".
func streamOf(arn string) string {
	_, path, _ := strings.Cut(arn, ":stream/")
	name, _, _ := strings.Cut(path, "/") // an enhanced fan-out consumer's follows
	return name
}

// shardOf returns the shard of an event's id, which is "shardId-000000000000:sequence number".
func shardOf(eventID string) string {
	id, _, _ := strings.Cut(eventID, ":")
	return id
}

// before compares sequence numbers, which are decimal, of any length and here without leading zeros.
func before(a, b string) bool {
	if len(a) != len(b) {
		return len(a) < len(b)
	}
	return a < b
}

// opener takes the records of an event apart into user records, no faster than they are asked for: an event of 6 MB may hold a
// million of them.
type opener struct {
	shard     consumer.Shard
	raw       bool                        // records are given out as they are
	records   []events.KinesisEventRecord // those not opened yet
	done      []uint64                    // for each of records: how many of its user records to leave out; nil: none
	outer     *events.KinesisEventRecord  // the one that members are taken from
	arrival   time.Time                   // of outer
	members   aggregation.Decoder
	window    [lookAhead]aggregation.Envelope
	ahead     []aggregation.Envelope         // what is left of window: that of the next of records
	malformed func(*consumer.AggregateError) // may be nil
}

// batch returns the next user records, n at most; none when the event is used up. The slice is the caller's.
func (o *opener) batch(n int) (batch []consumer.Record) {
	for len(batch) < n {
		if o.members.Len() > 0 {
			batch = o.take(o.room(batch, n), n)
			continue
		}
		if len(o.records) == 0 {
			return batch
		}
		if plain, ok := o.open(); ok {
			batch = append(o.room(batch, n), plain)
		}
	}
	return batch
}

// room makes the memory of a batch at its first record, for as many as the event will have if all its Kinesis records are like this one.
func (o *opener) room(batch []consumer.Record, n int) []consumer.Record {
	if batch != nil {
		return batch
	}
	return make([]consumer.Record, 0, min(n, max(o.members.Len(), 1)*(len(o.records)+1)))
}

// take moves members of the open aggregate to the batch, up to n in all.
func (o *opener) take(batch []consumer.Record, n int) []consumer.Record {
	number := o.outer.Kinesis.SequenceNumber
	for len(batch) < n {
		m, ok := o.members.Next()
		if !ok {
			break
		}
		batch = append(batch, consumer.Record{
			PartitionKey: m.PartitionKey, ExplicitHashKey: m.ExplicitHashKey, SequenceNumber: number, SubSequence: m.SubSequence,
			Aggregated: true, ApproximateArrival: o.arrival, Data: m.Data,
		})
	}
	return batch
}

// lookAhead is how many records' checksums are made together.
const lookAhead = 16

// next returns what the next record is.
func (o *opener) next() aggregation.Envelope {
	if o.raw {
		return aggregation.Envelope{}
	}
	if len(o.ahead) == 0 {
		var data [lookAhead][]byte
		n := min(len(o.records), lookAhead)
		for i := range o.records[:n] {
			data[i] = o.records[i].Kinesis.Data
		}
		o.ahead = aggregation.OpenAll(o.window[:0], data[:n]...)
	}
	envelope := o.ahead[0]
	o.ahead = o.ahead[1:]
	return envelope
}

// open opens the next record. A plain one is returned; the members of an aggregate stand in o.members afterwards. An aggregate that
// cannot be taken apart is handled as one record.
func (o *opener) open() (plain consumer.Record, ok bool) {
	envelope := o.next()
	o.outer, o.records = &o.records[0], o.records[1:]
	// The time has come through a floating-point number of seconds; the service's is in milliseconds.
	o.arrival = o.outer.Kinesis.ApproximateArrivalTimestamp.Round(time.Millisecond).UTC()
	var skip uint64
	if o.done != nil {
		skip, o.done = o.done[0], o.done[1:]
	}
	err := o.members.ResetTo(envelope)
	if err == nil {
		o.members.Skip(int(min(skip, math.MaxInt32)))
		return consumer.Record{}, false
	}
	broken := isMalformed(err)
	if broken && o.malformed != nil {
		o.malformed(&consumer.AggregateError{Shard: o.shard, SequenceNumber: o.outer.Kinesis.SequenceNumber, Cause: err})
	}
	k := &o.outer.Kinesis
	return consumer.Record{
		PartitionKey: k.PartitionKey, SequenceNumber: k.SequenceNumber, ApproximateArrival: o.arrival, Data: k.Data, Malformed: broken,
	}, skip == 0
}

// isMalformed tells an aggregate that is broken from a plain record.
func isMalformed(err error) bool {
	return !errors.Is(err, aggregation.ErrNotAggregated) && !errors.Is(err, aggregation.ErrBadChecksum)
}

// place is where a user record stands in an event.
type place struct {
	outer int    // index of the Kinesis record
	sub   uint64 // of the user record in it
}

// locate returns the place of the n-th user record that an opener gives out; there must be one. It opens the event once more: that
// is needed for failures alone, and a handler may have reordered what it was given.
func locate(records []events.KinesisEventRecord, raw bool, done []uint64, n int) place {
	var d aggregation.Decoder
	for i := range records {
		var skip int
		if done != nil {
			skip = int(min(done[i], math.MaxInt32))
		}
		size := 1
		if !raw && d.Reset(records[i].Kinesis.Data) == nil {
			size = d.Len()
		}
		left := max(0, size-skip)
		if n < left {
			return place{outer: i, sub: uint64(skip + n)}
		}
		n -= left
	}
	panic("kinesislambda: more user records are done than the event has")
}
