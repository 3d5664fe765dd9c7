package leases

import (
	"testing"
	"time"
)

// A lease that was given to a worker names it before it knows. Were it asked for then, the index would not list it under that worker any
// more, and nobody would complete the handoff.
func TestANewHolderIsKnownToHoldOnceItHasWritten(t *testing.T) {
	w := newWatch(10 * time.Second)
	at := time.Now()
	for i, step := range []struct {
		row   Lease
		named bool
	}{
		{Lease{Owner: "a", Counter: 5}, false}, // seen for the first time: nobody can tell
		{Lease{Owner: "a", Counter: 6}, false},
		{Lease{Owner: "b", Counter: 7}, true}, // given, or taken
		{Lease{Owner: "b", Counter: 7}, true},
		{Lease{Owner: "b", Counter: 8}, false},
		{Lease{Owner: "c", CheckpointOwner: "b", Counter: 8}, false}, // asked for: b still holds it
		{Lease{Owner: "c", Counter: 9}, true},
		{Lease{Owner: "c", Counter: 10}, false},
	} {
		at = at.Add(time.Second)
		step.row.Key = "shard"
		w.see(Snapshot{Leases: []Lease{step.row}}, at)
		if got := w.seen["shard"].named; got != step.named {
			t.Errorf("step %d: %v", i, got)
		}
	}
}

// Its leases are found silent one by one, and meanwhile the others are to be dealt. A worker that writes its row seldom is judged by its leases.
func TestAWorkerWhoseRowIsGoneDoesNotLiveByItsLeases(t *testing.T) {
	for _, part := range []int{noPart, 3} {
		for _, every := range []time.Duration{0, 5 * time.Second} {
			w, at := newWatch(10*time.Second), time.Now()
			row := Worker{ID: "a", Every: every, Updated: at}
			newer := Worker{ID: "a", Every: every, Updated: at.Add(5 * time.Second)}
			for i, step := range []struct {
				rows []Worker
				want bool
			}{
				{[]Worker{row}, true},
				{nil, every == 0},
				{nil, every == 0},
				{[]Worker{row}, every == 0}, // from a copy of the table that lags behind
				{[]Worker{newer}, true},     // it lives after all
			} {
				at = at.Add(time.Second)
				snapshot := Snapshot{Leases: []Lease{{Key: "shard", Owner: "a", Counter: 5}}, Workers: step.rows}
				if part == noPart {
					w.see(snapshot, at)
				} else {
					w.seePart(part, snapshot, at)
				}
				if got := w.members(at)["a"]; got != step.want {
					t.Errorf("part %d, every %v, look %d: %v", part, every, i, got)
				}
			}
		}
	}
}
