package consumer

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/penstock-go/penstock/aggregation"
	"github.com/penstock-go/penstock/checkpoint"
)

// shaped is a handler with a shape.
type shaped struct {
	HandlerFunc
	shape Shape
}

func (s shaped) Shape() Shape { return s.shape }

// shapes makes the handler of a configuration one with that shape.
func shapes(cfg *Config, s Shape) { cfg.Handler = shaped{HandlerFunc(cfg.Handler.Handle), s} }

func TestNewFindsFaultWithTheShapeThatAHandlerAsksFor(t *testing.T) {
	cfg := valid()
	cfg.Handler = shaped{noHandler, Shape{MaxRecords: -1, MaxBytes: -1, Concurrency: -1, Failure: &Failure{Then: 9}}}
	_, err := New(cfg)
	want := []string{"MaxRecords", "MaxBytes", "Concurrency", "Failure.Then"}
	for i := range want {
		want[i] = "Handler.Shape()." + want[i]
	}
	if got := faultyFields(err); !slices.Equal(got, want) {
		t.Errorf("faults in %v, want %v", got, want)
	}
}

func TestShapeComesBeforeTheConfig(t *testing.T) {
	cfg := Config{MaxBatchRecords: 1, MaxBatchBytes: 2, BatchWindow: 3, Concurrency: 4}.withDefaults()
	if got, want := cfg.shapeOf(noHandler), (Shape{MaxRecords: 1, MaxBytes: 2, Window: 3, Concurrency: 4, Failure: &cfg.Failure}); got != want {
		t.Errorf("no wishes: %+v, want %+v", got, want)
	}
	want := Shape{Raw: true, MaxRecords: 5, MaxBytes: 6, Window: 7, Concurrency: 8, Failure: &Failure{Bisect: true}}
	if got := cfg.shapeOf(shaped{noHandler, want}); got != want {
		t.Errorf("all wishes: %+v, want %+v", got, want)
	}
	if got := cfg.shapeOf(shaped{noHandler, Shape{Window: -time.Second}}).Window; got != 0 {
		t.Errorf("no window: %v", got)
	}
}

func TestRawRecordsAreWholeAndResumeBehindTheWholeAggregate(t *testing.T) {
	bubble(t, 1, func(w *world) {
		first := w.putAggregate("a", 3)
		second := w.putRaw("b", w.data())
		var mu sync.Mutex
		var numbers []string
		cfg := w.config()
		cfg.Handler = HandlerFunc(func(_ context.Context, b *Batch) error {
			mu.Lock()
			defer mu.Unlock()
			for _, r := range b.Records {
				if r.Aggregated || aggregation.IsAggregated(r.Data) == (r.PartitionKey == "b") {
					t.Errorf("not a raw record: %s", r.SequenceNumber)
				}
				numbers = append(numbers, r.SequenceNumber)
			}
			return nil
		})
		cfg.MaxBatchRecords = 1
		shapes(&cfg, Shape{Raw: true})
		seen := func(n int) func() bool {
			return func() bool {
				mu.Lock()
				defer mu.Unlock()
				return len(numbers) == n
			}
		}
		run := w.start(cfg)
		w.await("two records", seen(2))
		run.mustEnd()
		if !slices.Equal(numbers, []string{first, second}) {
			t.Errorf("handled %v", numbers)
		}
		third := w.putAggregate("a", 3)
		run = w.start(cfg)
		w.await("the third record", seen(3))
		run.mustEnd()
		if at := w.lease(shardID(0)).Checkpoint; at.SequenceNumber() != third || !at.Covers(third, 2) || numbers[2] != third {
			t.Errorf("checkpoint %v, handled %v", at, numbers)
		}
		w.putPlain("c")
		run = w.start(w.config())
		w.await("what was put last", func() bool { return w.seen.count() == 1 })
		run.mustEnd()
	})
}

func TestARawReaderHandlesAgainAnAggregateThatIsDoneInPart(t *testing.T) {
	u := unpacking(t, Config{}, at(t, "1", 1))
	u.raw = true
	whole := aggregate(t, "1", "a", "b", "c")
	if got := batches(u, plain("0", "x"), whole, plain("2", "y")); len(got) != 1 || got[0] != string(whole.Data)+" y" {
		t.Errorf("%q", got)
	}
	if !u.through.Covers("2", 0) {
		t.Errorf("through %v", u.through)
	}
}

