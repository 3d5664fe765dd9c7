package oracle_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/penstock-go/penstock/kinesistest/oracle"
)

func TestATakeoverMustWaitForTheFailoverTime(t *testing.T) {
	for wait, kinds := range map[time.Duration][]oracle.Kind{
		failover - time.Millisecond: {oracle.HeldTwice},
		failover:                    nil,
	} {
		t.Run(wait.String(), func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.row("a", "leaseOwner", "a", "leaseCounter", "1")
				time.Sleep(5 * time.Second)
				w.row("a", "leaseOwner", "a", "leaseCounter", "2") // trust begins anew
				time.Sleep(wait)
				w.row("b", "leaseOwner", "b", "leaseCounter", "3")
				for _, v := range w.want(kinds...) {
					if v.Worker != "b" || v.Other != "a" || v.Lease != shard0 {
						t.Errorf("got %v", v)
					}
				}
			})
		})
	}
}

func TestALeaseThatItsHolderGivesAwayMayBeTakenAtOnce(t *testing.T) {
	for name, give := range map[string]func(w *world, caller string){
		"released": func(w *world, caller string) { w.row(caller, "leaseCounter", "2") },
		"handed over": func(w *world, caller string) {
			w.row("b", "leaseOwner", "b", "checkpointOwner", "a", "leaseCounter", "1") // asked for: "a" still holds it
			time.Sleep(time.Second)
			w.row(caller, "leaseOwner", "b", "leaseCounter", "2")
		},
	} {
		for caller, kinds := range map[string][]oracle.Kind{"a": nil, "": nil, "b": {oracle.HeldTwice}} {
			t.Run(fmt.Sprintf("%s by %q", name, caller), func(t *testing.T) {
				inWorld(t, func(w *world) {
					w.row("a", "leaseOwner", "a", "leaseCounter", "1")
					time.Sleep(time.Second)
					give(w, caller)
					w.row("b", "leaseOwner", "b", "leaseCounter", "3")
					w.want(kinds...)
				})
			})
		}
	}
}

func TestWhoIsNamedByAnotherTrustsNothingBeforeAWriteOfItsOwn(t *testing.T) {
	for name, adopted := range map[string]bool{"given and not taken": false, "given and taken": true} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.row("a", "leaseOwner", "a", "leaseCounter", "1")
				w.row("a", "leaseOwner", "b", "leaseCounter", "2")
				var kinds []oracle.Kind
				if adopted {
					w.row("b", "leaseOwner", "b", "leaseCounter", "3")
					kinds = []oracle.Kind{oracle.HeldTwice}
				}
				time.Sleep(time.Second)
				w.row("a", "leaseOwner", "c", "leaseCounter", "4")
				w.want(kinds...)
			})
		})
	}
}

func TestHoldingsTellWhoHeldWhat(t *testing.T) {
	inWorld(t, func(w *world) {
		start := time.Now()
		w.row("", "leaseCounter", "0") // nobody's
		w.row("a", "leaseOwner", "a", "leaseCounter", "1")
		time.Sleep(3 * time.Second)
		w.row("a", "leaseOwner", "a", "leaseCounter", "2")
		time.Sleep(3 * time.Second)
		w.row("a", "leaseCounter", "3")
		time.Sleep(3 * time.Second)
		w.row("b", "leaseOwner", "b", "leaseCounter", "4")
		h := w.srv.Oracle().History()
		second := func(n int) time.Time { return start.Add(time.Duration(n) * time.Second) }
		if diff := cmp.Diff([]oracle.Holding{
			{Lease: shard0, Worker: "a", From: start, Renewed: second(3), Until: second(6), Given: true},
			{Lease: shard0, Worker: "b", From: second(9), Renewed: second(9)},
		}, h.Holdings("app")); diff != "" {
			t.Error(diff)
		}
		if other := h.Holdings("another"); len(other) != 0 {
			t.Errorf("holdings of another table: %v", other)
		}
	})
}

func TestRowsThatAreNoLeasesAreLeftOut(t *testing.T) {
	inWorld(t, func(w *world) {
		w.row("a", "leaseOwner", "a", "entityType", "WORKER_METRICS", "checkpoint", "5")
		w.row("b", "leaseOwner", "b", "entityType", "WORKER_METRICS", "checkpoint", "4")
		w.want()
	})
}

func TestAWorkerMustNotHandleWhatIsAnothers(t *testing.T) {
	inWorld(t, func(w *world) {
		p, q, r := w.put("k", "1"), w.put("k", "2"), w.put("k", "3")
		w.row("a", "leaseOwner", "a", "leaseCounter", "1")
		time.Sleep(time.Second)
		w.handle("a", p)
		time.Sleep(failover)
		w.row("b", "leaseOwner", "b", "leaseCounter", "2")
		w.handle("a", q) // at the very moment
		time.Sleep(time.Second)
		w.handle("b", r)
		w.want()
		w.report.Handled = nil
		w.handle("b", p, q)
		w.handle("a", r)
		if v := w.want(oracle.HandledAfterLoss)[0]; v.Place != r || v.Worker != "a" || v.Other != "b" {
			t.Errorf("got %v", v)
		}
	})
}

