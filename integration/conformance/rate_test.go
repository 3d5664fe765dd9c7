package conformance

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

const exceeded = "ProvisionedThroughputExceededException"

// A shard that was idle may take what it saved up in a second: each of these asks for more than two seconds' worth at once.
var rateRules = []rule{
	{"records beyond 1,000 a second and shard fail one by one, and the others of the put are stored", func(p *place) string {
		stream := p.stream(1)
		stored, failed := 0, 0
		for range 8 {
			out := need(p.Kinesis.PutRecords(p.ctx, &kinesis.PutRecordsInput{StreamName: stream, Records: entries(500)}))
			for _, r := range out.Records {
				switch {
				case r.SequenceNumber != nil:
					stored++
				case aws.ToString(r.ErrorCode) == exceeded:
					failed++
				default:
					return "another error"
				}
			}
		}
		return unless(stored >= 1000 && failed > 0, "stores them all")
	}},
	{"bytes beyond 1 MiB a second and shard are refused", func(p *place) string {
		stream := p.stream(1)
		for range 5 {
			_, err := p.Kinesis.PutRecord(p.ctx, &kinesis.PutRecordInput{StreamName: stream, PartitionKey: aws.String("k"), Data: make([]byte, 1_000_000)})
			if err != nil {
				return refuses(err, exceeded)
			}
		}
		return "stores them all"
	}},
	{"reads beyond five a second and shard are refused", func(p *place) string {
		stream, shard, _ := p.filled(1)
		it := p.iterator(stream, shard, types.ShardIteratorTypeTrimHorizon)
		for range 15 {
			if _, err := p.Kinesis.GetRecords(p.ctx, &kinesis.GetRecordsInput{ShardIterator: it}); err != nil {
				return refuses(err, exceeded)
			}
		}
		return "answers them all"
	}},
}
