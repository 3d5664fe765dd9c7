package producer_test

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penstock-go/penstock/producer"
)

// checkPut asserts that every record reported as put stands where no consumer drops it.
func checkPut(t *testing.T, records []stored, got *results, n int) {
	t.Helper()
	at := make(map[string]stored)
	for _, s := range records {
		at[s.at()] = s
	}
	for i := range n {
		id := strconv.Itoa(i)
		result := got.only(t, id)
		if result.Err != nil {
			t.Errorf("record %s: %v", id, result.Err)
			continue
		}
		s, ok := at[fmt.Sprintf("%s/%s/%d", result.ShardID, result.SequenceNumber, result.SubSequence)]
		if !ok || s.data != id {
			t.Errorf("record %s is reported at %s, where %+v stands", id, result.SequenceNumber, s)
		} else if s.dropped {
			t.Errorf("record %s is reported as put, but consumers drop it", id)
		}
	}
}

func TestNoRecordIsReportedAsPutInAnAggregateThatConsumersDrop(t *testing.T) {
	for name, reshard := range map[string]func(*rig){
		"split": func(r *rig) { r.split("shardId-000000000000"); r.split("shardId-000000000001") },
		"merge": func(r *rig) { r.merge("shardId-000000000000", "shardId-000000000001") },
		"split twice": func(r *rig) {
			r.split("shardId-000000000000")
			r.split("shardId-000000000002")
		},
	} {
		for _, ordered := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, 2)
				var strayed atomic.Int32
				p := r.producer(func(c *producer.Config) {
					c.Ordered = ordered
					c.Hooks.WrongShard = func(producer.WrongShard) { strayed.Add(1) }
				})
				got := newResults()
				put := func(from, to int) {
					for i := from; i < to; i++ {
						id := strconv.Itoa(i)
						r.must(p.Put(t.Context(), producer.Record{PartitionKey: "key-" + id, Data: []byte(id)}, got.done(id)))
					}
				}
				put(0, 100)
				r.must(p.Flush(t.Context()))
				put(100, 200)
				reshard(r) // the open aggregates were made for shards that are closed now
				r.must(p.Flush(t.Context()))
				put(200, 300)
				r.must(p.Flush(t.Context()))
				checkPut(t, r.read(), got, 300)
				if name != "merge" && strayed.Load() == 0 {
					t.Errorf("%s: no aggregate was spread over two shards, so that the test shows nothing", name)
				}
				if name == "merge" && strayed.Load() > 0 {
					t.Errorf("merge: %d aggregates were sent again although the merged shard takes all of their records", strayed.Load())
				}
			})
		}
	}
}

func TestPlainRecordsAreNotSentAgainAfterASplit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		p := r.producer(plainly)
		put := func() {
			for i := range 50 {
				r.must(p.Put(t.Context(), producer.Record{PartitionKey: strconv.Itoa(i)}, nil))
			}
		}
		put()
		r.must(p.Flush(t.Context()))
		put()
		r.split("shardId-000000000000")
		r.must(p.Flush(t.Context()))
		if n := len(r.read()); n != 100 {
			t.Errorf("the stream holds %d records, want 100", n)
		}
	})
}

func TestWhileTheShardsAreListedAgainTheOldListingServes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 2)
		p := r.producer(nil)
		if _, err := p.PutSync(t.Context(), producer.Record{PartitionKey: "k"}); err != nil {
			t.Fatal(err)
		}
		r.faults.add(on("ListShards", 5, refuse("LimitExceededException", http.StatusBadRequest)))
		r.split("shardId-000000000000")
		got := newResults()
		for i := range 100 {
			id := strconv.Itoa(i)
			r.must(p.Put(t.Context(), producer.Record{PartitionKey: id, Data: []byte(id)}, got.done(id)))
		}
		time.Sleep(300 * time.Millisecond)
		if n := got.len(); n < 20 || n > 80 {
			t.Errorf("%d of 100 records have their result; those of the shard that was not split should", n)
		}
		r.must(p.Flush(t.Context()))
		checkPut(t, r.read(), got, 100)
	})
}

func TestADeniedListingAfterASplitStillDeliversEveryRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		p := r.producer(nil)
		if _, err := p.PutSync(t.Context(), producer.Record{PartitionKey: "k"}); err != nil {
			t.Fatal(err)
		}
		r.faults.add(on("ListShards", 0, refuse("AccessDeniedException", http.StatusBadRequest)))
		r.split("shardId-000000000000")
		got := newResults()
		for i := range 100 {
			id := strconv.Itoa(i)
			r.must(p.Put(t.Context(), producer.Record{PartitionKey: id, Data: []byte(id)}, got.done(id)))
		}
		r.must(p.Flush(t.Context()))
		checkPut(t, r.read(), got, 100)
	})
}

func TestDataThatIsAnAggregateArrivesAsItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		payload := string(aggregateOf(t, "inner", "x"))
		p := r.producer(nil)
		for _, n := range []int{1, 2} {
			records := make([]producer.Record, n)
			for i := range records {
				records[i] = producer.Record{PartitionKey: "k", Data: []byte(payload)}
			}
			if _, err := p.PutSync(t.Context(), records...); err != nil {
				t.Fatal(err)
			}
		}
		records := r.read()
		if len(records) != 3 {
			t.Fatalf("%d records", len(records))
		}
		for _, s := range records {
			if s.data != payload || s.key != "k" || s.dropped {
				t.Errorf("%+v", s)
			}
		}
		large := make([]byte, 1<<20-100)
		if err := p.TryPut(producer.Record{PartitionKey: "k", Data: aggregateOf(t, "inner", string(large))}, nil); err != nil {
			t.Errorf("an aggregate that can be wrapped: %v", err)
		}
		larger := make([]byte, 1<<20-40)
		if err := p.TryPut(producer.Record{PartitionKey: "k", Data: aggregateOf(t, "inner", string(larger))}, nil); !errors.Is(err, producer.ErrRecordTooLarge) {
			t.Errorf("an aggregate that cannot be wrapped: %v", err)
		}
	})
}
