package kinesislambda

import (
	"context"
	"errors"
	"runtime/debug"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"go.uber.org/zap"

	"github.com/penstock-go/penstock/aggregation"
	"github.com/penstock-go/penstock/consumer"
)

// Wrap makes a function for aws-lambda-go's lambda.Start out of a handler. Each invocation is handed to it as one batch, or as several,
// one after the other, where it holds more user records than [WithMaxBatchRecords] allows or the handler asks for.
//
// What the handler has done before it fails counts: the answer names the Kinesis record in which the first user record stands that was not
// acknowledged, and the mapping delivers again from there on. The mapping must have ReportBatchItemFailures among its
// FunctionResponseTypes. WITHOUT IT THE SERVICE TAKES SUCH AN ANSWER FOR SUCCESS AND THE REST OF THE BATCH IS LOST: use
// [WithoutPartialFailures] then. Where nothing but the first Kinesis record is at fault, the invocation as a whole fails: that
// tells the service the same, and lets BisectBatchOnFunctionError find the record.
//
// A handler that is a consumer.Shaper has its wishes for raw records and for the records and bytes of a batch. Nothing else of what the
// consumer's optional interfaces are for is done: the mapping has settings for it. The batch's Attempt is 1 and its MillisBehindLatest 0:
// an event does not tell them.
func Wrap(h consumer.Handler, opts ...Option) func(context.Context, events.KinesisEvent) (events.KinesisEventResponse, error) {
	w := newWrapper(opts)
	if shaper, ok := h.(consumer.Shaper); ok {
		w.ask(shaper.Shape())
	}
	return func(ctx context.Context, event events.KinesisEvent) (events.KinesisEventResponse, error) {
		if h == nil {
			return events.KinesisEventResponse{}, &ConfigError{Field: "Wrap", Reason: "the handler is nil; give one"}
		}
		failures, err := w.run(ctx, event.Records, func(ctx context.Context, b *consumer.Batch) error {
			return inTime(ctx, h.Handle(ctx, b))
		})
		return events.KinesisEventResponse{BatchItemFailures: failures}, err
	}
}

// Option changes what [Wrap] and [WrapWindow] make.
type Option func(*wrapper)

// WithMargin ends the handler's context so long before the invocation's deadline, so that there is time to answer how far it came: at a
// timeout, the service takes nothing for done. Half the time that is left is the most it may take. Default: 500 milliseconds. A handler that
// returns nil after its context has ended has done no more than it acknowledged, as in a worker.
func WithMargin(d time.Duration) Option { return func(w *wrapper) { w.margin = d } }

// WithMaxBatchRecords is how many user records the handler is given at once, at most. Default: 10,000, which only aggregates exceed.
// A handler's own Shape comes before that.
func WithMaxBatchRecords(n int) Option { return func(w *wrapper) { w.maxRecords = max(n, 1) } }

// WithMemory leaves out the user records of an aggregate which the memory says are done, and tells it when one of them fails.
func WithMemory(m Memory) Option { return func(w *wrapper) { w.memory = m } }

// WithoutPartialFailures makes every failure one of the whole event, for mappings without ReportBatchItemFailures.
func WithoutPartialFailures() Option { return func(w *wrapper) { w.whole = true } }

// WithLogger takes what an operator should know: the service's own log does not show failures of part of an event. Default: none.
func WithLogger(l *zap.Logger) Option { return func(w *wrapper) { w.log = l } }

// OnFailure is told of each invocation that did not handle all records. It must be quick.
func OnFailure(f func(context.Context, *RecordError)) Option {
	return func(w *wrapper) { w.onFailure = f }
}

// OnMalformedAggregate is told of each aggregate that could not be taken apart and was handled as one record. It must be quick.
func OnMalformedAggregate(f func(*consumer.AggregateError)) Option {
	return func(w *wrapper) { w.onMalformed = f }
}

