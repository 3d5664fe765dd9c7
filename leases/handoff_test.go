package leases_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penstock-go/penstock/leases"
)

func TestABusyHolderLearnsOfAHandoffFromItsCheckpoints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, leases.NewMemory())
		f.create(2)
		f.start("a")
		f.await(time.Second, "held", func(load map[string]int) bool { return load["a"] == 2 })
		f.start("b")
		f.await(5*time.Second, "even", func(load map[string]int) bool { return even(load, 2, "a", "b") })
		f.stopAll()
	})
}

func TestAHandoffWaitsForTheHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, leases.NewMemory())
		f.create(2)
		slow := func(h *leases.Held) {
			obedient(h)
			time.Sleep(20 * time.Second) // the batch in hand
			if h.Context().Err() != nil {
				t.Error("the handler was cancelled before its time was up")
			}
			if err := f.checkpoint(h, 7); err != nil {
				t.Error(err)
			}
		}
		f.start("a", func(c *leases.Config) { c.Work = slow })
		f.await(time.Second, "held", func(load map[string]int) bool { return load["a"] == 2 })
		f.start("b", func(c *leases.Config) { c.Work = obedient })
		took := f.await(time.Minute, "even", func(load map[string]int) bool { return even(load, 2, "a", "b") })
		if took < 20*time.Second {
			t.Errorf("handed over after %v", took)
		}
		f.stopAll()
	})
}

func TestASlowHandlerIsCancelledThenItsCheckpointWrittenThenTheLeaseHandedOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, leases.NewMemory())
		f.create(2)
		f.start("a", func(c *leases.Config) {
			c.Work = func(h *leases.Held) {
				<-h.Context().Done()
				if cause := context.Cause(h.Context()); !errors.Is(cause, leases.ErrStopped) {
					t.Errorf("cause %v", cause)
				}
				if err := f.checkpoint(h, 7); err != nil {
					t.Errorf("checkpoint after the deadline: %v", err)
				}
			}
		})
		f.await(time.Second, "held", func(load map[string]int) bool { return load["a"] == 2 })
		f.start("b")
		took := f.await(time.Minute, "even", func(load map[string]int) bool { return load["b"] == 1 })
		if took < 30*time.Second || took > 35*time.Second {
			t.Errorf("handed over after %v", took)
		}
		f.stopAll()
	})
}

func TestAHandoffIsRefusedWhileTheHandlerDoesNotReturn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, leases.NewMemory())
		f.create(2)
		stuck := newHanded()
		refused := make(chan leases.Lease, 100)
		f.start("a", func(c *leases.Config) {
			c.Work = stuck.work
			c.Hooks.HandoffRefused = func(l leases.Lease) { refused <- l }
		})
		f.await(time.Second, "held", func(load map[string]int) bool { return load["a"] == 2 })
		b := f.start("b")
		row := <-refused
		if row.Owner != "a" || row.CheckpointOwner != "" {
			t.Errorf("after the refusal: %+v", row)
		}
		time.Sleep(2 * time.Minute)
		if load := f.load(); load["b"] != 0 {
			t.Errorf("b reads %d leases while a's handlers run", load["b"])
		}
		close(stuck.back) // the handlers return at last: the leases are adopted anew, and shared
		f.await(time.Minute, "shared", func(load map[string]int) bool { return load["b"] == 1 })
		if err := b.stop(); err != nil {
			t.Error(err)
		}
		f.stopAll()
	})
}

func TestAnAskerThatStopsWithdraws(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, leases.NewMemory())
		f.create(2)
		stuck := newHanded()
		asked := make(chan leases.Lease, 100)
		f.start("a", func(c *leases.Config) {
			c.Work = stuck.work
			c.Hooks.HandoffAsked = func(l leases.Lease) { asked <- l }
		})
		f.await(time.Second, "held", func(load map[string]int) bool { return load["a"] == 2 })
		b := f.start("b")
		row := <-asked
		if err := b.stop(); err != nil {
			t.Error(err)
		}
		if row, err := f.table.Get(t.Context(), row.Key); err != nil || row.Owner != "a" || row.CheckpointOwner != "" {
			t.Errorf("after the withdrawal: %+v, %v", row, err)
		}
		close(stuck.back)
		f.await(time.Minute, "read again", func(load map[string]int) bool { return load["a"] == 2 || len(stuck.got) >= 3 })
		f.stopAll()
	})
}

