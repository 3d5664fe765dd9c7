package kinesistest_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/penstock-go/penstock/kinesistest"
)

func TestNewStreamIsActiveAndEvenlySplit(t *testing.T) {
	r := newRig(t, 3)
	sum, err := r.DescribeStreamSummary(t.Context(), &kinesis.DescribeStreamSummaryInput{StreamName: r.stream})
	must(t, err)
	got := sum.StreamDescriptionSummary
	if got.StreamStatus != types.StreamStatusActive || *got.OpenShardCount != 3 || *got.MaxRecordSizeInKiB != 1024 ||
		got.StreamModeDetails.StreamMode != types.StreamModeProvisioned || *got.RetentionPeriodHours != 24 ||
		*got.StreamARN != "arn:aws:kinesis:us-east-1:123456789012:stream/orders" {
		t.Fatalf("summary %+v", got)
	}
	// floor(2^128 / 3) is 113427455640312821154458202477256070485.
	want := [][2]string{
		{"0", "113427455640312821154458202477256070484"},
		{"113427455640312821154458202477256070485", "226854911280625642308916404954512140969"},
		{"226854911280625642308916404954512140970", "340282366920938463463374607431768211455"},
	}
	shards := r.shards(nil)
	for i, s := range shards {
		if *s.ShardId != shardID(i) || *s.HashKeyRange.StartingHashKey != want[i][0] || *s.HashKeyRange.EndingHashKey != want[i][1] {
			t.Errorf("shard %d is %s, %s to %s", i, *s.ShardId, *s.HashKeyRange.StartingHashKey, *s.HashKeyRange.EndingHashKey)
		}
		if n := *s.SequenceNumberRange.StartingSequenceNumber; len(n) != 56 {
			t.Errorf("shard %d starts at %s", i, n)
		}
		if s.SequenceNumberRange.EndingSequenceNumber != nil || s.ParentShardId != nil || s.AdjacentParentShardId != nil {
			t.Errorf("shard %d has an end or parents", i)
		}
	}
	if len(shards) != 3 {
		t.Fatalf("%d shards", len(shards))
	}
}

func TestCreateStreamRefusesBadInput(t *testing.T) {
	r := newRig(t, 1)
	onDemand := &types.StreamModeDetails{StreamMode: types.StreamModeOnDemand}
	cases := []struct {
		name string
		in   kinesis.CreateStreamInput
		code string
	}{
		{"the name exists", kinesis.CreateStreamInput{StreamName: r.stream, ShardCount: aws.Int32(1)}, "ResourceInUseException"},
		{"the name has a space", kinesis.CreateStreamInput{StreamName: aws.String("a b"), ShardCount: aws.Int32(1)}, "ValidationException"},
		{"the name is empty", kinesis.CreateStreamInput{StreamName: aws.String(""), ShardCount: aws.Int32(1)}, "ValidationException"},
		{"no shard count", kinesis.CreateStreamInput{StreamName: aws.String("a")}, "ValidationException"},
		{"no shards", kinesis.CreateStreamInput{StreamName: aws.String("a"), ShardCount: aws.Int32(0)}, "ValidationException"},
		{"too many shards", kinesis.CreateStreamInput{StreamName: aws.String("a"), ShardCount: aws.Int32(10001)}, "LimitExceededException"},
		{"shards of an on-demand stream", kinesis.CreateStreamInput{StreamName: aws.String("a"), ShardCount: aws.Int32(1), StreamModeDetails: onDemand}, "ValidationException"},
		{"unknown mode", kinesis.CreateStreamInput{StreamName: aws.String("a"), StreamModeDetails: &types.StreamModeDetails{StreamMode: "X"}}, "ValidationException"},
		{"records too large", kinesis.CreateStreamInput{StreamName: aws.String("a"), ShardCount: aws.Int32(1), MaxRecordSizeInKiB: aws.Int32(10241)}, "ValidationException"},
		{"records too small", kinesis.CreateStreamInput{StreamName: aws.String("a"), ShardCount: aws.Int32(1), MaxRecordSizeInKiB: aws.Int32(1023)}, "ValidationException"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := r.CreateStream(t.Context(), &c.in)
			wantCode(t, err, c.code)
		})
	}
}

