package leasestest

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/penstock-go/penstock/checkpoint"
	"github.com/penstock-go/penstock/leases"
	"github.com/penstock-go/penstock/leases/internal/seal"
)

func write(key string, c leases.Condition, change leases.Change) leases.Write {
	return leases.NewWrite(seal.Cut(), key, c, change)
}

// conditions tries every clause by itself, on a row of which it holds and on one of which it does not, and all of them together.
func conditions(t *testing.T, store leases.Store) {
	owned := leases.Lease{Key: "owned", Owner: "me", CheckpointOwner: "you", Counter: 5, StartAt: time.UnixMilli(1)}
	free := leases.Lease{Key: "free", Counter: 6, Checkpoint: checkpoint.ShardEnd}
	create(t, store, owned)
	create(t, store, free)
	cases := map[string]struct {
		condition   leases.Condition
		owned, free bool
	}{
		"nothing":          {leases.Condition{}, true, true},
		"counter":          {leases.Condition{Counter: leases.Exactly[int64](5)}, true, false},
		"owner":            {leases.Condition{Owner: leases.Exactly("me")}, true, false},
		"no owner":         {leases.Condition{Owner: leases.Exactly("")}, false, true},
		"checkpoint owner": {leases.Condition{CheckpointOwner: leases.Exactly("you")}, true, false},
		"no handoff":       {leases.Condition{CheckpointOwner: leases.Exactly("")}, false, true},
		"unfinished":       {leases.Condition{Unfinished: true}, true, false},
		"ended":            {leases.Condition{Ended: true}, false, true},
		"no start":         {leases.Condition{NoStartAt: true}, false, true},
		"all of one": {leases.Condition{Counter: leases.Exactly[int64](5), Owner: leases.Exactly("me"),
			CheckpointOwner: leases.Exactly("you"), Unfinished: true}, true, false},
		"all but one of one": {leases.Condition{Counter: leases.Exactly[int64](5), Owner: leases.Exactly("me"),
			CheckpointOwner: leases.Exactly("me"), Unfinished: true}, false, false},
		"all of the other": {leases.Condition{Counter: leases.Exactly[int64](6), Owner: leases.Exactly(""),
			CheckpointOwner: leases.Exactly(""), NoStartAt: true}, false, true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			try(t, store, write("owned", c.condition, leases.Change{CountSwitch: true}), c.owned)
			try(t, store, write("free", c.condition, leases.Change{CountSwitch: true}), c.free)
		})
	}
}

// try makes a write and checks that it happened, or that nothing did.
func try(t *testing.T, store leases.Store, w leases.Write, want bool) {
	t.Helper()
	before := read(t, store, w.Key())
	if w.Holds(before) != want {
		t.Fatalf("%s: the case is wrong: Holds = %v", w.Key(), !want)
	}
	after, err := store.Write(t.Context(), w)
	if want {
		if err != nil {
			t.Errorf("%s: %v", w.Key(), err)
		}
		same(t, "the row that Write returned", after, w.Apply(before))
		same(t, "the row", read(t, store, w.Key()), w.Apply(before))
		return
	}
	var conflict *leases.ConflictError
	if !errors.As(err, &conflict) || !errors.Is(err, leases.ErrConflict) || conflict.Key != w.Key() {
		t.Errorf("%s: the error is %v", w.Key(), err)
	} else if conflict.Actual != nil {
		same(t, "the row in the error", *conflict.Actual, before)
	}
	same(t, "the row after a conflict", read(t, store, w.Key()), before)
}

