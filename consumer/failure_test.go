package consumer

import (
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/penstock-go/penstock/aggregation"
)

// grave is a dead-letter sink that keeps what it is given, and fails as often as it is told to.
type grave struct {
	mu     sync.Mutex
	fails  int
	failed []Failed
	texts  []string
}

var errSink = errors.New("the sink is full")

func (g *grave) Put(_ context.Context, f Failed) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.fails--; g.fails >= 0 {
		return errSink
	}
	g.failed = append(g.failed, f)
	for _, r := range f.Records {
		g.texts = append(g.texts, string(r.Data))
	}
	return nil
}

func (g *grave) count() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.texts)
}

// poison makes the handler of a configuration fail with every batch that has the record with that text. The calls that it returns may
// be read once the run has ended.
func (w *world) poison(cfg *Config, text string) *[]string {
	var mu sync.Mutex
	var calls []string
	inner := cfg.Handler
	cfg.Handler = HandlerFunc(func(ctx context.Context, b *Batch) error {
		mu.Lock()
		calls = append(calls, fmt.Sprintf("%s+%d", b.Records[0].Data, len(b.Records)))
		mu.Unlock()
		if slices.ContainsFunc(b.Records, func(r Record) bool { return string(r.Data) == text }) {
			return errHandler
		}
		return inner.Handle(ctx, b)
	})
	return &calls
}

func TestPoisonRecordIsFoundByHalvesAndGoesToTheDeadLetterSinkAlone(t *testing.T) {
	bubble(t, 1, func(w *world) {
		w.putPlain(keys(8)...)
		sink := &grave{fails: 2}
		cfg := w.config()
		cfg.Failure = Failure{MaxAttempts: 3, Bisect: true, Then: SendToDeadLetter, DeadLetter: sink}
		calls := w.poison(&cfg, "000006")
		var hooked []error
		cfg.Hooks.DeadLettered = func(d DeadLettered) { hooked = append(hooked, d.Err) }
		run := w.start(cfg)
		w.await("all but one", func() bool { return w.seen.count() == 7 })
		run.mustEnd()
		want := []string{"000001+8", "000001+4", "000005+4", "000005+2", "000005+1", "000006+1", "000006+1", "000006+1", "000007+2"}
		if !slices.Equal(*calls, want) {
			t.Errorf("calls %v,\nwant %v", *calls, want)
		}
		if len(sink.failed) != 1 || !slices.Equal(sink.texts, []string{"000006"}) {
			t.Fatalf("the sink has %v", sink.texts)
		}
		if f := sink.failed[0]; f.Reason != AttemptsExhausted || !errors.Is(f.Cause, errHandler) || f.Shard.ID != shardID(0) || f.Attempts < 3 {
			t.Errorf("the sink was told %+v", f)
		}
		if !slices.EqualFunc(hooked, []error{errSink, errSink, nil}, errors.Is) {
			t.Errorf("hooks saw %v", hooked)
		}
		if got := w.seen.data(); !slices.Equal(got, []string{"000001", "000002", "000003", "000004", "000005", "000007", "000008"}) {
			t.Errorf("handled %v", got)
		}
		if at := w.lease(shardID(0)).Checkpoint; !at.Covers(w.lastNumber(), 0) {
			t.Errorf("checkpoint %v", at)
		}
	})
}

func TestWithoutBisectTheRestOfTheBatchGoesTogether(t *testing.T) {
	bubble(t, 1, func(w *world) {
		w.putPlain(keys(5)...)
		sink := &grave{}
		cfg := w.config()
		cfg.Failure = Failure{MaxAttempts: 2, Then: SendToDeadLetter, DeadLetter: sink}
		attempts := 0
		cfg.Handler = HandlerFunc(func(_ context.Context, b *Batch) error {
			attempts++
			if len(b.Records) == 5 {
				b.Ack(2)
			}
			return errHandler
		})
		run := w.start(cfg)
		w.await("dead letters", func() bool { return sink.count() == 3 })
		run.mustEnd()
		if attempts != 3 || len(sink.failed) != 1 || sink.failed[0].Attempts != 2 {
			t.Errorf("%d calls, then %+v", attempts, sink.failed)
		}
	})
}

func TestNoCheckpointPassesARecordThatNoSinkHasTaken(t *testing.T) {
	bubble(t, 1, func(w *world) {
		first := w.putRaw("a", w.data())
		second := w.putRaw("a", w.data())
		sink := &grave{fails: 1 << 30}
		cfg := w.config()
		cfg.MaxBatchRecords = 1
		cfg.Failure = Failure{MaxAttempts: 1, Then: SendToDeadLetter, DeadLetter: sink}
		w.poison(&cfg, "000002")
		run := w.start(cfg)
		time.Sleep(10 * time.Minute)
		at := w.lease(shardID(0)).Checkpoint
		run.mustEnd()
		if after := w.lease(shardID(0)).Checkpoint; !at.Covers(first, 0) || at.Covers(second, 0) || after != at {
			t.Errorf("checkpoints %v and %v", at, after)
		}
	})
}

