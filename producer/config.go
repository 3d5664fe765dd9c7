package producer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"go.uber.org/zap"

	"github.com/penstock-go/penstock/internal/shards"
)

// KinesisAPI is the part of the Kinesis client that a producer calls; *kinesis.Client satisfies it. Its calls must end when
// their context does.
type KinesisAPI interface {
	PutRecords(context.Context, *kinesis.PutRecordsInput, ...func(*kinesis.Options)) (*kinesis.PutRecordsOutput, error)
	ListShards(context.Context, *kinesis.ListShardsInput, ...func(*kinesis.Options)) (*kinesis.ListShardsOutput, error)
	DescribeStreamSummary(context.Context, *kinesis.DescribeStreamSummaryInput, ...func(*kinesis.Options)) (*kinesis.DescribeStreamSummaryOutput, error)
}

// Config says where records go and how. Fields without "required" may be left zero, which means the default stated.
type Config struct {
	// Kinesis is the client for the stream. Its own retries are not used. Required.
	Kinesis KinesisAPI
	// Stream is the stream's name or ARN; an ARN is needed for a stream of another account. Required.
	Stream string

	// Linger is how long a record may wait for others to share an aggregate and a request with it. Negative: not at all.
	// Default: 100 milliseconds.
	Linger time.Duration
	// TTL is how long after Put a record may still be sent for the first or another time; then it fails with [ErrExpired]. A
	// request that is in flight at that moment is waited for. At most 8,760 hours. Default: 30 seconds.
	TTL time.Duration
	// RequestTimeout is how long the reply to one request is waited for. A record whose request timed out may have been stored, so that
	// a short timeout makes duplicates. Default: 10 seconds.
	RequestTimeout time.Duration
	// MaxAttempts is how often a record is sent, at most; then it fails with [ErrTooManyAttempts]. Default: as often as TTL allows.
	MaxAttempts int

	// MaxBufferedBytes bounds the memory of all records that wait or are in flight, in bytes: their data and keys, and as soon as they
	// stand in a finished aggregate or in a request what these take. When it is used up, Put waits. The
	// package documentation says what memory comes on top. At least 1 KiB. Default: 64 MiB.
	MaxBufferedBytes int
	// MaxBufferedRecords bounds the number of records whose done has not returned yet. When it is reached, Put waits. Default: 100,000.
	MaxBufferedRecords int
	// MaxInFlight is how many requests are in flight at once, at most. Default: 8.
	MaxInFlight int
	// MaxRequestRecords is how many Kinesis records (an aggregate is one) a request has, at most: 1 to 500, the service's limit.
	// Default: 500.
	MaxRequestRecords int
	// MaxRequestBytes is how many bytes of data and partition keys a request has, at most; a record that is larger by itself is sent
	// alone. At most 10 MiB, the service's limit. Default: 5 MiB, so that MaxInFlight full requests fit into MaxBufferedBytes.
	MaxRequestBytes int

	// DisableAggregation sends each record as a Kinesis record of its own, for consumers that cannot take KPL aggregates apart. Data is
	// then sent as it is, even if it is an aggregate itself.
	DisableAggregation bool
	// MaxAggregateBytes is the size of an aggregate, at most, envelope included; a record that does not fit goes on its own.
	// 64 bytes to 10 MiB, and never more than the stream takes as one record. Default: 51,200, as in the KPL.
	MaxAggregateBytes int
	// AggregateBelow is the size of data and partition key from which on a record goes on its own. A shard takes a thousand records and a
	// mebibyte in a second: from about 1000 bytes on an aggregate gives it nothing, but costs an MD5 over all of its data. To be a
	// record of its own costs as much as the MD5 of about 1500 bytes, or of 4000 where many aggregates share a request. Default: 1500; with Ordered, where each shard has one
	// Kinesis record in flight, MaxAggregateBytes.
	AggregateBelow int
	// MaxAggregateRecords is how many records an aggregate has, at most. Default: as many as MaxAggregateBytes allows.
	MaxAggregateRecords int

	// ShardRatePercent is how fast each shard is sent to, at most, in percent of what the service promises of a shard. It is for a producer
	// that must leave room for others. Default: no such bound; the producer finds out by itself what a shard takes.
	ShardRatePercent int
	// FailIfThrottled lets a record fail with [ErrThrottled] when its shard refuses it for the first time, in place of trying again.
	FailIfThrottled bool

	// Ordered keeps the records of one partition key in the order of their Puts, through retries and unknown outcomes. It costs
	// throughput: for each shard one aggregate is in flight at a time, so that a shard takes MaxAggregateBytes per round trip, and without
	// aggregation one record per partition key.
	Ordered bool
	// OnOrderedFailure says what becomes of the later records of a partition key one of whose records has failed for good. It needs
	// Ordered. Default: GoOn.
	OnOrderedFailure OrderedFailure

	// Protocol is how records are written and read on the way to the service. If a server does not understand CBOR, JSON is used from
	// then on; Hooks.FellBack and the log tell. (kinesalite seems to understand it, but damages data: set JSON.) The environment variable
	// AWS_CBOR_DISABLE, set to anything but false, means JSON, as it does for the AWS SDK for Java 1.x. Default: CBOR.
	Protocol Protocol

	// Logger takes what an operator should know. It is never given record data or credentials, nor partition keys unless
	// LogPartitionKeys is set. Default: none.
	Logger *zap.Logger
	// LogPartitionKeys lets the log name the partition key that makes a shard hot. Otherwise the log has a hash of it, which
	// [KeyLoad.Hash] tells, too.
	LogPartitionKeys bool
	// Hooks are told what happens.
	Hooks Hooks
}

