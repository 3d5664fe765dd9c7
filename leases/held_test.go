package leases_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penstock-go/penstock/checkpoint"
	"github.com/penstock-go/penstock/leases"
	"github.com/penstock-go/penstock/leases/internal/seal"
)

// at returns a position, for numbers that are known to be good.
func at(t *testing.T, sequenceNumber string) checkpoint.Position {
	t.Helper()
	p, err := checkpoint.At(sequenceNumber, 0)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// seize makes a row another worker's, as a take does.
func seize(t *testing.T, table leases.Store, key, by string) leases.Lease {
	t.Helper()
	row, err := table.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	row, err = table.Write(t.Context(), leases.NewWrite(seal.Cut(), key,
		leases.Condition{Counter: leases.Exactly(row.Counter)},
		leases.Change{NextCounter: true, Owner: leases.Exactly(by), CheckpointOwner: leases.Exactly("")}))
	if err != nil {
		t.Fatal(err)
	}
	return row
}

// handed makes Work give its holdings to the test, and return when the test says so.
type handed struct {
	got  chan *leases.Held
	back chan struct{}
}

func newHanded() *handed {
	return &handed{got: make(chan *leases.Held, 100), back: make(chan struct{})}
}

func (h *handed) work(held *leases.Held) {
	h.got <- held
	<-h.back
}

// obedient is a Work that does nothing until it is told to finish.
func obedient(h *leases.Held) {
	select {
	case <-h.Draining():
	case <-h.Context().Done():
	}
}

func TestCheckpointIsRefusedAfterTakeover(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, leases.NewMemory())
		f.create(1)
		w := newHanded()
		f.start("zombie", func(c *leases.Config) { c.Work = w.work })
		h := <-w.got
		if err := h.Checkpoint(t.Context(), at(t, "10")); err != nil {
			t.Fatal(err)
		}
		taken := seize(t, f.table, h.Lease().Key, "other")

		if err := h.Checkpoint(t.Context(), at(t, "11")); !errors.Is(err, leases.ErrLost) {
			t.Errorf("checkpoint after the takeover: %v", err)
		}
		if cause := context.Cause(h.Context()); !errors.Is(cause, leases.ErrLost) {
			t.Errorf("the context's cause is %v", cause)
		}
		if row, _ := f.table.Get(t.Context(), taken.Key); row.Checkpoint != at(t, "10") || row.Owner != "other" {
			t.Errorf("the zombie has written: %+v", row)
		}
		close(w.back)
		f.stopAll()
	})
}

func TestAWorkerThatCannotReachTheTableStopsBeforeAnybodyTakesItsLeases(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, leases.NewMemory())
		f.create(1)
		w := newHanded()
		a := f.start("a", func(c *leases.Config) { c.Work = w.work })
		h := <-w.got
		f.start("b")
		time.Sleep(20 * time.Second)
		a.kill()
		cut := time.Now()
		<-h.Context().Done()
		ended := time.Since(cut)
		f.await(5*time.Second, "taken over", func(load map[string]int) bool { return load["b"] == 1 })
		if taken := time.Since(cut); ended > 9*time.Second || taken <= ended {
			t.Errorf("trust ended after %v, taken after %v", ended, taken)
		}
		if err := h.Checkpoint(t.Context(), at(t, "99")); !errors.Is(err, leases.ErrLost) {
			t.Errorf("checkpoint after trust ended: %v", err)
		}
		close(w.back)
		f.stopAll()
	})
}

func TestCheckpointNeverGoesBackAndAnEqualOneCostsNoWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, leases.NewMemory())
		f.create(1)
		w := newHanded()
		a := f.start("a", func(c *leases.Config) { c.Work = w.work })
		h := <-w.got
		if err := h.Checkpoint(t.Context(), at(t, "10")); err != nil {
			t.Fatal(err)
		}
		writes := a.link.writesSoFar()
		if err := h.Checkpoint(t.Context(), at(t, "10")); err != nil || a.link.writesSoFar() != writes {
			t.Errorf("equal checkpoint: %v, %d writes", err, a.link.writesSoFar()-writes)
		}
		err := h.Checkpoint(t.Context(), at(t, "9"))
		var back *leases.BackwardsError
		if !errors.As(err, &back) || !errors.Is(err, leases.ErrBackwards) || back.Want != at(t, "9") || back.Have != at(t, "10") {
			t.Errorf("earlier checkpoint: %v", err)
		}
		if err := h.Checkpoint(t.Context(), checkpoint.ShardEnd); !errors.Is(err, leases.ErrEndOnly) {
			t.Errorf("SHARD_END as a checkpoint: %v", err)
		}
		close(w.back)
		f.stopAll()
	})
}

func TestACheckpointCountsAsTheRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, leases.NewMemory())
		f.create(1)
		a := f.start("a") // checkpoints every half second
		f.await(time.Second, "held", func(load map[string]int) bool { return load["a"] == 1 })
		writes, start := a.link.writesSoFar(), f.lastCheckpoint(shardKey(0))
		time.Sleep(time.Minute)
		checkpoints := int(f.lastCheckpoint(shardKey(0)) - start)
		if got := a.link.writesSoFar() - writes; got > checkpoints+1 {
			t.Errorf("%d writes for %d checkpoints", got, checkpoints)
		}
		f.stopAll()
	})
}

