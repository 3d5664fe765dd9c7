package leases_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penstock-go/penstock/leases"
)

// together is a table that renews several leases in one call, and knows which.
type together struct {
	*counter
	fail func(key string) error // what becomes of single renewals
	drop func([]leases.Write) error

	mu    sync.Mutex // guards the field below
	calls [][]string // the keys of each
}

func (c *together) Renew(ctx context.Context, renewals []leases.Write) ([]leases.Renewed, error) {
	var keys []string
	for _, w := range renewals {
		keys = append(keys, w.Key())
	}
	c.mu.Lock()
	c.calls = append(c.calls, keys)
	c.mu.Unlock()
	results := make([]leases.Renewed, len(renewals))
	for i, w := range renewals {
		if err := c.fail(w.Key()); err != nil {
			results[i].Err = err
			continue
		}
		results[i].Lease, results[i].Err = c.Store.Write(ctx, w)
	}
	if err := c.drop(renewals); err != nil {
		return nil, err
	}
	return results, sleep(ctx, c.takes)
}

func newTogether() *together {
	return &together{
		counter: &counter{Store: leases.NewMemory(), takes: time.Millisecond},
		fail:    func(string) error { return nil }, drop: func([]leases.Write) error { return nil },
	}
}

// rest forgets what was, waits, and returns the calls that came meanwhile.
func (c *together) rest(d time.Duration) [][]string {
	c.mu.Lock()
	c.calls = nil
	c.mu.Unlock()
	time.Sleep(d)
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls
}

func TestTheRenewalsOfAStrokeAreMadeInOneCall(t *testing.T) {
	for name, total := range map[string]int{"fewer than a call takes": 400, "more than a call takes": manyLeases} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				table := newTogether()
				f := holdAll(t, table, total)
				calls, renewals := table.rest(time.Minute), 0
				for _, keys := range calls {
					renewals += len(keys)
					seen := make(map[string]bool)
					for _, key := range keys {
						if seen[key] {
							t.Fatalf("one call renews %s twice", key)
						}
						seen[key] = true
					}
					if len(keys) > leases.MaxRenewals {
						t.Fatalf("%d renewals in one call", len(keys))
					}
				}
				if renewals < total*60*10/34 || renewals > total*60*10/32 {
					t.Errorf("%d renewals in a minute", renewals)
				}
				if most := renewals / leases.MaxRenewals * 11 / 10; len(calls) > most {
					t.Errorf("%d calls for %d renewals, want at most %d", len(calls), renewals, most)
				}
				f.stopAll()
			})
		})
	}
}

func TestARenewalThatFailsDisturbsNoneOfThoseMadeInTheSameCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const total = 400
		table := newTogether()
		var throttled atomic.Bool
		table.fail = func(key string) error {
			if throttled.Load() && key == shardKey(7) {
				return errFail
			}
			return nil
		}
		f := holdAll(t, table, total)
		begun := f.allBegun()
		throttled.Store(true)
		time.Sleep(8 * time.Second) // less than trust lasts
		throttled.Store(false)
		time.Sleep(time.Minute)
		if now := f.allBegun(); now != begun {
			t.Errorf("%d leases were lost", now-begun)
		}
		f.stopAll()
	})
}

func TestARenewalThatAnotherWorkerForestalledCostsThatLeaseAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const total = 400
		table := newTogether()
		f := newFleet(t, table)
		f.create(total)
		lost := make(chan string, total)
		f.start("a", func(c *leases.Config) {
			c.Store, c.Work = table, obedient
			c.Hooks.Lost = func(l leases.Lease, _ error) { lost <- l.Key }
		})
		f.await(30*time.Second, "all held", func(load map[string]int) bool { return load["a"] == total })
		time.Sleep(10 * time.Second)
		row, err := table.Get(t.Context(), shardKey(7))
		if err != nil {
			t.Fatal(err)
		}
		javaWrite(t, table, row.Key, leases.Condition{Counter: leases.Exactly(row.Counter)},
			leases.Change{NextCounter: true, Owner: leases.Exactly("thief")})
		if key := <-lost; key != row.Key {
			t.Errorf("lost %s", key)
		}
		time.Sleep(5 * time.Second)
		if load := f.load(); load["a"] != total-1 {
			t.Errorf("%d leases are left of %d", load["a"], total)
		}
		f.stopAll()
	})
}

func TestALostReplyToSeveralRenewalsCostsNoLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const total = 400
		table := newTogether()
		var drops atomic.Int64 // that are still to come
		table.drop = func([]leases.Write) error {
			if drops.Add(-1) < 0 {
				return nil
			}
			return errReply
		}
		f := holdAll(t, table, total)
		begun := f.allBegun()
		drops.Store(30)
		time.Sleep(time.Minute)
		if left := drops.Load(); left > 0 {
			t.Errorf("%d replies are still to be lost", left)
		}
		if now := f.allBegun(); now != begun {
			t.Errorf("%d leases were lost", now-begun)
		}
		f.stopAll()
	})
}

