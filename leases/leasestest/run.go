package leasestest

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/penstock-go/penstock/checkpoint"
	"github.com/penstock-go/penstock/leases"
)

// Run tests a store. open returns an empty one, prepared or not; it is called once for each part of the suite.
func Run(t *testing.T, open func(t *testing.T) leases.Store) {
	t.Helper()
	parts := []struct {
		name string
		test func(*testing.T, leases.Store)
	}{
		{"PrepareMayBeRepeated", prepareTwice},
		{"RowsComeBackAsTheyWereCreated", roundTrip},
		{"PositionsComeBack", positions},
		{"CreateLeavesAnExistingRowAlone", createTwice},
		{"GetOfNothingIsNotFound", getNothing},
		{"ScanReturnsEveryRow", scanAll},
		{"ThePartsOfATableAreTheWhole", scanParts},
		{"TheIndexFollowsTheOwner", indexFollows},
		{"EveryClauseOfAConditionCounts", conditions},
		{"EveryChangeIsMadeAndNothingElse", changes},
		{"AWriteNeverCreatesARow", writeNothing},
		{"OneOfManyWritesWithTheSameFenceSucceeds", race},
		{"RenewalsOfOneCallSucceedOrFailByThemselves", renewals},
		{"ARowIsDeletedUnderItsConditionAlone", deletes},
		{"WorkersComeAndGo", workers},
		{"ThereIsNoLeaderWhereNobodyLeads", noLeader},
		{"CheckPassesWhatPrepareHasPassed", check},
		{"AnEndedContextEndsTheCall", ended},
		{"AWorkerLivesOnIt", life},
	}
	for _, part := range parts {
		t.Run(part.name, func(t *testing.T) {
			store := open(t)
			if err := store.Prepare(t.Context()); err != nil {
				t.Fatalf("Prepare: %v", err)
			}
			part.test(t, store)
		})
	}
}

// full returns a lease that has something in every field.
func full(t *testing.T, key string) leases.Lease {
	t.Helper()
	stream := "123456789012:orders:1700000000"
	return leases.Lease{
		Key: stream + ":" + key, Stream: stream, ShardID: key, Owner: "worker-1", CheckpointOwner: "worker-0", Counter: 41,
		Checkpoint: position(t, "49590338271490256608559692538361571095921575989136588898", 7),
		StartAt:    time.UnixMilli(1_700_000_000_123).UTC(), OwnerSwitches: 3,
		Parents: []string{"shardId-000000000001", "shardId-000000000002"}, Children: []string{"shardId-000000000009"},
		StartingHashKey: "0", EndingHashKey: "340282366920938463463374607431768211455", ThroughputKBps: 12.125,
	}
}

func position(t *testing.T, number string, sub int64) checkpoint.Position {
	t.Helper()
	p, err := checkpoint.At(number, sub)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// create writes a row that must not be there yet.
func create(t *testing.T, store leases.Store, l leases.Lease) leases.Lease {
	t.Helper()
	if created, err := store.Create(t.Context(), l); err != nil || !created {
		t.Fatalf("Create(%s) = %v, %v", l.Key, created, err)
	}
	return read(t, store, l.Key)
}

func read(t *testing.T, store leases.Store, key string) leases.Lease {
	t.Helper()
	l, err := store.Get(t.Context(), key)
	if err != nil {
		t.Fatalf("Get(%s): %v", key, err)
	}
	return l
}

// same fails the test unless two rows are equal. An empty list and none are the same.
func same(t *testing.T, what string, got, want leases.Lease) {
	t.Helper()
	if diff := diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func diff(a, b leases.Lease) string {
	return cmp.Diff(a, b, cmp.Comparer(func(a, b checkpoint.Position) bool { return a == b }),
		cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) }),
		cmp.Comparer(func(a, b []string) bool { return cmp.Equal(append([]string{}, a...), append([]string{}, b...)) }))
}

// eventually repeats a question to the index, which may lag behind.
func eventually(t *testing.T, what string, cond func(context.Context) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for tick := time.NewTicker(20 * time.Millisecond); !cond(ctx); {
		select {
		case <-tick.C:
		case <-ctx.Done():
			tick.Stop()
			t.Fatalf("%s: not within 10 s", what)
		}
	}
}
