package conformance

import (
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// filled creates a stream of one shard with the records "0" to "n-1" and returns where they are.
func (p *place) filled(n int) (stream, shard *string, sequences []string) {
	stream = p.stream(1)
	for i := range n {
		got := p.put(stream, "k", fmt.Sprint(i))
		shard, sequences = got.ShardId, append(sequences, *got.SequenceNumber)
	}
	return stream, shard, sequences
}

// from returns an iterator of a kind that needs a sequence number, or the error.
func (p *place) from(stream, shard *string, kind types.ShardIteratorType, sequence string) (*kinesis.GetShardIteratorOutput, error) {
	return p.Kinesis.GetShardIterator(p.ctx, &kinesis.GetShardIteratorInput{
		StreamName: stream, ShardId: shard, ShardIteratorType: kind, StartingSequenceNumber: &sequence,
	})
}

var getRules = []rule{
	{"records are read in the order of their sequence numbers, as they were put", func(p *place) string {
		stream, shard, sequences := p.filled(5)
		records := p.read(p.iterator(stream, shard, types.ShardIteratorTypeTrimHorizon), 5)
		for i, r := range records {
			if *r.SequenceNumber != sequences[i] || *r.PartitionKey != "k" {
				return "otherwise"
			}
		}
		return unless(data(records) == "0 1 2 3 4", "otherwise")
	}},
	{"AT_SEQUENCE_NUMBER begins with the record, AFTER_SEQUENCE_NUMBER behind it", func(p *place) string {
		stream, shard, sequences := p.filled(3)
		at := need(p.from(stream, shard, types.ShardIteratorTypeAtSequenceNumber, sequences[1]))
		after := need(p.from(stream, shard, types.ShardIteratorTypeAfterSequenceNumber, sequences[1]))
		got := data(p.read(at.ShardIterator, 2)) + ", " + data(p.read(after.ShardIterator, 1))
		return unless(got == "1 2, 2", "otherwise")
	}},
	{"the starting sequence number of a shard is one to start from", func(p *place) string {
		stream, _, _ := p.filled(1)
		shard := p.shards(stream, nil)[0]
		out := need(p.from(stream, shard.ShardId, types.ShardIteratorTypeAtSequenceNumber, *shard.SequenceNumberRange.StartingSequenceNumber))
		return unless(data(p.read(out.ShardIterator, 1)) == "0", "finds nothing")
	}},
	{"AT_TIMESTAMP begins with the first record that arrived then or later", func(p *place) string {
		stream, shard, _ := p.filled(1)
		// Arrival times are in milliseconds: the next record is put at a later one.
		first := p.read(p.iterator(stream, shard, types.ShardIteratorTypeTrimHorizon), 1)[0]
		p.until("later", func() bool { return time.Since(*first.ApproximateArrivalTimestamp) > 50*time.Millisecond })
		p.put(stream, "k", "1")
		later := first.ApproximateArrivalTimestamp.Add(10 * time.Millisecond)
		out := need(p.Kinesis.GetShardIterator(p.ctx, &kinesis.GetShardIteratorInput{
			StreamName: stream, ShardId: shard, ShardIteratorType: types.ShardIteratorTypeAtTimestamp, Timestamp: &later,
		}))
		return unless(data(p.read(out.ShardIterator, 1)) == "1", "begins elsewhere")
	}},
	{"AT_TIMESTAMP is not in the future", func(p *place) string {
		stream, shard, _ := p.filled(1)
		future := time.Now().Add(time.Hour)
		_, err := p.Kinesis.GetShardIterator(p.ctx, &kinesis.GetShardIteratorInput{
			StreamName: stream, ShardId: shard, ShardIteratorType: types.ShardIteratorTypeAtTimestamp, Timestamp: &future,
		})
		return refuses(err, "InvalidArgumentException")
	}},
	{"LATEST sees what is put after it, and nothing from before", func(p *place) string {
		stream, shard, _ := p.filled(2)
		it := p.iterator(stream, shard, types.ShardIteratorTypeLatest)
		p.put(stream, "k", "new")
		return unless(data(p.read(it, 1)) == "new", "otherwise")
	}},
	{"an iterator of LATEST takes no sequence number", func(p *place) string {
		stream, shard, sequences := p.filled(1)
		_, err := p.from(stream, shard, types.ShardIteratorTypeLatest, sequences[0])
		return refuses(err, "InvalidArgumentException")
	}},
	{"an iterator of a shard that does not exist is refused", func(p *place) string {
		_, err := p.Kinesis.GetShardIterator(p.ctx, &kinesis.GetShardIteratorInput{
			StreamName: p.stream(1), ShardId: aws.String("shardId-000000000007"), ShardIteratorType: types.ShardIteratorTypeLatest,
		})
		return refuses(err, "ResourceNotFoundException")
	}},
	{"an iterator that nobody issued is refused", func(p *place) string {
		_, err := p.Kinesis.GetRecords(p.ctx, &kinesis.GetRecordsInput{ShardIterator: aws.String("AAAAAAAAAAGarbage")})
		return refuses(err, "InvalidArgumentException", "ValidationException")
	}},
	{"a limit of records is kept to", func(p *place) string {
		stream, shard, _ := p.filled(3)
		it := p.iterator(stream, shard, types.ShardIteratorTypeTrimHorizon)
		out := need(p.Kinesis.GetRecords(p.ctx, &kinesis.GetRecordsInput{ShardIterator: it, Limit: aws.Int32(2)}))
		return unless(len(out.Records) == 2, "%d records", len(out.Records))
	}},
	{"a limit of records is at most 10,000", func(p *place) string {
		stream, shard, _ := p.filled(1)
		it := p.iterator(stream, shard, types.ShardIteratorTypeTrimHorizon)
		_, err := p.Kinesis.GetRecords(p.ctx, &kinesis.GetRecordsInput{ShardIterator: it, Limit: aws.Int32(10_001)})
		return refuses(err, "InvalidArgumentException", "ValidationException")
	}},
	{"one read returns at most 10 MiB", func(p *place) string {
		if p.server == "kinesis-local" {
			return "is too slow to be asked"
		}
		stream := p.stream(1)
		var shard *string
		for range 11 {
			got := need(p.Kinesis.PutRecord(p.ctx, &kinesis.PutRecordInput{StreamName: stream, PartitionKey: aws.String("k"), Data: make([]byte, 1_000_000)}))
			shard = got.ShardId
		}
		out := need(p.Kinesis.GetRecords(p.ctx, &kinesis.GetRecordsInput{ShardIterator: p.iterator(stream, shard, types.ShardIteratorTypeTrimHorizon)}))
		return unless(len(out.Records) <= 10, "%d records of 1 MB", len(out.Records))
	}},
	{"a reader at the tip is told that it is 0 ms behind", func(p *place) string {
		stream, shard, _ := p.filled(1)
		out := need(p.Kinesis.GetRecords(p.ctx, &kinesis.GetRecordsInput{ShardIterator: p.iterator(stream, shard, types.ShardIteratorTypeTrimHorizon)}))
		return unless(out.MillisBehindLatest != nil && *out.MillisBehindLatest == 0, "otherwise")
	}},
	{"a reader that has records before it is told how far it is behind", func(p *place) string {
		stream, shard, _ := p.filled(2)
		it := p.iterator(stream, shard, types.ShardIteratorTypeTrimHorizon)
		began := time.Now()
		p.until("later", func() bool { return time.Since(began) > 50*time.Millisecond })
		out := need(p.Kinesis.GetRecords(p.ctx, &kinesis.GetRecordsInput{ShardIterator: it, Limit: aws.Int32(1)}))
		return unless(out.MillisBehindLatest != nil && *out.MillisBehindLatest > 0, "0 ms")
	}},
}
