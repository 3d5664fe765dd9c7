package consumer

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/penstock-go/penstock/leases"
)

func TestFailedBatchIsRetriedFromTheFirstRecordNotAcknowledged(t *testing.T) {
	bubble(t, 1, func(w *world) {
		w.putPlain("a", "b", "c", "d")
		var mu sync.Mutex
		var calls []string
		cfg := w.config()
		cfg.Handler = HandlerFunc(func(_ context.Context, b *Batch) error {
			mu.Lock()
			defer mu.Unlock()
			first := string(b.Records[0].Data)
			calls = append(calls, first)
			slices.Reverse(b.Records) // the handler's own business
			if first == "000001" {
				b.Ack(2)
				b.Ack(1) // less than before: no effect
				return errHandler
			}
			if len(calls) < 4 {
				return errHandler
			}
			slices.Reverse(b.Records)
			w.seen.add(b)
			return nil
		})
		var failures []Handled
		cfg.Hooks.Handled = func(h Handled) {
			if h.Err != nil {
				failures = append(failures, h)
			}
		}
		run := w.start(cfg)
		w.await("the last records", func() bool { return w.seen.count() == 2 })
		run.mustEnd()
		if want := []string{"000001", "000003", "000003", "000003"}; !slices.Equal(calls, want) {
			t.Errorf("batches began with %v, want %v", calls, want)
		}
		if got := w.seen.data(); !slices.Equal(got, []string{"000003", "000004"}) {
			t.Errorf("handled at last: %v", got)
		}
		if len(failures) != 3 || failures[0].Done != 2 || failures[0].Attempt != 1 || failures[1].Attempt != 1 || failures[2].Attempt != 2 {
			t.Errorf("hooks saw %+v", failures)
		}
	})
}

func TestPanicIsAnErrorOfTheBatchAndOfNoOther(t *testing.T) {
	bubble(t, 1, func(w *world) {
		w.putPlain("a", "b")
		var seen error
		cfg := w.config()
		cfg.MaxBatchRecords = 1
		cfg.Handler = HandlerFunc(func(_ context.Context, b *Batch) error {
			if seen == nil {
				panic("secret " + string(b.Records[0].Data))
			}
			w.seen.add(b)
			return nil
		})
		cfg.Hooks.Handled = func(h Handled) {
			if h.Err != nil {
				seen = h.Err
			}
		}
		run := w.start(cfg)
		w.awaitAll()
		run.mustEnd()
		w.verify()
		var fault *PanicError
		if !errors.As(seen, &fault) || !errors.Is(seen, ErrPanic) || len(fault.Stack) == 0 {
			t.Fatalf("the hook saw %v", seen)
		}
		if strings.Contains(seen.Error(), "secret") {
			t.Errorf("the error shows the value: %v", seen)
		}
	})
}

func TestCheckpointByHandWritesWhatIsAcknowledged(t *testing.T) {
	bubble(t, 1, func(w *world) {
		w.putPlain("a")
		number := w.putRaw("a", w.data())
		w.putPlain("a")
		cfg := w.config()
		cfg.CheckpointInterval = time.Hour
		var checked atomic.Bool
		cfg.Handler = HandlerFunc(func(ctx context.Context, b *Batch) error {
			b.Ack(2)
			if err := b.Checkpoint(ctx); err != nil {
				return err
			}
			if at := w.lease(shardID(0)).Checkpoint; at.SequenceNumber() != number {
				t.Errorf("checkpoint %v, want %s", at, number)
			}
			checked.Store(true)
			return nil
		})
		run := w.start(cfg)
		w.await("the handler", checked.Load)
		run.mustEnd()
	})
}

func TestCheckpointFollowsTheIntervalWhileTheHandlerWorks(t *testing.T) {
	bubble(t, 1, func(w *world) {
		number := w.putRaw("a", w.data())
		w.putPlain("a")
		cfg := w.config()
		hold := newGate()
		cfg.Handler = HandlerFunc(func(ctx context.Context, b *Batch) error {
			b.Ack(1)
			return hold.pass(ctx)
		})
		run := w.start(cfg)
		w.await("the handler", func() bool { return hold.waiting.Load() == 1 })
		w.await("a checkpoint", func() bool { return w.lease(shardID(0)).Checkpoint.SequenceNumber() == number })
		close(hold.open)
		run.mustEnd()
	})
}

func TestStopWaitsForTheHandlerAndCheckpoints(t *testing.T) {
	bubble(t, 1, func(w *world) {
		w.putPlain("a")
		cfg := w.config()
		cfg.Handler = HandlerFunc(func(ctx context.Context, b *Batch) error {
			time.Sleep(3 * time.Second)
			w.seen.add(b)
			return ctx.Err()
		})
		handling := time.Now()
		run := w.start(cfg)
		w.await("the batch was begun", func() bool { return w.seen.has(shardID(0) + " reading") })
		time.Sleep(time.Second)
		run.mustEnd()
		if took := time.Since(handling); took > 5*time.Second {
			t.Errorf("stopped after %v", took)
		}
		if got := w.seen.count(); got != 1 {
			t.Errorf("%d records handled", got)
		}
		if row := w.lease(shardID(0)); row.Checkpoint.Sentinel() || row.Owner != "" {
			t.Errorf("after the stop: %+v", row)
		}
	})
}

