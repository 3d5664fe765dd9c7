package kinesislambda

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/penstock-go/penstock/consumer"
)

// Mapping says how a function is fed, as an event source mapping of Lambda does: fields have the names, defaults and bounds of the service's
// settings, with durations in place of numbers of seconds. Its zero value is what the service does by default. Which stream is read, from
// where on and with or without enhanced fan-out is for the consumer's configuration to say.
type Mapping struct {
	// BatchSize is how many Kinesis records an event has, at most: 1 to 10,000. Default: 100. An event never exceeds 6 MB of JSON.
	BatchSize int
	// MaximumBatchingWindow is how long an event that is not full waits for more records: up to 5 minutes. Default: 0.
	MaximumBatchingWindow time.Duration
	// ParallelizationFactor is how many events of one shard are handled side by side: 1 to 10. Default: 1. Records of one partition key
	// stay in order; that is the key of the Kinesis record, also where it is an aggregate of records with keys of their own.
	ParallelizationFactor int
	// MaximumRecordAge is how old a record may be to be handed to the function: 1 minute to 7 days, or -1 for any age. Default: -1.
	MaximumRecordAge time.Duration
	// MaximumRetryAttempts is how often the function is called again with records that it failed with: up to 10,000, -1 for as often as
	// it takes, and [NoRetries] for never, which is the service's 0. Default: -1.
	MaximumRetryAttempts int
	// BisectBatchOnFunctionError cuts a batch in two when the function fails with it. Cutting is not counted as an attempt.
	BisectBatchOnFunctionError bool
	// ReportBatchItemFailures is the value of that name in FunctionResponseTypes: the answer may say from which record on the
	// function is to be called again. Without it answers are not looked at.
	ReportBatchItemFailures bool
	// TumblingWindow is the length of windows of time over which the function keeps a state: whole seconds, up to 15 minutes. Default: 0,
	// no windows. It does not go with a ParallelizationFactor: a shard has one state.
	TumblingWindow time.Duration
	// FilterCriteria leaves out records before they are batched. Default: none is left out.
	FilterCriteria FilterCriteria

	// OnFailure is told of records that have used up their attempts or are too old, before they are passed over, and of records
	// that do not fit into an event. Default: none.
	OnFailure Destination
	// DiscardOnExhaustion allows such records to be lost where there is no OnFailure: they are counted and logged, and that is all.
	// Without one of the two, a mapping with a limit of attempts or age is refused.
	DiscardOnExhaustion bool

	// Timeout is how long a call of the function may take, as in the function's configuration: 1 second to 15 minutes. Default: 3
	// seconds. Then its context ends, and the call has failed, whatever it returns. A function in this process that does not return is
	// waited for all the same: called again beside itself it would break the order of records. A compiled one, which package
	// lambdatest runs, is killed; the start of its process counts here, so that the time should be ample.
	Timeout time.Duration
	// FunctionArn is what the function sees itself called as. Default: a function called "function" of the stream's account.
	FunctionArn string
	// UUID is the mapping's, by which destinations may file. Default: "penstock".
	UUID string

	// Logger takes what an operator should know. It is never given data or partition keys. Default: none.
	Logger *zap.Logger
	// Hooks are told what happens.
	Hooks Hooks
}

// NoRetries is the MaximumRetryAttempts of a function that is called once with each batch.
const NoRetries = -2

// Defaults and bounds, as the service's documentation has them.
const (
	defaultBatchSize   = 100
	maxBatchSize       = 10_000
	maxBatchingWindow  = 300 * time.Second
	maxParallelization = 10
	minRecordAge       = 60 * time.Second
	maxRecordAge       = 604_800 * time.Second
	maxRetryAttempts   = 10_000
	maxTumblingWindow  = 900 * time.Second
	defaultTimeout     = 3 * time.Second
	maxTimeout         = 900 * time.Second
	maxFilters         = 5
	maxPatternLength   = 4096
	maxPayload         = 6 << 20 // of an invocation, both ways
	maxState           = 1 << 20 // of a window
)

// Hooks are functions that are told what a mapping does, with the names of the service's own metrics. Any of them may be nil. They are
// called from several goroutines, and must be quick and not panic. A record is a Kinesis record.
type Hooks struct {
	// PolledEvents: so many records were read.
	PolledEvents func(s consumer.Shard, n int)
	// FilteredOutEvents: so many of them match no filter.
	FilteredOutEvents func(s consumer.Shard, n int)
	// InvokedEvents: the function was called with so many records.
	InvokedEvents func(s consumer.Shard, n int)
	// FailedInvokeEvents: a call with so many records failed, or got only some of them done.
	FailedInvokeEvents func(s consumer.Shard, n int, err error)
	// DroppedEvents: so many records were discarded and are nowhere else ([Mapping].DiscardOnExhaustion).
	DroppedEvents func(s consumer.Shard, n int)
	// OnFailureDestinationDeliveredEvents: the destination has the message about so many records.
	OnFailureDestinationDeliveredEvents func(s consumer.Shard, n int)
	// IteratorAge: a call succeeded whose last record was so old by then.
	IteratorAge func(s consumer.Shard, age time.Duration)
	// WindowClosed: a tumbling window has had its last call; early: since its state had grown too large.
	WindowClosed func(s consumer.Shard, start, end time.Time, early bool)
}