func TestCheckpointsMustNotGoBack(t *testing.T) {
	inWorld(t, func(w *world) {
		p, q := w.put("k", "1"), w.put("k", "2")
		w.report.Contents[p] = []oracle.UserRecord{{SubSequence: 0}, {SubSequence: 1}}
		w.handleSub(p, 0, 1)
		w.handle("a", q)
		w.checkpoint("TRIM_HORIZON", 0)
		w.checkpoint(p.SequenceNumber, -1)
		w.checkpoint(p.SequenceNumber, 0)
		w.checkpoint(p.SequenceNumber, 1)
		w.checkpoint(p.SequenceNumber, 1) // a renewal
		w.checkpoint(q.SequenceNumber, 0)
		w.checkpoint("SHARD_END", 0)
		w.want()
	})
	for name, back := range map[string]func(p, q string) (string, int){
		"to an earlier record":        func(p, _ string) (string, int) { return p, 1 },
		"inside the record":           func(_, q string) (string, int) { return q, -1 },
		"to the start":                func(_, _ string) (string, int) { return "TRIM_HORIZON", 0 },
		"to a number with few digits": func(_, _ string) (string, int) { return "9", 0 },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				p, q := w.put("k", "1"), w.put("k", "2")
				w.handle("a", p, q)
				w.checkpoint(q.SequenceNumber, 0)
				now, sub := back(p.SequenceNumber, q.SequenceNumber)
				w.checkpoint(now, sub)
				v := w.want(oracle.CheckpointWentBack)[0]
				if !strings.HasPrefix(v.Was, q.SequenceNumber) || !strings.HasPrefix(v.Now, now) || v.Lease != shard0 || v.Worker != "a" {
					t.Errorf("got %v", v)
				}
			})
		})
	}
}

func TestCheckpointsMustNotPassWhatIsNotHandled(t *testing.T) {
	inWorld(t, func(w *world) {
		p, q, r := w.put("j", "1"), w.put("k", "2"), w.put("l", "3")
		w.handle("a", p)
		w.checkpoint(p.SequenceNumber, 0)
		w.checkpoint(q.SequenceNumber, -1) // nothing of q is done
		w.want(oracle.Lost, oracle.Lost)
		w.checkpoint(q.SequenceNumber, 0)
		time.Sleep(time.Second)
		w.handle("a", q, r) // too late for the checkpoint before
		w.checkpoint("SHARD_END", 0)
		if v := w.want(oracle.CheckpointBeyond)[0]; v.Place != q || v.Count != 1 || v.Now != q.SequenceNumber+"/0" {
			t.Errorf("got %v", v)
		}
	})
}

func TestTheEndOfAShardIsACheckpointBeyondAllOfIt(t *testing.T) {
	inWorld(t, func(w *world) {
		p, q := w.put("j", "1"), w.put("k", "2")
		w.checkpoint("SHARD_END", 0)
		time.Sleep(time.Second)
		w.handle("a", p, q)
		if v := w.want(oracle.CheckpointBeyond)[0]; v.Place != p || v.Count != 2 {
			t.Errorf("got %v", v)
		}
	})
}

func TestSubSequencesBoundACheckpointInsideAnAggregate(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.put("k", "aggregate")
		w.report.Contents[p] = []oracle.UserRecord{{SubSequence: 0}, {SubSequence: 1}, {SubSequence: 2}}
		w.handleSub(p, 0, 1)
		w.checkpoint(p.SequenceNumber, 1)
		time.Sleep(time.Second)
		w.handleSub(p, 2)
		w.want()
		w.report.Handled[1].At = time.Now() // now record 1 was handled after the checkpoint
		if v := w.want(oracle.CheckpointBeyond)[0]; v.SubSequence != 1 {
			t.Errorf("got %v", v)
		}
	})
}

func TestLeasesOfSeveralStreamsNameTheirs(t *testing.T) {
	log := oracle.NewLog(0)
	at := oracle.Place{Stream: "orders", Shard: shard0, SequenceNumber: "7"}
	log.Record(oracle.Record{Place: at})
	log.Record(oracle.Record{Place: oracle.Place{Stream: "bills", Shard: shard0, SequenceNumber: "7"}})
	log.RowWrite(oracle.RowWrite{
		Table: "app", Key: "123456789012:orders:1700000000:" + shard0, After: oracle.Row{"checkpoint": "7"}, At: time.Unix(1, 0),
	})
	verdicts := oracle.Check(log.History(), oracle.Report{Consumers: []oracle.Consumer{{Name: "app", Table: "app"}}})
	beyond := verdicts.Of(oracle.CheckpointBeyond)
	if len(verdicts) != 3 || len(beyond) != 1 || beyond[0].Place != at {
		t.Errorf("got %s", verdicts)
	}
}

func TestLeasesAreJudgedApart(t *testing.T) {
	log := oracle.NewLog(0)
	for i, lease := range []string{"s0", "s1", "s0", "s1"} {
		worker := []string{"a", "b"}[i%2]
		log.RowWrite(oracle.RowWrite{Table: "app", Key: lease, Caller: worker, After: oracle.Row{"leaseOwner": worker}, At: time.Unix(1, 0)})
	}
	verdicts := oracle.Check(log.History(), oracle.Report{Consumers: []oracle.Consumer{{Name: "app", Table: "app", FailoverTime: failover}}})
	if len(verdicts) != 0 {
		t.Errorf("got %s", verdicts)
	}
}

func TestOneStartForAnotherIsNoStepBack(t *testing.T) {
	inWorld(t, func(w *world) {
		w.checkpoint("LATEST", 0)
		w.checkpoint("TRIM_HORIZON", 0)
		w.checkpoint("AT_TIMESTAMP", 0)
		w.want()
	})
}

func TestACheckpointMayPassWhatTheConsumerNeedNotHandle(t *testing.T) {
	inWorld(t, func(w *world) {
		w.put("k", "old")
		time.Sleep(time.Second)
		w.report.Consumers[0].Since = time.Now()
		w.handle("a", w.put("k", "new"))
		w.checkpoint("SHARD_END", 0)
		w.want()
	})
}
