// Package oracle keeps the history of a kinesistest.Server, and judges programs by it.
//
// The server tells a [Log] what it did: every record that it stored, every reshard, every change of a row, every read. The test tells
// what the program under test handled, in a [Report]. [Check] compares the two:
//
//	server --> Log --> History --+
//	                             +--> Check --> Verdicts
//	program --> test --> Report -+
//
// # What is judged
//
// A position is a user record: a stored record, or one of those inside an aggregate, told apart by their sub-sequence numbers. The
// oracle reads no aggregate: what is in a record, the test says in Report.Contents.
//
//	NotStored              a position that a producer was told is stored, and is not, or with other data
//	Lost                   a position that a consumer never handled
//	Duplicated             one that it handled more than once; at-least-once delivery allows that
//	Unknown                one that it says it handled, but the server never stored
//	Altered                one whose data was not what the server stored
//	Reordered              one that was first handled after a later one of the same partition key
//	HeldTwice              a lease that changed hands while the holder before could still trust it
//	HandledAfterLoss       a position that was handled by a worker while another held the shard's lease
//	CheckpointWentBack     a checkpoint before the one that it replaced
//	CheckpointBeyond       a checkpoint beyond a position that was not handled by then
//	Incomplete             a history that has forgotten its beginning, by which nothing can be judged
//
// Order is that of the stream: inside a shard that of the sequence numbers and then of the sub-sequence numbers, and every position
// of a shard is before every one of the shards that came of it. Other shards have no order between them. Only the first time that a
// position is handled counts, since whoever resumes from a checkpoint handles again what it had handled.
//
// # Leases
//
// Rows are read as the Kinesis Client Library writes them: leaseKey, leaseOwner, checkpointOwner, leaseCounter, checkpoint,
// checkpointSubSequenceNumber. The holder of a lease is its checkpointOwner, or its leaseOwner where there is no such attribute. A holder
// may trust its lease until a failover time after the last write that moved the counter while the lease was in its hands. Who made a
// write is known if the clients are those of a named caller (kinesistest.Server.As) whose name is the worker's: a lease that its holder
// gives away itself is rightly another's at once.
//
// A checkpoint of a sequence number and a sub-sequence number n says that everything up to user record n of that record is done; with -1
// that nothing of it is, but everything before. SHARD_END says that everything in the shard is.
//
// # Invariants
//
//   - no partition key and no data is kept, only digests: a dump or a verdict may go to a log;
//   - a Log is bounded if it was asked to be, and says what it has forgotten;
//   - Check only computes: the same history and report give the same verdicts in the same order.
//
// Files in reading order: digest.go, history.go, log.go; report.go, verdict.go; check.go, lineage.go, delivery.go, order.go, holding.go,
// checkpoint.go.
package oracle
