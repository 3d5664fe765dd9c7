package consumer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/penstock-go/penstock/leases"
)

// What clients like this one are known to get wrong, each as a test. docs/correctness.md lists these and the others of the kind.

func TestAZombieLearnsOfTheTakeoverWithinOneRenewalAndDeliversNothingMore(t *testing.T) {
	bubble(t, 1, func(w *world) {
		const failover = 9 * time.Second
		w.putPlain(keys(50)...)
		var began, ended time.Time
		var late error
		returned := make(chan struct{})
		var calls atomic.Int32
		cfg := w.config()
		cfg.FailoverTime, cfg.MaxBatchRecords = failover, 1
		cfg.Handler = HandlerFunc(func(ctx context.Context, b *Batch) error {
			if calls.Add(1) > 1 {
				return nil
			}
			defer close(returned)
			<-ctx.Done()
			ended = time.Now()
			b.Ack(1)
			late = b.Checkpoint(context.WithoutCancel(ctx))
			return nil
		})
		zombie := w.start(cfg)
		w.await("the zombie handles", func() bool { return calls.Load() == 1 })
		// A worker that is set to be less patient than it ought to be takes the lease of one that lives.
		hasty := w.config()
		hasty.FailoverTime, hasty.MaxBatchRecords = minFailoverTime, 1
		var once sync.Once
		inner := hasty.Handler
		hasty.Handler = HandlerFunc(func(ctx context.Context, b *Batch) error {
			once.Do(func() { began = time.Now() })
			time.Sleep(50 * time.Millisecond)
			return inner.Handle(ctx, b)
		})
		other := w.start(hasty)
		<-returned
		w.awaitAll()
		zombie.mustEnd()
		other.mustEnd()
		if took := ended.Sub(began); took > failover/3+time.Second {
			t.Errorf("the zombie learned of it after %v", took)
		}
		if !errors.Is(late, leases.ErrLost) || calls.Load() != 1 {
			t.Errorf("the zombie's checkpoint: %v; it was called %d times", late, calls.Load())
		}
		w.verify()
	})
}

func TestLatestLosesNothingAcrossASplitAndAMerge(t *testing.T) {
	for _, fanOut := range []bool{false, true} {
		bubble(t, 2, func(w *world) {
			w.putPlain("before")
			time.Sleep(2 * time.Second)
			w.put = 0
			cfg := w.config()
			cfg.Streams[0].Start, cfg.Streams[0].FanOut = Latest, fanOut
			inner := cfg.Handler
			cfg.Handler = HandlerFunc(func(ctx context.Context, b *Batch) error {
				time.Sleep(700 * time.Millisecond) // slower than what comes in, so that shards end long before they are read
				return inner.Handle(ctx, b)
			})
			cfg.MaxBatchRecords = 5
			run := w.start(cfg)
			w.await("the leases", func() bool { return w.seen.has(shardID(0)+" reading") && w.seen.has(shardID(1)+" reading") })
			for i := range 4 {
				w.putPlain(keys(20)...)
				if i%2 == 0 {
					w.split(0)
				} else {
					w.merge(0)
				}
				time.Sleep(3 * time.Second)
			}
			w.putPlain(keys(20)...)
			w.awaitAll()
			run.mustEnd()
			w.verify()
			w.verifyLineage()
		})
	}
}

func TestAFirstStartReadsBothParentsBeforeTheirChild(t *testing.T) {
	bubble(t, 2, func(w *world) {
		w.putPlain(keys(20)...)
		w.merge(0)
		w.putPlain(keys(20)...)
		w.split(0)
		w.putPlain(keys(20)...)
		a, b := w.start(w.config()), w.start(w.config())
		w.awaitAll()
		a.mustEnd()
		b.mustEnd()
		w.verify()
		w.verifyLineage()
	})
}

// crashing is a store whose worker dies at a write: before it, or after it has landed.
type crashing struct {
	*island
	mu     sync.Mutex
	left   int
	landed bool
}

func (s *crashing) Write(ctx context.Context, w leases.Write) (leases.Lease, error) {
	s.mu.Lock()
	s.left--
	dies := s.left == 0
	s.mu.Unlock()
	if dies && s.landed {
		_, _ = s.island.Write(ctx, w)
	}
	if dies {
		s.sever()
	}
	return s.island.Write(ctx, w)
}

func TestACrashAtAnyWriteLosesNothing(t *testing.T) {
	crashes := 0
	for n := 1; n <= 24; n++ {
		t.Run(fmt.Sprintf("write=%d", n), func(t *testing.T) {
			bubble(t, 1, func(w *world) {
				w.putPlain(keys(12)...)
				w.split(0)
				w.putAggregate("key-1", 6)
				cfg := w.config()
				store := &crashing{island: &island{Store: w.store}, left: n, landed: n%2 == 0}
				cfg.Leases, cfg.CheckpointInterval, cfg.MaxBatchRecords = store, time.Second, 2
				inner := cfg.Handler
				slow := HandlerFunc(func(ctx context.Context, b *Batch) error {
					time.Sleep(400 * time.Millisecond)
					if ctx.Err() != nil {
						return context.Cause(ctx)
					}
					return inner.Handle(ctx, b)
				})
				cfg.Handler = slow
				dying := w.start(cfg)
				time.Sleep(3 * time.Second)
				cfg.Leases = w.store // with a handoff to or from the one that dies
				other := w.start(cfg)
				w.await("every record", func() bool { return len(w.seen.distinct()) == w.put })
				dying.stop()
				other.mustEnd()
				w.verifyFirsts() // in the order of each key, so parents before children
				if store.away() != nil {
					crashes++
				}
			})
		})
	}
	if crashes < 8 {
		t.Errorf("the worker crashed %d times only", crashes)
	}
}

func TestPoisonAndPanicsStopNoOtherShard(t *testing.T) {
	bubble(t, 4, func(w *world) {
		keyOf := w.keyOfEachShard()
		for range 10 {
			w.putPlain(keyOf...)
		}
		healed := false
		var mu sync.Mutex
		cfg := w.config()
		cfg.MaxBatchRecords = 1
		inner := cfg.Handler
		cfg.Handler = HandlerFunc(func(ctx context.Context, b *Batch) error {
			mu.Lock()
			defer mu.Unlock()
			switch {
			case healed:
			case b.Records[0].PartitionKey == keyOf[1]:
				return errHandler
			case b.Records[0].PartitionKey == keyOf[2]:
				panic("poison")
			}
			return inner.Handle(ctx, b)
		})
		run := w.start(cfg)
		w.await("the other shards", func() bool { return w.seen.count() == 20 })
		mu.Lock()
		healed = true
		mu.Unlock()
		w.awaitAll()
		run.mustEnd()
		w.verify()
	})
}
