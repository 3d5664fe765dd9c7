package leases_test

import (
	"context"
	"fmt"
	"maps"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penstock-go/penstock/leases"
)

func TestALoneWorkerTakesEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, leases.NewMemory())
		f.create(10)
		f.start("a")
		f.await(time.Second, "all held", func(load map[string]int) bool { return load["a"] == 10 })
		time.Sleep(time.Minute)
		if load := f.load(); load["a"] != 10 {
			t.Errorf("after a minute: %v", load)
		}
		f.stopAll()
	})
}

func TestTwoWorkersConvergeAndStayEven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, leases.NewMemory())
		f.create(11)
		f.start("a")
		f.start("b")
		f.await(10*time.Second, "even", func(load map[string]int) bool { return even(load, 11, "a", "b") })
		time.Sleep(10 * time.Second)
		held := f.holders()
		time.Sleep(5 * time.Minute)
		if now := f.holders(); !maps.Equal(now, held) {
			t.Errorf("leases moved without need: %v, then %v", held, now)
		}
		f.stopAll()
	})
}

func TestAJoinerGetsItsShareByHandoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, leases.NewMemory())
		f.create(30)
		f.start("a")
		f.await(time.Second, "all held", func(load map[string]int) bool { return load["a"] == 30 })
		f.start("b")
		f.await(30*time.Second, "even", func(load map[string]int) bool { return even(load, 30, "a", "b") })
		f.start("c")
		took := f.await(30*time.Second, "even", func(load map[string]int) bool { return even(load, 30, "a", "b", "c") })
		t.Log("third worker even after", took)
		f.stopAll()
	})
}

func TestTheLeasesOfADeadWorkerAreTakenWithinTheFailoverTimeAndALittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, leases.NewMemory())
		f.create(20)
		f.start("a")
		b := f.start("b")
		f.await(30*time.Second, "even", func(load map[string]int) bool { return even(load, 20, "a", "b") })
		time.Sleep(10 * time.Second)
		b.kill()
		took := f.await(13*time.Second, "taken over", func(load map[string]int) bool { return load["a"] == 20 })
		t.Log("taken over after", took)
		f.stopAll()
	})
}

func TestTheLeasesOfAStoppedWorkerAreHeldWithinASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, leases.NewMemory())
		f.create(21)
		f.start("a")
		b := f.start("b")
		f.start("c")
		f.await(30*time.Second, "even", func(load map[string]int) bool { return even(load, 21, "a", "b", "c") })
		time.Sleep(10 * time.Second)
		if err := b.stop(); err != nil {
			t.Error(err)
		}
		took := f.await(time.Second, "taken over", func(load map[string]int) bool { return even(load, 21, "a", "c") })
		t.Log("taken over after", took)
		f.stopAll()
	})
}

func TestAWorkerWithManyLeasesThatStopsLetsGoOfThemWaveByWave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const total = manyLeases / 3
		f := newFleet(t, leases.NewMemory())
		f.create(total)
		a := f.start("a")
		f.start("b")
		f.await(30*time.Second, "even", func(load map[string]int) bool { return even(load, total, "a", "b") })
		time.Sleep(10 * time.Second)
		a.cancel()
		least := total
		f.await(10*time.Second, "taken over", func(load map[string]int) bool {
			least = min(least, load["a"]+load["b"])
			return load["b"] == total
		})
		if unread := total - least; unread > 500 {
			t.Errorf("%d shards were read by nobody", unread)
		}
		f.stopAll()
	})
}

// slowScan is a table that takes long to be read.
type slowScan struct {
	leases.Store
	takes time.Duration
}

func (s slowScan) Scan(ctx context.Context) (leases.Snapshot, error) {
	if err := sleep(ctx, s.takes); err != nil {
		return leases.Snapshot{}, err
	}
	return s.Store.Scan(ctx)
}

