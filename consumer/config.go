package consumer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"go.uber.org/zap"

	"github.com/penstock-go/penstock/internal/shards"
	"github.com/penstock-go/penstock/leases"
	"github.com/penstock-go/penstock/leases/dynamo"
)

// KinesisAPI is the part of the Kinesis client that a consumer calls; *kinesis.Client satisfies it. The consumer makes its own
// retries: every call asks the client for a single attempt, by an option; whoever wraps the client must pass the options on.
type KinesisAPI interface {
	DescribeStreamSummary(context.Context, *kinesis.DescribeStreamSummaryInput, ...func(*kinesis.Options)) (*kinesis.DescribeStreamSummaryOutput, error)
	ListShards(context.Context, *kinesis.ListShardsInput, ...func(*kinesis.Options)) (*kinesis.ListShardsOutput, error)
	GetShardIterator(context.Context, *kinesis.GetShardIteratorInput, ...func(*kinesis.Options)) (*kinesis.GetShardIteratorOutput, error)
	GetRecords(context.Context, *kinesis.GetRecordsInput, ...func(*kinesis.Options)) (*kinesis.GetRecordsOutput, error)
	SubscribeToShard(context.Context, *kinesis.SubscribeToShardInput, ...func(*kinesis.Options)) (*kinesis.SubscribeToShardOutput, error)
	RegisterStreamConsumer(context.Context, *kinesis.RegisterStreamConsumerInput, ...func(*kinesis.Options)) (*kinesis.RegisterStreamConsumerOutput, error)
	DescribeStreamConsumer(context.Context, *kinesis.DescribeStreamConsumerInput, ...func(*kinesis.Options)) (*kinesis.DescribeStreamConsumerOutput, error)
}

// DynamoDBAPI is the part of the DynamoDB client that leases need; *dynamodb.Client satisfies it.
type DynamoDBAPI = dynamo.API