func TestAStoreThatDoesNotAnswerForEachRenewalRenewsNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := newTogether()
		f := newFleet(t, table)
		f.create(400)
		failed := make(chan error, 1)
		f.start("a", func(c *leases.Config) {
			c.Store, c.Work = short{table}, obedient
			c.Hooks.StoreFailed = func(op string, err error) {
				if op == "Renew" {
					select {
					case failed <- err:
					default:
					}
				}
			}
		})
		if err := <-failed; err == nil {
			t.Error("no error")
		}
		f.stopAll()
	})
}

// short answers for one renewal too few.
type short struct{ *together }

func (s short) Renew(ctx context.Context, renewals []leases.Write) ([]leases.Renewed, error) {
	return s.together.Renew(ctx, renewals[1:])
}

func TestAStoreThatCannotRenewSeveralLeasesInOneCallIsNotAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const total = 400
		table := newTogether()
		table.drop = func([]leases.Write) error { return errors.ErrUnsupported }
		f := newFleet(t, table)
		f.create(total)
		f.start("a", func(c *leases.Config) { c.Store, c.Work = table, obedient })
		f.await(30*time.Second, "all held", func(load map[string]int) bool { return load["a"] == total })
		time.Sleep(10 * time.Second)
		begun := f.allBegun()
		if calls := table.rest(time.Minute); len(calls) > 0 {
			t.Errorf("asked %d times more", len(calls))
		}
		if _, arrived := table.counter.rest(time.Minute); len(arrived) < total*60*10/34 {
			t.Errorf("%d renewals in a minute", len(arrived))
		}
		if now := f.allBegun(); now != begun {
			t.Errorf("%d leases were lost", now-begun)
		}
		f.stopAll()
	})
}

// slow is a table whose calls take long, and that may stop to renew several leases in one call.
type slow struct {
	leases.Store
	takes  *atomic.Int64
	single *atomic.Bool
}

func newSlow(table leases.Store) slow { return slow{table, new(atomic.Int64), new(atomic.Bool)} }

func (s slow) Write(ctx context.Context, w leases.Write) (leases.Lease, error) {
	if err := sleep(ctx, time.Duration(s.takes.Load())); err != nil {
		return leases.Lease{}, err
	}
	return s.Store.Write(ctx, w)
}

func (s slow) Renew(ctx context.Context, renewals []leases.Write) ([]leases.Renewed, error) {
	if s.single.Load() {
		return nil, errors.ErrUnsupported
	}
	if err := sleep(ctx, time.Duration(s.takes.Load())); err != nil {
		return nil, err
	}
	return s.Store.(leases.Renewer).Renew(ctx, renewals)
}

func TestNoLeaseIsLostWhereCallsTakeLong(t *testing.T) {
	for name, c := range map[string]struct {
		total  int
		takes  time.Duration
		single bool // all at once, renewals have to be made one by one
	}{
		"half a second": {manyLeases / 3, 500 * time.Millisecond, false}, "many leases": {manyLeases, 150 * time.Millisecond, false},
		"one by one": {400, 500 * time.Millisecond, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(t, leases.NewMemory())
				f.create(c.total)
				table := newSlow(f.table)
				f.start("a", func(cfg *leases.Config) { cfg.Store, cfg.Work = table, obedient })
				f.await(time.Minute, "all held", func(load map[string]int) bool { return load["a"] == c.total })
				time.Sleep(10 * time.Second)
				begun := f.allBegun()
				table.takes.Store(int64(c.takes))
				table.single.Store(c.single)
				time.Sleep(30 * time.Second)
				if load := f.load(); load["a"] != c.total {
					t.Errorf("%d of %d leases are held", load["a"], c.total)
				}
				if now := f.allBegun(); now != begun {
					t.Errorf("%d leases were lost", now-begun)
				}
				f.stopAll()
			})
		})
	}
}

func TestACheckpointSparesTheRenewalOfItsPeriod(t *testing.T) {
	for every, most := range map[time.Duration]float64{3200 * time.Millisecond: 1 / 3.2, 5 * time.Second: 2. / 5, 15 * time.Second: 5.5 / 15} {
		t.Run(every.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const total = 200
				f := newFleet(t, leases.NewMemory())
				f.create(total)
				w := f.start("a", func(c *leases.Config) {
					c.Work = func(h *leases.Held) {
						var offset int
						_, _ = fmt.Sscanf(h.Lease().Key, "shardId-%d", &offset)
						if sleep(h.Context(), time.Duration(offset)*every/total) == nil {
							f.checkpointEvery(h, every)
						}
					}
				})
				f.await(time.Minute, "all held", func(load map[string]int) bool { return load["a"] == total })
				time.Sleep(2 * every)
				before := w.link.writesSoFar()
				time.Sleep(2 * time.Minute)
				if got := float64(w.link.writesSoFar()-before) / total / 120; got > most*1.02 {
					t.Errorf("%.3f writes of a lease in a second, want %.3f", got, most)
				}
				f.stopAll()
			})
		})
	}
}
