package leases

import (
	"errors"
	"testing"

	"github.com/penstock-go/penstock/checkpoint"
	"github.com/penstock-go/penstock/leases/internal/seal"
)

// scenario is a row that is taken through a story, write by write. Each write is made from the row as it is then, and may be
// carried out later.
type scenario struct {
	t     *testing.T
	store Store
}

func newScenario(t *testing.T, owner string) *scenario {
	t.Helper()
	s := &scenario{t: t, store: NewMemory()}
	if _, err := s.store.Create(t.Context(), Lease{Key: "shard", Owner: owner}); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *scenario) row() Lease {
	s.t.Helper()
	row, err := s.store.Get(s.t.Context(), "shard")
	if err != nil {
		s.t.Fatal(err)
	}
	return row
}

// do carries out writes that must succeed.
func (s *scenario) do(spell ...func(Lease) Write) {
	s.t.Helper()
	for _, f := range spell {
		if _, err := s.store.Write(s.t.Context(), f(s.row())); err != nil {
			s.t.Fatal(err)
		}
	}
}

// late carries out a write that was held up on its way, and must not be let through.
func (s *scenario) late(w Write) {
	s.t.Helper()
	before := s.row()
	if _, err := s.store.Write(s.t.Context(), w); !errors.Is(err, ErrConflict) {
		s.t.Errorf("the late write returned %v", err)
	}
	if after := s.row(); after.Holder() != before.Holder() || after.Counter != before.Counter {
		s.t.Errorf("%+v, then %+v", before, after)
	}
}

func takeFor(worker string) func(Lease) Write { return func(l Lease) Write { return take(l, worker) } }
func askFor(worker string) func(Lease) Write  { return func(l Lease) Write { return ask(l, worker) } }
func assignTo(worker string) func(Lease) Write {
	return func(l Lease) Write { return assign(l, worker) }
}

// The same two workers are in the same places, but it is another handoff, and the holder reads.
func TestALateCompletionDoesNotEndALaterHandoff(t *testing.T) {
	s := newScenario(t, "a")
	s.do(askFor("b"))
	held := complete(s.row())
	s.do(complete, askFor("a"), complete, askFor("b"))
	s.late(held)
}

func TestALateReleaseDoesNotTakeALeaseFromItsNextHolding(t *testing.T) {
	s := newScenario(t, "a")
	gone, given := evict(s.row()), assign(s.row(), "b")
	s.do(evict, takeFor("a"))
	s.late(gone)
	s.late(given)
}

func TestALateCheckpointDoesNotUndoALaterOne(t *testing.T) {
	s := newScenario(t, "a")
	held := progressTo(s.row(), checkpoint.Latest)
	s.do(renewal)
	s.late(held)
}

func TestALateTakeDoesNotTakeALeaseThatIsAlive(t *testing.T) {
	s := newScenario(t, "a")
	held := take(s.row(), "b")
	s.do(renewal)
	s.late(held)
}

// Who finds its name on a row may not be the first to write it: another worker may have found it silent.
func TestAnAdoptionThatComesTooLateIsRefused(t *testing.T) {
	s := newScenario(t, "a")
	adoption := renewal(s.row())
	s.do(takeFor("b"))
	s.late(adoption)
}

func TestALateAskDoesNotNameAWorkerThatNobodyKnows(t *testing.T) {
	s := newScenario(t, "a")
	held := ask(s.row(), "c")
	s.do(assignTo("b"))
	s.late(held)
}

func TestALeaseThatHasEndedIsNotAskedFor(t *testing.T) {
	s := newScenario(t, "a")
	held := ask(s.row(), "b")
	s.do(func(l Lease) Write { return progressTo(l, checkpoint.ShardEnd) })
	s.late(held)
}

func TestATakeEndsAHandoffThatBeganMeanwhile(t *testing.T) {
	s := newScenario(t, "a")
	w := take(s.row(), "c")
	s.do(askFor("b"), func(Lease) Write { return w })
	if row := s.row(); row.Owner != "c" || row.CheckpointOwner != "" || row.OwnerSwitches != 1 {
		t.Errorf("row %+v", row)
	}
}

func TestARefusalThatComesLateLeavesTheHolder(t *testing.T) {
	s := newScenario(t, "a")
	s.do(askFor("b"))
	held := refuse(s.row())
	s.do(refuse, askFor("b"), func(Lease) Write { return held })
	if row := s.row(); row.Holder() != "a" || row.Counter != 0 {
		t.Errorf("row %+v", row)
	}
}

func TestWritesCannotBeSpelledWithoutAKey(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("NewWrite accepts a key that nobody has cut")
		}
	}()
	NewWrite(seal.Key{}, "shard", Condition{}, Change{})
}
