// Package aggregation reads and writes the aggregated record format of the Kinesis Producer Library (KPL): many user
// records packed into the data of one Kinesis record. It is pure: bytes in, bytes out, with no goroutine, no lock, no
// clock and no I/O.
//
// # The envelope
//
//	offset 0    F3 89 9A C2              the magic
//	offset 4    protobuf (proto2)        the message AggregatedRecord, below; never empty
//	last 16     MD5, raw                 of the protobuf bytes alone, without the magic
//
// The MD5 finds damage; it is no protection against anybody. A process that runs with GODEBUG=fips140=only cannot use the
// format, since Go's MD5 panics there.
//
// The envelope costs [Overhead] bytes. Data that does not begin with the magic, or ends within those 20 bytes, is a plain
// record.
//
// # The message
//
//	AggregatedRecord
//	  0A len bytes    partition_key_table      repeated string   field 1
//	  12 len bytes    explicit_hash_key_table  repeated string   field 2
//	  1A len Record   records                  repeated message  field 3
//	Record
//	  08 varint       partition_key_index      required uint64   field 1, counts from 0 in field 1 above
//	  10 varint       explicit_hash_key_index  optional uint64   field 2, counts from 0 in field 2 above
//	  1A len bytes    data                     required bytes    field 3
//	  22 len Tag      tags                     repeated message  field 4, never written; read only to be checked
//	Tag
//	  0A len bytes    key                      required string   field 1
//	  12 len bytes    value                    optional string   field 2
//
// The format is proto2, so a required field is written even when it is zero or empty: index 0 is 08 00 and empty data is
// 1A 00. A decoder refuses a message in which they are missing. Two records, ("a", "x") and ("b", "y"), are forty bytes:
//
//	F3 89 9A C2                                        magic
//	0A 01 61                                           partition key 0: "a"
//	0A 01 62                                           partition key 1: "b"
//	1A 05  08 00  1A 01 78                             record: partition key 0, data "x"
//	1A 05  08 01  1A 01 79                             record: partition key 1, data "y"
//	B0 03 19 09 AE 75 89 1C A9 4A CE C2 EC CE 31 25    MD5 of the twenty bytes between
//
// # What an Encoder promises
//
// The bytes are those that the KPL writes for the same records in the same order: the whole of table 1, the whole of table
// 2, then the records; each key once, in the order of its first use; an explicit hash key only for a record that was given
// one, in canonical decimal. [Encoder.Size] is exact at every moment, and [Encoder.SizeWith] says exactly what it would
// become, so that a limit is never passed and nothing has to be taken out again.
//
// # What a Decoder promises
//
//   - Any valid message is read: fields in any order, tables after the records that use them, a scalar given twice (the last
//     counts), fields that are not known. Keys are bytes; that they are UTF-8 is not asked, since writers in C++ do not
//     ensure it.
//   - All or nothing. The whole aggregate is checked before the first record is returned: checksum, structure, every index,
//     every explicit hash key in use. What fails gives an [*Error] and no records.
//   - Nothing vanishes. An aggregate that holds no record is an error ([ErrEmpty]), so that its reader can still
//     account for the Kinesis record. The Kinesis Client Library (KCL) drops such a record without a word, and keeps the first
//     part of an aggregate in which a later record is broken.
//   - What is allocated is bounded by the length of the input, whatever the input says about itself. [Decoder] returns the
//     records in steps, so that an aggregate of many tiny records does not have to be in memory as [UserRecord] values at
//     once.
//   - One level is unpacked. Data that is itself an aggregate is returned as data.
//
// The package does not judge whether a user record belongs to the shard that it was read from; that takes the shard.
//
// # Files, in reading order
//
//	envelope.go   magic, checksum, IsAggregated, OpenAll
//	wire.go       the few protobuf primitives
//	hashkey.go    the canonical form of an explicit hash key
//	encode.go     Encoder
//	table.go      the keys of an aggregate, for the Encoder
//	decode.go     UserRecord, Decode, Decoder: what is returned
//	scan.go       the check of a whole message that comes before
//	errors.go     Reason, Error, sentinels
package aggregation
