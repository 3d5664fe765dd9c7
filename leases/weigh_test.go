package leases

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// drawWeights returns a table with rates, in which every worker is known by something that it holds, and some leases are idle.
func drawWeights(t *rapid.T, workers []string) []standing {
	rows := drawTable(t, workers)
	rate := rapid.OneOf(rapid.Just(0.0), rapid.Float64Range(1, 20), rapid.Float64Range(50, 150), rapid.Float64Range(500, 2000))
	for i := range rows {
		rows[i].ThroughputKBps = rate.Draw(t, rows[i].Key)
	}
	return rows
}

// move is what a worker got from another one.
type move struct {
	key, from, to string
	shift         bool
}

// roundOf lets every worker plan from one table and carries the plans out. Handoffs are done at once.
func roundOf(t *rapid.T, rows []standing, workers []string, cpu map[string]usage) (next []standing, moves []move) {
	next = slices.Clone(rows)
	for _, worker := range workers {
		plan := balance(scene{me: worker, leases: rows, cpu: cpu})
		if len(plan.shift) > 0 && len(plan.take)+len(plan.ask)+plan.later > 0 {
			t.Fatalf("%s moves for weight although counts are not settled: %+v", worker, plan)
		}
		if len(plan.shift) > 1 {
			t.Fatalf("%s is given %d leases at once for their weight", worker, len(plan.shift))
		}
		for _, l := range slices.Concat(plan.take, plan.ask, plan.shift) {
			i := slices.IndexFunc(next, func(r standing) bool { return r.Key == l.Key })
			if next[i].Owner != l.Owner {
				t.Fatalf("two want %s", l.Key)
			}
			next[i].Owner, next[i].idle, next[i].from = worker, false, l.Owner
			moves = append(moves, move{l.Key, l.Owner, worker, len(plan.shift) > 0})
		}
	}
	return next, moves
}

// settle lets the workers go on until nobody has a plan, and returns what moved from one to another.
func settle(t *rapid.T, rows []standing, workers []string, cpu map[string]usage) ([]standing, []move) {
	var all []move
	for range 100 {
		next, moves := roundOf(t, rows, workers, cpu)
		if len(moves) == 0 {
			return rows, all
		}
		for _, m := range moves {
			if m.from != "" {
				all = append(all, m)
			}
		}
		rows = next
	}
	t.Fatalf("no rest after 100 rounds: %v", all)
	return nil, nil
}

func drawWorkers(t *rapid.T) []string {
	return []string{"a", "b", "c", "d", "e", "f"}[:rapid.IntRange(2, 6).Draw(t, "workers")]
}

func spreadOf(rows []standing, workers []string) (least, most, mean int64) {
	sums := make(map[string]int64)
	var total int64
	for _, r := range rows {
		sums[r.Owner] += flow(r.Lease)
		total += flow(r.Lease)
	}
	least = math.MaxInt64
	for _, worker := range workers {
		least, most = min(least, sums[worker]), max(most, sums[worker])
	}
	return least, most, total / int64(len(workers))
}

func TestPlansForWeightComeToRestAndNoLeaseGoesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		workers := drawWorkers(t)
		rows := drawWeights(t, workers)
		after, moves := settle(t, rows, workers, nil)
		left := make(map[string][]string) // key -> who has given it away
		for _, m := range moves {
			if slices.Contains(left[m.key], m.to) {
				t.Fatalf("%s went back to %s: %v", m.key, m.to, moves)
			}
			if m.shift {
				left[m.key] = append(left[m.key], m.from)
			}
		}
		if len(moves) > len(rows) {
			t.Fatalf("%d moves of %d leases: %v", len(moves), len(rows), moves)
		}
		load, share := count(after, workers), len(rows)/len(workers)
		for _, worker := range workers {
			if load[worker] < share/2 || load[worker] > 2*share+2 {
				t.Fatalf("counts are beyond their bounds: %v", load)
			}
		}
	})
}

// No weight moves for less than a tenth of the mean, so that small changes of traffic move nothing.
func TestNothingMovesWhileWeightsAreWithinTheBandAndWaver(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		workers := drawWorkers(t)
		each := rapid.IntRange(1, 8).Draw(t, "leases of each")
		noise := rapid.Float64Range(0.95, 1.05)
		var rows []standing
		for _, worker := range workers {
			for i := range each {
				rows = append(rows, standing{Lease: Lease{Key: fmt.Sprint(worker, i), Owner: worker, ThroughputKBps: 1000}})
			}
		}
		for range 3 {
			wavering := slices.Clone(rows)
			for i := range wavering {
				wavering[i].ThroughputKBps *= noise.Draw(t, wavering[i].Key)
			}
			if _, moves := roundOf(t, wavering, workers, nil); len(moves) > 0 {
				t.Fatalf("noise moved %v", moves)
			}
		}
	})
}