func changes(t *testing.T, store leases.Store) {
	all := map[string]leases.Change{
		"nothing":               {},
		"counter":               {NextCounter: true},
		"owner":                 {Owner: leases.Exactly("somebody")},
		"no owner":              {Owner: leases.Exactly("")},
		"checkpoint owner":      {CheckpointOwner: leases.Exactly("somebody")},
		"no checkpoint owner":   {CheckpointOwner: leases.Exactly("")},
		"switch":                {CountSwitch: true},
		"checkpoint":            {Checkpoint: leases.Exactly(position(t, "123", 4))},
		"checkpoint inclusive":  {Checkpoint: leases.Exactly(position(t, "124", checkpoint.Inclusive))},
		"sentinel":              {Checkpoint: leases.Exactly(checkpoint.ShardEnd)},
		"switch and checkpoint": {CountSwitch: true, Checkpoint: leases.Exactly(checkpoint.Latest)},
		"children":              {Children: []string{"left", "right"}},
		"start":                 {StartAt: time.UnixMilli(1_600_000_000_001)},
		"throughput":            {NextCounter: true, ThroughputKBps: leases.Exactly(0.015625)},
		"no throughput":         {NextCounter: true, ThroughputKBps: leases.Exactly(0.0)},
		"everything": {NextCounter: true, Owner: leases.Exactly("a"), CheckpointOwner: leases.Exactly("b"), CountSwitch: true,
			Checkpoint: leases.Exactly(position(t, "9", 0)), Children: []string{"x"}, StartAt: time.UnixMilli(3), ThroughputKBps: leases.Exactly(1e6)},
		"everything away": {NextCounter: true, Owner: leases.Exactly(""), CheckpointOwner: leases.Exactly("")},
	}
	for name, change := range all {
		t.Run(name, func(t *testing.T) {
			bare, rich := leases.Lease{Key: "bare-" + name}, full(t, "rich-"+name)
			create(t, store, bare)
			create(t, store, rich)
			try(t, store, write(bare.Key, leases.Condition{}, change), true)
			try(t, store, write(rich.Key, leases.Condition{Counter: leases.Exactly(rich.Counter)}, change), true)
		})
	}
}

func writeNothing(t *testing.T, store leases.Store) {
	_, err := store.Write(t.Context(), write("shardId-1", leases.Condition{}, leases.Change{Owner: leases.Exactly("me"), NextCounter: true}))
	if !errors.Is(err, leases.ErrConflict) {
		t.Errorf("Write returned %v", err)
	}
	absent := leases.Condition{Owner: leases.Exactly(""), CheckpointOwner: leases.Exactly(""), NoStartAt: true, Unfinished: true}
	if _, err = store.Write(t.Context(), write("shardId-1", absent, leases.Change{NextCounter: true})); !errors.Is(err, leases.ErrConflict) {
		t.Errorf("Write with every absence demanded returned %v", err)
	}
	if _, err := store.Get(t.Context(), "shardId-1"); !errors.Is(err, leases.ErrNotFound) {
		t.Errorf("Get returned %v", err)
	}
}

func deletes(t *testing.T, store leases.Store) {
	row := create(t, store, leases.Lease{Key: "shardId-1", Counter: 5, Checkpoint: checkpoint.ShardEnd})
	for what, c := range map[string]leases.Condition{
		"another counter": {Counter: leases.Exactly[int64](4), Ended: true}, "not ended": {Counter: leases.Exactly[int64](5), Unfinished: true},
	} {
		if err := store.Delete(t.Context(), write(row.Key, c, leases.Change{})); !errors.Is(err, leases.ErrConflict) {
			t.Errorf("Delete under %s returned %v", what, err)
		}
		same(t, "after a refused delete", read(t, store, row.Key), row)
	}
	right := write(row.Key, leases.Condition{Counter: leases.Exactly[int64](5), Ended: true}, leases.Change{})
	if err := store.Delete(t.Context(), right); err != nil {
		t.Errorf("Delete: %v", err)
	}
	if _, err := store.Get(t.Context(), row.Key); !errors.Is(err, leases.ErrNotFound) {
		t.Errorf("Get after Delete returned %v", err)
	}
	if err := store.Delete(t.Context(), right); !errors.Is(err, leases.ErrConflict) {
		t.Errorf("a second Delete returned %v", err)
	}
}

// race makes writes with one fence side by side, several times.
func race(t *testing.T, store leases.Store) {
	const rivals = 8
	row := create(t, store, leases.Lease{Key: "shardId-1"})
	for range 10 {
		errs := make([]error, rivals)
		var all sync.WaitGroup
		for i := range rivals {
			all.Go(func() {
				_, errs[i] = store.Write(t.Context(), write(row.Key, leases.Condition{Counter: leases.Exactly(row.Counter)},
					leases.Change{NextCounter: true, Owner: leases.Exactly(string(rune('a' + i)))}))
			})
		}
		all.Wait()
		winner := slices.Index(errs, nil)
		for i, err := range errs {
			if i != winner && !errors.Is(err, leases.ErrConflict) {
				t.Errorf("rival %d: %v", i, err)
			}
		}
		row = read(t, store, row.Key)
		if winner < 0 || row.Owner != string(rune('a'+winner)) {
			t.Fatalf("winner %d, row %+v", winner, row)
		}
	}
}
