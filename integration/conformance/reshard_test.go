package conformance

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

const middle = "170141183460469231731687303715884105728" // of all hash keys

// split splits the only shard of a new stream, after a record, and waits for it.
func (p *place) split() (stream *string, parent types.Shard, put *kinesis.PutRecordOutput) {
	stream = p.stream(1)
	put = p.put(stream, "k", "before")
	need(p.Kinesis.SplitShard(p.ctx, &kinesis.SplitShardInput{StreamName: stream, ShardToSplit: put.ShardId, NewStartingHashKey: aws.String(middle)}))
	p.untilActive(stream)
	shards := p.shards(stream, nil)
	i := slices.IndexFunc(shards, func(s types.Shard) bool { return *s.ShardId == *put.ShardId })
	if i < 0 || len(shards) != 3 {
		stop("the parent or the children are missing")
	}
	return stream, shards[i], put
}

// end reads a closed shard to its end and returns the last answer.
func (p *place) end(stream, shard *string) (records []types.Record, last *kinesis.GetRecordsOutput) {
	it := p.iterator(stream, shard, types.ShardIteratorTypeTrimHorizon)
	p.until("ends", func() bool {
		last = need(p.Kinesis.GetRecords(p.ctx, &kinesis.GetRecordsInput{ShardIterator: it}))
		records, it = append(records, last.Records...), last.NextShardIterator
		return it == nil
	})
	return records, last
}

var reshardRules = []rule{
	{"a split closes the parent, and its children tile its range", func(p *place) string {
		stream, parent, _ := p.split()
		var children []types.Shard
		for _, s := range p.shards(stream, nil) {
			if s.ParentShardId != nil && *s.ParentShardId == *parent.ShardId {
				children = append(children, s)
			}
		}
		return unless(parent.SequenceNumberRange.EndingSequenceNumber != nil && len(children) == 2 && tiles(children), "otherwise")
	}},
	{"a closed shard's ending sequence number is above those of its records", func(p *place) string {
		_, parent, put := p.split()
		ending := *parent.SequenceNumberRange.EndingSequenceNumber
		return unless(len(ending) == len(*put.SequenceNumber) && ending > *put.SequenceNumber, "below")
	}},
	{"a closed shard is read to its end, where there is no next iterator", func(p *place) string {
		stream, parent, _ := p.split()
		records, _ := p.end(stream, parent.ShardId)
		return unless(data(records) == "before", "other records")
	}},
	{"the last read of a closed shard names the children", func(p *place) string {
		stream, parent, _ := p.split()
		_, last := p.end(stream, parent.ShardId)
		if len(last.ChildShards) != 2 {
			return "names none"
		}
		for _, c := range last.ChildShards {
			if len(c.ParentShards) != 1 || c.ParentShards[0] != *parent.ShardId || c.HashKeyRange == nil {
				return "without parents or ranges"
			}
		}
		return ""
	}},
	{"no record goes to a closed shard", func(p *place) string {
		stream, parent, _ := p.split()
		return unless(*p.put(stream, "k", "after").ShardId != *parent.ShardId, "one does")
	}},
	{"a closed shard is not split again", func(p *place) string {
		stream, parent, _ := p.split()
		_, err := p.Kinesis.SplitShard(p.ctx, &kinesis.SplitShardInput{StreamName: stream, ShardToSplit: parent.ShardId, NewStartingHashKey: aws.String(middle)})
		return refuses(err, "InvalidArgumentException", "ResourceInUseException")
	}},
	{"a split is inside the shard's range", func(p *place) string {
		stream := p.stream(1)
		shard := p.shards(stream, nil)[0]
		_, err := p.Kinesis.SplitShard(p.ctx, &kinesis.SplitShardInput{StreamName: stream, ShardToSplit: shard.ShardId, NewStartingHashKey: aws.String("0")})
		return refuses(err, "InvalidArgumentException")
	}},
	{"a merge makes one child of two neighbours, which names both", func(p *place) string {
		stream := p.stream(2)
		parents := p.shards(stream, nil)
		need(p.Kinesis.MergeShards(p.ctx, &kinesis.MergeShardsInput{StreamName: stream, ShardToMerge: parents[0].ShardId, AdjacentShardToMerge: parents[1].ShardId}))
		p.untilActive(stream)
		shards := p.shards(stream, nil)
		child := shards[len(shards)-1]
		return unless(len(shards) == 3 && child.ParentShardId != nil && child.AdjacentParentShardId != nil && tiles(shards[2:]), "otherwise")
	}},
	{"shards that are not neighbours are not merged", func(p *place) string {
		stream := p.stream(3)
		shards := p.shards(stream, nil)
		_, err := p.Kinesis.MergeShards(p.ctx, &kinesis.MergeShardsInput{StreamName: stream, ShardToMerge: shards[0].ShardId, AdjacentShardToMerge: shards[2].ShardId})
		return refuses(err, "InvalidArgumentException")
	}},
	{"the number of shards is doubled at a word", func(p *place) string {
		stream := p.stream(2)
		need(p.Kinesis.UpdateShardCount(p.ctx, &kinesis.UpdateShardCountInput{
			StreamName: stream, TargetShardCount: aws.Int32(4), ScalingType: types.ScalingTypeUniformScaling,
		}))
		p.untilActive(stream)
		return unless(*p.summary(stream).OpenShardCount == 4, "another number")
	}},
	{"AT_LATEST lists the open shards alone", func(p *place) string {
		stream, parent, _ := p.split()
		open := p.shards(stream, &types.ShardFilter{Type: types.ShardFilterTypeAtLatest})
		return unless(len(open) == 2 && *open[0].ShardId != *parent.ShardId, "closed ones too")
	}},
	{"AT_TRIM_HORIZON lists the shards that were open then", func(p *place) string {
		stream, parent, _ := p.split()
		first := p.shards(stream, &types.ShardFilter{Type: types.ShardFilterTypeAtTrimHorizon})
		return unless(len(first) == 1 && *first[0].ShardId == *parent.ShardId, "others too")
	}},
	{"AFTER_SHARD_ID lists the shards behind one", func(p *place) string {
		stream, parent, _ := p.split()
		rest := p.shards(stream, &types.ShardFilter{Type: types.ShardFilterTypeAfterShardId, ShardId: parent.ShardId})
		return unless(len(rest) == 2 && *rest[0].ShardId != *parent.ShardId, "others too")
	}},
}