func TestAPanicOfTheSinkIsItsFailure(t *testing.T) {
	bubble(t, 1, func(w *world) {
		w.putPlain("a")
		calls := 0
		var told []error
		cfg := w.config()
		cfg.Failure = Failure{MaxAttempts: 1, Then: SendToDeadLetter, DeadLetter: DeadLetterFunc(func(context.Context, Failed) error {
			if calls++; calls == 1 {
				panic("no")
			}
			return nil
		})}
		cfg.Hooks.DeadLettered = func(d DeadLettered) { told = append(told, d.Err) }
		w.poison(&cfg, "000001")
		run := w.start(cfg)
		time.Sleep(time.Minute)
		run.mustEnd()
		if len(told) != 2 || !errors.Is(told[0], ErrPanic) || told[1] != nil {
			t.Errorf("hooks saw %v", told)
		}
	})
}

func TestStopRunEndsTheWorkerWithTheFailureAndKeepsTheRecords(t *testing.T) {
	bubble(t, 2, func(w *world) {
		w.putPlain(keys(20)...)
		cfg := w.config()
		cfg.Failure = Failure{MaxAttempts: 3, Bisect: true, Then: StopRun}
		w.poison(&cfg, "000010")
		run := w.start(cfg)
		err := <-run.done
		var failed *BatchError
		if !errors.As(err, &failed) || !errors.Is(err, ErrBatch) || !errors.Is(err, errHandler) || len(failed.Records) != 1 {
			t.Fatalf("Run returned %v", err)
		}
		run = w.start(w.config())
		w.await("all records", func() bool { return len(w.seen.distinct()) == w.put })
		run.mustEnd()
		w.verify()
	})
}

func TestRecordsThatAreTooOldAreNotHandled(t *testing.T) {
	bubble(t, 1, func(w *world) {
		w.putPlain("a", "b")
		time.Sleep(time.Hour)
		w.putPlain("c")
		sink := &grave{}
		cfg := w.config()
		cfg.Failure = Failure{MaxAge: 10 * time.Minute, Then: SendToDeadLetter, DeadLetter: sink}
		run := w.start(cfg)
		w.await("the young one", func() bool { return w.seen.count() == 1 })
		w.putPlain("d")
		w.poison(&cfg, "000004")
		run.mustEnd()
		run = w.start(cfg)
		w.await("the one that grew old while it failed", func() bool { return sink.count() == 3 })
		run.mustEnd()
		if !slices.Equal(sink.texts, []string{"000001", "000002", "000004"}) || !slices.Equal(w.seen.data(), []string{"000003", "000004"}) && !slices.Equal(w.seen.data(), []string{"000003"}) {
			t.Errorf("the sink has %v, the handler %v", sink.texts, w.seen.data())
		}
		if f := sink.failed[0]; f.Reason != TooOld || f.Attempts != 0 || f.Cause != nil || len(f.Records) != 2 {
			t.Errorf("%+v", f)
		}
	})
}

// malformed is an aggregate by its checksum that holds no record.
func malformed() []byte {
	return seal([]byte("\x0a\x01k"))
}

// seal makes a message an aggregate, whatever is in it.
func seal(message []byte) []byte {
	sum := md5.Sum(message)
	return slices.Concat([]byte(aggregation.Magic), message, sum[:])
}

func TestAMalformedAggregateGoesToTheDeadLetterSinkWhole(t *testing.T) {
	bubble(t, 1, func(w *world) {
		w.putPlain("a")
		number := w.putRaw("b", malformed())
		w.putAggregate("c", 3)
		sink := &grave{}
		cfg := w.config()
		cfg.Failure = Failure{MaxAttempts: 5, Then: SendToDeadLetter, DeadLetter: sink}
		run := w.start(cfg)
		w.awaitAll()
		run.mustEnd()
		w.verify()
		if len(sink.failed) != 1 || len(sink.failed[0].Records) != 1 {
			t.Fatalf("%+v", sink.failed)
		}
		f := sink.failed[0]
		if f.Reason != Malformed || !errors.Is(f.Cause, ErrAggregate) || !errors.Is(f.Cause, aggregation.ErrEmpty) ||
			f.Records[0].SequenceNumber != number || string(f.Records[0].Data) != string(malformed()) {
			t.Errorf("%+v", f)
		}
	})
}

func TestWithoutASinkAMalformedAggregateIsHandedOnMarked(t *testing.T) {
	bubble(t, 1, func(w *world) {
		w.putPlain("a")
		w.putRaw("b", malformed())
		w.putPlain("c")
		run := w.start(w.config())
		w.await("all three", func() bool { return w.seen.count() == 3 })
		run.mustEnd()
		for i, e := range w.seen.all() {
			if e.Malformed != (i == 1) {
				t.Errorf("record %d: Malformed %v", i, e.Malformed)
			}
		}
	})
}

func TestALaneThatFailsDoesNotHoldUpTheOthers(t *testing.T) {
	bubble(t, 1, func(w *world) {
		for i := range 200 {
			w.putPlain(fmt.Sprintf("key-%d", i%20))
		}
		cfg := w.config()
		cfg.Concurrency, cfg.MaxBatchRecords = 20, 10
		inner := cfg.Handler
		failing := true
		var mu sync.Mutex
		cfg.Handler = HandlerFunc(func(ctx context.Context, b *Batch) error {
			mu.Lock()
			defer mu.Unlock()
			if failing && slices.ContainsFunc(b.Records, func(r Record) bool { return r.PartitionKey == stuckKey }) {
				return errHandler
			}
			return inner.Handle(ctx, b)
		})
		run := w.start(cfg)
		w.await("most records", func() bool { return w.seen.count() >= 100 })
		mu.Lock()
		failing = false
		mu.Unlock()
		w.awaitAll()
		run.mustEnd()
		w.verify()
	})
}