// laneCount is how many lanes the tests use.
const laneCount = 4

func TestLanesHandleKeysSideBySideAndEachInOrder(t *testing.T) {
	for _, raw := range []bool{false, true} {
		t.Run(fmt.Sprintf("raw=%v", raw), func(t *testing.T) {
			bubble(t, 1, func(w *world) {
				for i := range 60 {
					w.putPlain(fmt.Sprintf("key-%d", i%12))
				}
				var atOnce, most atomic.Int32
				busy := make(map[string]bool)
				var mu sync.Mutex
				cfg := w.config()
				cfg.MaxBatchRecords = 5
				cfg.Handler = HandlerFunc(func(_ context.Context, b *Batch) error {
					most.Store(max(most.Load(), atOnce.Add(1)))
					defer atOnce.Add(-1)
					mu.Lock()
					for _, r := range b.Records {
						if busy[r.PartitionKey] {
							t.Errorf("key %s is handled by two at a time", r.PartitionKey)
						}
					}
					for _, r := range b.Records {
						busy[r.PartitionKey] = true
					}
					mu.Unlock()
					time.Sleep(time.Second)
					mu.Lock()
					for _, r := range b.Records {
						delete(busy, r.PartitionKey)
					}
					mu.Unlock()
					w.seen.add(b)
					return nil
				})
				shapes(&cfg, Shape{Raw: raw, Concurrency: laneCount})
				run := w.start(cfg)
				w.awaitAll()
				run.mustEnd()
				w.verify()
				if most.Load() < 2 || most.Load() > laneCount {
					t.Errorf("%d handlers at once", most.Load())
				}
			})
		})
	}
}

// stuckKey is that of the records with which a test's handler does not get on.
const stuckKey = "key-0"

func TestThePositionIsUpToWhereAllLanesAreDone(t *testing.T) {
	bubble(t, 1, func(w *world) {
		w.putPlain("key-1")
		stuckAt := w.putRaw(stuckKey, w.data())
		for i := range 30 {
			w.putPlain(fmt.Sprintf("key-%d", 1+i%11))
		}
		hold := newGate()
		cfg := w.config()
		cfg.Concurrency = laneCount
		cfg.MaxBatchRecords = 1
		cfg.Handler = HandlerFunc(func(ctx context.Context, b *Batch) error {
			if b.Records[0].PartitionKey == stuckKey {
				if err := hold.pass(ctx); err != nil {
					return err
				}
			}
			w.seen.add(b)
			return nil
		})
		cfg.ShutdownTimeout = time.Second
		run := w.start(cfg)
		w.await("lanes that are not stuck get on", func() bool { return w.seen.count() > 10 && hold.waiting.Load() == 1 })
		time.Sleep(time.Minute)
		if at := w.lease(shardID(0)).Checkpoint; at.Covers(stuckAt, 0) || at.Sentinel() {
			t.Errorf("checkpoint %v; record %s is not done", at, stuckAt)
		}
		run.mustEnd()
		close(hold.open)
		run = w.start(cfg) // what was done behind the position is handled again: at least once
		w.await("all records", func() bool { return len(w.seen.distinct()) == w.put })
		run.mustEnd()
		w.verifyFirsts()
		if at := w.lease(shardID(0)).Checkpoint; at.Compare(w.position(stuckAt)) <= 0 {
			t.Errorf("at the end: checkpoint %v", at)
		}
	})
}

func (w *world) position(number string) checkpoint.Position {
	w.Helper()
	p, err := checkpoint.At(number, 0)
	w.must(err)
	return p
}

func TestTheLanesOfAShardThatEndsAreAllDoneBeforeItsChildrenAreRead(t *testing.T) {
	bubble(t, 1, func(w *world) {
		for i := range 40 {
			w.putPlain(fmt.Sprintf("key-%d", i%9))
		}
		w.split(0)
		for i := range 40 {
			w.putPlain(fmt.Sprintf("key-%d", i%9))
		}
		cfg := w.config()
		cfg.Concurrency, cfg.MaxBatchRecords = laneCount, 3
		inner := cfg.Handler
		cfg.Handler = HandlerFunc(func(ctx context.Context, b *Batch) error {
			time.Sleep(time.Duration(len(b.Records[0].PartitionKey)+int(b.Records[0].Data[5])) * time.Millisecond)
			return inner.Handle(ctx, b)
		})
		run := w.start(cfg)
		w.awaitAll()
		w.await("the parent ended", func() bool { return w.seen.has(shardID(0) + " ended") })
		run.mustEnd()
		w.verify()
		w.verifyLineage()
	})
}

