package conformance

import (
	"crypto/md5"
	"fmt"
	"math/big"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// entries returns n records with keys and data of their number.
func entries(n int) []types.PutRecordsRequestEntry {
	all := make([]types.PutRecordsRequestEntry, n)
	for i := range all {
		all[i] = types.PutRecordsRequestEntry{PartitionKey: aws.String(fmt.Sprint("key-", i)), Data: fmt.Append(nil, i)}
	}
	return all
}

// putInvalid returns the outcome of a put that must be refused.
func putInvalid(p *place, in *kinesis.PutRecordInput) string {
	in.StreamName = p.stream(1)
	_, err := p.Kinesis.PutRecord(p.ctx, in)
	return refuses(err, "ValidationException", "InvalidArgumentException")
}

var putRules = []rule{
	{"a record goes to the shard whose range has the MD5 of its key", func(p *place) string {
		stream := p.stream(4)
		shards := p.shards(stream, nil)
		for i := range 20 {
			key := fmt.Sprint("key-", i)
			sum := md5.Sum([]byte(key))
			if got := p.put(stream, key, "x"); *got.ShardId != holder(shards, new(big.Int).SetBytes(sum[:])) {
				return "another shard"
			}
		}
		return ""
	}},
	{"an explicit hash key overrides the partition key", func(p *place) string {
		stream := p.stream(4)
		shards := p.shards(stream, nil)
		got := need(p.Kinesis.PutRecord(p.ctx, &kinesis.PutRecordInput{
			StreamName: stream, PartitionKey: aws.String("k"), ExplicitHashKey: shards[2].HashKeyRange.StartingHashKey, Data: []byte("x"),
		}))
		return unless(*got.ShardId == *shards[2].ShardId, "another shard")
	}},
	{"an explicit hash key has at most 128 bits", func(p *place) string {
		return putInvalid(p, &kinesis.PutRecordInput{
			PartitionKey: aws.String("k"), Data: []byte("x"), ExplicitHashKey: aws.String("340282366920938463463374607431768211456"),
		})
	}},
	{"a partition key is not empty", func(p *place) string {
		return putInvalid(p, &kinesis.PutRecordInput{PartitionKey: aws.String(""), Data: []byte("x")})
	}},
	{"a partition key has at most 256 characters", func(p *place) string {
		return putInvalid(p, &kinesis.PutRecordInput{PartitionKey: aws.String(strings.Repeat("k", 257)), Data: []byte("x")})
	}},
	{"a partition key is counted in characters, not in bytes", func(p *place) string {
		key := strings.Repeat("ü", 256)
		stream := p.stream(1)
		_, err := p.Kinesis.PutRecord(p.ctx, &kinesis.PutRecordInput{StreamName: stream, PartitionKey: &key, Data: []byte("x")})
		return unless(err == nil, "%s", called(err))
	}},
	{"a record without data is stored", func(p *place) string {
		stream := p.stream(1)
		got := p.put(stream, "k", "")
		records := p.read(p.iterator(stream, got.ShardId, types.ShardIteratorTypeTrimHorizon), 1)
		return unless(len(records) == 1 && len(records[0].Data) == 0 && *records[0].PartitionKey == "k", "is not read back")
	}},
	{"a record of a new stream has at most 1 MiB", func(p *place) string {
		return putInvalid(p, &kinesis.PutRecordInput{PartitionKey: aws.String("k"), Data: make([]byte, 1<<20+1)})
	}},
	{"a put has at most 500 records", func(p *place) string {
		_, err := p.Kinesis.PutRecords(p.ctx, &kinesis.PutRecordsInput{StreamName: p.stream(1), Records: entries(501)})
		return refuses(err, "ValidationException", "InvalidArgumentException")
	}},
	{"a put of 500 records has 500 results in their order", func(p *place) string {
		stream := p.stream(2)
		out := need(p.Kinesis.PutRecords(p.ctx, &kinesis.PutRecordsInput{StreamName: stream, Records: entries(500)}))
		if *out.FailedRecordCount != 0 || len(out.Records) != 500 {
			return "fewer"
		}
		shards := p.shards(stream, nil)
		for i, r := range out.Records {
			sum := md5.Sum(fmt.Append(nil, "key-", i))
			if *r.ShardId != holder(shards, new(big.Int).SetBytes(sum[:])) {
				return "another order"
			}
		}
		return ""
	}},
	{"sequence numbers have 56 digits and increase in the order of a put", func(p *place) string {
		out := need(p.Kinesis.PutRecords(p.ctx, &kinesis.PutRecordsInput{StreamName: p.stream(1), Records: entries(50)}))
		last := ""
		for _, r := range out.Records {
			if len(*r.SequenceNumber) != 56 {
				return fmt.Sprint(len(*r.SequenceNumber), " digits")
			}
			if *r.SequenceNumber <= last {
				return "not in that order"
			}
			last = *r.SequenceNumber
		}
		return ""
	}},
	{"an entry of a put without a key refuses the whole put", func(p *place) string {
		records := entries(2)
		records[1].PartitionKey = aws.String("")
		_, err := p.Kinesis.PutRecords(p.ctx, &kinesis.PutRecordsInput{StreamName: p.stream(1), Records: records})
		return refuses(err, "ValidationException", "InvalidArgumentException")
	}},
	{"a put to a stream that does not exist is refused", func(p *place) string {
		_, err := p.Kinesis.PutRecords(p.ctx, &kinesis.PutRecordsInput{StreamName: p.name(), Records: entries(1)})
		return refuses(err, "ResourceNotFoundException")
	}},
}

// holder returns the shard whose range has the hash key.
func holder(shards []types.Shard, key *big.Int) string {
	for _, shard := range shards {
		first, _ := new(big.Int).SetString(*shard.HashKeyRange.StartingHashKey, 10)
		last, _ := new(big.Int).SetString(*shard.HashKeyRange.EndingHashKey, 10)
		if shard.SequenceNumberRange.EndingSequenceNumber == nil && first.Cmp(key) <= 0 && key.Cmp(last) <= 0 {
			return *shard.ShardId
		}
	}
	return ""
}
