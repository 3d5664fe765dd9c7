package main

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/penstock-go/penstock/aggregation"
	"github.com/penstock-go/penstock/consumer"
	"github.com/penstock-go/penstock/leases"
)

// consume reads the task's records with our consumer.
func consume(fanOut bool) func(context.Context, *task) (result, error) {
	return consumeBy(func(ctx context.Context, c *kinesis.Client, t *task) error { return handleAll(ctx, c, t, fanOut) })
}

// consumeSDK reads them in a loop over the SDK's GetRecords.
func consumeSDK(ctx context.Context, t *task) (result, error) { return consumeBy(readAll)(ctx, t) }

func consumeBy(read func(context.Context, *kinesis.Client, *task) error) func(context.Context, *task) (result, error) {
	return func(ctx context.Context, t *task) (result, error) {
		c, err := client(place{t.URL, t.CertFile})
		if err != nil {
			return result{}, err
		}
		m, err := startMeter(t.Profile)
		if err != nil {
			return result{}, err
		}
		err = read(ctx, c, t)
		return m.stop(t.Records, int64(t.Records)*int64(t.Size)), err
	}
}

// handleAll runs a consumer until each record was handled.
func handleAll(ctx context.Context, c *kinesis.Client, t *task, fanOut bool) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var handled atomic.Int64
	worker, err := consumer.New(consumer.Config{
		Application: "bench", Streams: []consumer.Stream{{Name: t.Stream, FanOut: fanOut}}, Kinesis: c, Leases: leases.NewMemory(),
		Handler: consumer.HandlerFunc(func(_ context.Context, b *consumer.Batch) error {
			if handled.Add(int64(len(b.Records))) >= int64(t.Records) {
				stop()
			}
			return nil
		}),
	})
	if err != nil {
		return err
	}
	if err := worker.Run(ctx); err != nil {
		return err
	}
	if handled.Load() != int64(t.Records) {
		return errors.New("bench: not each record was handled once")
	}
	return nil
}

// readAll reads all shards, one after the other, with the SDK's calls, and takes aggregates apart.
func readAll(ctx context.Context, c *kinesis.Client, t *task) error {
	listed, err := c.ListShards(ctx, &kinesis.ListShardsInput{StreamName: &t.Stream})
	if err != nil {
		return err
	}
	records := 0
	for _, shard := range listed.Shards {
		n, err := readShard(ctx, c, t, shard.ShardId)
		if err != nil {
			return err
		}
		records += n
	}
	if records != t.Records {
		return errors.New("bench: not each record was read once")
	}
	return nil
}

func readShard(ctx context.Context, c *kinesis.Client, t *task, shard *string) (records int, err error) {
	start, err := c.GetShardIterator(ctx, &kinesis.GetShardIteratorInput{StreamName: &t.Stream, ShardId: shard, ShardIteratorType: types.ShardIteratorTypeTrimHorizon})
	if err != nil {
		return 0, err
	}
	var members []aggregation.UserRecord
	for it := start.ShardIterator; ; {
		out, err := c.GetRecords(ctx, &kinesis.GetRecordsInput{ShardIterator: it})
		if err != nil {
			return 0, err
		}
		if len(out.Records) == 0 {
			return records, nil
		}
		for i := range out.Records {
			if !t.Aggregated {
				records++
				continue
			}
			if members, err = aggregation.Decode(members[:0], out.Records[i].Data); err != nil {
				return 0, err
			}
			records += len(members)
		}
		it = out.NextShardIterator
	}
}
