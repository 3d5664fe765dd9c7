package consumer

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// member is a worker of a fleet and its way to the lease table.
type member struct {
	*worker
	net *island
}

// fleet does random things to a stream and its workers.
type fleet struct {
	w       *world
	rng     *rand.Rand
	fanOut  bool
	members []member
}

func (f *fleet) join() {
	net := &island{Store: f.w.store}
	cfg := f.w.config()
	cfg.Leases = net
	cfg.Streams[0].FanOut = f.fanOut
	cfg.MaxBatchRecords = 1 + f.rng.IntN(10)
	cfg.FailoverTime = 5 * time.Second
	f.members = append(f.members, member{f.w.start(cfg), net})
}

// leave takes a worker out: gracefully, or by cutting it off.
func (f *fleet) leave(gracefully bool) {
	i := f.rng.IntN(len(f.members))
	gone := f.members[i]
	f.members = append(f.members[:i], f.members[i+1:]...)
	if !gracefully {
		gone.net.sever()
	}
	gone.stop()
}

func (f *fleet) put() {
	for range 1 + f.rng.IntN(10) {
		key := fmt.Sprintf("key-%d", f.rng.IntN(20))
		if f.rng.IntN(3) == 0 {
			f.w.putAggregate(key, 1+f.rng.IntN(8))
		} else {
			f.w.putPlain(key)
		}
	}
}

// step does one random thing. Only if violent may a worker lose its leases without having finished.
func (f *fleet) step(violent bool) {
	switch n := f.rng.IntN(20); {
	case n < 9:
		f.put()
	case n < 14:
		time.Sleep(time.Duration(f.rng.IntN(4000)) * time.Millisecond)
	case n == 14 && len(f.w.openShards()) < 6:
		f.w.split(f.rng.IntN(len(f.w.openShards())))
	case n == 15 && len(f.w.openShards()) > 2:
		f.w.merge(f.rng.IntN(len(f.w.openShards()) - 1))
	case n == 16 && len(f.members) < 4:
		f.join()
	case n == 17 && len(f.members) > 1:
		f.leave(!violent || f.rng.IntN(2) == 0)
	}
}

func (f *fleet) run(violent bool) {
	f.join()
	f.join()
	for range 120 {
		f.step(violent)
	}
	f.w.await("all records handled", func() bool { return len(f.w.seen.distinct()) == f.w.put })
	for _, m := range f.members {
		m.mustEnd()
	}
}

func TestFleetHandlesEveryRecordOnceWhileWorkersComeAndGo(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			bubble(t, 3, func(w *world) {
				f := &fleet{w: w, rng: rand.New(rand.NewPCG(seed, 0)), fanOut: seed%2 == 1}
				f.run(false)
				w.verify()
				w.verifyLineage()
			})
		})
	}
}

func TestFleetLosesNothingWhenWorkersAreCutOff(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			bubble(t, 3, func(w *world) {
				f := &fleet{w: w, rng: rand.New(rand.NewPCG(seed, 1)), fanOut: seed%2 == 1}
				f.run(true)
				w.verifyFirsts()
			})
		})
	}
}
