package leases_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penstock-go/penstock/leases"
)

// askInTheNameOf makes the handoff write as worker asker would.
func askInTheNameOf(t *testing.T, f *fleet, key, asker, holder string) {
	t.Helper()
	javaWrite(t, f.table, key, leases.Condition{Owner: leases.Exactly(holder), CheckpointOwner: leases.Exactly("")},
		leases.Change{Owner: leases.Exactly(asker), CheckpointOwner: leases.Exactly(holder)})
}

func TestAHandoffToAWorkerThatIsGoneIsRefusedBeforeWorkStops(t *testing.T) {
	rows := map[string]func(*testing.T, leases.Store){
		"no row": func(*testing.T, leases.Store) {},
		"a row that says it stops": func(t *testing.T, table leases.Store) {
			w := leases.Worker{ID: "ghost", Updated: time.Now(), Every: 5 * time.Second,
				Used: map[string][]float64{"C": {-1}}, Limits: map[string][]float64{"C": {100}}}
			if err := table.Beat(t.Context(), w); err != nil {
				t.Fatal(err)
			}
		},
		"an old row": func(t *testing.T, table leases.Store) {
			if err := table.Beat(t.Context(), leases.Worker{ID: "ghost", Updated: time.Now().Add(-time.Hour), Every: 5 * time.Second}); err != nil {
				t.Fatal(err)
			}
		},
	}
	for name, prepare := range rows {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(t, leases.NewMemory())
				f.create(2)
				refused := make(chan leases.Lease, 10)
				f.start("a", func(c *leases.Config) {
					c.Hooks.HandoffRefused = func(l leases.Lease) { refused <- l }
				})
				f.await(time.Second, "held", func(load map[string]int) bool { return load["a"] == 2 })
				prepare(t, f.table)
				askInTheNameOf(t, f, shardKey(0), "ghost", "a")
				row := <-refused
				if row.Owner != "a" || row.CheckpointOwner != "" {
					t.Errorf("after the refusal: %+v", row)
				}
				time.Sleep(10 * time.Second)
				if load := f.load(); load["a"] != 2 || f.acquiredBy("a") != 2 {
					t.Errorf("Work was disturbed: %v, begun %d times", load, f.acquiredBy("a"))
				}
				f.stopAll()
			})
		})
	}
}

func TestAnAskerThatDiesWhileTheHandlerFinishesGetsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, leases.NewMemory())
		f.create(2)
		refused := make(chan leases.Lease, 10)
		slow := func(h *leases.Held) {
			obedient(h)
			_ = sleep(h.Context(), 25*time.Second)
		}
		f.start("a", func(c *leases.Config) {
			c.Work = slow
			c.Hooks.HandoffRefused = func(l leases.Lease) { refused <- l }
		})
		f.await(time.Second, "held", func(load map[string]int) bool { return load["a"] == 2 })
		asked := make(chan struct{})
		b := f.start("b", func(c *leases.Config) {
			c.Hooks.Scanned = func(_ leases.Snapshot, planned leases.Planned) {
				if planned.Ask > 0 {
					close(asked)
				}
			}
		})
		<-asked
		time.Sleep(4 * time.Second) // a has learned of it
		b.kill()
		start := time.Now()
		row := <-refused
		if row.Owner != "a" || row.CheckpointOwner != "" {
			t.Errorf("after the refusal: %+v", row)
		}
		f.await(5*time.Second, "read again", func(load map[string]int) bool { return load["a"] == 2 })
		t.Log("read again after", time.Since(start))
		f.stopAll()
	})
}

func TestAWorkerSaysThatItStopsBeforeItGivesAnythingAwayAndDeletesItsRowLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, leases.NewMemory())
		f.create(2)
		row := func() (leases.Worker, error) { return f.table.Worker(t.Context(), "a") }
		a := f.start("a", func(c *leases.Config) {
			c.Work = func(h *leases.Held) {
				obedient(h)
				if w, err := row(); err != nil || !w.Failing() {
					t.Errorf("while a lease is given up: %+v, %v", w, err)
				}
			}
			c.Hooks.Released = func(leases.Lease, string) {
				if _, err := row(); err != nil {
					t.Errorf("the row went before the leases: %v", err)
				}
			}
		})
		f.await(time.Second, "held", func(load map[string]int) bool { return load["a"] == 2 })
		if w, err := row(); err != nil || w.Failing() || w.Every != 5*time.Second {
			t.Errorf("at work: %+v, %v", w, err)
		}
		time.Sleep(12 * time.Second)
		if w, err := row(); err != nil || time.Since(w.Updated) > 6*time.Second {
			t.Errorf("the row is not renewed: %+v, %v", w, err)
		}
		if err := a.stop(); err != nil {
			t.Error(err)
		}
		if w, err := row(); !errors.Is(err, leases.ErrNotFound) {
			t.Errorf("after Run: %+v, %v", w, err)
		}
		f.verdict()
	})
}

func TestNothingIsGivenToAWorkerThatStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, leases.NewMemory())
		f.create(9)
		lingering := func(h *leases.Held) {
			obedient(h)
			_ = sleep(h.Context(), 20*time.Second)
		}
		a := f.start("a")
		b := f.start("b", func(c *leases.Config) { c.Work = lingering })
		f.start("c")
		f.await(30*time.Second, "even", func(load map[string]int) bool { return even(load, 9, "a", "b", "c") })
		time.Sleep(5 * time.Second)
		b.cancel()
		time.Sleep(3 * time.Second)
		acquired := f.acquiredBy("b")
		if err := a.stop(); err != nil {
			t.Error(err)
		}
		f.await(2*time.Second, "a's leases with c", func(load map[string]int) bool { return load["c"] == 6 })
		if now := f.acquiredBy("b"); now != acquired {
			t.Errorf("b was given %d leases while it stopped", now-acquired)
		}
		f.stopAll()
	})
}
