package leasestest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/penstock-go/penstock/leases"
)

// renewals makes as many renewals in one call as there may be, where the store is a [leases.Renewer] and its server lets it be one.
func renewals(t *testing.T, store leases.Store) {
	renewer, can := store.(leases.Renewer)
	if !can {
		return
	}
	rows := make([]leases.Lease, leases.MaxRenewals)
	writes := make([]leases.Write, leases.MaxRenewals)
	const late, missing = 7, 11
	for i := range rows {
		rows[i] = full(t, fmt.Sprintf("shardId-%012d", i))
		counter := rows[i].Counter
		if i == late {
			counter-- // as who renews an older row
		}
		if i != missing {
			rows[i] = create(t, store, rows[i])
		}
		change := leases.Change{NextCounter: true}
		if i%2 == 0 {
			change.ThroughputKBps = leases.Exactly(float64(i) / 8)
		}
		writes[i] = write(rows[i].Key, leases.Condition{Counter: leases.Exactly(counter)}, change)
	}
	results, err := renewer.Renew(t.Context(), writes)
	if errors.Is(err, errors.ErrUnsupported) {
		t.Log(err)
		return
	}
	if err != nil || len(results) != len(writes) {
		t.Fatalf("%d results, %v", len(results), err)
	}
	for i, result := range results {
		conflict := (*leases.ConflictError)(nil)
		switch {
		case i == missing:
			if !errors.As(result.Err, &conflict) || conflict.Key != rows[i].Key || conflict.Actual != nil {
				t.Errorf("without a row: %v", result.Err)
			}
			if _, err := store.Get(t.Context(), rows[i].Key); !errors.Is(err, leases.ErrNotFound) {
				t.Errorf("the row that was not there: %v", err)
			}
		case i == late:
			if !errors.As(result.Err, &conflict) || conflict.Key != rows[i].Key {
				t.Errorf("with a counter that has moved on: %v", result.Err)
			} else if conflict.Actual != nil {
				same(t, "the row behind the conflict", *conflict.Actual, rows[i])
			}
			same(t, "the row that was not renewed", read(t, store, rows[i].Key), rows[i])
		case result.Err != nil:
			t.Errorf("renewal %d: %v", i, result.Err)
		default:
			same(t, "the row that Renew returned", result.Lease, writes[i].Apply(rows[i]))
			same(t, "the row", read(t, store, rows[i].Key), writes[i].Apply(rows[i]))
		}
	}
}
