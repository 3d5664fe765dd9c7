package consumer

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
)

// Called describes one call of the Kinesis API.
type Called struct {
	Op string // the operation, for example "GetRecords"
	// Shard is its id, where the operation is about one and says which: GetRecords and ListShards do not.
	Shard string
	// StreamID is as in [Shard.StreamID], where Shard is set.
	StreamID string
	Duration time.Duration
	Err      error // retry is up to the consumer; an expired iterator is the SDK's types.ExpiredIteratorException
}

// observed is a Kinesis client whose calls the hooks are told of.
type observed struct {
	api  KinesisAPI
	told func(Called)
	// id returns the StreamID of the stream of that name or ARN, or of the stream to which a fan-out consumer of that ARN belongs.
	id func(nameOrARN string) string
}

// watched makes one call and tells of it.
func watched[In, Out any](ctx context.Context, o observed, about Called,
	call func(context.Context, In, ...func(*kinesis.Options)) (Out, error), in In, opts []func(*kinesis.Options)) (Out, error) {
	began := time.Now()
	out, err := call(ctx, in, opts...)
	about.Duration, about.Err = time.Since(began), err
	o.told(about)
	return out, err
}

// shard describes a call about one shard of the stream that is named by the first of these that is set.
func (o observed) shard(op string, id *string, stream ...*string) Called {
	about := Called{Op: op, Shard: aws.ToString(id)}
	for _, name := range stream {
		if name != nil {
			about.StreamID = o.id(*name)
			break
		}
	}
	return about
}

func (o observed) DescribeStreamSummary(ctx context.Context, in *kinesis.DescribeStreamSummaryInput, opts ...func(*kinesis.Options)) (*kinesis.DescribeStreamSummaryOutput, error) {
	return watched(ctx, o, Called{Op: "DescribeStreamSummary"}, o.api.DescribeStreamSummary, in, opts)
}

func (o observed) ListShards(ctx context.Context, in *kinesis.ListShardsInput, opts ...func(*kinesis.Options)) (*kinesis.ListShardsOutput, error) {
	return watched(ctx, o, Called{Op: "ListShards"}, o.api.ListShards, in, opts)
}

func (o observed) GetShardIterator(ctx context.Context, in *kinesis.GetShardIteratorInput, opts ...func(*kinesis.Options)) (*kinesis.GetShardIteratorOutput, error) {
	return watched(ctx, o, o.shard("GetShardIterator", in.ShardId, in.StreamARN, in.StreamName), o.api.GetShardIterator, in, opts)
}

func (o observed) GetRecords(ctx context.Context, in *kinesis.GetRecordsInput, opts ...func(*kinesis.Options)) (*kinesis.GetRecordsOutput, error) {
	return watched(ctx, o, Called{Op: "GetRecords"}, o.api.GetRecords, in, opts)
}

func (o observed) SubscribeToShard(ctx context.Context, in *kinesis.SubscribeToShardInput, opts ...func(*kinesis.Options)) (*kinesis.SubscribeToShardOutput, error) {
	return watched(ctx, o, o.shard("SubscribeToShard", in.ShardId, in.ConsumerARN), o.api.SubscribeToShard, in, opts)
}

func (o observed) RegisterStreamConsumer(ctx context.Context, in *kinesis.RegisterStreamConsumerInput, opts ...func(*kinesis.Options)) (*kinesis.RegisterStreamConsumerOutput, error) {
	return watched(ctx, o, Called{Op: "RegisterStreamConsumer"}, o.api.RegisterStreamConsumer, in, opts)
}

func (o observed) DescribeStreamConsumer(ctx context.Context, in *kinesis.DescribeStreamConsumerInput, opts ...func(*kinesis.Options)) (*kinesis.DescribeStreamConsumerOutput, error) {
	return watched(ctx, o, Called{Op: "DescribeStreamConsumer"}, o.api.DescribeStreamConsumer, in, opts)
}
