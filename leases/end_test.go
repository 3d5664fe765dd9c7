package leases_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/penstock-go/penstock/checkpoint"
	"github.com/penstock-go/penstock/internal/hashkey"
	"github.com/penstock-go/penstock/internal/shards"
	"github.com/penstock-go/penstock/leases"
)

func child(id string, parents ...string) leases.Lease {
	return leases.ForShard("", shards.Shard{ID: id, Parents: parents, Range: hashkey.Full}, checkpoint.TrimHorizon)
}

func TestChildrenAreReadAfterAllTheirParents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, leases.NewMemory())
		f.create(2)
		left, right, merged := shardKey(0), shardKey(1), "shardId-merged"
		type event struct {
			what string
			at   time.Time
		}
		log := make(chan event, 10)
		work := func(h *leases.Held) {
			if err := h.AwaitParents(t.Context()); err != nil {
				return
			}
			key := h.Lease().Key
			log <- event{"begin " + key, time.Now()}
			if key == merged {
				obedient(h)
				return
			}
			pause := time.Second
			if key == right {
				pause = 30 * time.Second
			}
			if rest(h, pause) != nil {
				return
			}
			log <- event{"end " + key, time.Now()}
			if err := h.End(t.Context(), []leases.Lease{child(merged, left, right)}); err != nil {
				t.Error(err)
			}
		}
		f.start("a", func(c *leases.Config) { c.Work = work })
		time.Sleep(time.Minute)
		f.stopAll()
		close(log)
		var order []string
		var last time.Time
		for e := range log {
			order = append(order, e.what)
			if e.what == "begin "+merged && e.at.Sub(last) > time.Second {
				t.Errorf("the child began %v after its last parent", e.at.Sub(last))
			}
			last = e.at
		}
		if len(order) != 5 || order[3] != "end "+right || order[4] != "begin "+merged {
			t.Errorf("order: %v", order)
		}
	})
}

func TestAHoldingWaitsForParentsAndCanStillBeDrained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, leases.NewMemory())
		parent := child("parent")
		parent.Owner = "somebody"
		orphan := child("child", "parent")
		orphan.Owner = "a" // given to us although the parent is being read
		for _, l := range []leases.Lease{parent, orphan} {
			if _, err := f.table.Create(t.Context(), l); err != nil {
				t.Fatal(err)
			}
		}
		got := make(chan error, 1)
		a := f.start("a", func(c *leases.Config) {
			c.Work = func(h *leases.Held) { got <- h.AwaitParents(t.Context()) }
		})
		time.Sleep(5 * time.Second)
		if len(got) != 0 {
			t.Fatalf("did not wait for the parent: %v", <-got)
		}
		if err := a.stop(); err != nil {
			t.Error(err)
		}
		if err := <-got; !errors.Is(err, leases.ErrDraining) {
			t.Errorf("AwaitParents returned %v", err)
		}
	})
}

func TestEndCreatesTheChildrenThenEndsTheShardAndMayBeRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, leases.NewMemory())
		f.create(1)
		parent := shardKey(0)
		f.start("a", func(c *leases.Config) {
			c.Work = func(h *leases.Held) {
				if h.Lease().Key != parent {
					obedient(h)
					return
				}
				children := []leases.Lease{child("right", parent), child("left", parent)}
				for range 2 {
					if err := h.End(t.Context(), children); err != nil {
						t.Error(err)
					}
				}
				if h.Context().Err() != nil {
					t.Error("the context has ended with the shard")
				}
			}
		})
		f.await(time.Second, "children read", func(load map[string]int) bool { return load["a"] == 2 })
		row, err := f.table.Get(t.Context(), parent)
		if err != nil || !row.Ended() || row.Holder() != "" || !slices.Equal(row.Children, []string{"left", "right"}) {
			t.Errorf("parent %+v, %v", row, err)
		}
		left, err := f.table.Get(t.Context(), "left")
		if err != nil || left.Checkpoint != checkpoint.TrimHorizon || !slices.Equal(left.Parents, []string{parent}) ||
			left.EndingHashKey != hashkey.Max.String() {
			t.Errorf("child %+v, %v", left, err)
		}
		f.stopAll()
	})
}

func TestEndDoesNotTouchAChildThatIsBeingRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, leases.NewMemory())
		f.create(1)
		busy := child("busy", shardKey(0))
		busy.Checkpoint, busy.Owner, busy.Counter = at(t, "77"), "somebody", 9
		if _, err := f.table.Create(t.Context(), busy); err != nil {
			t.Fatal(err)
		}
		f.start("a", func(c *leases.Config) {
			c.Work = func(h *leases.Held) {
				if err := h.End(t.Context(), []leases.Lease{child("busy", shardKey(0))}); err != nil {
					t.Error(err)
				}
			}
		})
		time.Sleep(3 * time.Second)
		if row, _ := f.table.Get(t.Context(), "busy"); row.Checkpoint != busy.Checkpoint || row.Counter != 9 {
			t.Errorf("child %+v", row)
		}
		f.stopAll()
	})
}