// Protocol is a way to write requests and replies.
type Protocol uint8

const (
	// CBOR carries data as it is. It is what the AWS SDK for Java speaks with Kinesis, and takes a fraction of the time of JSON.
	CBOR Protocol = iota
	// JSON carries data in base64. It is what the AWS SDK for Go speaks.
	JSON
)

// OrderedFailure is what becomes of the later records of a partition key after one of its records has failed for good.
type OrderedFailure uint8

const (
	// GoOn sends them: the order of the stored records still holds, with a gap.
	GoOn OrderedFailure = iota
	// FailLater fails those that were put before the failed record's done has returned, with [ErrEarlierFailed]. From then on the
	// key is free again: done, or whoever it tells, can put the failed records once more, in their order.
	FailLater
)

// Defaults, and the bounds that New checks. Those of requests are in the service's documentation of PutRecords.
const (
	defaultLinger             = 100 * time.Millisecond
	defaultTTL                = 30 * time.Second
	maxTTL                    = 8760 * time.Hour
	defaultRequestTimeout     = 10 * time.Second
	defaultMaxBufferedBytes   = 64 << 20
	minMaxBufferedBytes       = 1 << 10
	defaultMaxBufferedRecords = 100_000
	defaultMaxInFlight        = 8
	maxMaxInFlight            = 1000
	maxRequestRecords         = 500
	maxRequestBytes           = 10 << 20
	defaultMaxRequestBytes    = 5 << 20
	defaultMaxAggregateBytes  = 51_200
	defaultAggregateBelow     = 1500 // as measured: docs/performance.md
	minMaxAggregateBytes      = 64
	maxRecordBytes            = 10 << 20 // of any stream; a stream's own maximum may be lower
	maxShardRatePercent       = 10_000
	maxKeyCharacters          = 256
)