func TestAnIdleLeaseCostsOneWriteForEachPeriod(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, leases.NewMemory())
		f.create(10)
		a := f.start("a", func(c *leases.Config) { c.Work = obedient })
		f.await(time.Second, "held", func(load map[string]int) bool { return load["a"] == 10 })
		writes := a.link.writesSoFar()
		time.Sleep(330 * time.Second)
		if got := a.link.writesSoFar() - writes; got < 980 || got > 1010 {
			t.Errorf("%d writes in 100 periods of 10 leases", got)
		}
		f.stopAll()
	})
}

func TestTokensGrowFromHolderToHolder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, leases.NewMemory())
		f.create(1)
		var last int64
		for _, name := range []string{"a", "b", "c"} {
			got := make(chan *leases.Held, 1)
			w := f.start(name, func(c *leases.Config) {
				c.Work = func(h *leases.Held) { got <- h; f.work(name, h) }
			})
			h := <-got
			if h.Token() <= last {
				t.Errorf("token %d of %s after %d", h.Token(), name, last)
			}
			last = h.Token()
			time.Sleep(5 * time.Second)
			if h.Token() != last {
				t.Error("the token has changed within a holding")
			}
			if err := w.stop(); err != nil {
				t.Error(err)
			}
		}
		f.stopAll()
	})
}

func TestPinStartKeepsTheFirstTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, leases.NewMemory())
		f.create(1)
		w := newHanded()
		f.start("a", func(c *leases.Config) { c.Work = w.work })
		h := <-w.got
		first := time.UnixMilli(1_700_000_000_123).UTC()
		for _, at := range []time.Time{first, first.Add(time.Hour)} {
			if err := h.PinStart(t.Context(), at); err != nil {
				t.Fatal(err)
			}
		}
		if got := h.Lease().StartAt; !got.Equal(first) {
			t.Errorf("StartAt = %v", got)
		}
		close(w.back)
		f.stopAll()
	})
}

func TestALeaseThatWorkGivesUpByItselfRests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, leases.NewMemory())
		f.create(1)
		var starts []time.Time
		f.start("a", func(c *leases.Config) { c.Work = func(*leases.Held) { starts = append(starts, time.Now()) } })
		time.Sleep(time.Minute)
		f.stopAll()
		if len(starts) < 4 || len(starts) > 6 {
			t.Errorf("work started %d times in a minute", len(starts))
		}
	})
}

func TestEveryFaultOfAConfigurationIsListed(t *testing.T) {
	_, err := leases.New(leases.Config{FailoverTime: 1, MaxLeases: -1, ShutdownTimeout: -1, HandoffTimeout: -1})
	for _, field := range []string{"Store", "Worker", "Work ", "FailoverTime", "MaxLeases", "ShutdownTimeout", "HandoffTimeout"} {
		if err == nil || !strings.Contains(err.Error(), "Config."+field) {
			t.Errorf("%s is not in: %v", field, err)
		}
	}
	var fault *leases.ConfigError
	if !errors.As(err, &fault) || fault.Field != "Store" {
		t.Errorf("the first fault is %+v", fault)
	}
}

func TestACoordinatorRunsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := leases.New(leases.Config{Store: leases.NewMemory(), Worker: "a", Work: obedient})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := c.Run(ctx); err != nil {
			t.Error(err)
		}
		if err := c.Run(ctx); !errors.Is(err, leases.ErrUsed) {
			t.Errorf("second Run: %v", err)
		}
	})
}

// The figures are those of the Java library, KiB/s, and follow what is read in half a minute or so.
func TestRenewalsSayHowMuchIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := leases.NewMemory()
		f := newFleet(t, store)
		f.create(1)
		w := newHanded()
		f.start("a", func(c *leases.Config) { c.Work = w.work })
		h := <-w.got
		time.Sleep(time.Minute)
		if got := h.Lease().ThroughputKBps; got != 0 {
			t.Errorf("of a shard of which nothing was counted %v KiB/s", got)
		}
		for range 120 { // ten KiB every second, so that each period has thirty or forty
			h.Count(10 << 10)
			time.Sleep(time.Second)
		}
		if got := h.Lease().ThroughputKBps; got < 8 || got > 13 {
			t.Errorf("%v KiB/s were written, and 10 read", got)
		}
		before := h.Lease()
		if err := h.Checkpoint(t.Context(), at(t, "7")); err != nil {
			t.Fatal(err)
		}
		if got := h.Lease().ThroughputKBps; got < before.ThroughputKBps/2 {
			t.Errorf("a checkpoint between two renewals made %v KiB/s of %v", got, before.ThroughputKBps)
		}
		time.Sleep(10 * time.Minute)
		if got := h.Lease().ThroughputKBps; got != 0 {
			t.Errorf("%v KiB/s of a shard that has been idle for long", got)
		}
		close(w.back)
		f.stopAll()
	})
}
