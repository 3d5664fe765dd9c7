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
