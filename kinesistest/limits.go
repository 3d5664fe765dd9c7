package kinesistest

import "github.com/penstock-go/penstock/kinesistest/internal/kinesis"

// Limits says how much of the service's rate limits the Server has on streams: 1 is what the service documents, 0.1 a tenth of it, 0
// no limit at all. The zero value refuses nothing; it is the default, because a test should not be throttled by surprise.
//
// Shards is of the data plane:
//
//	PutRecord, PutRecords   each shard takes 1 MiB, keys included, and 1,000 records a second
//	GetRecords              each shard gives 2 MiB and answers 5 calls a second
//	SubscribeToShard        each shard gives 2 MiB a second to a consumer, later events wait; one call a second
//	GetShardIterator        5 calls a second for each shard
//
// What a shard may take that it did not is saved up, for a second, or to the size of the stream's largest record if that is more. A
// record that is larger than all that passes when everything is saved up, and the next ones wait for it. A GetRecords call passes
// while anything is left and may then take more: the shard refuses calls for a second, for five if the reply had 10 MiB, and until
// the debt is paid. Refused records and calls cost nothing. Whoever is refused gets ProvisionedThroughputExceededException, as an
// entry in the reply of PutRecords; too many SubscribeToShard calls get LimitExceededException.
//
// A put that is refused makes an on-demand stream grow: it gets twice its shards, once in 15 minutes.
//
// Operations is of calls that describe and change streams and consumers, with LimitExceededException, and of changes that are allowed
// so many times a day. With any of it, at most five streams and five consumers of a stream may be in the making at a time, and the
// account has at most 50 on-demand streams; these counts are not scaled.
//
// Limits on sizes and numbers in a request and on consumers of a stream are always in force.
type Limits = kinesis.Limits

// ServiceLimits are those of the service.
var ServiceLimits = Limits{Shards: 1, Operations: 1}

// WithLimits makes the Server hold its callers to limits. The default is none.
func WithLimits(l Limits) Option { return func(c *config) { c.limits = l } }

// SetLimits changes the limits from now on.
func (s *Server) SetLimits(l Limits) { s.kinesis.SetLimits(l) }