func TestOnDemandStreamHasFourShardsThatCannotBeChanged(t *testing.T) {
	r := newRig(t, 1)
	r.stream = aws.String("elastic")
	_, err := r.CreateStream(t.Context(), &kinesis.CreateStreamInput{
		StreamName: r.stream, StreamModeDetails: &types.StreamModeDetails{StreamMode: types.StreamModeOnDemand},
		Tags: map[string]string{"team": "a"},
	})
	must(t, err)
	if n := len(r.shards(nil)); n != 4 {
		t.Fatalf("%d shards, want 4", n)
	}
	_, err = r.UpdateShardCount(t.Context(), &kinesis.UpdateShardCountInput{
		StreamName: r.stream, TargetShardCount: aws.Int32(8), ScalingType: types.ScalingTypeUniformScaling,
	})
	wantCode(t, err, "ValidationException")
}

func TestStreamsAreNamedByNameOrARN(t *testing.T) {
	r := newRig(t, 1, kinesistest.WithRegion("eu-west-1"), kinesistest.WithAccountID("000000000001"))
	arn := aws.String("arn:aws:kinesis:eu-west-1:000000000001:stream/orders")
	_, err := r.DescribeStreamSummary(t.Context(), &kinesis.DescribeStreamSummaryInput{StreamARN: arn})
	must(t, err)
	_, err = r.DescribeStreamSummary(t.Context(), &kinesis.DescribeStreamSummaryInput{StreamARN: arn, StreamName: r.stream})
	must(t, err)
	out, err := r.PutRecord(t.Context(), &kinesis.PutRecordInput{StreamARN: arn, PartitionKey: aws.String("k"), Data: []byte("d")})
	must(t, err)
	it, err := r.GetShardIterator(t.Context(), &kinesis.GetShardIteratorInput{
		StreamARN: arn, ShardId: out.ShardId, ShardIteratorType: types.ShardIteratorTypeTrimHorizon,
	})
	must(t, err)
	recs, err := r.GetRecords(t.Context(), &kinesis.GetRecordsInput{StreamARN: arn, ShardIterator: it.ShardIterator})
	must(t, err)
	if len(recs.Records) != 1 {
		t.Fatalf("%d records", len(recs.Records))
	}

	for _, c := range []struct{ name, arn, stream, code string }{
		{"no name", "", "", "InvalidArgumentException"},
		{"two names", *arn, "other", "InvalidArgumentException"},
		{"another account", "arn:aws:kinesis:eu-west-1:000000000002:stream/orders", "", "ResourceNotFoundException"},
		{"another region", "arn:aws:kinesis:us-east-1:000000000001:stream/orders", "", "ResourceNotFoundException"},
		{"no such stream", "", "other", "ResourceNotFoundException"},
		{"not an ARN", "orders", "", "ValidationException"},
		{"an ARN of a table", "arn:aws:dynamodb:eu-west-1:000000000001:table/orders", "", "ValidationException"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var in kinesis.DescribeStreamSummaryInput
			if c.arn != "" {
				in.StreamARN = &c.arn
			}
			if c.stream != "" {
				in.StreamName = &c.stream
			}
			_, err := r.DescribeStreamSummary(t.Context(), &in)
			wantCode(t, err, c.code)
		})
	}
}

func TestDeletedStreamIsGone(t *testing.T) {
	r := newRig(t, 1)
	it := r.iterator(shardID(0), types.ShardIteratorTypeLatest)
	r.register("reader")
	_, err := r.DeleteStream(t.Context(), &kinesis.DeleteStreamInput{StreamName: r.stream})
	wantCode(t, err, "ResourceInUseException") // it has a consumer
	_, err = r.DeleteStream(t.Context(), &kinesis.DeleteStreamInput{StreamName: r.stream, EnforceConsumerDeletion: aws.Bool(true)})
	must(t, err)
	_, err = r.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: it})
	wantCode(t, err, "ResourceNotFoundException")

	// An iterator of the old stream is no iterator of a new one with the same name.
	_, err = r.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: r.stream, ShardCount: aws.Int32(1)})
	must(t, err)
	_, err = r.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: it})
	wantCode(t, err, "ResourceNotFoundException")
}

