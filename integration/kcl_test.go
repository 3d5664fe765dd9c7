package integration

import (
	"maps"
	"slices"
	"testing"

	"github.com/penstock-go/penstock/checkpoint"
)

// Whoever comes after a worker that has gone, in either language, goes on where the table says: nothing is left out, what was done and
// written down is not done again, and the records of each key stay in order.
func TestWorkersInGoAndInJavaTakeOverFromEachOther(t *testing.T) {
	start := map[string]func(*crew, string) worker{"go": (*crew).inGo, "java": (*crew).inJava}
	for first, second := range map[string]string{"go": "java", "java": "go"} {
		for how, leave := range map[string]func(worker){"stops": func(w worker) { w.stop() }, "dies": func(w worker) { w.die() }} {
			t.Run(first+" "+how, func(t *testing.T) {
				t.Parallel()
				f := newCrew(t)
				f.putMore(30)
				w := start[first](f, first)
				f.await("it is midway", func(notes []note) bool { return len(notes) > 10*crewKeys })
				leave(w)
				midway, _ := f.seen()
				stood := f.checkpoints()
				if !slices.ContainsFunc(slices.Collect(maps.Values(stood)), func(p checkpoint.Position) bool { return !p.Sentinel() }) {
					t.Fatalf("nothing is checkpointed: %v", stood)
				}
				w = start[second](f, second)
				f.putMore(20)
				f.awaitAll()
				w.stop()
				notes, _ := f.seen()
				t.Logf("%d records, handled %v", f.put*crewKeys, byWorker(notes))
				checkOrder(t, notes)
				checkTakeover(t, midway, notes[len(midway):], stood)
				if how == "stops" && len(notes) != f.put*crewKeys {
					t.Errorf("%d records were handled %d times", f.put*crewKeys, len(notes))
				}
			})
		}
	}
}

// Workers of both languages share the shards, whoever was there first; while a Java worker lives, it leads. A shard is split under them,
// and the first of them leaves in good order.
func TestWorkersInGoAndInJavaShareAStream(t *testing.T) {
	start := map[string]func(*crew, string) worker{"go": (*crew).inGo, "java": (*crew).inJava}
	for first, second := range map[string]string{"go": "java", "java": "go"} {
		t.Run(first+" first", func(t *testing.T) {
			t.Parallel()
			f := newCrew(t)
			f.putMore(10)
			one := start[first](f, first)
			f.awaitAll()
			two := start[second](f, second)
			f.putUntil("both handle records", func(latest map[string]int) bool { return latest[first] > 0 && latest[second] > 0 })
			split(t.Context(), t, f.srv.Kinesis(), crewStream)
			f.putMore(10)
			f.awaitAll()
			one.stop()
			f.putMore(10)
			f.awaitAll()
			two.stop()
			notes, _ := f.seen()
			t.Logf("%d records, handled %v", f.put*crewKeys, byWorker(notes))
			checkOrder(t, notes)
		})
	}
}

// checkOrder checks that the records of each key were handled in order, when they were for the first time.
func checkOrder(t *testing.T, notes []note) {
	t.Helper()
	upTo := make(map[string]int)
	for _, n := range notes {
		if n.n > upTo[n.key]+1 {
			t.Errorf("%s handled %s before %s/%d", n.worker, n.record(), n.key, upTo[n.key]+1)
		}
		upTo[n.key] = max(upTo[n.key], n.n)
	}
}

// checkTakeover checks that a second worker did again what the table did not have, and nothing else.
func checkTakeover(t *testing.T, before, after []note, stood map[string]checkpoint.Position) {
	t.Helper()
	did := make(map[string]string)
	for _, n := range before {
		if did[n.record()] != "" {
			t.Errorf("%s handled %s twice", n.worker, n.record())
		}
		did[n.record()] = n.worker
	}
	for _, n := range after {
		if n.at.Compare(stood[n.shard]) <= 0 {
			t.Errorf("%s handled %s, at %v of %s, which stood at %v", n.worker, n.record(), n.at, n.shard, stood[n.shard])
		}
		if did[n.record()] == n.worker {
			t.Errorf("%s handled %s twice", n.worker, n.record())
		}
		did[n.record()] = n.worker
	}
}
