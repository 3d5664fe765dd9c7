package kinesislambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/penstock-go/penstock/checkpoint"
	"github.com/penstock-go/penstock/consumer"
	"github.com/penstock-go/penstock/kinesistest"
	"github.com/penstock-go/penstock/leases"
)

// world is a service with a stream, and workers that read it, in a bubble of virtual time.
type world struct {
	*testing.T
	server *kinesistest.Server
	client *kinesis.Client
	store  leases.Store
	calls  *journal
	tally  *tally
	sink   *sink
}

func bubble(t *testing.T, f func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{T: t, server: kinesistest.New(), store: leases.NewMemory(), calls: &journal{}, tally: newTally(), sink: &sink{}}
		w.client = w.server.Kinesis()
		t.Cleanup(func() { _ = w.server.Close() })
		_, err := w.client.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: aws.String("orders"), ShardCount: aws.Int32(1)})
		w.must(err)
		f(w)
	})
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// put puts one record for each text; a text "key:data" has a key of its own.
func (w *world) put(texts ...string) (numbers []string) {
	w.Helper()
	for _, text := range texts {
		key, data, ok := strings.Cut(text, ":")
		if !ok {
			key, data = "key", text
		}
		numbers = append(numbers, w.putData(key, []byte(data)))
	}
	return numbers
}

func (w *world) putData(key string, data []byte) string {
	w.Helper()
	out, err := w.client.PutRecord(w.Context(), &kinesis.PutRecordInput{StreamName: aws.String("orders"), PartitionKey: &key, Data: data})
	w.must(err)
	return *out.SequenceNumber
}

// mapping returns a mapping whose hooks count.
func (w *world) mapping() Mapping { return Mapping{Hooks: w.tally.hooks()} }

// handler makes a handler of a function.
func handler[F Func](w *world, fn F, m Mapping) consumer.Handler {
	w.Helper()
	h, err := Handler(fn, m)
	w.must(err)
	return h
}

// start runs a worker with the handler. The returned function stops it.
func (w *world) start(h consumer.Handler) (stop func()) {
	w.Helper()
	return w.startWith(consumer.Config{Handler: h})
}

// startWith runs a worker with a configuration that leaves out what to read.
func (w *world) startWith(cfg consumer.Config) (stop func()) {
	w.Helper()
	cfg.Application, cfg.Streams, cfg.Kinesis, cfg.Leases = "billing", []consumer.Stream{{Name: "orders"}}, w.client, w.store
	c, err := consumer.New(cfg)
	w.must(err)
	ctx, cancel := context.WithCancel(w.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := c.Run(ctx); err != nil {
			w.Errorf("Run: %v", err)
		}
	})
	stop = func() {
		cancel()
		running.Wait()
	}
	w.Cleanup(stop)
	return stop
}

// await waits, in virtual time, until ok.
func (w *world) await(what string, ok func() bool) {
	w.Helper()
	for began := time.Now(); time.Since(began) < 2*time.Hour; time.Sleep(50 * time.Millisecond) {
		if ok() {
			return
		}
	}
	w.Fatalf("waited two hours in vain: %s\n%s", what, strings.Join(w.calls.story(), "\n"))
}

func (w *world) awaitCalls(n int) {
	w.Helper()
	w.await(fmt.Sprintf("%d calls", n), func() bool { return len(w.calls.story()) >= n })
}

// awaitDone waits until the checkpoint covers a record.
func (w *world) awaitDone(number string) {
	w.Helper()
	w.await("the checkpoint", func() bool { return w.position().Covers(number, 0) })
}

func (w *world) expect(calls ...string) {
	w.Helper()
	if got := w.calls.story(); !slices.Equal(got, calls) {
		w.Errorf("calls\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(calls, "\n  "))
	}
}

// journal is what a function was called with, each call as the texts of its records.
type journal struct {
	mu    sync.Mutex
	calls []string
	times []time.Time
}

func (j *journal) add(call string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.calls = append(j.calls, call)
	j.times = append(j.times, time.Now())
}

func (j *journal) story() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.calls)
}