// Config says what to read and how. Fields without "required" may be left zero, which means the default stated.
type Config struct {
	// Application is the name that all workers of one application share, as in the KCL: 1 to 128 letters, digits, '_', '.' and
	// '-'. It is the default name of the lease table and of enhanced fan-out consumers. Required.
	Application string
	// Streams are what to read: at least one. All workers of an application must name the same streams. With a single stream leases
	// are keyed by shard id, with several by stream and shard id, as in the KCL; an application that goes from one to several starts
	// with new leases, unless it has set MultiStream from the beginning.
	Streams []Stream
	// MultiStream keys leases by stream and shard id though there is one stream, or none yet, so that streams can be added and removed
	// ([Consumer.AddStream]). Several streams imply it.
	MultiStream bool
	// Kinesis is the client for the streams. Required.
	Kinesis KinesisAPI
	// DynamoDB is the client for the lease table. Either it or Leases is required.
	DynamoDB DynamoDBAPI
	// Leases is where leases are kept instead: in a table with capacity, tags, protection or recovery of your choice, which is what
	// [dynamo.New] makes; or in memory, for a single process ([leases.NewMemory]).
	Leases leases.Store
	// Handler handles the records of all shards, of several at once. Either it or NewHandler is required.
	Handler Handler
	// NewHandler makes a handler for one shard, each time the worker begins to read it. After an error or a panic it is called again, with
	// growing delays of up to 30 seconds, while the lease is held.
	NewHandler func(Shard) (Handler, error)

	// WorkerID names this worker in the lease table. No other worker of the application may have it or have had it, this one before
	// a restart included. Default: the host's name and a random suffix, new with every Run.
	WorkerID string
	// TableName is the name of the lease table where DynamoDB is set. Default: Application.
	TableName string
	// FailoverTime is how long a worker may be silent before its leases are taken: at least 1 second, and the same for all
	// workers of an application. Default: 10 seconds.
	FailoverTime time.Duration
	// MaxLeases is how many shards this worker reads at once, at most. Default: no limit.
	MaxLeases int
	// MaxMoves is how many shards this worker asks others to hand over at once, at most: each is not read for a moment. Default: a
	// quarter of its share, and at least eight.
	MaxMoves int
	// HandoffTimeout is how long a handler may go on after another worker has asked for its shard; then its context ends. Default: 30
	// seconds, as in the KCL.
	HandoffTimeout time.Duration
	// KeepEnded keeps the leases of shards that have been read to their ends until the stream no longer has them. Default: each is deleted
	// once its children are being read, as in the KCL.
	KeepEnded bool
	// CPU tells how busy the processor is, in percent of what this process may use of it, on average since it was last asked; false: that
	// cannot be told. It must be quick. A worker that is far busier than the others gets fewer shards. Default: on Linux, the container's use
	// of what it is allowed, or else the machine's; elsewhere, and by a function that returns false, nothing is told.
	CPU func() (percent float64, known bool)

	// PollInterval is the time between two GetRecords calls on a shard whose tip has been reached. A shard that is behind is read on
	// at once. The service allows five calls a second for each shard, shared by all its readers: below 200 milliseconds means 200
	// milliseconds. Default: 1 second. Enhanced fan-out does not poll.
	PollInterval time.Duration
	// MaxPollInterval is up to where that time grows, by doubling, on a shard that stays empty: with very many idle shards it saves
	// calls. At least PollInterval. Default: PollInterval, so that it does not grow.
	MaxPollInterval time.Duration
	// MaxBatchRecords is how many user records a batch has, at most. Default: 1,000.
	MaxBatchRecords int
	// MaxBatchBytes is how many bytes of data and partition keys a batch has, at most; a record that is larger by itself makes a batch
	// of its own. A batch may end inside an aggregate. Default: 4 MiB.
	MaxBatchBytes int
	// BatchWindow is how long a batch that is not full waits for more records. Default: not at all, a batch has what one page brought.
	BatchWindow time.Duration
	// Concurrency is in how many lanes the records of one shard are handled side by side, those of one partition key always in the same.
	// Default: 1.
	Concurrency int
	// Failure says what becomes of records that the handler does not manage. Default: they are tried for as long as the lease is held.
	// A handler may say otherwise about all four of these: see [Shape].
	Failure Failure
	// DropOutsideShard leaves out members of aggregates whose hash keys do not belong to the shard, in place of handling them like any
	// other. They came there by a producer that did not know of a reshard; the KCL drops the whole aggregate. What is left out counts as
	// done, and is told to Hooks.OutsideShard. It costs an MD5 for each member. Default: nothing is left out.
	DropOutsideShard bool
	// MaxBufferedBytes bounds the memory for records that were fetched and are not handled yet, over all shards of the worker; reading
	// waits when it is used up. At least 1 MiB. Default: 128 MiB. The package documentation says what is counted and what comes on top.
	MaxBufferedBytes int

	// CheckpointInterval is how often what is done of a shard is written down, if there is anything new. A checkpoint counts as the
	// renewal of the lease, which is due a little before every third of the failover time has passed; the default is a little before that,
	// so that checkpoints cost no extra writes. Default: 0.32 of FailoverTime.
	CheckpointInterval time.Duration
	// ShutdownTimeout is how long handlers may go on after the context of Run has ended; then their own contexts end. Default: 30
	// seconds.
	ShutdownTimeout time.Duration

	// Protocol is how records are written and read on the way to the service. If a server does not understand CBOR, JSON is used from
	// then on; Hooks.FellBack and the log tell. (kinesalite seems to understand it, but damages data: set JSON.) The environment variable
	// AWS_CBOR_DISABLE, set to anything but false, means JSON, as it does for the AWS SDK for Java 1.x. Default: CBOR.
	Protocol Protocol

	// Logger takes what an operator should know. It is never given record data, partition keys or credentials; the text of a
	// handler's error is the handler's own. Default: none.
	Logger *zap.Logger
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

// Stream is one stream to read.
type Stream struct {
	// Name is the stream's name; in its place or besides, ARN is its ARN. An ARN is needed for a stream of another account.
	Name, ARN string
	// Start is where reading begins if the application has no leases for the stream yet. Default: TrimHorizon.
	Start Start
	// FanOut reads by enhanced fan-out (SubscribeToShard): 2 MiB a second for each shard that no other application shares, and
	// records without polling. The service charges for it.
	FanOut bool
	// PollAtLimit reads by polling if the stream has as many enhanced fan-out consumers as the service allows, in place of Run's failing
	// with [ErrConsumerLimit]. It goes with FanOut.
	PollAtLimit bool
	// ConsumerName is the name under which the enhanced fan-out consumer is registered, or found registered. It is never
	// deregistered. Default: Application.
	ConsumerName string
	// ConsumerARN is that of a consumer registered already; then nothing is registered. Default: none.
	ConsumerARN string
}

// Start is where an application begins to read a stream. Its zero value is [TrimHorizon].
type Start struct {
	kind startKind
	at   time.Time
}

type startKind uint8

const (
	fromTrimHorizon startKind = iota
	fromLatest
	fromTime
)

// The starts that need no time. They are values: do not assign to them.
var (
	// TrimHorizon starts with the oldest records that the stream has.
	TrimHorizon = Start{kind: fromTrimHorizon}
	// Latest starts with what comes in after the application's first worker has listed the shards. That moment, by the service's
	// clock, is kept with the leases: whatever happens before the first record is handled, nothing that came later is left out.
	Latest = Start{kind: fromLatest}
)

// At starts with the records that came in at t or later, to the millisecond.
func At(t time.Time) Start { return Start{kind: fromTime, at: t} }

// Defaults, and the bounds that New checks.
const (
	defaultFailoverTime     = 10 * time.Second
	minFailoverTime         = time.Second
	defaultPollInterval     = time.Second
	defaultShutdownTimeout  = 30 * time.Second
	defaultMaxBatchRecords  = 1000
	defaultMaxBatchBytes    = 4 << 20
	defaultMaxBufferedBytes = 128 << 20
	minMaxBufferedBytes     = 1 << 20
	checkpointPercent       = 32 // of the failover time: leases are renewed after a third of it less a four-hundredth
)

// withDefaults returns the configuration with its zero fields filled in.
func (c Config) withDefaults() Config {
	c.TableName = cmp.Or(c.TableName, c.Application)
	c.FailoverTime = cmp.Or(c.FailoverTime, defaultFailoverTime)
	c.CheckpointInterval = cmp.Or(c.CheckpointInterval, c.FailoverTime/100*checkpointPercent)
	c.PollInterval = max(cmp.Or(c.PollInterval, defaultPollInterval), minCallInterval)
	c.MaxPollInterval = max(c.MaxPollInterval, c.PollInterval)
	c.ShutdownTimeout = cmp.Or(c.ShutdownTimeout, defaultShutdownTimeout)
	c.MaxBatchRecords = cmp.Or(c.MaxBatchRecords, defaultMaxBatchRecords)
	c.MaxBatchBytes = cmp.Or(c.MaxBatchBytes, defaultMaxBatchBytes)
	c.Concurrency = cmp.Or(c.Concurrency, 1)
	c.MaxBufferedBytes = cmp.Or(c.MaxBufferedBytes, defaultMaxBufferedBytes)
	if c.Logger == nil {
		c.Logger = zap.NewNop()
	}
	if c.NewHandler == nil {
		handler := c.Handler
		c.NewHandler = func(Shard) (Handler, error) { return handler, nil }
	}
	c.MultiStream = c.MultiStream || len(c.Streams) > 1
	c.Streams = slices.Clone(c.Streams)
	for i := range c.Streams {
		c.Streams[i] = c.Streams[i].withDefaults(c.Application)
	}
	return c
}

func (s Stream) withDefaults(application string) Stream {
	s.ConsumerName = cmp.Or(s.ConsumerName, application)
	return s
}

// validate returns every fault of the configuration, as the user gave it.
func (c Config) validate() error {
	var v faults
	v.check(validName(c.Application), "Application", "is %q; set 1 to 128 of letters, digits, '_', '.' and '-'", c.Application)
	v.check(c.Kinesis != nil, "Kinesis", "is missing; set a *kinesis.Client")
	v.check((c.DynamoDB == nil) != (c.Leases == nil), "DynamoDB", "set exactly one of DynamoDB and Leases")
	if c.DynamoDB != nil && (c.TableName != "" || validName(c.Application)) {
		_, err := c.newStore()
		v.check(err == nil, "TableName", "%v", err)
	}
	v.check((c.Handler == nil) != (c.NewHandler == nil), "Handler", "set exactly one of Handler and NewHandler")
	v.check(c.FailoverTime == 0 || c.FailoverTime >= minFailoverTime, "FailoverTime", "is %v; set at least %v", c.FailoverTime, minFailoverTime)
	v.check(c.MaxBufferedBytes == 0 || c.MaxBufferedBytes >= minMaxBufferedBytes, "MaxBufferedBytes", "is %d; set at least %d",
		c.MaxBufferedBytes, minMaxBufferedBytes)
	v.checkDuration("PollInterval", c.PollInterval)
	v.check(c.MaxPollInterval == 0 || c.MaxPollInterval > 0 && c.MaxPollInterval >= cmp.Or(c.PollInterval, defaultPollInterval), "MaxPollInterval",
		"is %v; set at least PollInterval, or 0 for that", c.MaxPollInterval)
	v.checkDuration("CheckpointInterval", c.CheckpointInterval)
	v.checkDuration("ShutdownTimeout", c.ShutdownTimeout)
	v.checkDuration("HandoffTimeout", c.HandoffTimeout)
	v.checkCount("MaxLeases", c.MaxLeases)
	v.checkCount("MaxMoves", c.MaxMoves)
	v.checkCount("MaxBatchRecords", c.MaxBatchRecords)
	v.checkCount("MaxBatchBytes", c.MaxBatchBytes)
	v.checkDuration("BatchWindow", c.BatchWindow)
	v.checkConcurrency("Concurrency", c.Concurrency)
	v.checkFailure("Failure", c.Failure)
	if shaper, ok := c.Handler.(Shaper); ok {
		v.checkShape("Handler.Shape()", shaper.Shape())
	}
	v.check(c.Protocol <= JSON, "Protocol", "is %d; set CBOR or JSON", c.Protocol)
	v.check(len(c.Streams) > 0 || c.MultiStream, "Streams", "is empty; set at least one stream, or MultiStream")
	v.checkStreams(c.Streams)
	return errors.Join(v...)
}

// newStore makes the store of leases in DynamoDB. It does no I/O.
func (c Config) newStore() (leases.Store, error) {
	return dynamo.New(dynamo.Config{
		API: c.DynamoDB, Table: cmp.Or(c.TableName, c.Application), Application: c.Application, Logger: c.Logger,
	})
}

// faults collects what is wrong with a configuration.
type faults []error

func (v *faults) check(ok bool, field, format string, args ...any) {
	if !ok {
		*v = append(*v, &ConfigError{Field: field, Reason: fmt.Sprintf(format, args...)})
	}
}

func (v *faults) checkDuration(field string, d time.Duration) {
	v.check(d >= 0, field, "is %v; set a positive duration, or 0 for the default", d)
}

func (v *faults) checkCount(field string, n int) {
	v.check(n >= 0, field, "is %d; set a positive number, or 0 for the default", n)
}

func (v *faults) checkStreams(streams []Stream) {
	seen := make(map[string]int)
	for i, s := range streams {
		field := fmt.Sprintf("Streams[%d].", i)
		id, err := s.identify()
		if err != nil {
			v.check(false, field+"Name", "%v", err)
			continue
		}
		first, twice := seen[cmp.Or(id.ARN(), id.Name())]
		v.check(!twice, field+"Name", "is the same stream as Streams[%d]; name it once", first)
		seen[cmp.Or(id.ARN(), id.Name())] = i
		v.check(s.ConsumerName == "" || validName(s.ConsumerName), field+"ConsumerName",
			"is %q; set 1 to 128 of letters, digits, '_', '.' and '-'", s.ConsumerName)
		v.check(s.ConsumerARN == "" || strings.Contains(s.ConsumerARN, "/consumer/"), field+"ConsumerARN",
			"is %q; set the ARN of a consumer, or none", s.ConsumerARN)
		v.check(s.ConsumerARN == "" || ofStream(s.ConsumerARN, id), field+"ConsumerARN",
			"is that of a consumer of another stream; set the ARN of a consumer of %s, or none", id.Name())
		v.check(s.FanOut || !s.PollAtLimit, field+"FanOut", "is false, but PollAtLimit is set; set both or neither")
		v.check(s.FanOut || s.ConsumerName == "" && s.ConsumerARN == "", field+"FanOut", "is false, but a consumer is named; set FanOut or name none")
		v.check(s.Start.kind != fromTime || s.Start.at.Unix() > 0, field+"Start", "At needs a time after 1970")
	}
}

// ofStream reports whether a consumer's ARN, if it is one, may be that of a consumer of the stream.
func ofStream(consumerARN string, id shards.Stream) bool {
	streamARN, _, found := strings.Cut(consumerARN, "/consumer/")
	of, err := shards.ParseStream(streamARN)
	if !found || err != nil {
		return true // another fault
	}
	return of.Name() == id.Name() && (id.ARN() == "" || id.ARN() == of.ARN())
}

// identify returns how requests name the stream.
func (s Stream) identify() (shards.Stream, error) {
	if s.ARN == "" {
		return shards.ParseStream(s.Name)
	}
	byARN, err := shards.ParseStream(s.ARN)
	if err != nil {
		return shards.Stream{}, fmt.Errorf("ARN: %w", err)
	}
	if byARN.ARN() == "" {
		return shards.Stream{}, errors.New("this is no ARN; set Name instead")
	}
	if s.Name != "" && s.Name != byARN.Name() {
		return shards.Stream{}, errors.New("the name in ARN is not Name; leave one of them out")
	}
	return byARN, nil
}

// validName reports whether the service allows a consumer, and DynamoDB a table, to be called so.
func validName(name string) bool {
	id, err := shards.ParseStream(name) // streams are named by the same rule
	return err == nil && id.ARN() == ""
}