func TestABatchWaitsForMoreRecordsUntilItsWindowEnds(t *testing.T) {
	bubble(t, 1, func(w *world) {
		var mu sync.Mutex
		var sizes []int
		var times []time.Time
		cfg := w.config()
		cfg.Handler = HandlerFunc(func(_ context.Context, b *Batch) error {
			mu.Lock()
			defer mu.Unlock()
			sizes, times = append(sizes, len(b.Records)), append(times, time.Now())
			w.seen.add(b)
			return nil
		})
		shapes(&cfg, Shape{Window: 5 * time.Minute, MaxRecords: 10})
		began := time.Now()
		run := w.start(cfg)
		for range 6 { // a record every half minute: the window ends first
			w.putPlain("a")
			time.Sleep(30 * time.Second)
		}
		w.awaitAll()
		w.putPlain(keys(25)...) // full batches do not wait
		w.await("the full batches", func() bool { return w.seen.count() == 26 })
		w.awaitAll()
		run.mustEnd()
		w.verify()
		if want := []int{6, 10, 10, 5}; !slices.Equal(sizes, want) {
			t.Fatalf("batches of %v, want %v", sizes, want)
		}
		if took := times[0].Sub(began); took < 5*time.Minute || took > 5*time.Minute+5*time.Second {
			t.Errorf("the first batch came after %v", took)
		}
		if took := times[3].Sub(times[2]); took < 5*time.Minute-5*time.Second {
			t.Errorf("the last batch waited for %v", took)
		}
	})
}

func TestAWindowEndsEarlyWhenMemoryRunsOut(t *testing.T) {
	bubble(t, 2, func(w *world) {
		cfg := w.config()
		cfg.MaxBufferedBytes = minMaxBufferedBytes // one call, or one page, at a time
		cfg.BatchWindow = time.Hour
		w.putPlain(w.keyOfEachShard()...)
		began := time.Now()
		run := w.start(cfg)
		w.awaitAll()
		run.mustEnd()
		if took := time.Since(began); took > time.Minute {
			t.Errorf("the records waited for %v", took)
		}
	})
}

func TestWhatIsHeldIsNotCheckpointedUntilItIsReleased(t *testing.T) {
	bubble(t, 1, func(w *world) {
		first := w.putRaw("a", w.data())
		second := w.putRaw("a", w.data())
		w.putPlain("a", "a")
		var mu sync.Mutex
		var release []func()
		cfg := w.config()
		cfg.MaxBatchRecords = 2
		cfg.Handler = HandlerFunc(func(_ context.Context, b *Batch) error {
			mu.Lock()
			defer mu.Unlock()
			if b.Attempt == 1 && len(release) == 1 {
				b.Hold(0) // of a call that fails: of no account
				return errHandler
			}
			release = append(release, b.Hold(1-len(release))) // of the first batch, the second record; of the second, all
			w.seen.add(b)
			return nil
		})
		run := w.start(cfg)
		w.awaitAll()
		time.Sleep(time.Minute)
		at := func() checkpoint.Position { return w.lease(shardID(0)).Checkpoint }
		if !at().Covers(first, 0) || at().Covers(second, 0) {
			t.Errorf("checkpoint %v while held from %s on", at(), second)
		}
		release[0]()
		time.Sleep(time.Minute)
		if !at().Covers(second, 0) || at().Covers(w.lastNumber(), 0) {
			t.Errorf("checkpoint %v after the first release", at())
		}
		w.split(0)
		time.Sleep(time.Minute)
		if w.seen.has(shardID(0) + " ended") {
			t.Error("the shard ended while something was held")
		}
		release[1]()
		w.await("the shard ended", func() bool { return w.seen.has(shardID(0) + " ended") })
		run.mustEnd()
	})
}

