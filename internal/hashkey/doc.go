// Package hashkey is the 128-bit space in which Kinesis places records.
//
// A record's hash key is its explicit hash key where it has one, else the MD5 of its partition key's UTF-8 bytes, read as an
// unsigned big-endian number. A shard owns an inclusive [Range] of that space; the open shards of a stream tile it exactly.
//
// The package is pure and allocates only where it prints. Files: errors.go, key.go (a point), span.go (a range).
package hashkey
