package leases_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penstock-go/penstock/checkpoint"
	"github.com/penstock-go/penstock/internal/hashkey"
	"github.com/penstock-go/penstock/internal/shards"
	"github.com/penstock-go/penstock/leases"
)

// register is a stream's listing that a test can change.
type register struct {
	mu     sync.Mutex // guards the fields below
	listed []shards.Shard
	asked  int
}

func (r *register) list(context.Context) ([]leases.Listing, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked++
	return []leases.Listing{{Shards: slices.Clone(r.listed)}}, nil
}

// halves is a shard that was split in two.
func halves() []shards.Shard {
	middle := hashkey.Key{Hi: 1 << 63}
	return []shards.Shard{
		{ID: "p", Range: hashkey.Full, Closed: true},
		{ID: "l", Parents: []string{"p"}, Range: hashkey.Range{End: hashkey.Key{Hi: 1<<63 - 1, Lo: ^uint64(0)}}},
		{ID: "r", Parents: []string{"p"}, Range: hashkey.Range{Start: middle, End: hashkey.Max}},
	}
}

// put creates the lease of one of the halves.
func put(t *testing.T, table leases.Store, id string, at checkpoint.Position) {
	t.Helper()
	for _, s := range halves() {
		if s.ID == id {
			if created, err := table.Create(t.Context(), leases.ForShard("", s, at)); err != nil || !created {
				t.Fatalf("create %s: %v, %v", id, created, err)
			}
		}
	}
}

func TestAMissingLeaseIsCreatedWhenTwoAuditsHaveFoundItMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, leases.NewMemory())
		put(t, f.table, "p", checkpoint.ShardEnd)
		put(t, f.table, "l", at(t, "5"))
		stream := &register{listed: halves()}
		repaired := make(chan leases.Lease, 10)
		audited := func(c *leases.Config) {
			c.Listings, c.KeepEnded = stream.list, true
			c.Hooks.Repaired = func(l leases.Lease) { repaired <- l }
		}
		f.start("a", audited)
		f.start("b", audited)
		start := time.Now()
		row := <-repaired
		if row.ShardID != "r" || row.Checkpoint != checkpoint.TrimHorizon {
			t.Errorf("repaired: %+v", row)
		}
		if took := time.Since(start); took < 2*time.Minute || took > 4*time.Minute {
			t.Errorf("repaired after %v", took)
		}
		f.await(5*time.Second, "it is read", func(map[string]int) bool { return f.holders()["r"] != "" })
		if stream.asked > 4 {
			t.Errorf("%d listings: more than one worker audits", stream.asked)
		}
		f.stopAll()
		if len(repaired) != 0 {
			t.Errorf("%d more repairs", len(repaired))
		}
	})
}

// consulted counts the rows that are read one by one.
type consulted struct {
	leases.Store
	reads atomic.Int32
}

func (c *consulted) Get(ctx context.Context, key string) (leases.Lease, error) {
	c.reads.Add(1)
	return c.Store.Get(ctx, key)
}

func TestAWorkerThatStopsRepairsNothingMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const total, width = 1000, ^uint64(0)/1000 + 1
		stream := &register{}
		for i := range uint64(total) {
			span := hashkey.Range{Start: hashkey.Key{Hi: i * width}, End: hashkey.Max}
			if i < total-1 {
				span.End = hashkey.Key{Hi: (i+1)*width - 1, Lo: ^uint64(0)}
			}
			stream.listed = append(stream.listed, shards.Shard{ID: shardKey(int(i)), Range: span})
		}
		f := newFleet(t, leases.NewMemory())
		table := &consulted{Store: f.table}
		a := f.start("a", func(c *leases.Config) {
			c.Store, c.Listings = table, stream.list
			c.Hooks.Repaired = func(leases.Lease) {
				table.reads.Store(0)
				f.worker("a").cancel()
			}
		})
		<-a.done
		if reads := table.reads.Load(); a.err != nil || reads > 10 {
			t.Errorf("%d rows were read after Run's context had ended; %v", reads, a.err)
		}
		f.verdict()
	})
}

func TestAFirstSynchronisationThatIsUnderWayIsNoHole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, leases.NewMemory())
		put(t, f.table, "l", at(t, "5"))
		stream := &register{listed: halves()}
		f.start("a", func(c *leases.Config) {
			c.Listings = stream.list
			c.Hooks.Repaired = func(l leases.Lease) { t.Errorf("repaired: %+v", l) }
		})
		time.Sleep(90 * time.Second) // one audit has found "r" missing
		put(t, f.table, "r", at(t, "9"))
		time.Sleep(5 * time.Minute)
		f.stopAll()
	})
}

