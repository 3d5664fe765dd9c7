package leases

import (
	"time"

	"github.com/penstock-go/penstock/checkpoint"
	"github.com/penstock-go/penstock/internal/shards"
)

// Lease is one row of the lease table: who reads a shard, and up to where it has been read. It is a value; its slices are shared
// between copies and must not be changed.
type Lease struct {
	// Key names the row. It is the shard's id where the application reads one stream, and "<stream>:<shard id>" where it reads
	// several.
	Key string
	// Stream is "<account>:<stream name>:<creation epoch>" where the application reads several streams, else empty.
	Stream string
	// ShardID is the bare shard id, in both cases.
	ShardID string
	// Owner is the worker that the lease belongs to, or that will have it once a handoff is done; empty: nobody.
	Owner string
	// CheckpointOwner is set while a handoff is in progress: the worker that still reads, and alone may write checkpoints.
	CheckpointOwner string
	// Counter moves with every renewal, checkpoint and change of hands. It starts at 0 and never goes back.
	Counter int64
	// Checkpoint is the position up to which everything is done.
	Checkpoint checkpoint.Position
	// StartAt is where reading begins while Checkpoint is Latest or AtTimestamp; zero: the row does not say. Milliseconds are
	// kept.
	StartAt time.Time
	// OwnerSwitches counts the changes of hands since the last checkpoint.
	OwnerSwitches int64
	// Parents and Children are bare shard ids. Children is empty until the shard has ended.
	Parents, Children []string
	// StartingHashKey and EndingHashKey are the inclusive ends of the shard's range in decimal: both or neither.
	StartingHashKey, EndingHashKey string
	// ThroughputKBps is what the owner last said about the shard's traffic, in KiB/s. Leases are dealt out by it, by a Java leader too.
	ThroughputKBps float64
}

// ForShard returns the row that a shard gets at its creation: unowned, counter 0, standing at p. stream is as in [Lease.Stream].
func ForShard(stream string, s shards.Shard, p checkpoint.Position) Lease {
	return Lease{
		Key: keyOf(stream, s.ID), Stream: stream, ShardID: s.ID, Checkpoint: p, Parents: s.Parents,
		StartingHashKey: s.Range.Start.String(), EndingHashKey: s.Range.End.String(),
	}
}

func keyOf(stream, shardID string) string {
	if stream == "" {
		return shardID
	}
	return stream + ":" + shardID
}

// Holder returns the worker that may read the shard and write its checkpoint: CheckpointOwner while a handoff is in progress,
// else Owner; empty: nobody.
func (l Lease) Holder() string {
	if l.CheckpointOwner != "" {
		return l.CheckpointOwner
	}
	return l.Owner
}

// Ended reports whether the shard has been read to its end.
func (l Lease) Ended() bool { return l.Checkpoint == checkpoint.ShardEnd }

// ParentKeys returns the keys of the parents' rows, which need not exist any more.
func (l Lease) ParentKeys() []string {
	keys := make([]string, len(l.Parents))
	for i, parent := range l.Parents {
		keys[i] = keyOf(l.Stream, parent)
	}
	return keys
}

// handoffFrom returns the worker to which worker, who holds the lease, has been asked to give it. A row that names the same
// worker twice asks for nothing.
func (l Lease) handoffFrom(worker string) (asker string, asked bool) {
	return l.Owner, l.CheckpointOwner == worker && l.Owner != worker
}