func TestListStreamsGoesOnWhereItStopped(t *testing.T) {
	r := newRig(t, 1)
	for i := range 4 {
		_, err := r.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: aws.String(fmt.Sprint("s", i)), ShardCount: aws.Int32(1)})
		must(t, err)
	}
	var names []string
	for p := kinesis.NewListStreamsPaginator(r.Client, &kinesis.ListStreamsInput{Limit: aws.Int32(2)}); p.HasMorePages(); {
		page, err := p.NextPage(t.Context())
		must(t, err)
		if len(page.StreamNames) > 2 || len(page.StreamSummaries) != len(page.StreamNames) {
			t.Fatalf("page of %d names, %d summaries", len(page.StreamNames), len(page.StreamSummaries))
		}
		names = append(names, page.StreamNames...)
	}
	if want := []string{"orders", "s0", "s1", "s2", "s3"}; !slices.Equal(names, want) {
		t.Fatalf("streams %v, want %v", names, want)
	}
}

func TestDescribeStreamPagesItsShards(t *testing.T) {
	r := newRig(t, 150)
	out, err := r.DescribeStream(t.Context(), &kinesis.DescribeStreamInput{StreamName: r.stream, Limit: aws.Int32(1000)})
	must(t, err)
	if n := len(out.StreamDescription.Shards); n != 100 || !*out.StreamDescription.HasMoreShards {
		t.Fatalf("%d shards, more: %v", n, *out.StreamDescription.HasMoreShards)
	}
	out, err = r.DescribeStream(t.Context(), &kinesis.DescribeStreamInput{
		StreamName: r.stream, ExclusiveStartShardId: out.StreamDescription.Shards[99].ShardId,
	})
	must(t, err)
	if n := len(out.StreamDescription.Shards); n != 50 || *out.StreamDescription.HasMoreShards {
		t.Fatalf("%d shards, more: %v", n, *out.StreamDescription.HasMoreShards)
	}
}

func TestListShardsPagesByToken(t *testing.T) {
	r := newRig(t, 7)
	var got []int
	in := &kinesis.ListShardsInput{StreamName: r.stream, MaxResults: aws.Int32(3), ShardFilter: &types.ShardFilter{Type: types.ShardFilterTypeAtLatest}}
	for {
		out, err := r.ListShards(t.Context(), in)
		must(t, err)
		got = append(got, ids(out.Shards)...)
		if out.NextToken == nil {
			break
		}
		_, err = r.ListShards(t.Context(), &kinesis.ListShardsInput{NextToken: out.NextToken, StreamName: r.stream})
		wantCode(t, err, "InvalidArgumentException")
		in = &kinesis.ListShardsInput{NextToken: out.NextToken, MaxResults: aws.Int32(3)}
	}
	if !slices.Equal(got, []int{0, 1, 2, 3, 4, 5, 6}) {
		t.Fatalf("shards %v", got)
	}
	_, err := r.ListShards(t.Context(), &kinesis.ListShardsInput{NextToken: aws.String("AAAA")})
	wantCode(t, err, "InvalidArgumentException")
}

func TestListShardsRefusesBadFilters(t *testing.T) {
	r := newRig(t, 1)
	for name, f := range map[string]types.ShardFilter{
		"no shard":           {Type: types.ShardFilterTypeAfterShardId},
		"no timestamp":       {Type: types.ShardFilterTypeAtTimestamp},
		"needless timestamp": {Type: types.ShardFilterTypeAtLatest, Timestamp: aws.Time(timeZero)},
		"needless shard":     {Type: types.ShardFilterTypeAtLatest, ShardId: aws.String(shardID(0))},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := r.ListShards(t.Context(), &kinesis.ListShardsInput{StreamName: r.stream, ShardFilter: &f})
			wantCode(t, err, "InvalidArgumentException")
		})
	}
	_, err := r.ListShards(t.Context(), &kinesis.ListShardsInput{StreamName: r.stream, ShardFilter: &types.ShardFilter{Type: "X"}})
	wantCode(t, err, "ValidationException")
}