// The other worker has room for few of them, so that most wait for nobody; the handlers need a second to finish.
func TestNoHandlerIsCancelledBecauseItHasHeardTooLateOfTheEnd(t *testing.T) {
	for _, scan := range []time.Duration{10 * time.Millisecond, 2 * time.Second} {
		t.Run(scan.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const total = manyLeases
				f := newFleet(t, leases.NewMemory())
				f.create(total)
				var cancelled atomic.Int64
				a := f.start("a", func(c *leases.Config) {
					c.Store, c.ShutdownTimeout = slowScan{c.Store, scan}, 15*time.Second
					c.Work = func(h *leases.Held) {
						<-h.Draining()
						if sleep(h.Context(), time.Second) != nil {
							cancelled.Add(1)
						}
					}
				})
				f.await(2*time.Minute, "all held", func(load map[string]int) bool { return load["a"] == total })
				f.start("b", func(c *leases.Config) { c.MaxLeases, c.Work = 10, obedient })
				time.Sleep(30 * time.Second)
				if err := a.stop(); err != nil || cancelled.Load() > 0 {
					t.Errorf("%d handlers were cancelled; Run returned %v", cancelled.Load(), err)
				}
				f.stopAll()
			})
		})
	}
}

// The times that a large fleet is built for; the table answers within 5 to 15 ms.
func TestALargeFleetIsEvenSoonAfterEveryChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const total, workers = 1000, 10
		f := newFleet(t, leases.NewMemory())
		f.create(total)
		idle := func(c *leases.Config) { c.Work = obedient }
		var names []string
		for i := range workers {
			names = append(names, fmt.Sprint("w", i))
			f.start(names[i], idle)
		}
		spread := func(load map[string]int) bool { return even(load, total, names...) }
		t.Log("started: even after", f.await(30*time.Second, "even", spread))
		time.Sleep(10 * time.Second)

		f.workers[names[0]].kill()
		dead := names[0]
		names = names[1:]
		t.Log("one died: all read after", f.await(13*time.Second, "all read without the dead one", func(map[string]int) bool { return f.replaced(dead) }))
		t.Log("one died: even after another", f.await(20*time.Second, "even without the dead one", spread))

		f.start("joiner", idle)
		names = append(names, "joiner")
		t.Log("one joined: even after", f.await(30*time.Second, "even with the new one", spread))

		time.Sleep(5 * time.Second)
		leaver := names[0]
		f.workers[leaver].cancel()
		names = names[1:]
		t.Log("one stopped: all read after", f.await(time.Second, "all read without the one that stopped", func(map[string]int) bool { return f.replaced(leaver) }))
		t.Log("one stopped: even after another", f.await(60*time.Second, "even without the one that stopped", spread))
		f.stopAll()
	})
}

func TestWhatAStoppingWorkerGivesToADeadOneGoesToTheLiving(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const total = 12
		f := newFleet(t, leases.NewMemory())
		f.create(total)
		for _, name := range []string{"dead", "leaver", "stays"} {
			f.start(name, func(c *leases.Config) { c.Work = obedient })
		}
		f.await(20*time.Second, "even", func(load map[string]int) bool { return even(load, total, "dead", "leaver", "stays") })
		time.Sleep(10 * time.Second)
		f.workers["dead"].kill()
		time.Sleep(time.Second) // nobody knows
		stopping := time.Now()
		f.workers["leaver"].cancel()
		f.await(3*time.Second, "all of the leaver's leases read by the one that lives", func(map[string]int) bool { return f.replaced("leaver") })
		<-f.workers["leaver"].done
		if took := time.Since(stopping); took > 4*time.Second {
			t.Errorf("stopping took %v", took)
		}
		f.stopAll()
	})
}

func sum(load map[string]int) (n int) {
	for _, count := range load {
		n += count
	}
	return n
}

func TestLeasesThatAWorkerCannotWorkOnAreLeftToOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, leases.NewMemory())
		f.create(6)
		given := leases.Lease{Key: "other-stream", Owner: "a"}
		if _, err := f.table.Create(t.Context(), given); err != nil {
			t.Fatal(err)
		}
		f.start("a", func(c *leases.Config) {
			c.Runnable = func(l leases.Lease) bool { return l.Key != given.Key }
			c.Hooks.Acquired = func(l leases.Lease) {
				if l.Key == given.Key {
					t.Errorf("%s was acquired", l.Key)
				}
			}
		})
		f.await(2*time.Second, "its own held", func(load map[string]int) bool { return load["a"] == 6 })
		time.Sleep(10 * time.Second)
		if row, err := f.table.Get(t.Context(), given.Key); err != nil || row.Owner != "" {
			t.Errorf("what it was given: %+v, %v", row, err)
		}
		f.stopAll()
	})
}
