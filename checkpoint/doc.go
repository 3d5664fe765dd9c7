// Package checkpoint says where a reader of a shard stands.
//
// A [Position] is what a lease row keeps: a sequence number with a sub-sequence number inside it, or one of four sentinels.
//
//	AtTimestamp < TrimHorizon < Latest < every sequence number < ShardEnd
//
// Two positions with one sequence number are ordered by their sub-sequence numbers. This is the Kinesis Client Library's
// total order, so that Go and Java workers agree about which of two checkpoints is the later one.
//
// What the numbers mean: (n, s) says that everything up to and including user record s of the Kinesis record n is done. A record that
// is no aggregate has the one user record 0. (n, -1) says that nothing of n is done: reading starts with n itself. (A Java
// worker reads it the same way: it fetches from n on and drops what is not above the checkpoint.)
//
// A [Tracker] turns acknowledgements that come in any order into the position up to which there is no gap. It is how records are
// handled side by side while the checkpoint never passes one that is not done.
//
// The package is pure: no clock, no lock, no I/O. What is written down, by whom, and under which condition is the business of
// package leases. Files: errors.go, position.go (places and their order), tracker.go (acknowledgements).
package checkpoint
