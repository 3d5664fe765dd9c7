package main

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// openShards lists the shards that take records, in the order of their hash key ranges.
func (p *place) openShards(ctx context.Context) ([]types.Shard, error) {
	out, err := p.kinesis.ListShards(ctx, &kinesis.ListShardsInput{StreamName: &p.stream})
	if err != nil {
		return nil, fmt.Errorf("list shards: %w", err)
	}
	open := slices.DeleteFunc(out.Shards, func(s types.Shard) bool { return s.SequenceNumberRange.EndingSequenceNumber != nil })
	slices.SortFunc(open, func(a, b types.Shard) int {
		return number(a.HashKeyRange.StartingHashKey).Cmp(number(b.HashKeyRange.StartingHashKey))
	})
	return open, nil
}

func number(decimal *string) *big.Int {
	n, _ := new(big.Int).SetString(aws.ToString(decimal), 10)
	return n
}

// splitFirst splits the first open shard in the middle.
func (p *place) splitFirst(ctx context.Context) error {
	open, err := p.openShards(ctx)
	if err != nil {
		return err
	}
	if len(open) == 0 {
		return errors.New("split: the stream has no open shard")
	}
	keys := open[0].HashKeyRange
	middle := new(big.Int).Add(number(keys.StartingHashKey), number(keys.EndingHashKey))
	middle.Rsh(middle, 1)
	_, err = p.kinesis.SplitShard(ctx, &kinesis.SplitShardInput{
		StreamName: &p.stream, ShardToSplit: open[0].ShardId, NewStartingHashKey: aws.String(middle.String()),
	})
	if err != nil {
		return fmt.Errorf("split: %w", err)
	}
	return p.untilActive(ctx)
}

// mergeLast merges the last two open shards, which are neighbours and, with three shards or more at the start, no children of the split.
func (p *place) mergeLast(ctx context.Context) error {
	open, err := p.openShards(ctx)
	if err != nil {
		return err
	}
	if len(open) < 2 {
		return errors.New("merge: the stream has fewer than two open shards")
	}
	_, err = p.kinesis.MergeShards(ctx, &kinesis.MergeShardsInput{
		StreamName: &p.stream, ShardToMerge: open[len(open)-2].ShardId, AdjacentShardToMerge: open[len(open)-1].ShardId,
	})
	if err != nil {
		return fmt.Errorf("merge: %w", err)
	}
	return p.untilActive(ctx)
}
