package shards

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/penstock-go/penstock/internal/hashkey"
)

// Shard is one shard as the service lists it.
type Shard struct {
	ID      string
	Parents []string // none, one (the shard came from a split) or two (from a merge)
	Range   hashkey.Range
	Closed  bool // it was split or merged: it takes no new records
}

// FromListed reads an entry of a ListShards reply.
func FromListed(s types.Shard) (Shard, error) {
	keys := s.HashKeyRange
	if s.ShardId == nil || keys == nil {
		return Shard{}, fmt.Errorf("shards: listed shard without id or hash key range")
	}
	span, err := hashkey.ParseRange(aws.ToString(keys.StartingHashKey), aws.ToString(keys.EndingHashKey))
	if err != nil {
		return Shard{}, fmt.Errorf("shards: %s: %w", *s.ShardId, err)
	}
	var parents []string
	for _, parent := range []*string{s.ParentShardId, s.AdjacentParentShardId} {
		if id := aws.ToString(parent); id != "" {
			parents = append(parents, id)
		}
	}
	// The service shows an ending sequence number on closed shards alone.
	closed := s.SequenceNumberRange != nil && s.SequenceNumberRange.EndingSequenceNumber != nil
	return Shard{ID: *s.ShardId, Parents: parents, Range: span, Closed: closed}, nil
}

// FromChild reads a child that GetRecords or SubscribeToShard names at the end of its parent.
func FromChild(s types.ChildShard) (Shard, error) {
	return FromListed(types.Shard{ShardId: s.ShardId, HashKeyRange: s.HashKeyRange,
		ParentShardId: nth(s.ParentShards, 0), AdjacentParentShardId: nth(s.ParentShards, 1)})
}

func nth(ids []string, i int) *string {
	if i >= len(ids) {
		return nil
	}
	return &ids[i]
}
