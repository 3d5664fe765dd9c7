package oracle_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/penstock-go/penstock/kinesistest/oracle"
)

// A fleet writes the history of workers that do everything right, and reports it: they read parents before children, begin again from
// the checkpoint when they have crashed, wait out the failover time before they take a lease, and never check off what is not handled.
type fleet struct {
	t      *rapid.T
	log    *oracle.Log
	report oracle.Report
	now    time.Time
	shards map[string][]oracle.Record
	parent map[string]string
	order  []string // of the shards, parents first
}

func newFleet(t *rapid.T) *fleet {
	f := &fleet{
		t: t, log: oracle.NewLog(0), now: time.Unix(1000, 0), shards: make(map[string][]oracle.Record), parent: make(map[string]string),
		report: oracle.Report{
			Consumers: []oracle.Consumer{{Name: "app", Table: "app", FailoverTime: failover}}, Contents: make(map[oracle.Place][]oracle.UserRecord),
		},
	}
	f.open("", "s0")
	for i := range rapid.IntRange(0, 3).Draw(t, "splits") {
		f.open(rapid.SampledFrom(f.order).Draw(t, "parent"), fmt.Sprint("s", 2*i+1), fmt.Sprint("s", 2*i+2))
	}
	sequence := 100
	for _, shard := range f.order { // as the records of parents come first
		for range rapid.IntRange(0, 8).Draw(t, "records") {
			sequence++
			f.store(shard, sequence)
		}
	}
	return f
}

func (f *fleet) open(parent string, shards ...string) {
	r := oracle.Reshard{Stream: "orders"}
	for _, s := range shards {
		r.Children = append(r.Children, oracle.Shard{ID: s, Parent: parent})
		f.parent[s] = parent
	}
	f.order = append(f.order, shards...)
	f.log.Reshard(r)
}

func (f *fleet) store(shard string, sequence int) {
	key := func() oracle.Digest { return oracle.DigestOf(rapid.SampledFrom([]string{"j", "k"}).Draw(f.t, "key")) }
	r := oracle.Record{Place: oracle.Place{Stream: "orders", Shard: shard, SequenceNumber: fmt.Sprint(sequence)}, Key: key(), Arrival: f.now}
	f.log.Record(r)
	f.shards[shard] = append(f.shards[shard], r)
	if n := rapid.IntRange(-3, 3).Draw(f.t, "contents"); n >= 0 {
		inside := []oracle.UserRecord{}
		for i := range n {
			inside = append(inside, oracle.UserRecord{SubSequence: int64(i), Key: key()})
		}
		f.report.Contents[r.Place] = inside
	}
}

// inside returns the sub-sequence numbers of a record.
func (f *fleet) inside(p oracle.Place) (subs []int64) {
	users, told := f.report.Contents[p]
	if !told {
		return []int64{0}
	}
	for _, u := range users {
		subs = append(subs, u.SubSequence)
	}
	return subs
}

// read lets workers read a shard to its end.
func (f *fleet) read(shard string) {
	row := oracle.Row{"checkpoint": "TRIM_HORIZON", "leaseCounter": "0"}
	f.write(shard, nil, row, "")
	next, done := 0, 0 // the record to handle next, and the one behind the checkpoint
	for counter := 1; ; counter++ {
		if counter == 1 || rapid.IntRange(0, 4).Draw(f.t, "crash") == 0 {
			f.now = f.now.Add(failover)
			next = done
			row = f.take(shard, row, counter)
		}
		records := f.shards[shard]
		for next < len(records) && rapid.Bool().Draw(f.t, "go on") {
			f.handle(row["leaseOwner"], records[next].Place)
			next++
		}
		if next == 0 {
			if len(records) > 0 {
				continue
			}
		} else {
			row = f.checkpoint(shard, row, counter, records[next-1].Place)
			done = next
		}
		if done == len(records) {
			f.write(shard, row, oracle.Row{"checkpoint": "SHARD_END", "leaseCounter": "0"}, row["leaseOwner"])
			return
		}
	}
}

func (f *fleet) take(shard string, row oracle.Row, counter int) oracle.Row {
	worker := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(f.t, "worker")
	taken := oracle.Row{"checkpoint": row["checkpoint"], "checkpointSubSequenceNumber": row["checkpointSubSequenceNumber"],
		"leaseOwner": worker, "leaseCounter": fmt.Sprint(counter, "t")}
	f.write(shard, row, taken, worker)
	return taken
}

func (f *fleet) checkpoint(shard string, row oracle.Row, counter int, at oracle.Place) oracle.Row {
	sub := int64(0)
	if subs := f.inside(at); len(subs) > 0 {
		sub = slices.Max(subs)
	}
	now := oracle.Row{"checkpoint": at.SequenceNumber, "checkpointSubSequenceNumber": fmt.Sprint(sub),
		"leaseOwner": row["leaseOwner"], "leaseCounter": fmt.Sprint(counter)}
	f.write(shard, row, now, row["leaseOwner"])
	return now
}

func (f *fleet) write(shard string, before, after oracle.Row, caller string) {
	f.now = f.now.Add(time.Second)
	f.log.RowWrite(oracle.RowWrite{Table: "app", Key: shard, Caller: caller, Before: before, After: after, At: f.now})
}

func (f *fleet) handle(worker string, p oracle.Place) {
	f.now = f.now.Add(time.Millisecond)
	for _, sub := range f.inside(p) {
		f.report.Handled = append(f.report.Handled, oracle.Handled{Consumer: "app", Worker: worker, Place: p, SubSequence: sub, At: f.now})
	}
}

func TestAFleetThatDoesEverythingRightIsNotAccused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := newFleet(t)
		for _, shard := range f.order {
			f.read(shard)
		}
		if wrong := oracle.Check(f.log.History(), f.report).Except(oracle.Duplicated); len(wrong) > 0 {
			t.Fatalf("accused of:\n%s", wrong)
		}
	})
}

func TestEveryPositionThatIsLeftOutIsFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := newFleet(t)
		for _, shard := range f.order {
			f.read(shard)
		}
		if len(f.report.Handled) == 0 {
			return
		}
		gone := rapid.SampledFrom(f.report.Handled).Draw(t, "gone")
		f.report.Handled = slices.DeleteFunc(f.report.Handled, func(h oracle.Handled) bool {
			return h.Place == gone.Place && h.SubSequence == gone.SubSequence
		})
		wrong := oracle.Check(f.log.History(), f.report).Except(oracle.Duplicated)
		lost, beyond := wrong.Of(oracle.Lost), wrong.Of(oracle.CheckpointBeyond)
		if len(lost) != 1 || lost[0].Place != gone.Place || lost[0].SubSequence != gone.SubSequence || len(beyond) != 1 || len(wrong) != 2 {
			t.Fatalf("left out %+v, accused of:\n%s", gone, wrong)
		}
	})
}