// at returns when the n-th call came.
func (j *journal) at(n int) time.Time {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.times[n]
}

func texts(e events.KinesisEvent) string {
	var all []string
	for _, r := range e.Records {
		all = append(all, string(r.Kinesis.Data))
	}
	return strings.Join(all, " ")
}

// recording is a function that notes its calls and does what it is told to do with them.
func (w *world) recording(then func(ctx context.Context, e events.KinesisEvent) (events.KinesisEventResponse, error)) func(context.Context, events.KinesisEvent) (events.KinesisEventResponse, error) {
	return func(ctx context.Context, e events.KinesisEvent) (events.KinesisEventResponse, error) {
		w.calls.add(texts(e))
		if then == nil {
			return events.KinesisEventResponse{}, nil
		}
		return then(ctx, e)
	}
}

// poisoned fails with every event that has a record with that text.
func poisoned(text string) func(context.Context, events.KinesisEvent) (events.KinesisEventResponse, error) {
	return func(_ context.Context, e events.KinesisEvent) (r events.KinesisEventResponse, err error) {
		if slices.Contains(strings.Fields(texts(e)), text) {
			err = errBad
		}
		return r, err
	}
}

// tally is what the hooks were told.
type tally struct {
	mu sync.Mutex
	n  map[string]int
}

func newTally() *tally { return &tally{n: make(map[string]int)} }

func (a *tally) add(name string, n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.n[name] += n
}

func (a *tally) of(name string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.n[name]
}

func (a *tally) hooks() Hooks {
	counting := func(name string) func(consumer.Shard, int) {
		return func(_ consumer.Shard, n int) { a.add(name, n) }
	}
	return Hooks{
		PolledEvents: counting("polled"), FilteredOutEvents: counting("filtered"), InvokedEvents: counting("invoked"),
		FailedInvokeEvents: func(_ consumer.Shard, n int, _ error) { a.add("failed", n) },
		DroppedEvents:      counting("dropped"), OnFailureDestinationDeliveredEvents: counting("delivered"),
		IteratorAge:  func(consumer.Shard, time.Duration) { a.add("ages", 1) },
		WindowClosed: func(_ consumer.Shard, _, _ time.Time, early bool) { a.add(fmt.Sprintf("closed early=%v", early), 1) },
	}
}

// sink is a destination that keeps messages, and fails as often as it is told to.
type sink struct {
	mu    sync.Mutex
	fails int
	got   []InvocationRecord
}

func (s *sink) Deliver(_ context.Context, r *InvocationRecord) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fails--; s.fails >= 0 {
		return errors.New("the sink is full")
	}
	s.got = append(s.got, *r)
	return nil
}

func (s *sink) messages() []InvocationRecord {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.got)
}

func message(t *testing.T, r *InvocationRecord) map[string]any {
	t.Helper()
	text, err := r.Message()
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func (w *world) position() checkpoint.Position {
	w.Helper()
	row, err := w.store.Get(w.Context(), "shardId-000000000000")
	if err != nil {
		return checkpoint.TrimHorizon // not made yet
	}
	return row.Checkpoint
}

// maxRecordSize lets the stream take records of up to 10 MiB.
var maxRecordSize = &kinesis.UpdateMaxRecordSizeInput{
	StreamARN: aws.String("arn:aws:kinesis:us-east-1:123456789012:stream/orders"), MaxRecordSizeInKiB: aws.Int32(10240),
}

// batchOf makes a batch without a consumer.
func batchOf(texts ...string) *consumer.Batch {
	var records []consumer.Record
	for i, text := range texts {
		key, data, ok := strings.Cut(text, ":")
		if !ok {
			key, data = "key", text
		}
		records = append(records, consumer.Record{
			SequenceNumber: fmt.Sprint(101 + i), PartitionKey: key, Data: []byte(data), ApproximateArrival: arrived.Add(time.Duration(i) * time.Second),
		})
	}
	return consumer.NewBatch(consumer.Shard{Stream: "orders", ID: testShard}, records)
}