// withDefaults returns the configuration with its zero fields filled in.
func (c Config) withDefaults() Config {
	c.Linger = max(cmp.Or(c.Linger, defaultLinger), 0)
	c.TTL = cmp.Or(c.TTL, defaultTTL)
	c.RequestTimeout = cmp.Or(c.RequestTimeout, defaultRequestTimeout)
	c.MaxBufferedBytes = cmp.Or(c.MaxBufferedBytes, defaultMaxBufferedBytes)
	c.MaxBufferedRecords = cmp.Or(c.MaxBufferedRecords, defaultMaxBufferedRecords)
	c.MaxInFlight = cmp.Or(c.MaxInFlight, defaultMaxInFlight)
	c.MaxRequestRecords = cmp.Or(c.MaxRequestRecords, maxRequestRecords)
	c.MaxRequestBytes = cmp.Or(c.MaxRequestBytes, defaultMaxRequestBytes)
	c.MaxAggregateBytes = cmp.Or(c.MaxAggregateBytes, defaultMaxAggregateBytes)
	if c.AggregateBelow == 0 {
		c.AggregateBelow = defaultAggregateBelow
		if c.Ordered {
			c.AggregateBelow = c.MaxAggregateBytes
		}
	}
	if c.Logger == nil {
		c.Logger = zap.NewNop()
	}
	return c
}

// validate returns every fault of the configuration, as the user gave it.
func (c Config) validate() error {
	var v faults
	v.check(c.Kinesis != nil, "Kinesis", "is missing; set a *kinesis.Client")
	if _, err := shards.ParseStream(c.Stream); err != nil {
		v.check(false, "Stream", "is %q: %v", c.Stream, err)
	}
	v.check(c.TTL >= 0 && c.TTL <= maxTTL, "TTL", "is %v; set up to %v, or 0 for the default", c.TTL, maxTTL)
	v.check(c.RequestTimeout >= 0, "RequestTimeout", "is %v; set a positive duration, or 0 for the default", c.RequestTimeout)
	if d := c.withDefaults(); c.TTL >= 0 {
		v.check(d.TTL > d.Linger, "Linger", "is %v, not below TTL, %v; records would expire before they are sent", d.Linger, d.TTL)
	}
	v.within("MaxAttempts", c.MaxAttempts, 1, 1<<31-1)
	v.within("MaxBufferedBytes", c.MaxBufferedBytes, minMaxBufferedBytes, 1<<62)
	v.within("MaxBufferedRecords", c.MaxBufferedRecords, 1, 1<<31-1)
	v.within("MaxInFlight", c.MaxInFlight, 1, maxMaxInFlight)
	v.within("MaxRequestRecords", c.MaxRequestRecords, 1, maxRequestRecords)
	v.within("MaxRequestBytes", c.MaxRequestBytes, 1, maxRequestBytes)
	v.within("MaxAggregateBytes", c.MaxAggregateBytes, minMaxAggregateBytes, maxRecordBytes)
	v.within("AggregateBelow", c.AggregateBelow, 1, maxRecordBytes)
	v.within("MaxAggregateRecords", c.MaxAggregateRecords, 1, 1<<31-1)
	v.within("ShardRatePercent", c.ShardRatePercent, 1, maxShardRatePercent)
	v.check(c.OnOrderedFailure <= FailLater, "OnOrderedFailure", "is %d; set GoOn or FailLater", c.OnOrderedFailure)
	v.check(c.Ordered || c.OnOrderedFailure == GoOn, "OnOrderedFailure", "needs Ordered; set both or none")
	v.check(c.Protocol <= JSON, "Protocol", "is %d; set CBOR or JSON", c.Protocol)
	return errors.Join(v...)
}

// faults collects what is wrong with a configuration.
type faults []error

func (v *faults) check(ok bool, field, format string, args ...any) {
	if !ok {
		*v = append(*v, &ConfigError{Field: field, Reason: fmt.Sprintf(format, args...)})
	}
}

// within checks a number whose zero means its default.
func (v *faults) within(field string, n, low, high int) {
	v.check(n == 0 || low <= n && n <= high, field, "is %d; set %d to %d, or 0 for the default", n, low, high)
}
