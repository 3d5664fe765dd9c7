package leases

import (
	"fmt"
	"testing"
	"time"
)

func TestEveryPartHasTwoWatchersAndTheyChangeLittle(t *testing.T) {
	var peers []string
	for i := range 20 {
		peers = append(peers, fmt.Sprint("w", i))
	}
	watchers := func(peers []string) map[int]map[string]bool {
		by := make(map[int]map[string]bool)
		for _, peer := range peers {
			for _, part := range partsOf(peer, peers) {
				if by[part] == nil {
					by[part] = make(map[string]bool)
				}
				by[part][peer] = true
			}
		}
		return by
	}
	before, after := watchers(peers), watchers(peers[1:])
	moved := 0
	for part := range partCount {
		if len(before[part]) != watchersPerPart || len(after[part]) != watchersPerPart {
			t.Errorf("part %d has the watchers %v, then %v", part, before[part], after[part])
		}
		for watcher := range after[part] {
			if !before[part][watcher] {
				moved++
			}
		}
	}
	if was := len(partsOf(peers[0], peers)); moved != was {
		t.Errorf("%d parts have a new watcher, %d lost one", moved, was)
	}
}

func TestARowThatWasNotReadIsNotFoundSilent(t *testing.T) {
	w, start := newWatch(10*time.Second), time.Now()
	rows := Snapshot{Leases: []Lease{{Key: "here", Owner: "b"}, {Key: "there", Owner: "b"}}}
	w.see(rows, start)
	for i := 1; i <= 10; i++ {
		w.seePart(0, Snapshot{Leases: rows.Leases[:1]}, start.Add(time.Duration(i)*2*time.Second))
	}
	now := start.Add(20 * time.Second)
	if _, idle := w.idleFor("here", now); !idle {
		t.Error("a lease that stood still for two failover times is not idle")
	}
	if _, idle := w.idleFor("there", now); idle {
		t.Error("a lease that was read once is idle")
	}
}

func TestAWorkerLivesByItsRowAndOneSilentLeaseCastsDoubtUntilTheRowChanges(t *testing.T) {
	w, start := newWatch(10*time.Second), time.Now()
	at := func(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }
	see := func(seconds int, counter int64, written int) map[string]bool {
		w.see(Snapshot{
			Leases:  []Lease{{Key: "s1", Owner: "b", Counter: counter}, {Key: "s2", Owner: "java", Counter: int64(seconds)}},
			Workers: []Worker{{ID: "b", Updated: at(written), Every: 5 * time.Second}, {ID: "java", Updated: start}},
		}, at(seconds))
		return w.members(at(seconds))
	}
	if m := see(0, 1, 0); !m["b"] || !m["java"] {
		t.Errorf("at first sight: %v", m)
	}
	if m := see(11, 1, 10); m["b"] {
		t.Errorf("with a silent lease: %v", m)
	}
	if m := see(12, 1, 10); m["b"] {
		t.Errorf("with a silent lease, and the same row: %v", m)
	}
	if m := see(16, 1, 15); !m["b"] {
		t.Errorf("after the row has changed: %v", m)
	}
	if m := see(30, 2, 15); m["b"] || !m["java"] {
		t.Errorf("after the row stood still for more than two periods: %v", m)
	}
	if m := see(31, 3, 31); !m["b"] {
		t.Errorf("after it has changed again: %v", m)
	}
	if m := see(100, 4, 100); !m["java"] {
		t.Errorf("a Java worker whose lease moves and whose row does not: %v", m)
	}
}
