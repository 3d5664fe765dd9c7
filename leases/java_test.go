package leases_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/smithy-go"

	"github.com/penstock-go/penstock/leases"
	"github.com/penstock-go/penstock/leases/internal/seal"
)

// ledTable is a table in which a Java worker's lock stands.
type ledTable struct {
	leases.Store

	mu      sync.Mutex // guards the fields below
	lock    leases.Leader
	failing bool
	refusal error
	deposed int
}

func (l *ledTable) Leader(context.Context) (leases.Leader, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.failing:
		return leases.Leader{}, errFail
	case l.lock == leases.Leader{}:
		return leases.Leader{}, leases.ErrNotFound
	}
	return l.lock, nil
}

func (l *ledTable) Depose(_ context.Context, row leases.Leader) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if row.Version == l.lock.Version {
		l.lock = leases.Leader{}
		l.deposed++
	}
	return nil
}

func (l *ledTable) Check(context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.refusal
}

func (l *ledTable) set(change func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change()
}

// lead changes the lock's version every half minute, as a Java leader does, until the test ends.
func (l *ledTable) lead(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	l.beat(0)
	go func() {
		defer close(done)
		for n := 1; sleep(ctx, 30*time.Second) == nil; n++ {
			l.beat(n)
		}
	}()
	return func() { cancel(); <-done }
}

func (l *ledTable) beat(n int) {
	l.set(func() { l.lock = leases.Leader{Worker: "java", Version: fmt.Sprint("v", n), Lasts: 2 * time.Minute} })
}

func javaWrite(t *testing.T, table leases.Store, key string, c leases.Condition, change leases.Change) leases.Lease {
	t.Helper()
	row, err := table.Write(t.Context(), leases.NewWrite(seal.Cut(), key, c, change))
	if err != nil {
		t.Fatalf("the Java worker's write on %s: %v", key, err)
	}
	return row
}

func TestWhileAJavaWorkerLeadsNothingIsAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := &ledTable{Store: leases.NewMemory()}
		defer table.lead(t.Context())()
		f := newFleet(t, table)
		f.create(10)
		f.start("a")
		f.await(time.Second, "what is nobody's is taken", func(load map[string]int) bool { return load["a"] == 10 })
		f.start("b")
		time.Sleep(5 * time.Minute)
		if load := f.load(); load["a"] != 10 {
			t.Errorf("leases moved: %v", load)
		}

		// The leader asks on b's behalf, and a answers.
		javaWrite(t, table, shardKey(3), leases.Condition{Owner: leases.Exactly("a"), CheckpointOwner: leases.Exactly("")},
			leases.Change{Owner: leases.Exactly("b"), CheckpointOwner: leases.Exactly("a")})
		f.await(5*time.Second, "handed over", func(load map[string]int) bool { return load["a"] == 9 && load["b"] == 1 })

		// What another owner lets expire is taken all the same.
		f.workers["a"].kill()
		f.await(13*time.Second, "taken over", func(load map[string]int) bool { return load["b"] == 10 })
		f.stopAll()
	})
}

func TestBalancingBeginsAgainWhenTheLeaderIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := &ledTable{Store: leases.NewMemory()}
		stop := table.lead(t.Context())
		f := newFleet(t, table)
		f.create(10)
		f.start("a")
		f.await(time.Second, "held", func(load map[string]int) bool { return load["a"] == 10 })
		f.start("b")
		time.Sleep(time.Minute)
		stop()
		table.set(func() { table.lock = leases.Leader{} }) // a leader that stops deletes its lock
		f.await(20*time.Second, "even", func(load map[string]int) bool { return even(load, 10, "a", "b") })
		f.stopAll()
	})
}

func TestTheLockOfADeadLeaderIsDeletedWhenItHasStoodStillForLongEnough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := &ledTable{Store: leases.NewMemory()}
		table.beat(0) // and never again
		f := newFleet(t, table)
		f.create(10)
		f.start("a")
		f.await(time.Second, "held", func(load map[string]int) bool { return load["a"] == 10 })
		f.start("b")
		time.Sleep(115 * time.Second)
		if load := f.load(); load["b"] != 0 || table.deposed != 0 {
			t.Errorf("the leader was taken for dead: %v, deposed %d times", load, table.deposed)
		}
		f.await(30*time.Second, "even", func(load map[string]int) bool { return even(load, 10, "a", "b") })
		if table.deposed != 1 {
			t.Errorf("the lock was deleted %d times", table.deposed)
		}
		f.stopAll()
	})
}

// The modelled break: the leader finds a worker silent and decides to give its lease to another one; the worker takes the lease back in
// the meantime; the leader's write lands all the same, since its condition names the owner and no counter.
func TestUnderAJavaLeaderALapseIsFinalUntilTheLeaderHasWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := &ledTable{Store: leases.NewMemory()}
		defer table.lead(t.Context())()
		f := newFleet(t, table)
		f.create(1)
		a := f.start("a")
		f.await(time.Second, "held", func(load map[string]int) bool { return load["a"] == 1 })
		a.link.weather(10*time.Millisecond, 1, 0) // cut off, until trust has lapsed
		f.await(12*time.Second, "lapsed", func(load map[string]int) bool { return load["a"] == 0 })
		a.link.weather(10*time.Millisecond, 0, 0)
		time.Sleep(time.Minute)
		if load := f.load(); load["a"] != 0 {
			t.Fatal("a took back what names it, and the leader's assignment may be on its way")
		}
		// The leader finds the lease expired, and gives it to the one it can find. The count that its first write leaves might as well be
		// that of a renewal of a's which got lost.
		for range 2 {
			javaWrite(t, table, shardKey(0), leases.Condition{Owner: leases.Exactly("a"), CheckpointOwner: leases.Exactly("")},
				leases.Change{NextCounter: true, Owner: leases.Exactly("a"), CountSwitch: true})
		}
		f.await(2*time.Second, "adopted after the leader's write", func(load map[string]int) bool { return load["a"] == 1 })
		f.stopAll()
	})
}

