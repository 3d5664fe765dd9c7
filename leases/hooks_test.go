package leases_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penstock-go/penstock/checkpoint"
	"github.com/penstock-go/penstock/leases"
)

// told collects what hooks tell of calls.
type told struct {
	mu    sync.Mutex // guards calls
	calls []leases.Called
}

func (o *told) listen(c *leases.Config) {
	c.Hooks.Called = func(call leases.Called) {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.calls = append(o.calls, call)
	}
}

// count counts calls for a purpose; an empty one counts any.
func (o *told) count(op, purpose string, failed bool) (n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, c := range o.calls {
		if c.Op == op && (purpose == "" || c.For == purpose) && (c.Err != nil) == failed {
			n++
		}
	}
	return n
}

func TestHooksSeeEveryCallToTheStoreAndWhatItIsFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, leases.NewMemory())
		f.create(2)
		var first, second told
		f.start("a", first.listen)
		f.await(5*time.Second, "all are taken", func(load map[string]int) bool { return load["a"] == 2 })
		f.start("b", second.listen)
		f.await(20*time.Second, "they are shared", func(load map[string]int) bool { return load["b"] == 1 })
		time.Sleep(10 * time.Second)
		f.stopAll()
		for _, want := range []struct {
			by          *told
			op, purpose string
			least       int
		}{
			{&first, "Scan", "", 1}, {&first, "KeysOf", "", 1}, {&first, "Beat", "", 1}, {&first, "Write", "take", 2},
			{&first, "Write", "checkpoint", 5}, {&first, "Write", "complete", 1}, {&second, "Write", "ask", 1}, {&second, "Write", "adopt", 1},
		} {
			if got := want.by.count(want.op, want.purpose, false); got < want.least {
				t.Errorf("%s %s: told %d times", want.op, want.purpose, got)
			}
		}
		for _, c := range slices.Concat(first.calls, second.calls) {
			if named := c.Op == "Write"; named != (c.For != "") || named && c.Key == "" {
				t.Errorf("told %+v", c)
			}
		}
	})
}

func TestHooksAreToldOfIdleRenewalsAndOfCallsThatFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, leases.NewMemory())
		f.create(1)
		var all told
		w := f.start("a", all.listen, func(c *leases.Config) { c.Work = func(h *leases.Held) { <-h.Draining() } })
		f.await(5*time.Second, "it is taken", func(load map[string]int) bool { return load["a"] == 1 })
		time.Sleep(time.Minute)
		if n := all.count("Write", "renew", false); n < 15 || n > 25 { // every third of ten seconds
			t.Errorf("%d renewals in a minute", n)
		}
		w.kill()
		time.Sleep(20 * time.Second)
		if all.count("Write", "renew", true) == 0 || all.count("Scan", "", true) == 0 {
			t.Error("a table that cannot be reached, and no failed renewal or scan is told of")
		}
	})
}

func TestAScanTellsWhatNobodyHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, leases.NewMemory())
		f.create(3)
		var mu sync.Mutex
		var last leases.Planned
		f.start("a", func(c *leases.Config) {
			c.MaxLeases = 1
			c.Hooks.Scanned = func(_ leases.Snapshot, p leases.Planned) {
				mu.Lock()
				defer mu.Unlock()
				last = p
			}
		})
		for _, want := range []struct {
			after time.Duration
			of    leases.Planned
		}{{20 * time.Second, leases.Planned{Share: 1, Idle: 2}}, {20 * time.Second, leases.Planned{Share: 1, Idle: 2, Old: 2}}} {
			time.Sleep(want.after)
			synctest.Wait()
			mu.Lock()
			if last != want.of {
				t.Errorf("planned %+v, want %+v", last, want.of)
			}
			mu.Unlock()
		}
		f.stopAll()
	})
}

func TestAnAuditTellsWhatItFoundAndDid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, leases.NewMemory())
		put(t, f.table, "p", checkpoint.ShardEnd)
		put(t, f.table, "l", at(t, "5"))
		stream := &register{listed: halves()}
		audits := make(chan leases.Audited, 10)
		away := errors.New("away")
		f.start("a", func(c *leases.Config) {
			c.KeepEnded = true
			c.Hooks.Audited = func(a leases.Audited) { audits <- a }
			c.Listings = func(ctx context.Context) ([]leases.Listing, error) {
				listings, _ := stream.list(ctx)
				if len(listings[0].Shards) == 0 {
					return nil, away
				}
				return listings, nil
			}
		})
		for _, want := range []leases.Audited{{Streams: 1, Partial: 1}, {Streams: 1, Partial: 1, Repaired: 1}, {Streams: 1}} {
			got := <-audits
			got.Duration = 0
			if got != want {
				t.Errorf("audited %+v, want %+v", got, want)
			}
		}
		stream.mu.Lock()
		stream.listed = nil
		stream.mu.Unlock()
		if got := <-audits; !errors.Is(got.Err, away) || got.Streams != 0 {
			t.Errorf("audited %+v", got)
		}
		f.stopAll()
	})
}
