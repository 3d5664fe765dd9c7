package consumer

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// chooser is a handler that leaves out what begins with "no", and counts every record as ten bytes.
type chooser struct {
	HandlerFunc
	shape Shape

	mu      sync.Mutex
	asked   int
	batches []int
	idle    []time.Time
	fails   int
}

func (c *chooser) Shape() Shape { return c.shape }

func (c *chooser) Wants(_ Shard, r *Record) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked++
	return !strings.HasPrefix(r.PartitionKey, "no")
}

func (c *chooser) Weigh(*Record) int { return 10 }

func (c *chooser) Idle(_ context.Context, _ Shard, asOf time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.idle = append(c.idle, asOf)
	if c.fails--; c.fails >= 0 {
		panic("not now")
	}
	return nil
}

func (c *chooser) Handle(ctx context.Context, b *Batch) error {
	c.mu.Lock()
	c.batches = append(c.batches, len(b.Records))
	c.mu.Unlock()
	return c.HandlerFunc(ctx, b)
}

func TestRecordsThatAreNotWantedAreDoneAndTakeNoRoom(t *testing.T) {
	for _, lanes := range []int{1, laneCount} {
		t.Run(fmt.Sprintf("lanes=%d", lanes), func(t *testing.T) {
			bubble(t, 1, func(w *world) {
				cfg := w.config()
				h := &chooser{HandlerFunc: cfg.Handler.Handle, shape: Shape{MaxRecords: 3, Concurrency: lanes}}
				cfg.Handler = h
				w.putPlain("no", "a", "no", "a", "no", "a", "a", "no", "no")
				run := w.start(cfg)
				w.await("four records", func() bool { return w.seen.count() == 4 })
				time.Sleep(5 * time.Second)
				run.mustEnd()
				if h.asked != 9 || !slices.Equal(h.batches, []int{3, 1}) {
					t.Errorf("asked %d times, batches of %v", h.asked, h.batches)
				}
				w.put = 0
				w.putPlain("a")
				w.seen = &journal{}
				run = w.start(w.config()) // which wants all, and begins behind what was left out
				w.await("what was put last", func() bool { return w.seen.count() > 0 })
				run.mustEnd()
				if got := w.seen.data(); !slices.Equal(got, []string{"000001"}) {
					t.Errorf("handled again: %q", got)
				}
			})
		})
	}
}

func TestWhatIsNotWantedIsNotDoneBeforeWhatComesBeforeIt(t *testing.T) {
	bubble(t, 1, func(w *world) {
		cfg := w.config()
		h := &chooser{HandlerFunc: func(context.Context, *Batch) error { return errHandler }}
		cfg.Handler = h
		w.putPlain("no", "a", "no")
		run := w.start(cfg)
		w.await("a failure", func() bool { h.mu.Lock(); defer h.mu.Unlock(); return len(h.batches) > 2 })
		run.mustEnd()
		run = w.start(w.config())
		w.await("the rest", func() bool { return w.seen.count() >= 2 })
		run.mustEnd()
		if got := w.seen.data(); !slices.Equal(got, []string{"000002", "000003"}) {
			t.Errorf("handled %q", got)
		}
	})
}

func TestAHandlerWeighsItsBatches(t *testing.T) {
	bubble(t, 1, func(w *world) {
		cfg := w.config()
		h := &chooser{HandlerFunc: cfg.Handler.Handle, shape: Shape{MaxBytes: 25}}
		cfg.Handler = h
		w.putPlain("a", "a", "a", "a", "a")
		run := w.start(cfg)
		w.awaitAll()
		run.mustEnd()
		if !slices.Equal(h.batches, []int{2, 2, 1}) {
			t.Errorf("batches of %v", h.batches)
		}
	})
}

// rash is a chooser whose calls panic over some records.
type rash struct{ *chooser }

func (h rash) Wants(s Shard, r *Record) bool {
	if r.PartitionKey == "unchoosable" {
		panic(string(r.Data))
	}
	return h.chooser.Wants(s, r)
}

func (h rash) Weigh(r *Record) int {
	if r.PartitionKey == "unweighable" {
		panic(string(r.Data))
	}
	return h.chooser.Weigh(r)
}

