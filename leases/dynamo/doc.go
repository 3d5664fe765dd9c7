// Package dynamo keeps leases in a DynamoDB table, in the single-table layout of the Kinesis Client Library 3.5: same key schema, same
// attribute names and types, same index. Go and Java workers can share the table.
//
//	attribute                        type  written
//	leaseKey                         S     at creation; the partition key
//	entityType                       S     at creation: LEASE
//	leaseOwner                       S     absent: nobody's. Partition key of the index LeaseOwnerToLeaseKeyIndex, with leaseKey behind it
//	checkpointOwner                  S     absent: no handoff in progress
//	leaseCounter                     N
//	ownerSwitchesSinceCheckpoint     N
//	checkpoint                       S     sequence number, TRIM_HORIZON, LATEST, AT_TIMESTAMP or SHARD_END
//	checkpointSubSequenceNumber      N     0 for sentinels; -1: the record itself is not done
//	parentShardId, childShardIds     SS    absent where empty, which DynamoDB does not store
//	startingHashKey, endingHashKey   S     decimal; used where both are there
//	streamName, shardId              S     where the application reads several streams; streamName is <account>:<name>:<epoch>
//	throughputKBps                   N     what the holder reads, in KiB/s, with its renewals and checkpoints
//	startAt                          N     milliseconds; the one attribute of our own, which Java workers keep and ignore
//
// A checkpoint removes pendingCheckpoint, pendingCheckpointSubSequenceNumber and pendingCheckpointState. All other attributes stay,
// known or not: rows are changed by UpdateItem, and renewed by PartiQL statements, up to 25 in one call.
//
// Other rows stand in the same table, told apart by entityType:
//
//	<worker id>         WORKER_METRIC_STATS        lut, slu N, the second in which it was written; sup N, 1; sts and opr, M of L of N: the values of
//	                                               metrics and their limits: of C, the processor, in percent, where it is known; properties, M of S: beatMillis, how often it is written, and
//	                                               maxLeases where there is such a bound
//	Leader              LEADER                     the lock of a Java worker that leads: read, and deleted when it is dead
//	Migration3.0        CLIENT_VERSION_MIGRATION   cv, mb S; mts N; h L: by which rules the application works, CLIENT_VERSION_3X
//	TableMigration3.5   TABLE_MIGRATION            read alone
//
// Prepare writes Migration3.0 into a table without leases, and refuses the table ([VersionError]) where that row says anything else, where
// there are leases without it (those of version 2.x, or of 3.0 to 3.4), and where the Java workers have not finished to move what they keep
// in a table of its own, <application>-CoordinatorState, into this one: their leader would not be seen. Check looks at the same again.
//
// Reads of single rows are strongly consistent, scans and the index are not. Conditional writes are attempted once each: whether
// to repeat one is for the coordinator to decide, which knows what a lost reply means. Other calls are retried as the client is
// configured to, and those of Prepare a few times more.
//
// The credentials need, on the table, dynamodb:DescribeTable, CreateTable, UpdateTable, Scan, GetItem, PutItem, UpdateItem and DeleteItem, and
// UpdateContinuousBackups where recovery is configured and TagResource where tags are; Query on its index; GetItem on <application>-CoordinatorState, which need not exist.
// With PartiQLUpdate on the table leases are renewed in batches, and without it, or where a server does not know such statements, one by one: of
// the processor time of a worker that waits for records that is most.
//
// Files: config.go, errors.go, prepare.go (the table and its index), version.go (who else may be using it), store.go (the calls on
// leases), row.go (an item and a lease), expression.go (a conditional write), renew.go (several renewals in one call), worker.go (the rows of workers and their leader).
package dynamo