func TestAStuckHandlerDoesNotHangRunAndKeepsItsLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, leases.NewMemory())
		f.create(3)
		stuck := newHanded()
		a := f.start("a", func(c *leases.Config) {
			c.ShutdownTimeout = 5 * time.Second
			c.Work = func(h *leases.Held) {
				if h.Lease().Key == shardKey(1) {
					stuck.work(h)
					return
				}
				f.work("a", h)
			}
		})
		f.await(time.Second, "held", func(load map[string]int) bool { return load["a"] == 3 })
		start := time.Now()
		err := a.stop()
		var names *leases.StuckError
		if !errors.As(err, &names) || !errors.Is(err, leases.ErrStuck) || !slices.Equal(names.Keys, []string{shardKey(1)}) {
			t.Errorf("Run returned %v", err)
		}
		if took := time.Since(start); took > 11*time.Second {
			t.Errorf("Run took %v to return", took)
		}
		if row, _ := f.table.Get(t.Context(), shardKey(1)); row.Owner != "a" {
			t.Errorf("the stuck lease was released: %+v", row)
		}
		if row, _ := f.table.Get(t.Context(), shardKey(0)); row.Owner != "" {
			t.Errorf("another lease was not released: %+v", row)
		}
		h := <-stuck.got
		if err := h.Checkpoint(t.Context(), at(t, "5")); !errors.Is(err, leases.ErrLost) {
			t.Errorf("checkpoint after Run has returned: %v", err)
		}
		close(stuck.back)
		f.verdict()
	})
}

func TestAWorkerThatStopsPassesOnWhatItIsStillGiven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, leases.NewMemory())
		f.create(9)
		slow := func(h *leases.Held) {
			obedient(h)
			time.Sleep(10 * time.Second)
		}
		a, b := f.start("a"), f.start("b", func(c *leases.Config) { c.Work = slow })
		f.start("c")
		f.await(30*time.Second, "even", func(load map[string]int) bool { return even(load, 9, "a", "b", "c") })
		time.Sleep(5 * time.Second)
		b.cancel()
		time.Sleep(time.Second)
		if err := a.stop(); err != nil {
			t.Error(err)
		}
		f.await(2*time.Second, "a's leases with c", func(load map[string]int) bool { return load["c"] == 6 })
		f.await(12*time.Second, "all leases with c", func(load map[string]int) bool { return load["c"] == 9 })
		f.stopAll()
	})
}

func TestTheLastWorkerReleasesItsLeasesToNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, leases.NewMemory())
		f.create(5)
		a := f.start("a")
		f.await(time.Second, "held", func(load map[string]int) bool { return load["a"] == 5 })
		if err := a.stop(); err != nil {
			t.Error(err)
		}
		snapshot, err := f.table.Scan(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range snapshot.Leases {
			if row.Holder() != "" {
				t.Errorf("not released: %+v", row)
			}
		}
		f.start("b")
		f.await(time.Second, "held by the next", func(load map[string]int) bool { return load["b"] == 5 })
		f.stopAll()
	})
}

func TestMaxLeasesIsNeverExceededAndTheRestGoesToOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, leases.NewMemory())
		f.create(10)
		f.start("a", func(c *leases.Config) { c.MaxLeases = 2 })
		b := f.start("b")
		f.await(30*time.Second, "all held", func(load map[string]int) bool { return load["a"] == 2 && load["b"] == 8 })
		if err := b.stop(); err != nil {
			t.Error(err)
		}
		for range 300 {
			time.Sleep(100 * time.Millisecond)
			if load := f.load(); load["a"] != 2 {
				t.Fatalf("a reads %d", load["a"])
			}
		}
		f.stopAll()
	})
}
