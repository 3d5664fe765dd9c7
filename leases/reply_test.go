package leases_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penstock-go/penstock/checkpoint"
	"github.com/penstock-go/penstock/leases"
)

// Kinds of writes, told by what they change.
func isCheckpoint(w leases.Write) bool { _, named := w.Change().Checkpoint.Get(); return named }

func isRenewal(w leases.Write) bool {
	_, owner := w.Change().Owner.Get()
	return !isCheckpoint(w) && !owner && w.Change().NextCounter && !isCompletion(w)
}

func isCompletion(w leases.Write) bool {
	_, owner := w.Change().Owner.Get()
	_, ends := w.Change().CheckpointOwner.Get()
	return ends && !owner
}

func isTake(w leases.Write) bool {
	owner, named := w.Change().Owner.Get()
	return named && owner != "" && w.Change().NextCounter
}

func isAsk(w leases.Write) bool {
	holder, named := w.Change().CheckpointOwner.Get()
	return named && holder != ""
}

func TestALostReplyCostsNoLease(t *testing.T) {
	kinds := map[string]func(leases.Write) bool{"renewal": isRenewal, "checkpoint": isCheckpoint}
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(t, leases.NewMemory())
				f.create(1)
				var holdings atomic.Int32
				a := f.start("a", func(c *leases.Config) {
					c.Work = func(h *leases.Held) {
						holdings.Add(1)
						for n := int64(1); ; n++ {
							// Now checkpoints, now nothing for so long that renewals are due.
							if rest(h, 8*time.Second) != nil || f.checkpoint(h, n) != nil {
								return
							}
						}
					}
				})
				f.await(time.Second, "held", func(load map[string]int) bool { return load["a"] == 1 })
				for range 20 {
					a.link.loseReply(kind)
					time.Sleep(10 * time.Second)
				}
				if holdings.Load() != 1 {
					t.Errorf("the lease was held %d times", holdings.Load())
				}
				if last := f.lastCheckpoint(shardKey(0)); last < 20 {
					t.Errorf("only %d checkpoints", last)
				}
				f.stopAll()
			})
		})
	}
}

// rest waits as a handler would.
func rest(h *leases.Held, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-h.Draining():
		return leases.ErrDraining
	case <-h.Context().Done():
		return context.Cause(h.Context())
	}
}

func TestALostReplyToATakeOrAnAskIsMadeGoodAtOnce(t *testing.T) {
	kinds := map[string]func(leases.Write) bool{"take": isTake, "ask": isAsk}
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(t, leases.NewMemory())
				f.create(2)
				a := f.start("a")
				if name == "take" {
					a.link.loseReply(kind)
				}
				f.await(2*time.Second, "held", func(load map[string]int) bool { return load["a"] == 2 })
				b := f.start("b")
				b.link.loseReply(kind)
				f.await(5*time.Second, "even", func(load map[string]int) bool { return even(load, 2, "a", "b") })
				f.stopAll()
			})
		})
	}
}

func TestALostReplyToACompletionDoesNotDelayTheNextHolder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, leases.NewMemory())
		f.create(2)
		a := f.start("a")
		f.await(2*time.Second, "held", func(load map[string]int) bool { return load["a"] == 2 })
		a.link.loseReply(isCompletion)
		f.start("b")
		f.await(5*time.Second, "even", func(load map[string]int) bool { return even(load, 2, "a", "b") })
		f.stopAll()
	})
}

// TestAnEarlierAttemptThatLandedLateIsNotMistakenForALoss: the reply to checkpoint 5 is lost and its caller gives up, so the next
// write is checkpoint 6, which finds a counter that moved and a position that it did not write.
func TestAnEarlierAttemptThatLandedIsNotMistakenForALoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, leases.NewMemory())
		f.create(1)
		w := newHanded()
		a := f.start("a", func(c *leases.Config) { c.Work = w.work })
		h := <-w.got
		a.link.loseReply(isCheckpoint)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		if err := h.Checkpoint(ctx, at(t, "5")); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("the first checkpoint: %v", err)
		}
		if err := h.Checkpoint(t.Context(), at(t, "6")); err != nil {
			t.Errorf("the second checkpoint: %v", err)
		}
		if row, _ := f.table.Get(t.Context(), h.Lease().Key); row.Checkpoint != at(t, "6") || row.Counter != h.Token()+2 {
			t.Errorf("row %+v", row)
		}
		close(w.back)
		f.stopAll()
	})
}

// The renewal comes between the end whose reply is lost and its repetition.
func TestARenewalThatFindsTheEndOfItsOwnShardLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, leases.NewMemory())
		f.create(1)
		w := newHanded()
		var lost atomic.Bool
		a := f.start("a", func(c *leases.Config) {
			c.Work, c.Hooks.Lost = w.work, func(leases.Lease, error) { lost.Store(true) }
		})
		h := <-w.got
		a.link.loseReply(isCheckpoint)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		if err := h.End(ctx, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("the first end: %v", err)
		}
		time.Sleep(5 * time.Second)
		if err := h.End(t.Context(), nil); err != nil || lost.Load() {
			t.Errorf("the second end: %v, lost: %v", err, lost.Load())
		}
		close(w.back)
		f.stopAll()
	})
}

func TestALostReplyToTheEndIsTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, leases.NewMemory())
		f.create(1)
		a := f.start("a", func(c *leases.Config) {
			c.Work = func(h *leases.Held) {
				if err := h.End(t.Context(), nil); err != nil {
					t.Error(err)
				}
			}
		})
		a.link.loseReply(isCheckpoint)
		time.Sleep(5 * time.Second)
		if row, _ := f.table.Get(t.Context(), shardKey(0)); row.Checkpoint != checkpoint.ShardEnd || row.Holder() != "" {
			t.Errorf("row %+v", row)
		}
		f.stopAll()
	})
}