// Whatever the weights were, a few percent more or less set nothing in motion that does not come to rest at once.
func TestNoiseSendsNothingBackAfterAMove(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		workers := drawWorkers(t)
		noise := rapid.Float64Range(0.98, 1.02)
		rows, moves := settle(t, drawWeights(t, workers), workers, nil)
		rates := make(map[string]float64)
		for _, r := range rows {
			rates[r.Key] = r.ThroughputKBps
		}
		from := make(map[string]string)
		for _, m := range moves {
			if m.shift {
				from[m.key] = m.from
			}
		}
		for range 5 {
			for i := range rows {
				rows[i].ThroughputKBps = rates[rows[i].Key] * noise.Draw(t, rows[i].Key)
			}
			var stirred []move
			rows, stirred = roundOf(t, rows, workers, nil)
			for _, m := range stirred {
				if from[m.key] == m.to {
					t.Fatalf("%s went back to %s: %v, then %v", m.key, m.to, moves, stirred)
				}
			}
		}
	})
}

func TestAHotShardIsLeftWithLittleElse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		workers := drawWorkers(t)
		each := rapid.IntRange(2, 10).Draw(t, "leases of each")
		var rows []standing
		for _, worker := range workers {
			for i := range each {
				rows = append(rows, standing{Lease: Lease{Key: fmt.Sprint(worker, i), Owner: worker, ThroughputKBps: 100}})
			}
		}
		rows[0].ThroughputKBps *= rapid.Float64Range(2, 20).Draw(t, "times as hot")
		_, before, _ := spreadOf(rows, workers)
		after, moves := settle(t, rows, workers, nil)
		_, most, mean := spreadOf(after, workers)
		bound := max(mean*11/10, flow(rows[0].Lease)+int64(each-each/2-1)*(100<<10)) + 100<<10
		if most > before || most > bound {
			t.Fatalf("of %d the heaviest has %d, the mean is %d: %v", before, most, mean, moves)
		}
		if len(moves) > each/2+len(workers)*each/2 {
			t.Fatalf("%d moves: %v", len(moves), moves)
		}
	})
}

// A processor's use is what its leases need, by the machine's speed, and what else it has to do.
func TestPlansForProcessorsComeToRest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		workers := drawWorkers(t)
		rows := drawWeights(t, workers)
		idle, speed := make(map[string]float64), make(map[string]float64)
		for _, worker := range workers {
			idle[worker] = rapid.Float64Range(0, 30).Draw(t, "idle "+worker)
			speed[worker] = rapid.Float64Range(0.3, 1).Draw(t, "speed "+worker)
		}
		busy := func(rows []standing) map[string]usage {
			_, _, mean := spreadOf(rows, workers)
			cpu := make(map[string]usage)
			for _, worker := range workers {
				used := idle[worker]
				for _, r := range rows {
					if r.Owner == worker {
						used += 20 * float64(flow(r.Lease)) / float64(max(1, mean)) / speed[worker]
					}
				}
				cpu[worker] = usage{used: int(min(100, used)), limit: 100}
			}
			return cpu
		}
		total := 0
		for round := 0; ; round++ {
			next, moves := roundOf(t, rows, workers, busy(rows))
			if len(moves) == 0 {
				break
			}
			total += len(moves)
			if round > 200 {
				t.Fatalf("no rest: %v of %v, then %v", moves, busy(rows), busy(next))
			}
			rows = next
		}
		if total > 4*len(rows) {
			t.Fatalf("%d moves of %d leases", total, len(rows))
		}
	})
}

func TestProcessorsMoveNothingWhereNothingIsKnownOfTraffic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		workers := drawWorkers(t)
		cpu := make(map[string]usage)
		for _, worker := range workers {
			cpu[worker] = usage{used: rapid.IntRange(0, 100).Draw(t, worker), limit: 100}
		}
		rows, _ := settle(t, drawTable(t, workers), workers, cpu)
		if !settled(rows, workers) {
			t.Fatalf("not even: %v", count(rows, workers))
		}
	})
}

// Weights must leave no lease without a holder where anybody has room.
func TestIdleLeasesAreDealtWhateverTheyWeigh(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		workers := drawWorkers(t)
		rows := drawWeights(t, workers)
		caps, cpu, room := make(map[string]int), make(map[string]usage), 0
		for _, worker := range workers {
			caps[worker] = rapid.IntRange(1, 40).Draw(t, "room of "+worker)
			cpu[worker] = usage{used: rapid.IntRange(0, 100).Draw(t, "use of "+worker), limit: 100}
		}
		load := count(rows, workers)
		for _, worker := range workers {
			room += max(0, caps[worker]-load[worker])
		}
		taken := 0
		for _, worker := range workers {
			taken += len(balance(scene{me: worker, maxLeases: caps[worker], leases: rows, caps: caps, cpu: cpu}).take)
		}
		if taken < min(room, load[""]) && taken < load[""] {
			over := false // one that has more than its limit takes up the shares of others
			for _, worker := range workers {
				over = over || load[worker] > caps[worker]
			}
			if !over {
				t.Fatalf("%d of %d idle leases are taken, and there is room for %d", taken, load[""], room)
			}
		}
	})
}
