package leasestest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/penstock-go/penstock/leases"
)

func workers(t *testing.T, store leases.Store) {
	row := create(t, store, leases.Lease{Key: "shardId-1"})
	first := leases.Worker{ID: "worker-1", Updated: time.Unix(1_700_000_000, 0), Every: 5 * time.Second}
	beat(t, store, first)
	second := first
	second.Updated = time.Unix(1_700_000_005, 0)
	second.MaxLeases = 7
	second.Used, second.Limits = map[string][]float64{"C": {12.5, -1}}, map[string][]float64{"C": {100}}
	beat(t, store, second)
	beat(t, store, leases.Worker{ID: "worker-2", Updated: time.Unix(1, 0), Every: time.Second})
	eventually(t, "a scan with both workers and the lease", func(ctx context.Context) bool {
		s, err := store.Scan(ctx)
		if err != nil || len(s.Damaged) != 0 {
			t.Fatalf("Scan: %v, damaged %v", err, s.Damaged)
		}
		return len(s.Leases) == 1 && len(s.Workers) == 2 && slices.ContainsFunc(s.Workers, func(w leases.Worker) bool { return differ(w, second) == "" })
	})
	same(t, "the lease", read(t, store, row.Key), row)

	if err := store.Retire(t.Context(), "worker-1", first.Updated); err != nil {
		t.Errorf("Retire as read before the last beat: %v", err)
	}
	expectWorker(t, store, second)
	for _, asRead := range []time.Time{second.Updated, second.Updated, {}} { // once, and twice in vain
		if err := store.Retire(t.Context(), "worker-1", asRead); err != nil {
			t.Errorf("Retire: %v", err)
		}
		if _, err := store.Worker(t.Context(), "worker-1"); !errors.Is(err, leases.ErrNotFound) {
			t.Errorf("a worker that has retired: %v", err)
		}
	}
	if err := store.Retire(t.Context(), "worker-2", time.Time{}); err != nil {
		t.Errorf("Retire: %v", err)
	}
	if _, err := store.Worker(t.Context(), "worker-2"); !errors.Is(err, leases.ErrNotFound) {
		t.Errorf("a worker that has retired: %v", err)
	}
}

func beat(t *testing.T, store leases.Store, w leases.Worker) {
	t.Helper()
	if err := store.Beat(t.Context(), w); err != nil {
		t.Fatalf("Beat: %v", err)
	}
	expectWorker(t, store, w)
}

func expectWorker(t *testing.T, store leases.Store, want leases.Worker) {
	t.Helper()
	got, err := store.Worker(t.Context(), want.ID)
	if err != nil {
		t.Fatalf("Worker: %v", err)
	}
	if diff := differ(want, got); diff != "" {
		t.Errorf("worker row (-want +got):\n%s", diff)
	}
}

func differ(a, b leases.Worker) string {
	return cmp.Diff(a, b, cmpopts.EquateEmpty(), cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) }))
}

func noLeader(t *testing.T, store leases.Store) {
	if l, err := store.Leader(t.Context()); !errors.Is(err, leases.ErrNotFound) {
		t.Errorf("Leader returned %v, %v", l, err)
	}
	if err := store.Depose(t.Context(), leases.Leader{Version: "1"}); err != nil {
		t.Errorf("Depose of nobody: %v", err)
	}
}

func check(t *testing.T, store leases.Store) {
	if err := store.Check(t.Context()); err != nil {
		t.Errorf("Check: %v", err)
	}
}
