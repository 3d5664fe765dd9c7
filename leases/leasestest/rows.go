package leasestest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/penstock-go/penstock/checkpoint"
	"github.com/penstock-go/penstock/leases"
)

func prepareTwice(t *testing.T, store leases.Store) {
	l := create(t, store, leases.Lease{Key: "shardId-1"})
	if err := store.Prepare(t.Context()); err != nil {
		t.Errorf("second Prepare: %v", err)
	}
	same(t, "after a second Prepare", read(t, store, l.Key), l)
}

func roundTrip(t *testing.T, store leases.Store) {
	want := full(t, "shardId-000000000042")
	same(t, "full row", create(t, store, want), want)
	bare := leases.Lease{Key: "shardId-000000000043"}
	got := create(t, store, bare)
	bare.ShardID = bare.Key
	same(t, "bare row", got, bare)
}

func positions(t *testing.T, store leases.Store) {
	all := []checkpoint.Position{
		checkpoint.TrimHorizon, checkpoint.Latest, checkpoint.AtTimestamp, checkpoint.ShardEnd,
		position(t, "0", 0), position(t, "7", checkpoint.Inclusive), position(t, "49590338271490256608559692538361571095921575989136588898", 1<<40),
	}
	for i, p := range all {
		if got := create(t, store, leases.Lease{Key: fmt.Sprint("shardId-", i), Checkpoint: p}); got.Checkpoint != p {
			t.Errorf("%v came back as %v", p, got.Checkpoint)
		}
	}
}

func createTwice(t *testing.T, store leases.Store) {
	first := create(t, store, full(t, "shardId-1"))
	second := first
	second.Checkpoint, second.Counter, second.Owner = checkpoint.Latest, 0, "thief"
	if created, err := store.Create(t.Context(), second); err != nil || created {
		t.Errorf("second Create = %v, %v", created, err)
	}
	same(t, "after the second Create", read(t, store, first.Key), first)
}

func getNothing(t *testing.T, store leases.Store) {
	if _, err := store.Get(t.Context(), "shardId-1"); !errors.Is(err, leases.ErrNotFound) {
		t.Errorf("Get returned %v", err)
	}
}

// manyRows is more than fits into one reply of a store that is told to page.
const manyRows = 250

func scanAll(t *testing.T, store leases.Store) {
	want := make(map[string]leases.Lease, manyRows)
	for i := range manyRows {
		l := full(t, fmt.Sprintf("shardId-%012d", i))
		want[l.Key] = create(t, store, l)
	}
	eventually(t, "a scan that returns every row", func(ctx context.Context) bool {
		s, err := store.Scan(ctx)
		if err != nil || len(s.Damaged) != 0 {
			t.Fatalf("Scan: %v, damaged %v", err, s.Damaged)
		}
		return len(s.Leases) == manyRows && !slices.ContainsFunc(s.Leases, func(l leases.Lease) bool { return diff(l, want[l.Key]) != "" })
	})
}

func scanParts(t *testing.T, store leases.Store) {
	const rows, parts = 60, 7
	for i := range rows {
		create(t, store, leases.Lease{Key: fmt.Sprintf("shardId-%012d", i)})
	}
	where := make(map[string]int)
	for round := range 2 {
		found := 0
		for part := range parts {
			s, err := store.ScanPart(t.Context(), part, parts)
			if err != nil {
				t.Fatalf("ScanPart(%d): %v", part, err)
			}
			for _, l := range s.Leases {
				if before, seen := where[l.Key]; seen && before != part {
					t.Errorf("round %d: %s is in part %d and in part %d", round, l.Key, before, part)
				}
				where[l.Key] = part
				found++
			}
		}
		if found != rows || len(where) != rows {
			t.Errorf("round %d: %d rows, %d of them different, in all parts; want %d", round, found, len(where), rows)
		}
	}
}

func indexFollows(t *testing.T, store leases.Store) {
	var keys []string
	for i := range 30 {
		l := leases.Lease{Key: fmt.Sprintf("shardId-%03d", i), Owner: "one"}
		create(t, store, l)
		keys = append(keys, l.Key)
	}
	create(t, store, leases.Lease{Key: "shardId-nobody"})
	expectKeys(t, store, "one", keys)
	expectKeys(t, store, "two", nil)
	for i, key := range keys {
		to := ""
		if i%2 == 0 {
			to = "two"
		}
		if _, err := store.Write(t.Context(), write(key, leases.Condition{}, leases.Change{Owner: leases.Exactly(to)})); err != nil {
			t.Fatal(err)
		}
	}
	expectKeys(t, store, "one", nil)
	var evens []string
	for i := 0; i < len(keys); i += 2 {
		evens = append(evens, keys[i])
	}
	expectKeys(t, store, "two", evens)
}

func expectKeys(t *testing.T, store leases.Store, worker string, want []string) {
	t.Helper()
	eventually(t, "the keys of "+worker, func(ctx context.Context) bool {
		got, err := store.KeysOf(ctx, worker)
		if err != nil {
			t.Fatalf("KeysOf: %v", err)
		}
		slices.Sort(got)
		return slices.Equal(got, want)
	})
}

func ended(t *testing.T, store leases.Store) {
	create(t, store, leases.Lease{Key: "shardId-1"})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, scan := store.Scan(ctx)
	_, get := store.Get(ctx, "shardId-1")
	_, keys := store.KeysOf(ctx, "worker")
	_, create := store.Create(ctx, leases.Lease{Key: "shardId-2"})
	_, part := store.ScanPart(ctx, 0, 2)
	_, worker := store.Worker(ctx, "worker")
	_, leader := store.Leader(ctx)
	one := write("shardId-1", leases.Condition{}, leases.Change{NextCounter: true})
	_, write := store.Write(ctx, one)
	for call, err := range map[string]error{
		"Scan": scan, "ScanPart": part, "Get": get, "KeysOf": keys, "Create": create, "Write": write, "Delete": store.Delete(ctx, one),
		"Check": store.Check(ctx), "Worker": worker, "Beat": store.Beat(ctx, leases.Worker{ID: "worker"}), "Leader": leader,
		"Retire": store.Retire(ctx, "worker", time.Time{}), "Depose": store.Depose(ctx, leases.Leader{Version: "1"}),
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s returned %v", call, err)
		}
	}
}