// A first synchronisation that was interrupted after the first of two merged parents must not lose the second.
func TestTheMissingParentOfAMergedShardIsCreatedBeforeTheShard(t *testing.T) {
	start := time.UnixMilli(1_700_000_000_000).UTC()
	cases := map[string]struct {
		own  leases.Lease
		want checkpoint.Position
	}{
		"from the beginning": {leases.Lease{Key: "left"}, checkpoint.TrimHorizon},
		"from a time":        {leases.Lease{Key: "left", Checkpoint: checkpoint.Latest, StartAt: start}, checkpoint.Latest},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(t, leases.NewMemory())
				if _, err := f.table.Create(t.Context(), c.own); err != nil {
					t.Fatal(err)
				}
				f.start("a", func(cfg *leases.Config) {
					cfg.Work = func(h *leases.Held) {
						if h.Lease().Key != "left" {
							obedient(h)
							return
						}
						if err := h.End(t.Context(), []leases.Lease{child("merged", "left", "right")}); err != nil {
							t.Error(err)
						}
					}
				})
				time.Sleep(3 * time.Second)
				right, err := f.table.Get(t.Context(), "right")
				if err != nil || right.Checkpoint != c.want || !right.StartAt.Equal(c.own.StartAt) || right.Owner != "a" {
					t.Errorf("the other parent: %+v, %v", right, err)
				}
				if merged, err := f.table.Get(t.Context(), "merged"); err != nil || merged.Owner != "" {
					t.Errorf("the merged shard: %+v, %v", merged, err)
				}
				f.stopAll()
			})
		})
	}
}

func TestEndFailsWhenTheLeaseIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, leases.NewMemory())
		f.create(1)
		w := newHanded()
		f.start("a", func(c *leases.Config) { c.Work = w.work })
		h := <-w.got
		seize(t, f.table, h.Lease().Key, "other")
		if err := h.End(context.Background(), nil); !errors.Is(err, leases.ErrLost) {
			t.Errorf("End returned %v", err)
		}
		if row, _ := f.table.Get(t.Context(), h.Lease().Key); row.Ended() {
			t.Error("a zombie has ended the shard")
		}
		close(w.back)
		f.stopAll()
	})
}

// barren is a table in which no children's leases can be created.
type barren struct{ leases.Store }

func (b barren) Create(ctx context.Context, l leases.Lease) (bool, error) {
	if len(l.Parents) > 0 {
		return false, errFail
	}
	return b.Store.Create(ctx, l)
}

// Its children cannot be created from here; from another worker they may.
func TestALeaseWhoseEndCannotBeWrittenIsHandedOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, leases.NewMemory())
		f.create(2)
		core, logs := observer.New(zap.WarnLevel)
		f.start("a", func(c *leases.Config) {
			c.Store, c.Logger = barren{c.Store}, zap.New(core)
			c.Work = func(h *leases.Held) {
				if err := h.End(t.Context(), []leases.Lease{child("child-of-"+h.Lease().Key, h.Lease().Key)}); !errors.Is(err, leases.ErrDraining) {
					t.Errorf("End returned %v", err)
				}
			}
		})
		f.await(time.Second, "all held", func(load map[string]int) bool { return load["a"] == 2 })
		f.start("b", func(c *leases.Config) { c.Work = obedient })
		f.await(5*time.Second, "shared", func(load map[string]int) bool { return load["b"] == 1 })
		f.stopAll()
		if told := logs.FilterMessage("the end of a shard cannot be written").Len(); told != 2 {
			t.Errorf("the log tells %d times why two shards do not end", told)
		}
	})
}

// hazy is a table whose first deletion is made, but whose reply to it is lost.
type hazy struct {
	leases.Store
	done atomic.Bool
}

func (h *hazy) Delete(ctx context.Context, w leases.Write) error {
	if err := h.Store.Delete(ctx, w); err != nil || h.done.Swap(true) {
		return err
	}
	return errors.New("the reply was lost")
}

func TestADiscardedLeaseIsDeletedAndItsHoldingLost(t *testing.T) {
	for name, table := range map[string]leases.Store{"at once": leases.NewMemory(), "the reply is lost": &hazy{Store: leases.NewMemory()}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(t, table)
				f.create(1)
				over := make(chan error, 1)
				f.start("a", func(c *leases.Config) {
					c.Work = func(h *leases.Held) {
						if err := h.Discard(t.Context()); err != nil {
							t.Error(err)
						}
						over <- context.Cause(h.Context())
					}
				})
				if cause := <-over; !errors.Is(cause, leases.ErrLost) {
					t.Errorf("the holding ended with %v", cause)
				}
				if row, err := f.table.Get(t.Context(), shardKey(0)); !errors.Is(err, leases.ErrNotFound) {
					t.Errorf("the lease: %+v, %v", row, err)
				}
				f.stopAll()
			})
		})
	}
}

func TestAncestorsWhoseLeasesSayThatTheyHaveEndedBeginAgainBeforeALeaseIsDiscarded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := leases.NewMemory()
		f := newFleet(t, table)
		f.create(1)
		line := []leases.Lease{child("parent", "grandparent"), child("other"), child("grandparent", "gone")}
		for _, l := range line[:2] {
			l.Checkpoint = checkpoint.ShardEnd
			if _, err := table.Create(t.Context(), l); err != nil {
				t.Fatal(err)
			}
		}
		over := make(chan struct{})
		f.start("a", func(c *leases.Config) {
			c.Runnable = func(l leases.Lease) bool { return l.Key == shardKey(0) }
			c.Work = func(h *leases.Held) {
				defer close(over)
				if err := h.Discard(t.Context(), line...); err != nil {
					t.Error(err)
				}
			}
		})
		<-over
		snapshot, err := table.Scan(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var left []string
		for _, l := range snapshot.Leases {
			left = append(left, l.Key+" "+l.Checkpoint.String())
		}
		slices.Sort(left)
		if want := []string{"grandparent TRIM_HORIZON", "other TRIM_HORIZON"}; !slices.Equal(left, want) {
			t.Errorf("left: %v", left)
		}
		f.stopAll()
	})
}