func TestStopBeginsNoFurtherBatch(t *testing.T) {
	bubble(t, 1, func(w *world) {
		w.putPlain(keys(10)...)
		cfg := w.config()
		cfg.MaxBatchRecords = 1
		cfg.Handler = HandlerFunc(func(_ context.Context, b *Batch) error {
			time.Sleep(time.Second)
			w.seen.add(b)
			return nil
		})
		run := w.start(cfg)
		w.await("the second batch is done", func() bool { return w.seen.count() == 2 })
		run.mustEnd()
		if got := w.seen.count(); got != 3 {
			t.Errorf("%d batches were handled, want the two before the stop and the one under way", got)
		}
		run = w.start(w.config())
		w.awaitAll()
		run.mustEnd()
		w.verify()
	})
}

func TestNilThatComesAfterTheHandlersContextHasEndedIsOfNoAccount(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"one lane": func(*Config) {}, "lanes": func(cfg *Config) { cfg.Concurrency = laneCount },
		"window": func(cfg *Config) { cfg.BatchWindow = time.Second },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 1, func(w *world) {
				first := w.putRaw("a", w.data())
				w.putPlain("a", "a")
				cfg := w.config()
				cfg.ShutdownTimeout = 2 * time.Second
				change(&cfg)
				begun := newGate()
				cfg.Handler = HandlerFunc(func(ctx context.Context, b *Batch) error {
					b.Ack(1) // this one is done, whatever becomes of the rest
					_ = begun.pass(ctx)
					return nil
				})
				var told Handled
				cfg.Hooks.Handled = func(h Handled) { told = h }
				run := w.start(cfg)
				w.await("the handler", func() bool { return begun.waiting.Load() == 1 })
				run.mustEnd()
				if at := w.lease(shardID(0)).Checkpoint; at != w.position(first) {
					t.Errorf("checkpoint %v; no more than %s is done", at, first)
				}
				if !errors.Is(told.Err, leases.ErrStopped) || told.Done != 1 {
					t.Errorf("the hook saw %+v", told)
				}
				run = w.start(w.config())
				w.await("the rest", func() bool { return w.seen.count() == 2 })
				run.mustEnd()
			})
		})
	}
}

func TestStuckHandlerIsNamedAndKeepsItsLease(t *testing.T) {
	bubble(t, 2, func(w *world) {
		w.putPlain(keys(20)...)
		stuck := newGate()
		cfg := w.config()
		cfg.ShutdownTimeout = 2 * time.Second
		cfg.Handler = HandlerFunc(func(_ context.Context, b *Batch) error {
			if b.Shard.ID == shardID(1) {
				return stuck.pass(context.WithoutCancel(w.Context())) // deaf
			}
			w.seen.add(b)
			return nil
		})
		run := w.start(cfg)
		w.await("the stuck handler", func() bool { return stuck.waiting.Load() == 1 && w.seen.count() > 0 })
		began := time.Now()
		err := run.end()
		if !errors.Is(err, leases.ErrStuck) || !strings.Contains(err.Error(), shardID(1)) || strings.Contains(err.Error(), shardID(0)) {
			t.Errorf("Run returned %v", err)
		}
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("Run took %v", took)
		}
		if w.lease(shardID(1)).Owner == "" || w.lease(shardID(0)).Owner != "" {
			t.Error("the stuck shard's lease is released, or the other one is not")
		}
		close(stuck.open)
	})
}

// island is a store that can be cut off.
type island struct {
	leases.Store
	mu  sync.Mutex
	cut bool
}

var errCut = errors.New("the network is cut")

func (s *island) away() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cut {
		return errCut
	}
	return nil
}

func (s *island) sever() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cut = true
}

func (s *island) Scan(ctx context.Context) (leases.Snapshot, error) {
	if err := s.away(); err != nil {
		return leases.Snapshot{}, err
	}
	return s.Store.Scan(ctx)
}

func (s *island) Get(ctx context.Context, key string) (leases.Lease, error) {
	if err := s.away(); err != nil {
		return leases.Lease{}, err
	}
	return s.Store.Get(ctx, key)
}

func (s *island) KeysOf(ctx context.Context, worker string) ([]string, error) {
	if err := s.away(); err != nil {
		return nil, err
	}
	return s.Store.KeysOf(ctx, worker)
}

func (s *island) Write(ctx context.Context, w leases.Write) (leases.Lease, error) {
	if err := s.away(); err != nil {
		return leases.Lease{}, err
	}
	return s.Store.Write(ctx, w)
}

func TestLostLeaseEndsTheHandlersContextAndNoCheckpointIsWritten(t *testing.T) {
	bubble(t, 1, func(w *world) {
		w.putPlain("a", "b")
		net := &island{Store: w.store}
		cfg := w.config()
		cfg.Leases = net
		var ended, late error
		returned := make(chan struct{})
		cfg.Handler = HandlerFunc(func(ctx context.Context, b *Batch) error {
			net.sever()
			<-ctx.Done()
			ended = context.Cause(ctx)
			time.Sleep(20 * time.Second) // a zombie, while another worker takes over
			b.Ack(2)
			late = b.Checkpoint(context.WithoutCancel(ctx))
			defer close(returned)
			return nil
		})
		zombie := w.start(cfg)
		w.await("the zombie has begun", func() bool { return net.away() != nil })
		other := w.start(w.config())
		w.awaitAll()
		<-returned
		other.mustEnd()
		w.verify()
		if !errors.Is(ended, leases.ErrLost) {
			t.Errorf("the handler's context ended with %v", ended)
		}
		if !errors.Is(late, leases.ErrLost) {
			t.Errorf("the zombie's checkpoint: %v", late)
		}
		if err := zombie.end(); err != nil {
			t.Errorf("the zombie's Run: %v", err)
		}
		if !w.seen.has(shardID(0) + " lost") {
			t.Error("no state lost\n" + w.seen.story())
		}
	})
}
