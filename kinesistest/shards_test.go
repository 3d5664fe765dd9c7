package kinesistest_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// listed pages through all shards of the stream and returns how many there are, and how many of them are open.
func (r *rig) listed() (all, open int) {
	r.t.Helper()
	in := &kinesis.ListShardsInput{StreamName: r.stream}
	for {
		out, err := r.ListShards(r.ctx(), in)
		must(r.t, err)
		all += len(out.Shards)
		for _, s := range out.Shards {
			if s.SequenceNumberRange.EndingSequenceNumber == nil {
				open++
			}
		}
		if out.NextToken == nil {
			return all, open
		}
		if len(out.Shards) != 1000 {
			r.t.Fatalf("a page of %d shards", len(out.Shards))
		}
		in = &kinesis.ListShardsInput{NextToken: out.NextToken}
	}
}

func (r *rig) scaleTo(n int32) {
	r.t.Helper()
	_, err := r.UpdateShardCount(r.ctx(), &kinesis.UpdateShardCountInput{
		StreamName: r.stream, TargetShardCount: &n, ScalingType: types.ScalingTypeUniformScaling,
	})
	must(r.t, err)
}

func TestTenThousandShardsAreNoTrouble(t *testing.T) {
	r := newRig(t, 5000)
	r.scaleTo(10000)
	if all, open := r.listed(); all != 15000 || open != 10000 {
		t.Fatalf("%d shards, %d open", all, open)
	}
	shards := map[string]bool{}
	for _, s := range r.fill(20000) {
		shards[s] = true
	}
	// With so many records at random, one shard in e squared gets none.
	if len(shards) < 8000 {
		t.Errorf("20,000 records are in %d shards", len(shards))
	}
	r.scaleTo(5000)
	if _, open := r.listed(); open != 5000 {
		t.Errorf("%d shards are open", open)
	}
	_, err := r.DeleteStream(t.Context(), &kinesis.DeleteStreamInput{StreamName: r.stream})
	must(t, err)
	_, err = r.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: r.stream, ShardCount: aws.Int32(10001)})
	wantCode(t, err, "LimitExceededException")
	_, err = r.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: r.stream, ShardCount: aws.Int32(10000)})
	must(t, err)
}