func TestAnEndedLeaseIsDeletedOnceItsChildrenAreBeingRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, leases.NewMemory())
		put(t, f.table, "p", checkpoint.ShardEnd)
		put(t, f.table, "l", at(t, "5"))
		put(t, f.table, "r", checkpoint.TrimHorizon)
		stream := &register{listed: halves()}
		deleted := make(chan leases.Lease, 10)
		f.start("a", func(c *leases.Config) {
			c.Listings = stream.list
			c.Work = func(h *leases.Held) {
				if h.Lease().ShardID == "r" {
					_ = sleep(h.Context(), 5*time.Minute)
				}
				f.work("a", h)
			}
			c.Hooks.Deleted = func(l leases.Lease) { deleted <- l }
		})
		start := time.Now()
		if row := <-deleted; row.ShardID != "p" || time.Since(start) < 5*time.Minute {
			t.Errorf("deleted after %v: %+v", time.Since(start), row)
		}
		if _, err := f.table.Get(t.Context(), "p"); !errors.Is(err, leases.ErrNotFound) {
			t.Errorf("the parent's lease: %v", err)
		}
		time.Sleep(10 * time.Minute)
		if len(deleted) != 0 {
			t.Errorf("deleted too: %+v", <-deleted)
		}
		f.stopAll()
	})
}

func TestAKeptLeaseIsDeletedOnceTheStreamHasNoSuchShard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, leases.NewMemory())
		put(t, f.table, "p", checkpoint.ShardEnd)
		put(t, f.table, "l", at(t, "5"))
		put(t, f.table, "r", at(t, "5"))
		stream := &register{listed: halves()}
		deleted := make(chan leases.Lease, 10)
		f.start("a", func(c *leases.Config) {
			c.Listings, c.KeepEnded = stream.list, true
			c.Hooks.Deleted = func(l leases.Lease) { deleted <- l }
		})
		time.Sleep(time.Hour)
		if len(deleted) != 0 {
			t.Fatalf("deleted while the stream lists its shard: %+v", <-deleted)
		}
		stream.mu.Lock()
		stream.listed = slices.DeleteFunc(halves(), func(s shards.Shard) bool { return s.ID == "p" })
		stream.mu.Unlock()
		time.Sleep(5 * time.Minute)
		if len(deleted) != 1 || (<-deleted).ShardID != "p" {
			t.Error("the lease of a shard that is gone was kept")
		}
		f.stopAll()
	})
}

func TestAStreamThatWasMadeAnewIsReadFromItsBeginning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, leases.NewMemory())
		put(t, f.table, "p", checkpoint.ShardEnd) // of the stream that was deleted
		stream := &register{listed: []shards.Shard{{ID: "p", Range: hashkey.Full}}}
		f.start("a", func(c *leases.Config) { c.Listings = stream.list })
		f.await(10*time.Minute, "read", func(load map[string]int) bool { return load["a"] == 1 })
		if row, err := f.table.Get(t.Context(), "p"); err != nil || row.Ended() {
			t.Errorf("the lease: %+v, %v", row, err)
		}
		f.stopAll()
	})
}

func TestALeaseThatWaitsForAShardOfAnotherStreamIsMadeAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, leases.NewMemory())
		put(t, f.table, "l", at(t, "5")) // of the stream that was deleted, in which p was split
		stream := &register{listed: []shards.Shard{{ID: "p", Range: halves()[1].Range}, {ID: "l", Range: halves()[2].Range}}}
		if _, err := f.table.Create(t.Context(), leases.ForShard("", stream.listed[0], checkpoint.TrimHorizon)); err != nil {
			t.Fatal(err)
		}
		read := make(chan leases.Lease, 10)
		f.start("a", func(c *leases.Config) {
			c.Listings = stream.list
			c.Work = func(h *leases.Held) {
				if h.AwaitParents(h.Context()) != nil {
					return
				}
				if h.Lease().ShardID == "l" {
					read <- h.Lease()
				}
				f.work("a", h)
			}
		})
		start := time.Now()
		if row := <-read; row.Checkpoint != checkpoint.TrimHorizon || len(row.Parents) > 0 || time.Since(start) > 10*time.Minute {
			t.Errorf("read after %v: %+v", time.Since(start), row)
		}
		f.stopAll()
	})
}

func TestRowsOfJavaWorkersThatDiedLongAgoAreDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, leases.NewMemory())
		old := leases.Worker{ID: "old", Updated: time.Now().Add(-23 * time.Hour)} // it does not say how often it writes
		if err := f.table.Beat(t.Context(), old); err != nil {
			t.Fatal(err)
		}
		stream := &register{listed: halves()}
		f.start("a", func(c *leases.Config) { c.Listings, c.AuditInterval = stream.list, 10*time.Minute })
		time.Sleep(50 * time.Minute)
		if _, err := f.table.Worker(t.Context(), "old"); err != nil {
			t.Errorf("after 23 hours: %v", err)
		}
		time.Sleep(30 * time.Minute)
		if _, err := f.table.Worker(t.Context(), "old"); !errors.Is(err, leases.ErrNotFound) {
			t.Errorf("after a day: %v", err)
		}
		if _, err := f.table.Worker(t.Context(), "a"); err != nil {
			t.Errorf("the live worker's: %v", err)
		}
		f.stopAll()
	})
}

func TestTheRowOfADeadWorkerIsDeletedSoon(t *testing.T) {
	for name, size := range map[string]struct{ leases, workers int }{"small table": {10, 3}, "large table": {500, 6}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(t, leases.NewMemory())
				names := f.settle(size.leases, size.workers)
				f.worker(names[0]).kill()
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