func count(f func(consumer.Shard, int), s consumer.Shard, n int) {
	if f != nil {
		f(s, n)
	}
}

func (m Mapping) withDefaults() Mapping {
	m.BatchSize = cmp.Or(m.BatchSize, defaultBatchSize)
	m.ParallelizationFactor = cmp.Or(m.ParallelizationFactor, 1)
	m.MaximumRetryAttempts = cmp.Or(m.MaximumRetryAttempts, -1)
	m.Timeout = cmp.Or(m.Timeout, defaultTimeout)
	m.UUID = cmp.Or(m.UUID, "penstock")
	if m.MaximumRecordAge == -time.Second {
		m.MaximumRecordAge = -1
	}
	if m.Logger == nil {
		m.Logger = zap.NewNop()
	}
	return m
}

// attempts returns how often the function is called with the same records; 0: no limit.
func (m *Mapping) attempts() int {
	switch m.MaximumRetryAttempts {
	case NoRetries:
		return 1
	case -1:
		return 0
	}
	return m.MaximumRetryAttempts + 1
}

// age returns how old a record may be; 0: any age.
func (m *Mapping) age() time.Duration { return max(m.MaximumRecordAge, 0) }

// passesOver reports whether there is a way to pass over records.
func (m *Mapping) passesOver() bool { return m.OnFailure != nil || m.DiscardOnExhaustion }

// faults collects what is wrong with a mapping.
type faults []error

func (v *faults) check(ok bool, field, reason string, args ...any) {
	if !ok {
		*v = append(*v, &ConfigError{Field: "Mapping." + field, Reason: fmt.Sprintf(reason, args...)})
	}
}

// validate returns every fault of a mapping whose defaults are filled in.
func (m *Mapping) validate() error {
	var v faults
	v.check(m.BatchSize >= 1 && m.BatchSize <= maxBatchSize, "BatchSize", "is %d; set 1 to %d", m.BatchSize, maxBatchSize)
	v.check(m.MaximumBatchingWindow >= 0 && m.MaximumBatchingWindow <= maxBatchingWindow, "MaximumBatchingWindow",
		"is %v; set 0 to %v", m.MaximumBatchingWindow, maxBatchingWindow)
	v.check(m.ParallelizationFactor >= 1 && m.ParallelizationFactor <= maxParallelization, "ParallelizationFactor",
		"is %d; set 1 to %d", m.ParallelizationFactor, maxParallelization)
	v.check(m.MaximumRecordAge == 0 || m.MaximumRecordAge == -1 || m.MaximumRecordAge >= minRecordAge && m.MaximumRecordAge <= maxRecordAge,
		"MaximumRecordAge", "is %v; set %v to %v, or -1 for any age", m.MaximumRecordAge, minRecordAge, maxRecordAge)
	v.check(m.MaximumRetryAttempts >= NoRetries && m.MaximumRetryAttempts <= maxRetryAttempts, "MaximumRetryAttempts",
		"is %d; set 1 to %d, -1 for no limit, or NoRetries", m.MaximumRetryAttempts, maxRetryAttempts)
	v.check(m.TumblingWindow >= 0 && m.TumblingWindow <= maxTumblingWindow && m.TumblingWindow%time.Second == 0, "TumblingWindow",
		"is %v; set whole seconds up to %v", m.TumblingWindow, maxTumblingWindow)
	v.check(m.TumblingWindow == 0 || m.ParallelizationFactor == 1, "TumblingWindow",
		"does not go with ParallelizationFactor %d: a shard has one state; set one of them", m.ParallelizationFactor)
	v.check(m.Timeout >= time.Second && m.Timeout <= maxTimeout, "Timeout", "is %v; set 1s to %v", m.Timeout, maxTimeout)
	limited := m.attempts() > 0 || m.age() > 0
	v.check(!limited || m.passesOver(), "OnFailure",
		"is missing, but MaximumRetryAttempts or MaximumRecordAge is set: records would be lost; set a destination, or DiscardOnExhaustion")
	v = append(v, m.FilterCriteria.validate()...)
	return errors.Join(v...)
}
