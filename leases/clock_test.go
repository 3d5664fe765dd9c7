package leases_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penstock-go/penstock/kinesistest"
	"github.com/penstock-go/penstock/leases"
)

// offClock is the way to the table of a worker whose wall clock is wrong: the times that it writes are, and those that it reads look
// wrong to it by as much. Nothing else of a worker comes near a wall clock.
type offClock struct {
	leases.Store
	ahead atomic.Int64 // nanoseconds
}

func newOffClock(table leases.Store, ahead time.Duration) *offClock {
	o := &offClock{Store: table}
	o.ahead.Store(int64(ahead))
	return o
}

// jump moves the clock.
func (o *offClock) jump(by time.Duration) { o.ahead.Add(int64(by)) }

func (o *offClock) here(there time.Time) time.Time { return there.Add(-time.Duration(o.ahead.Load())) }

func (o *offClock) there(here time.Time) time.Time { return here.Add(time.Duration(o.ahead.Load())) }

func (o *offClock) Beat(ctx context.Context, w leases.Worker) error {
	w.Updated = o.there(w.Updated)
	return o.Store.Beat(ctx, w)
}

func (o *offClock) Worker(ctx context.Context, id string) (leases.Worker, error) {
	w, err := o.Store.Worker(ctx, id)
	w.Updated = o.here(w.Updated)
	return w, err
}

func (o *offClock) Retire(ctx context.Context, id string, asRead time.Time) error {
	if !asRead.IsZero() {
		asRead = o.there(asRead)
	}
	return o.Store.Retire(ctx, id, asRead)
}

func (o *offClock) Scan(ctx context.Context) (leases.Snapshot, error) {
	return o.seen(o.Store.Scan(ctx))
}

func (o *offClock) ScanPart(ctx context.Context, part, parts int) (leases.Snapshot, error) {
	return o.seen(o.Store.ScanPart(ctx, part, parts))
}

func (o *offClock) seen(s leases.Snapshot, err error) (leases.Snapshot, error) {
	for i := range s.Workers {
		s.Workers[i].Updated = o.here(s.Workers[i].Updated)
	}
	return s, err
}

// errors of clocks: by a time zone, and by more than a dead worker's row is kept.
var wrongBy = []time.Duration{2 * time.Hour, -2 * time.Hour, 25 * time.Hour, -25 * time.Hour}

func TestAWorkerWhoseClockIsHoursWrongJoinsRunsAndDies(t *testing.T) {
	for _, ahead := range wrongBy {
		t.Run(ahead.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(t, leases.NewMemory())
				f.create(20)
				f.start("a")
				f.start("b")
				f.await(30*time.Second, "even", func(load map[string]int) bool { return even(load, 20, "a", "b") })
				time.Sleep(10 * time.Second)
				c := f.start("c", func(cfg *leases.Config) { cfg.Store = newOffClock(cfg.Store, ahead) })
				f.await(30*time.Second, "even with the newcomer", func(load map[string]int) bool { return even(load, 20, "a", "b", "c") })
				begun := f.allBegun()
				time.Sleep(2 * time.Minute)
				if now := f.allBegun(); now != begun {
					t.Errorf("%d holdings began at rest", now-begun)
				}
				c.kill()
				f.await(13*time.Second, "taken over", func(load map[string]int) bool { return load["a"]+load["b"] == 20 })
				f.await(30*time.Second, "even again", func(load map[string]int) bool { return even(load, 20, "a", "b") })
				f.stopAll()
			})
		})
	}
}

// allBegun returns how many holdings have begun.
func (f *fleet) allBegun() (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, begun := range f.begun {
		n += begun
	}
	return n
}

