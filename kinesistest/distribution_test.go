package kinesistest_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

func TestStreamThatDistributesByItselfNeedsNoPartitionKeys(t *testing.T) {
	r := newRig(t, 1)
	wantStrategy := func(want types.RecordDistributionStrategy) {
		t.Helper()
		out, err := r.DescribeStreamSummary(t.Context(), &kinesis.DescribeStreamSummaryInput{StreamName: r.stream})
		must(t, err)
		if got := out.StreamDescriptionSummary.RecordDistributionStrategy; got != want {
			t.Fatalf("strategy %q, want %q", got, want)
		}
	}
	wantStrategy("") // of a provisioned stream
	r.stream = aws.String("elastic")
	_, err := r.CreateStream(t.Context(), &kinesis.CreateStreamInput{
		StreamName: r.stream, StreamModeDetails: &types.StreamModeDetails{StreamMode: types.StreamModeOnDemand},
		RecordDistributionStrategy: types.RecordDistributionStrategyAuto,
	})
	must(t, err)
	wantStrategy(types.RecordDistributionStrategyAuto)

	keyless := kinesis.PutRecordsInput{StreamName: r.stream}
	for range 200 {
		keyless.Records = append(keyless.Records, types.PutRecordsRequestEntry{Data: []byte("d")})
	}
	keyless.Records[0].PartitionKey = aws.String("k")
	out, err := r.PutRecords(t.Context(), &keyless)
	must(t, err)
	shards := map[string]int{}
	for _, e := range out.Records {
		shards[*e.ShardId]++
	}
	if len(shards) != 4 {
		t.Errorf("records went to %v", shards)
	}
	keys := 0
	for id := range shards {
		for _, rec := range r.get(r.iterator(id, types.ShardIteratorTypeTrimHorizon)).Records {
			if rec.PartitionKey != nil {
				keys++
			}
		}
	}
	if keys != 1 {
		t.Errorf("%d records have keys", keys)
	}
	_, err = r.PutRecord(t.Context(), &kinesis.PutRecordInput{StreamName: r.stream, Data: []byte("d"), SequenceNumberForOrdering: aws.String("1")})
	wantCode(t, err, "InvalidArgumentException")

	_, err = r.UpdateStreamRecordDistributionStrategy(t.Context(), &kinesis.UpdateStreamRecordDistributionStrategyInput{
		StreamARN:                  aws.String("arn:aws:kinesis:us-east-1:123456789012:stream/elastic"),
		RecordDistributionStrategy: types.RecordDistributionStrategyUserPartitionKey,
	})
	must(t, err)
	wantStrategy(types.RecordDistributionStrategyUserPartitionKey)
	_, err = r.PutRecords(t.Context(), &keyless)
	wantCode(t, err, "ValidationException")
}

func TestOnlyOnDemandStreamsChooseTheirDistribution(t *testing.T) {
	r := newRig(t, 1)
	_, err := r.CreateStream(t.Context(), &kinesis.CreateStreamInput{
		StreamName: aws.String("a"), ShardCount: aws.Int32(1), RecordDistributionStrategy: types.RecordDistributionStrategyAuto,
	})
	wantCode(t, err, "InvalidArgumentException")
	_, err = r.UpdateStreamRecordDistributionStrategy(t.Context(), &kinesis.UpdateStreamRecordDistributionStrategyInput{
		StreamARN: ordersARN, RecordDistributionStrategy: types.RecordDistributionStrategyAuto,
	})
	wantCode(t, err, "InvalidArgumentException")
	_, err = r.CreateStream(t.Context(), &kinesis.CreateStreamInput{
		StreamName: aws.String("a"), StreamModeDetails: &types.StreamModeDetails{StreamMode: types.StreamModeOnDemand}, RecordDistributionStrategy: "X",
	})
	wantCode(t, err, "ValidationException")
}
