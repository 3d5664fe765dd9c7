package leases_test

import (
	"maps"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penstock-go/penstock/leases"
)

// stream is what a fleet reads: so many KiB a second of each shard, which may be changed.
type stream struct {
	mu   sync.Mutex // guards the fields below
	rate map[string]float64
	rng  *rand.Rand
	wild float64 // by what share of it a rate wavers from one reply to the next
}

func newStream(shards int, rate float64) *stream {
	s := &stream{rate: make(map[string]float64), rng: rand.New(rand.NewPCG(3, 3))}
	for i := range shards {
		s.rate[shardKey(i)] = rate
	}
	return s
}

func (s *stream) set(rates map[string]float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.Copy(s.rate, rates)
}

// flows returns how much came in a second.
func (s *stream) flows(key string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return int(1024 * s.rate[key] * (1 + s.wild*(2*s.rng.Float64()-1)))
}

// read is a handler's work: a reply every second.
func (s *stream) read(h *leases.Held) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-h.Draining():
			return
		case <-h.Context().Done():
			return
		case <-tick.C:
			h.Count(s.flows(h.Lease().Key))
		}
	}
}

// handoffs counts what is asked for.
type handoffs struct {
	mu   sync.Mutex // guards keys
	keys map[string]int
}

func (o *handoffs) listen(c *leases.Config) {
	c.Hooks.HandoffAsked = func(l leases.Lease) {
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.keys == nil {
			o.keys = make(map[string]int)
		}
		o.keys[l.Key]++
	}
}

// count returns how many handoffs there were, and how many of the lease that moved most.
func (o *handoffs) count() (all, most int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, n := range o.keys {
		all, most = all+n, max(most, n)
	}
	return all, most
}

func (o *handoffs) reset() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.keys = nil
}

// flowing starts a fleet of three that reads twelve shards, and waits until all have their shares.
func flowing(t *testing.T, s *stream, change ...func(*leases.Config)) (*fleet, *handoffs) {
	f, moved := newFleet(t, leases.NewMemory()), &handoffs{}
	f.create(12)
	names := []string{"a", "b", "c"}
	for _, name := range names {
		f.start(name, append(change, moved.listen, func(c *leases.Config) { c.Work = s.read })...)
	}
	f.await(30*time.Second, "even", func(load map[string]int) bool { return even(load, 12, names...) })
	time.Sleep(30 * time.Second) // whoever knew of no other took more than its share, and was asked for it
	moved.reset()
	return f, moved
}

// The holder of a shard with ten times the traffic of the others keeps one of those besides, which is half of its share; and then nothing
// moves any more.
func TestAWorkerWithAHotShardIsLeftWithFewOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStream(12, 100)
		f, moved := flowing(t, s)
		s.set(map[string]float64{shardKey(7): 1000})
		hot := f.holders()[shardKey(7)]
		took := f.await(15*time.Minute, "the hot shard's holder is unburdened", func(load map[string]int) bool {
			return load[hot] == 2 && sum(load) == 12
		})
		t.Log("after", took)
		time.Sleep(30 * time.Minute)
		for worker, n := range f.load() {
			if worker != hot && n != 5 {
				t.Errorf("%v", f.load())
			}
		}
		if all, most := moved.count(); all != 2 || most != 1 {
			t.Errorf("%d handoffs, one lease %d times", all, most)
		}
		if now := f.holders()[shardKey(7)]; now != hot {
			t.Errorf("the hot shard went from %s to %s", hot, now)
		}

		// A pause of some minutes is no reason to move everything back, and the end of the heat is one.
		moved.reset()
		s.set(newStream(12, 0).rate)
		time.Sleep(4 * time.Minute)
		if all, _ := moved.count(); all != 0 {
			t.Errorf("%d handoffs in a pause", all)
		}
		s.set(newStream(12, 100).rate)
		f.await(15*time.Minute, "even again", func(load map[string]int) bool { return even(load, 12, "a", "b", "c") })
		time.Sleep(30 * time.Minute)
		if all, most := moved.count(); all != 2 || most != 1 {
			t.Errorf("then %d handoffs, one lease %d times", all, most)
		}
		f.stopAll()
	})
}

func TestTrafficThatWaversMovesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStream(12, 100)
		s.wild = 1 // from nothing to twice as much
		f, moved := flowing(t, s)
		time.Sleep(time.Hour)
		if all, _ := moved.count(); all != 0 {
			t.Errorf("%d handoffs", all)
		}
		f.stopAll()
	})
}

// Worker a runs on a machine on which each lease costs three times what it costs the others. It tells so with its row, and gets less.
func TestAWorkerWithABusyProcessorGetsLess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStream(12, 100)
		var f *fleet
		var moved *handoffs
		cost := map[string]float64{"a": 15, "b": 5, "c": 5}
		ready := make(chan struct{})
		f, moved = flowing(t, s, func(c *leases.Config) {
			c.CPU = func() (float64, bool) {
				select {
				case <-ready:
					return 10 + cost[c.Worker]*float64(f.load()[c.Worker]), true
				default:
					return 0, false
				}
			}
		})
		close(ready)
		took := f.await(30*time.Minute, "a has less", func(load map[string]int) bool { return load["a"] == 2 && sum(load) == 12 })
		t.Log("after", took)
		time.Sleep(30 * time.Minute)
		if load := f.load(); load["a"] != 2 || load["b"] != 5 || load["c"] != 5 {
			t.Errorf("%v", load)
		}
		if all, most := moved.count(); all != 2 || most != 1 {
			t.Errorf("%d handoffs, one lease %d times", all, most)
		}
		row, err := f.table.Worker(t.Context(), "a")
		if used := row.Used["C"]; err != nil || len(used) != 10 || used[9] != 40 || row.Limits["C"][0] != 100 {
			t.Errorf("%+v, %v", row, err)
		}
		f.stopAll()
	})
}

// Shards differ widely, as e to the power of a number of deviation one and a half, and replies by half. A worker that joins has its share of
// the leases in half a minute, and of the traffic in a quarter of an hour at the latest.
func TestAFleetOfUnequalShardsReadsEvenly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const shards = 60
		s := newStream(shards, 0)
		s.wild = 0.5
		for i := range shards {
			s.rate[shardKey(i)] = 100 * math.Exp(1.5*s.rng.NormFloat64())
		}
		f, moved := newFleet(t, leases.NewMemory()), &handoffs{}
		f.create(shards)
		names := []string{"a", "b", "c", "d"}
		start := func(name string) {
			f.start(name, moved.listen, func(c *leases.Config) { c.Work = s.read })
		}
		for _, name := range names {
			start(name)
		}
		time.Sleep(30 * time.Second)
		moved.reset()
		time.Sleep(15 * time.Minute)
		expectEvenTraffic(t, f, s, names)
		expectFewMoves(t, moved, shards/3)

		moved.reset()
		start("e")
		names = append(names, "e")
		f.await(30*time.Second, "even", func(load map[string]int) bool { return even(load, shards, names...) })
		time.Sleep(15 * time.Minute)
		expectEvenTraffic(t, f, s, names)
		expectFewMoves(t, moved, shards/5+shards/3)
		f.stopAll()
	})
}

// expectFewMoves fails the test where there were more handoffs than that, or one lease moved more than three times: for count, for weight, and,
// in one fleet of a hundred, for weight again, as what replies have at random moves the shares.
func expectFewMoves(t *testing.T, moved *handoffs, bound int) {
	t.Helper()
	all, most := moved.count()
	t.Logf("%d handoffs, one lease %d times", all, most)
	if all > bound || most > 3 {
		t.Errorf("more than %d, or than 3", bound)
	}
}

// expectEvenTraffic fails the test unless all workers read the same, within a tenth and a half of that for what wavers and for want of leases
// that fit.
func expectEvenTraffic(t *testing.T, f *fleet, s *stream, names []string) {
	t.Helper()
	sums, total := make(map[string]float64), 0.0
	for key, worker := range f.holders() {
		sums[worker] += s.rate[key]
		total += s.rate[key]
	}
	for _, name := range names {
		if part := sums[name] * float64(len(names)) / total; part < 0.85 || part > 1.15 {
			t.Errorf("%s reads %.2f of the mean; all: %v", name, part, sums)
		}
	}
}
