package leases_test

import (
	"context"
	"fmt"
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
		f.create(total)
		var names []string
		for i := range 6 {
			names = append(names, fmt.Sprint("w", i))
			f.start(names[i])
		}
		f.await(30*time.Second, "even", func(load map[string]int) bool { return even(load, total, names...) })
		time.Sleep(time.Minute)
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

func TestTheRowOfADeadWorkerIsDeletedSoon(t *testing.T) {
	for name, size := range map[string]struct{ leases, workers int }{"small table": {10, 3}, "large table": {500, 6}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(t, leases.NewMemory())
				f.create(size.leases)
				var all []*worker
				var names []string
				for i := range size.workers {
					names = append(names, fmt.Sprint("w", i))
					all = append(all, f.start(names[i]))
				}
				f.await(30*time.Second, "even", func(load map[string]int) bool { return even(load, size.leases, names...) })
				time.Sleep(time.Minute)
				all[0].kill()
				f.await(30*time.Second, "even again", func(load map[string]int) bool { return even(load, size.leases, names[1:]...) })
				time.Sleep(10 * time.Second)
				rows, err := f.table.Scan(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if len(rows.Workers) != size.workers-1 {
					t.Errorf("rows of %d workers are left, want those of the %d that live: %v", len(rows.Workers), size.workers-1, rows.Workers)
				}
				f.stopAll()
			})
		})
	}
}