const (
	defaultMargin     = 500 * time.Millisecond
	defaultMaxRecords = 10_000
)

// wrapper is what options make. It has no state of its own: environments serve one invocation at a time, but tests may not.
type wrapper struct {
	margin      time.Duration
	maxRecords  int
	maxBytes    int    // of data and partition keys; 0: no limit
	raw         bool   // aggregates are not opened
	memory      Memory // nil: none
	whole       bool   // no partial failures
	log         *zap.Logger
	onFailure   func(context.Context, *RecordError)
	onMalformed func(*consumer.AggregateError)
}

func newWrapper(opts []Option) *wrapper {
	w := &wrapper{margin: defaultMargin, maxRecords: defaultMaxRecords, log: zap.NewNop()}
	for _, opt := range opts {
		opt(w)
	}
	return w
}

// ask takes over what a handler says of its batches.
func (w *wrapper) ask(s consumer.Shape) {
	w.raw = s.Raw
	if s.MaxRecords > 0 {
		w.maxRecords = s.MaxRecords
	}
	w.maxBytes = max(s.MaxBytes, 0)
}

// handle is a call of a handler with a batch.
type handle func(context.Context, *consumer.Batch) error

// run hands the records of an event to the handler. The answer is what it did not do: nothing, one record from which on to try again, or
// an error: all of it.
func (w *wrapper) run(ctx context.Context, records []events.KinesisEventRecord, call handle) ([]events.KinesisBatchItemFailure, error) {
	none := []events.KinesisBatchItemFailure{}
	if len(records) == 0 {
		return none, nil
	}
	shard, err := identify(records)
	if err != nil {
		w.log.Error("an event was refused", zap.Error(err))
		return none, err
	}
	work, cancel := w.within(ctx)
	defer cancel()
	r := &run{wrapper: w, shard: shard, records: records, done: w.recall(work, shard, records)}
	r.opener = opener{shard: shard, raw: w.raw, records: records, done: r.done, malformed: w.malformed}
	handled, err := r.handle(work, call)
	if err == nil {
		return none, nil
	}
	return r.fail(ctx, handled, err)
}

// run is one invocation.
type run struct {
	*wrapper
	shard   consumer.Shard
	records []events.KinesisEventRecord
	done    []uint64 // what the memory knows; nil: nothing
	opener  opener
	rest    []consumer.Record // opened, and too many bytes for the last batch
}

// handle calls the handler until the event is used up, and returns how many user records are done. It stops at the first failure.
func (r *run) handle(ctx context.Context, call handle) (handled int, err error) {
	for {
		batch := r.batch()
		if len(batch) == 0 {
			return handled, nil
		}
		if ctx.Err() != nil {
			return handled, context.Cause(ctx)
		}
		size := len(batch)
		b := consumer.NewBatch(r.shard, batch)
		if err = r.guard(ctx, b, call); err == nil {
			handled += size
			continue
		}
		handled += b.Acked()
		if b.Acked() < size {
			return handled, err
		}
		r.log.Warn("the handler failed, but had acknowledged the whole batch", zap.Error(err))
	}
}

// batch returns the next batch; none when the event is used up.
func (r *run) batch() []consumer.Record {
	if r.maxBytes == 0 {
		return r.opener.batch(r.maxRecords)
	}
	if r.fitting() == len(r.rest) { // there may be room for more
		r.rest = append(r.rest, r.opener.batch(r.maxRecords-len(r.rest))...)
	}
	n := r.fitting()
	batch := r.rest[:n:n]
	r.rest = r.rest[n:]
	return batch
}

// fitting returns how many records of the rest make a batch: as many as have no more bytes than it may, and one in any case.
func (r *run) fitting() (n int) {
	for size := 0; n < len(r.rest); n++ {
		if size += len(r.rest[n].Data) + len(r.rest[n].PartitionKey); size > r.maxBytes && n > 0 {
			break
		}
	}
	return n
}

