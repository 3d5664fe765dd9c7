// Package shards knows what a shard is and how shards descend from one another, and reads them from the service.
//
// A stream's hash space is tiled by its open shards. A split closes one shard and opens two children, a merge closes two and
// opens one; closed shards stay listed until their records have left the retention period. Records of one partition key are in
// order only if every parent is read to its end before its children.
//
// Files: stream.go (how a stream is named in requests), shard.go (one shard), lineage.go (questions about a set of shards; pure),
// list.go (the ListShards walker).
package shards
