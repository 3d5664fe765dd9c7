// Package dynamo keeps leases in a DynamoDB table, in the single-table layout of the Kinesis Client Library 3.5: same key schema, same
// attribute names and types, same index. Go and Java workers can share the table.
//
//	attribute                        type  written
//	leaseKey                         S     at creation; the partition key
//	entityType                       S     at creation: LEASE. Other kinds of rows in the table are none of this package's business
//	leaseOwner                       S     absent: nobody's. Partition key of the index LeaseOwnerToLeaseKeyIndex, with leaseKey behind it
//	checkpointOwner                  S     absent: no handoff in progress
//	leaseCounter                     N
//	ownerSwitchesSinceCheckpoint     N
//	checkpoint                       S     sequence number, TRIM_HORIZON, LATEST, AT_TIMESTAMP or SHARD_END
//	checkpointSubSequenceNumber      N     0 for sentinels; -1: the record itself is not done
//	parentShardId, childShardIds     SS    absent where empty, which DynamoDB does not store
//	startingHashKey, endingHashKey   S     decimal; used where both are there
//	streamName, shardId              S     where the application reads several streams; streamName is <account>:<name>:<epoch>
//	throughputKBps                   N     read alone
//	startAt                          N     milliseconds; the one attribute of our own, which Java workers keep and ignore
//
// A checkpoint removes pendingCheckpoint, pendingCheckpointSubSequenceNumber and pendingCheckpointState. All other attributes stay,
// known or not: rows are changed by UpdateItem alone.
//
// Reads of single rows are strongly consistent, scans and the index are not. Conditional writes are attempted once each: whether
// to repeat one is for the coordinator to decide, which knows what a lost reply means. Other calls are retried as the client is
// configured to.
//
// Files: config.go, errors.go, prepare.go (the table and its index), store.go (the calls), row.go (an item and a lease),
// expression.go (a conditional write).
package dynamo