// inTime returns what a handler returned, or why its context has ended: a nil that comes after that may mean no more than that the
// handler has stopped.
func inTime(ctx context.Context, err error) error {
	if err == nil {
		err = context.Cause(ctx)
	}
	return err
}

// guard makes a panic an error of the batch. Not recovered it would end the process, and with it what the answer could still say.
func (r *run) guard(ctx context.Context, b *consumer.Batch, call handle) (err error) {
	defer func() {
		if value := recover(); value != nil {
			fault := &consumer.PanicError{Value: value, Stack: debug.Stack()}
			r.log.Error("the handler panicked", zap.Error(fault), zap.ByteString("stack", fault.Stack))
			err = fault
		}
	}()
	return call(ctx, b)
}

// fail makes the answer of an invocation in which so many user records were handled.
func (r *run) fail(ctx context.Context, handled int, cause error) ([]events.KinesisBatchItemFailure, error) {
	at := locate(r.records, r.raw, r.done, handled)
	number := r.records[at.outer].Kinesis.SequenceNumber
	fault := &RecordError{Shard: r.shard, SequenceNumber: number, SubSequence: at.sub, Cause: cause}
	r.log.Warn("an event was not handled to its end", zap.Int("records", len(r.records)), zap.Int("userRecordsDone", handled), zap.Error(fault))
	if r.onFailure != nil {
		r.onFailure(ctx, fault)
	}
	r.remember(ctx, at)
	if at.outer == 0 || r.whole {
		return []events.KinesisBatchItemFailure{}, fault
	}
	return []events.KinesisBatchItemFailure{{ItemIdentifier: number}}, nil
}

// within returns the context for the handler: it ends a margin before the invocation's does.
func (w *wrapper) within(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	margin := min(w.margin, time.Until(deadline)/2)
	return context.WithDeadlineCause(ctx, deadline.Add(-margin), ErrDeadline)
}

func (w *wrapper) malformed(err *consumer.AggregateError) {
	w.log.Error("an aggregate cannot be taken apart and is handled as one record", zap.Error(err))
	if w.onMalformed != nil {
		w.onMalformed(err)
	}
}

var errMemory = errors.New("kinesislambda: Memory.Done did not answer for every record")

// recall asks the memory. Without an answer nothing is left out.
func (w *wrapper) recall(ctx context.Context, s consumer.Shard, records []events.KinesisEventRecord) []uint64 {
	if w.memory == nil {
		return nil
	}
	numbers := make([]string, len(records))
	for i := range records {
		numbers[i] = records[i].Kinesis.SequenceNumber
	}
	done, err := w.memory.Done(ctx, s, numbers)
	if err == nil && len(done) != len(numbers) {
		err = errMemory
	}
	if err != nil {
		w.log.Warn("the memory was not to be had; what it knows is handled again", zap.Error(err))
		return nil
	}
	return done
}

// remember tells the memory what is done of the records that will be delivered again.
func (r *run) remember(ctx context.Context, failed place) {
	if r.memory == nil {
		return
	}
	first := failed.outer // the mapping delivers from there on, unless everything is delivered again
	if r.whole {
		first = 0
	}
	for i := first; i <= failed.outer; i++ {
		done := failed.sub
		if i < failed.outer {
			done = r.userRecords(i)
		}
		if done == 0 {
			continue
		}
		if err := r.memory.Remember(ctx, r.shard, r.records[i].Kinesis.SequenceNumber, done); err != nil {
			r.log.Warn("the memory was not to be had; the first user records of a record are handled again", zap.Error(err))
		}
	}
}

// userRecords returns how many user records the i-th Kinesis record holds.
func (r *run) userRecords(i int) uint64 {
	var d aggregation.Decoder
	if r.raw || d.Reset(r.records[i].Kinesis.Data) != nil {
		return 1
	}
	return uint64(d.Len())
}