func TestAClockThatJumpsMovesNoLease(t *testing.T) {
	for _, by := range append(wrongBy, 5*time.Second, -5*time.Second) { // the last two meet the second of another beat
		t.Run(by.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(t, leases.NewMemory())
				f.create(20)
				var clocks []*offClock
				for _, name := range []string{"a", "b", "c"} {
					f.start(name, func(cfg *leases.Config) {
						clocks = append(clocks, newOffClock(cfg.Store, 0))
						cfg.Store = clocks[len(clocks)-1]
					})
				}
				f.await(30*time.Second, "even", func(load map[string]int) bool { return even(load, 20, "a", "b", "c") })
				time.Sleep(10 * time.Second)
				begun := f.allBegun()
				for _, these := range [][]*offClock{clocks[:1], clocks} { // one clock, and all of them
					for _, c := range these {
						c.jump(by)
					}
					time.Sleep(time.Minute)
				}
				if now := f.allBegun(); now != begun || !even(f.load(), 20, "a", "b", "c") {
					t.Errorf("%d holdings began when a clock jumped; %v", now-begun, f.load())
				}
				f.stopAll()
			})
		})
	}
}

// The one that draws the lot to audit is c. To it all others' rows are those of workers that died a day ago: it deletes them, and their workers write them again.
func TestAnAuditorWhoseClockIsADayAheadMovesNoLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, leases.NewMemory())
		put(t, f.table, "l", at(t, "5"))
		put(t, f.table, "r", at(t, "5"))
		stream := &register{listed: halves()}
		f.start("b")
		f.await(30*time.Second, "held", func(load map[string]int) bool { return load["b"] == 2 })
		retired := make(chan string, 100)
		f.start("c", func(cfg *leases.Config) {
			cfg.Store, cfg.Listings = &burials{newOffClock(cfg.Store, 25*time.Hour), retired}, stream.list
		})
		f.await(30*time.Second, "even", func(load map[string]int) bool { return even(load, 2, "c", "b") })
		begun := f.allBegun()
		time.Sleep(10 * time.Minute)
		if now := f.allBegun(); now != begun || len(retired) == 0 {
			t.Errorf("%d holdings began, %d rows were deleted", now-begun, len(retired))
		}
		f.stopAll()
	})
}

// burials tells of rows of others that are deleted.
type burials struct {
	*offClock
	of chan string
}

func (b *burials) Retire(ctx context.Context, id string, asRead time.Time) error {
	if !asRead.IsZero() {
		b.of <- id
	}
	return b.offClock.Retire(ctx, id, asRead)
}

// The rows are judged as in TestAFleetUnderRandomFaultsIsJudgedByTheOracle, over a table that throttles and loses replies; here every
// worker's clock is wrong by hours, each in its own way, and jumps.
func TestAFleetWhoseClocksJumpIsJudgedByTheOracle(t *testing.T) {
	for seed := range uint64(2) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { randomClocks(t, seed) })
		})
	}
}

func randomClocks(t *testing.T, seed uint64) {
	t.Helper()
	const total, workers = 6, 7
	c := newCrowd(t, total,
		kinesistest.Fault{Service: kinesistest.DynamoDB, Probability: 0.05, Seed: seed, Do: kinesistest.Throttle()},
		kinesistest.Fault{Service: kinesistest.DynamoDB, Probability: 0.02, Seed: seed, Do: kinesistest.DropReply()})
	c.handle = stepByStep
	rng := rand.New(rand.NewPCG(seed, 11))
	wrong := func() time.Duration { return time.Duration(rng.Int64N(int64(60*time.Hour))) - 30*time.Hour }
	clocks := make(map[string]*offClock)
	for i := range workers {
		name := fmt.Sprintf("w%02d", i)
		clocks[name] = newOffClock(c.connect(name), wrong())
		c.joinBy(name, clocks[name])
		for range 3 {
			time.Sleep(time.Duration(rng.Int64N(int64(6 * time.Second))))
			for _, clock := range clocks {
				if rng.IntN(3) == 0 {
					clock.jump(wrong())
				}
			}
		}
		if i >= 3 {
			gone := fmt.Sprintf("w%02d", i-3)
			if i%2 == 0 {
				c.kill(gone)
			} else {
				c.members[gone].stop()
			}
		}
	}
	c.within(2*time.Minute, "every lease is held by who lives", func(load map[string]int) bool {
		return load["w04"]+load["w05"]+load["w06"] == total
	})
	c.end()
}
