package conformance

import (
	"math/big"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

var streamRules = []rule{
	{"a stream becomes ACTIVE with as many shards as asked for", func(p *place) string {
		return unless(*p.summary(p.stream(3)).OpenShardCount == 3, "another number")
	}},
	{"the shards of a new stream tile the space of hash keys", func(p *place) string {
		return unless(tiles(p.shards(p.stream(3), nil)), "gaps or overlaps")
	}},
	{"a stream's name is taken while it exists", func(p *place) string {
		_, err := p.Kinesis.CreateStream(p.ctx, &kinesis.CreateStreamInput{StreamName: p.stream(1), ShardCount: aws.Int32(1)})
		return refuses(err, "ResourceInUseException")
	}},
	{"a stream that does not exist is not found", func(p *place) string {
		_, err := p.Kinesis.DescribeStreamSummary(p.ctx, &kinesis.DescribeStreamSummaryInput{StreamName: p.name()})
		return refuses(err, "ResourceNotFoundException")
	}},
	{"a deleted stream is gone in the end", func(p *place) string {
		stream := p.stream(1)
		need(p.Kinesis.DeleteStream(p.ctx, &kinesis.DeleteStreamInput{StreamName: stream}))
		in := &kinesis.DescribeStreamSummaryInput{StreamName: stream}
		p.until("gone", func() bool {
			_, err := p.Kinesis.DescribeStreamSummary(p.ctx, in)
			return called(err) == "ResourceNotFoundException"
		})
		return ""
	}},
	{"a stream's name has letters, digits, dots, dashes and underscores", func(p *place) string {
		_, err := p.Kinesis.CreateStream(p.ctx, &kinesis.CreateStreamInput{StreamName: aws.String("a stream"), ShardCount: aws.Int32(1)})
		return refuses(err, "ValidationException")
	}},
	{"an on-demand stream begins with four shards", func(p *place) string {
		stream := p.name()
		need(p.Kinesis.CreateStream(p.ctx, &kinesis.CreateStreamInput{
			StreamName: stream, StreamModeDetails: &types.StreamModeDetails{StreamMode: types.StreamModeOnDemand},
		}))
		p.untilActive(stream)
		got := p.summary(stream)
		return unless(*got.OpenShardCount == 4 && got.StreamModeDetails != nil && got.StreamModeDetails.StreamMode == types.StreamModeOnDemand,
			"another number, or not on demand")
	}},
	{"a stream is named by its ARN", func(p *place) string {
		stream := p.stream(1)
		_, err := p.Kinesis.ListShards(p.ctx, &kinesis.ListShardsInput{StreamARN: p.summary(stream).StreamARN})
		return unless(err == nil, "%s", called(err))
	}},
	{"streams are listed in pages, by name", func(p *place) string {
		for range 3 {
			p.stream(1)
		}
		var names []string
		in := &kinesis.ListStreamsInput{Limit: aws.Int32(2)}
		for {
			out := need(p.Kinesis.ListStreams(p.ctx, in))
			names = append(names, out.StreamNames...)
			if len(out.StreamNames) > 2 {
				return "pages too long"
			}
			if !*out.HasMoreStreams || len(out.StreamNames) == 0 {
				break
			}
			in.ExclusiveStartStreamName = &out.StreamNames[len(out.StreamNames)-1]
		}
		return unless(len(names) >= 3 && slices.IsSorted(names) && len(slices.Compact(names)) == len(names), "repeated or unsorted")
	}},
	{"retention begins at 24 hours, is increased, and is not decreased by an increase", func(p *place) string {
		stream := p.stream(1)
		first := *p.summary(stream).RetentionPeriodHours
		need(p.Kinesis.IncreaseStreamRetentionPeriod(p.ctx, &kinesis.IncreaseStreamRetentionPeriodInput{StreamName: stream, RetentionPeriodHours: aws.Int32(48)}))
		p.untilActive(stream)
		if second := *p.summary(stream).RetentionPeriodHours; first != 24 || second != 48 {
			return "another period"
		}
		_, err := p.Kinesis.IncreaseStreamRetentionPeriod(p.ctx, &kinesis.IncreaseStreamRetentionPeriodInput{StreamName: stream, RetentionPeriodHours: aws.Int32(25)})
		return refuses(err, "InvalidArgumentException")
	}},
	{"a stream's tags are set, listed and removed", func(p *place) string {
		stream := p.stream(1)
		need(p.Kinesis.AddTagsToStream(p.ctx, &kinesis.AddTagsToStreamInput{StreamName: stream, Tags: map[string]string{"a": "1", "b": "2"}}))
		need(p.Kinesis.RemoveTagsFromStream(p.ctx, &kinesis.RemoveTagsFromStreamInput{StreamName: stream, TagKeys: []string{"a"}}))
		tags := need(p.Kinesis.ListTagsForStream(p.ctx, &kinesis.ListTagsForStreamInput{StreamName: stream})).Tags
		return unless(len(tags) == 1 && *tags[0].Key == "b" && *tags[0].Value == "2", "other tags")
	}},
	{"encryption is switched on, and is seen", func(p *place) string {
		stream := p.stream(1)
		need(p.Kinesis.StartStreamEncryption(p.ctx, &kinesis.StartStreamEncryptionInput{
			StreamName: stream, EncryptionType: types.EncryptionTypeKms, KeyId: aws.String("alias/aws/kinesis"),
		}))
		p.untilActive(stream)
		return unless(p.summary(stream).EncryptionType == types.EncryptionTypeKms, "is not seen")
	}},
	{"the largest record of a stream is raised to 10 MiB", func(p *place) string {
		stream := p.stream(1)
		arn := p.summary(stream).StreamARN
		need(p.Kinesis.UpdateMaxRecordSize(p.ctx, &kinesis.UpdateMaxRecordSizeInput{StreamARN: arn, MaxRecordSizeInKiB: aws.Int32(10240)}))
		p.untilActive(stream)
		_, err := p.Kinesis.PutRecord(p.ctx, &kinesis.PutRecordInput{StreamName: stream, PartitionKey: aws.String("k"), Data: make([]byte, 2<<20)})
		return unless(err == nil, "%s", called(err))
	}},
	{"shards are listed in pages, whose token goes without the stream's name", func(p *place) string {
		stream := p.stream(3)
		first := need(p.Kinesis.ListShards(p.ctx, &kinesis.ListShardsInput{StreamName: stream, MaxResults: aws.Int32(2)}))
		if len(first.Shards) != 2 || first.NextToken == nil {
			return "no second page"
		}
		_, both := p.Kinesis.ListShards(p.ctx, &kinesis.ListShardsInput{StreamName: stream, NextToken: first.NextToken})
		second := need(p.Kinesis.ListShards(p.ctx, &kinesis.ListShardsInput{NextToken: first.NextToken}))
		if len(second.Shards) != 1 || *second.Shards[0].ShardId == *first.Shards[0].ShardId {
			return "another second page"
		}
		if outcome := refuses(both, "InvalidArgumentException"); outcome != "" {
			return strings.Replace(outcome, "accepts it", "accepts both", 1)
		}
		return ""
	}},
}

// tiles reports whether shards cover the hash keys without a gap or an overlap.
func tiles(shards []types.Shard) bool {
	edge := func(text *string) *big.Int {
		n, _ := new(big.Int).SetString(*text, 10)
		return n
	}
	slices.SortFunc(shards, func(a, b types.Shard) int {
		return edge(a.HashKeyRange.StartingHashKey).Cmp(edge(b.HashKeyRange.StartingHashKey))
	})
	next := new(big.Int)
	for _, shard := range shards {
		if edge(shard.HashKeyRange.StartingHashKey).Cmp(next) != 0 {
			return false
		}
		next.Add(edge(shard.HashKeyRange.EndingHashKey), big.NewInt(1))
	}
	return next.Cmp(new(big.Int).Lsh(big.NewInt(1), 128)) == 0
}
