package leases_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penstock-go/penstock/leases"
)

// meek keeps a worker from asking for leases: as if it did not know that it lacks some.
type meek struct{ leases.Store }

func (m meek) Write(ctx context.Context, w leases.Write) (leases.Lease, error) {
	if holder, named := w.Change().CheckpointOwner.Get(); named && holder != "" {
		return leases.Lease{}, errFail
	}
	return m.Store.Write(ctx, w)
}

func startMeek(f *fleet, name string) *worker {
	return f.start(name, func(cfg *leases.Config) { cfg.Store = meek{cfg.Store} })
}

func TestInALargeTableAWorkerThatDoesNotAskIsOfferedItsShareByHandoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const total = 500
		f := newFleet(t, leases.NewMemory())
		names := f.settle(total, 6)
		begun := f.allBegun()

		startMeek(f, "meek")
		names = append(names, "meek")
		took := f.await(2*time.Minute, "even", func(load map[string]int) bool { return even(load, total, names...) })
		moved := f.allBegun() - begun
		t.Logf("even after %v, %d leases moved", took, moved)
		if share := total / len(names); moved > share+2 {
			t.Errorf("%d leases moved, for a share of %d", moved, share)
		}
		f.stopAll()
	})
}

func TestInASmallTableNothingIsOffered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, leases.NewMemory())
		f.create(20)
		f.start("a")
		f.await(time.Second, "all held", func(load map[string]int) bool { return load["a"] == 20 })
		startMeek(f, "meek")
		time.Sleep(2 * time.Minute)
		if load := f.load(); load["a"] != 20 {
			t.Errorf("after two minutes: %v", load)
		}
		f.stopAll()
	})
}

// A rolling deploy that adds a stream: the old workers lack leases, and cannot work on those that the new ones have too many of.
func TestAWorkerThatDoesNotKeepWhatItIsOfferedIsOfferedNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const total = 600
		f := newFleet(t, leases.NewMemory())
		f.create(total)
		for i := range 3 {
			f.start(fmt.Sprint("old", i), func(c *leases.Config) {
				c.Work, c.Runnable = obedient, func(l leases.Lease) bool { return l.Key < shardKey(200) }
			})
			f.start(fmt.Sprint("new", i), func(c *leases.Config) { c.Work = obedient })
		}
		f.await(3*time.Minute, "all held", func(load map[string]int) bool { return sum(load) == total })
		time.Sleep(2 * time.Minute)
		begun := f.allBegun()
		time.Sleep(10 * time.Minute)
		if moved := f.allBegun() - begun; moved > 0 {
			t.Errorf("%d leases moved in ten minutes", moved)
		}
		if load := f.load(); sum(load) != total {
			t.Errorf("%d of %d are read", sum(load), total)
		}
		f.stopAll()
	})
}

// A handler that does not return makes its worker refuse the handoffs that it has offered itself.
func TestAWorkerIsOfferedLeasesAsSoonAsTheirHandlersReturn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const total = 500
		f := newFleet(t, leases.NewMemory())
		f.create(total)
		var stuck atomic.Bool
		free := make(chan struct{})
		var names []string
		for i := range 6 {
			names = append(names, fmt.Sprint("w", i))
			f.start(names[i], func(c *leases.Config) {
				c.Work = func(h *leases.Held) {
					obedient(h)
					if stuck.Load() {
						<-free
					}
				}
			})
		}
		f.await(time.Minute, "even", func(load map[string]int) bool { return even(load, total, names...) })
		stuck.Store(true)
		startMeek(f, "meek")
		time.Sleep(2 * time.Minute)
		if load := f.load(); load["meek"] > 0 {
			t.Fatalf("leases were handed over while their handlers run: %v", load)
		}
		stuck.Store(false)
		close(free)
		names = append(names, "meek")
		f.await(5*time.Minute, "even", func(load map[string]int) bool { return even(load, total, names...) })
		f.stopAll()
	})
}

// offered is a table that notes which leases are offered to a worker.
type offered struct {
	leases.Store
	to string

	mu   sync.Mutex // guards keys
	keys []string
}

func (o *offered) Write(ctx context.Context, w leases.Write) (leases.Lease, error) {
	owner, _ := w.Change().Owner.Get()
	holder, _ := w.Change().CheckpointOwner.Get()
	if owner == o.to && holder != "" {
		o.mu.Lock()
		o.keys = append(o.keys, w.Key())
		o.mu.Unlock()
	}
	return o.Store.Write(ctx, w)
}

// Its row has never been seen to change. Somebody else lacks leases for good, so that it is no news that leases are to be offered. What that one
// does not keep is nobody's for a moment, and may be given to the dead one, which costs a failover time; but no lease that is being read goes there.
func TestAWorkerThatHasDiedIsOfferedNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := &offered{Store: leases.NewMemory(), to: "dead"}
		f := newFleet(t, table)
		f.settle(520, 6)
		f.start("meek", func(cfg *leases.Config) {
			cfg.Store, cfg.Runnable = meek{cfg.Store}, func(leases.Lease) bool { return false }
		})
		time.Sleep(time.Minute)
		if err := f.table.Beat(t.Context(), leases.Worker{ID: "dead", Updated: time.Now(), Every: 5 * time.Second}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Second)
		f.stopAll()
		if len(table.keys) > 0 {
			t.Errorf("offered to the dead: %v", table.keys)
		}
	})
}