func TestARecordOverWhichTheChoiceOfBatchesPanicsIsHandled(t *testing.T) {
	for _, lanes := range []int{1, laneCount} {
		t.Run(fmt.Sprintf("lanes=%d", lanes), func(t *testing.T) {
			bubble(t, 1, func(w *world) {
				core, logged := observer.New(zap.ErrorLevel)
				cfg := w.config()
				cfg.Logger = zap.New(core)
				h := &chooser{HandlerFunc: cfg.Handler.Handle, shape: Shape{MaxBytes: 30, Concurrency: lanes}}
				cfg.Handler = rash{h}
				w.putPlain("no", "unchoosable", "unchoosable", "unweighable", "unweighable") // which weigh 10, 10, 17 and 17
				run := w.start(cfg)
				w.await("four records", func() bool { return w.seen.count() == 4 })
				w.putPlain("unchoosable")
				w.await("one more", func() bool { return w.seen.count() == 5 })
				run.mustEnd()
				if got := w.seen.distinct(); !slices.Equal(slices.Sorted(slices.Values(got)), []string{"000002", "000003", "000004", "000005", "000006"}) {
					t.Errorf("handled %q", got)
				}
				if lanes == 1 && !slices.Equal(h.batches, []int{2, 1, 1, 1}) {
					t.Errorf("batches of %v", h.batches)
				}
				if logged.Len() != 2 { // one of each page
					t.Errorf("logged %v", logged.All())
				}
				for _, line := range logged.All() {
					if fmt.Sprint(line.ContextMap()["error"]) != "consumer: the handler panicked with a value of type string" || line.ContextMap()["record"] == "" {
						t.Errorf("logged %v", line)
					}
				}
			})
		})
	}
}

func TestAHandlerIsToldThatItsShardIsIdle(t *testing.T) {
	for _, fanOut := range []bool{false, true} {
		t.Run(fmt.Sprintf("fanout=%v", fanOut), func(t *testing.T) {
			bubble(t, 1, func(w *world) {
				cfg := w.config()
				cfg.Streams[0].FanOut = fanOut
				h := &chooser{HandlerFunc: cfg.Handler.Handle, fails: 1}
				cfg.Handler = h
				w.putPlain("a")
				run := w.start(cfg)
				w.awaitAll()
				handled := time.Now()
				w.await("idleness", func() bool { h.mu.Lock(); defer h.mu.Unlock(); return len(h.idle) > 2 })
				if last := h.idle[len(h.idle)-1]; last.Before(handled) && !fanOut || time.Since(last) > 10*time.Second {
					t.Errorf("handled at %v, idle as of %v", handled, h.idle)
				}
				run.mustEnd()
			})
		})
	}
}

func TestAShardWithNothingThatIsWantedIsIdle(t *testing.T) {
	bubble(t, 1, func(w *world) {
		cfg := w.config()
		h := &chooser{HandlerFunc: cfg.Handler.Handle}
		cfg.Handler = h
		run := w.start(cfg)
		for range 60 { // there is always something to read
			w.putPlain("no")
			time.Sleep(time.Second)
		}
		run.mustEnd()
		if n := len(h.idle); n < 30 || time.Since(h.idle[n-1]) > 5*time.Second {
			t.Errorf("told %d times", n)
		}
	})
}

func TestAnOutageDoesNotCountAgainstTheRecords(t *testing.T) {
	bubble(t, 1, func(w *world) {
		var sink grave
		cfg := w.config()
		cfg.Failure = Failure{MaxAttempts: 2, Bisect: true, Then: SendToDeadLetter, DeadLetter: &sink}
		inner, calls := cfg.Handler, 0
		cfg.Handler = HandlerFunc(func(ctx context.Context, b *Batch) error {
			if len(b.Records) != 3 {
				t.Errorf("a batch of %d", len(b.Records))
			}
			if calls++; calls < 10 {
				return fmt.Errorf("database: %w", ErrOutage)
			}
			return inner.Handle(ctx, b)
		})
		w.putPlain("a", "a", "a")
		run := w.start(cfg)
		w.awaitAll()
		run.mustEnd()
		if sink.count() > 0 || calls != 10 {
			t.Errorf("%d in the sink after %d calls", sink.count(), calls)
		}
	})
}