func TestALoneWorkerTakesItsOwnExpiredLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, leases.NewMemory())
		f.create(3)
		a := f.start("a")
		f.await(time.Second, "held", func(load map[string]int) bool { return load["a"] == 3 })
		a.link.weather(10*time.Millisecond, 1, 0)
		f.await(12*time.Second, "lapsed", func(load map[string]int) bool { return load["a"] == 0 })
		a.link.weather(10*time.Millisecond, 0, 0)
		f.await(12*time.Second, "held again", func(load map[string]int) bool { return load["a"] == 3 })
		f.stopAll()
	})
}

// A leader finds nobody silent in its first failover time, so a row that cannot be read is no reason to stop balancing before that.
func TestAWorkerThatCannotReadTheLockBehavesAsIfThereWasALeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := &ledTable{Store: leases.NewMemory()}
		f := newFleet(t, table)
		f.create(10)
		f.start("a")
		f.await(time.Second, "held", func(load map[string]int) bool { return load["a"] == 10 })
		b := f.start("b")
		f.await(30*time.Second, "even", func(load map[string]int) bool { return even(load, 10, "a", "b") })
		table.set(func() { table.failing = true })
		time.Sleep(30 * time.Second)
		if err := b.stop(); err != nil {
			t.Error(err)
		}
		f.await(2*time.Second, "passed on", func(load map[string]int) bool { return load["a"] == 10 })
		f.start("c") // which never reads the lock, and so never begins
		time.Sleep(time.Minute)
		if load := f.load(); load["c"] != 0 {
			t.Errorf("c began without knowing who leads: %v", load)
		}
		table.set(func() { table.failing = false })
		f.await(30*time.Second, "even", func(load map[string]int) bool { return even(load, 10, "a", "c") })
		f.stopAll()
	})
}

func TestAWorkerStopsWhenTheTableMustNotBeUsedAnyMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := &ledTable{Store: leases.NewMemory()}
		f := newFleet(t, table)
		f.create(3)
		a := f.start("a")
		f.await(time.Second, "held", func(load map[string]int) bool { return load["a"] == 3 })
		table.set(func() { table.refusal = errFail })
		time.Sleep(3 * time.Minute)
		if load := f.load(); load["a"] != 3 {
			t.Errorf("a check that failed was taken for a refusal: %v", load)
		}
		reason := fmt.Errorf("%w: somebody went back to version 2", leases.ErrRefused)
		table.set(func() { table.refusal = reason })
		select {
		case <-a.done:
		case <-time.After(2 * time.Minute):
			t.Fatal("a goes on")
		}
		if !errors.Is(a.err, leases.ErrRefused) {
			t.Errorf("Run returned %v", a.err)
		}
		if row, err := table.Get(t.Context(), shardKey(0)); err != nil || row.Holder() != "" {
			t.Errorf("the lease was not released: %+v, %v", row, err)
		}
		f.verdict()
	})
}

func TestAWorkerThatMayNotDoWhatItAlwaysDoesFailsBeforeItHoldsAnything(t *testing.T) {
	for name, table := range map[string]leases.Store{
		"write its row": noBeats{leases.NewMemory()}, "ask the index": noKeys{leases.NewMemory()}, "look who leads": noLeader{leases.NewMemory()},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(t, table)
				f.create(3)
				a := f.start("a")
				select {
				case <-a.done:
				case <-time.After(time.Minute):
					t.Fatal("a goes on")
				}
				if !errors.Is(a.err, errDenied) {
					t.Errorf("Run returned %v", a.err)
				}
				if row, err := f.table.Get(t.Context(), shardKey(0)); err != nil || row.Counter != 0 {
					t.Errorf("a lease was taken: %+v, %v", row, err)
				}
				if _, err := f.table.Worker(t.Context(), "a"); !errors.Is(err, leases.ErrNotFound) {
					t.Errorf("a row of the worker is there: %v", err)
				}
				f.verdict()
			})
		})
	}
}

// noBeats is a table in which this worker may not write a row, noKeys one whose index it may not ask, noLeader one whose rows it may not read.
type (
	noBeats  struct{ leases.Store }
	noKeys   struct{ leases.Store }
	noLeader struct{ leases.Store }
)

var errDenied = &smithy.GenericAPIError{Code: "AccessDeniedException", Message: "no"}

func (noBeats) Beat(context.Context, leases.Worker) error { return errDenied }

func (noKeys) KeysOf(context.Context, string) ([]string, error) { return nil, errDenied }

func (noLeader) Leader(context.Context) (leases.Leader, error) { return leases.Leader{}, errDenied }
