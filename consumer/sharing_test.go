package consumer

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/penstock-go/penstock/leases"
)

// rows returns what the lease table has.
func (w *world) rows() leases.Snapshot {
	w.Helper()
	snapshot, err := w.store.Scan(w.Context())
	w.must(err)
	return snapshot
}

// awaitHolders waits until so many workers have all the leases.
func (w *world) awaitHolders(n int) {
	w.Helper()
	w.await("all leases are held", func() bool {
		holders := make(map[string]bool)
		for _, row := range w.rows().Leases {
			holders[row.Holder()] = true
		}
		return len(holders) == n && !holders[""]
	})
}

// handoffs returns how many shards change hands at this moment.
func (w *world) handoffs() (n int) {
	w.Helper()
	for _, row := range w.rows().Leases {
		if row.CheckpointOwner != "" {
			n++
		}
	}
	return n
}

func TestAWorkerAsksForAsManyShardsAtOnceAsMaxMovesSays(t *testing.T) {
	for maxMoves, want := range map[int]int{0: 6, 1: 1, 2: 2} {
		bubble(t, 12, func(w *world) {
			cfg := w.config()
			cfg.Handler = HandlerFunc(func(_ context.Context, b *Batch) error {
				time.Sleep(5 * time.Second) // so long a handoff takes
				w.seen.add(b)
				return nil
			})
			one := w.start(cfg)
			w.awaitHolders(1)
			w.putPlain(w.keyOfEachShard()...)
			time.Sleep(time.Second)
			cfg.MaxMoves = maxMoves
			two, most := w.start(cfg), 0
			for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
				most = max(most, w.handoffs())
			}
			if most != want {
				t.Errorf("with MaxMoves %d there were %d handoffs at once, want %d", maxMoves, most, want)
			}
			one.mustEnd()
			two.mustEnd()
			w.verify()
		})
	}
}

func TestAHandlerMayGoOnForHandoffTimeoutWhenItsShardIsAskedFor(t *testing.T) {
	bubble(t, 2, func(w *world) {
		cfg := w.config()
		cfg.HandoffTimeout = 7 * time.Second
		stuck := cfg
		stuck.Handler = HandlerFunc(func(ctx context.Context, b *Batch) error {
			<-ctx.Done()
			return ctx.Err()
		})
		one := w.start(stuck)
		w.awaitHolders(1)
		w.putPlain(w.keyOfEachShard()...)
		time.Sleep(5 * time.Second)
		two := w.start(cfg)
		w.await("a handoff", func() bool { return w.handoffs() == 1 })
		asked := time.Now()
		w.await("its end", func() bool { return w.handoffs() == 0 })
		if took := time.Since(asked); took < 7*time.Second || took > 8*time.Second {
			t.Errorf("the handoff took %v", took)
		}
		w.awaitHolders(2)
		two.mustEnd()
		if err := one.end(); err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("Run: %v", err)
		}
	})
}

func TestLeasesOfFinishedShardsAreKeptIfKeepEndedSaysSo(t *testing.T) {
	for keep, want := range map[bool]int{false: 2, true: 3} {
		bubble(t, 1, func(w *world) {
			cfg := w.config()
			cfg.KeepEnded = keep
			w.putPlain(keys(4)...)
			run := w.start(cfg)
			w.awaitAll()
			w.split(0)
			w.putPlain(keys(20)...)
			w.awaitAll()
			time.Sleep(10 * time.Minute)
			if rows := w.rows().Leases; len(rows) != want {
				t.Errorf("with KeepEnded %v the table has %d leases, want %d", keep, len(rows), want)
			}
			run.mustEnd()
			w.verify()
		})
	}
}

func TestAWorkerTellsTheOthersWhatCPUReturns(t *testing.T) {
	bubble(t, 1, func(w *world) {
		cfg := w.config()
		cfg.CPU = func() (float64, bool) { return 42, true }
		run := w.start(cfg)
		w.await("the worker's row says so", func() bool {
			for _, row := range w.rows().Workers {
				for _, used := range row.Used["C"] {
					if used == 42 {
						return true
					}
				}
			}
			return false
		})
		run.mustEnd()
	})
}