// lastNumber returns the sequence number of the last record that was handled.
func (w *world) lastNumber() string {
	all := w.seen.all()
	return all[len(all)-1].SequenceNumber
}

func TestAReleaseLetsGoOfNothingThatALaterCallHolds(t *testing.T) {
	for _, lanes := range []int{1, laneCount} {
		t.Run(fmt.Sprintf("lanes=%d", lanes), func(t *testing.T) {
			bubble(t, 1, func(w *world) {
				numbers := make([]string, 10)
				for i := range numbers {
					numbers[i] = w.putRaw("a", w.data())
				}
				var first, void, second func()
				cfg := w.config()
				cfg.Concurrency = lanes
				cfg.Handler = HandlerFunc(func(_ context.Context, b *Batch) error {
					defer w.seen.add(b) // the test looks after that
					if len(b.Records) == 10 {
						first, void = b.Hold(2), b.Hold(5)
						b.Ack(4)
						return errHandler
					}
					second = b.Hold(4) // the last record but one
					return nil
				})
				run := w.start(cfg)
				w.await("the second call", func() bool { return w.seen.count() == 10+6 })
				for _, step := range []struct {
					release func()
					through int // the last record that is covered
				}{{func() {}, 1}, {void, 1}, {first, 3}, {first, 3}, {second, 9}} {
					step.release()
					time.Sleep(time.Minute)
					at := w.lease(shardID(0)).Checkpoint
					if !at.Covers(numbers[step.through], 0) || step.through < 9 && at.Covers(numbers[step.through+1], 0) {
						t.Errorf("checkpoint %v, want %s", at, numbers[step.through])
					}
				}
				run.mustEnd()
			})
		})
	}
}

func TestAHoldFurtherBackThanAnotherOfItsCallCounts(t *testing.T) {
	bubble(t, 1, func(w *world) {
		first := w.putRaw("a", w.data())
		w.putPlain("a", "a")
		cfg := w.config()
		inner := cfg.Handler
		cfg.Handler = HandlerFunc(func(ctx context.Context, b *Batch) error {
			b.Hold(2)
			b.Hold(1)
			return inner.Handle(ctx, b)
		})
		run := w.start(cfg)
		w.awaitAll()
		run.mustEnd()
		if at := w.lease(shardID(0)).Checkpoint; !at.Covers(first, 0) || at.Covers(w.seen.all()[1].SequenceNumber, 0) {
			t.Errorf("checkpoint %v; what comes after %s is held", at, first)
		}
	})
}

func TestWhatIsHeldIsHandledAgainByWhoeverTakesOver(t *testing.T) {
	bubble(t, 1, func(w *world) {
		w.putPlain("a", "b")
		cfg := w.config()
		inner := cfg.Handler
		cfg.Handler = HandlerFunc(func(ctx context.Context, b *Batch) error {
			b.Hold(1)
			return inner.Handle(ctx, b)
		})
		run := w.start(cfg)
		w.awaitAll()
		run.mustEnd()
		run = w.start(w.config())
		w.await("the held record again", func() bool { return w.seen.count() == 3 })
		run.mustEnd()
		if got := w.seen.data(); !slices.Equal(got, []string{"000001", "000002", "000002"}) {
			t.Errorf("handled %v", got)
		}
	})
}

// One call closes a window and lets go of it, and fails before it has got anything done of the next one, which it holds.
func TestAHoldOfAFailedCallBehindAReleasedOneCountsForNothing(t *testing.T) {
	bubble(t, 1, func(w *world) {
		w.putPlain("a", "a", "a", "a", "a", "a", "a", "a", "a", "a")
		cfg := w.config()
		cfg.Handler = HandlerFunc(func(_ context.Context, b *Batch) error {
			if len(b.Records) < 10 {
				w.seen.add(b)
				return nil
			}
			w.seen.add(NewBatch(b.Shard, b.Records[:5]))
			closed := b.Hold(0)
			b.Ack(5)
			closed()
			b.Hold(5)
			return errHandler
		})
		run := w.start(cfg)
		w.awaitAll()
		w.split(0)
		w.await("the shard ended", func() bool { return w.seen.has(shardID(0) + " ended") })
		run.mustEnd()
		w.verify()
	})
}
