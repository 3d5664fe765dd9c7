package producer_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penstock-go/penstock/producer"
)

// checkOrder checks that the first occurrences of each key's records are stored in the order of their numbers. What consumers drop does not
// count. Children come after their parents, since shards are read in the order in which they were made.
func checkOrder(t *testing.T, records []stored) {
	t.Helper()
	last := make(map[string]int)
	seen := make(map[string]bool)
	for _, s := range records {
		if s.dropped || seen[s.data] {
			continue
		}
		seen[s.data] = true
		key, number, _ := strings.Cut(s.data, "#")
		n, err := strconv.Atoi(strings.TrimSpace(number))
		if err != nil {
			t.Fatal(err)
		}
		if before, ok := last[key]; ok && n < before {
			t.Errorf("%s: record %d stands after record %d", key, n, before)
		}
		last[key] = n
	}
}

func ordered(c *producer.Config) { c.Ordered = true }

func orderedAndPlain(c *producer.Config) { c.Ordered, c.DisableAggregation = true, true }

// tinyAggregates makes queues behind what is out: a few records fill an aggregate.
func tinyAggregates(c *producer.Config) { c.Ordered, c.MaxAggregateRecords = true, 5 }

// mixed has records of every third number too large to share an aggregate.
func mixed(c *producer.Config) { c.Ordered, c.MaxAggregateBytes = true, 100 }

var orderedConfigs = map[string]func(*producer.Config){"aggregated": ordered, "plain": orderedAndPlain, "tiny aggregates": tinyAggregates, "mixed": mixed}

func TestOrderedKeepsTheOrderOfAKey(t *testing.T) {
	faults := map[string]func() rule{
		"no faults": func() rule { return func(*call) (*http.Response, error) { return nil, nil } },
		"throttles": func() rule {
			return on("PutRecords", 40, func(c *call) (*http.Response, error) {
				if rand.IntN(2) == 0 {
					return throttleSome()(c)
				}
				return nil, nil
			})
		},
		"unknown outcomes": func() rule {
			return on("PutRecords", 30, func(c *call) (*http.Response, error) {
				switch rand.IntN(4) {
				case 0:
					return reset(c)
				case 1:
					return hang(c)
				}
				return nil, nil
			})
		},
	}
	for faultName, fault := range faults {
		for configName, change := range orderedConfigs {
			for _, reshard := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%s/reshard=%v", faultName, configName, reshard), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { runOrdered(t, fault(), change, reshard) })
				})
			}
		}
	}
}

func runOrdered(t *testing.T, fault rule, change func(*producer.Config), reshard bool) {
	r := newRig(t, 2)
	r.faults.add(fault)
	p := r.producer(func(c *producer.Config) { change(c); c.TTL = time.Hour })
	got := newResults()
	large := strings.Repeat(" ", 100)
	for n := range 100 {
		for key := range 10 {
			id := fmt.Sprintf("key-%d#%d", key, n)
			rec := producer.Record{PartitionKey: fmt.Sprintf("key-%d", key), Data: []byte(id)}
			if n%3 == 0 {
				rec.Data = append(rec.Data, large...)
			}
			r.must(p.Put(t.Context(), rec, got.done(id)))
		}
		time.Sleep(10 * time.Millisecond)
		if reshard && n == 30 {
			r.split("shardId-000000000000")
		}
		if reshard && n == 60 {
			r.merge("shardId-000000000002", "shardId-000000000003")
		}
	}
	r.must(p.Flush(t.Context()))
	records := r.read()
	checkOrder(t, records)
	present := make(map[string]bool)
	for _, s := range records {
		id := strings.TrimSpace(s.data)
		present[id] = present[id] || !s.dropped
	}
	for key := range 10 {
		for n := range 100 {
			id := fmt.Sprintf("key-%d#%d", key, n)
			if result := got.only(t, id); result.Err != nil || !present[id] {
				t.Errorf("%s: %v, in the stream: %v", id, result.Err, present[id])
			}
		}
	}
}

func TestOrderedHoldsFromTheFirstRecordOnThoughTheShardsAreNotKnownYet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 2)
		// Long enough that records go on their own at first; then the shards become known while some are on their way.
		start := time.Now()
		r.faults.add(on("ListShards", 0, func(c *call) (*http.Response, error) {
			if time.Since(start) < 8*time.Second {
				return refuse("LimitExceededException", http.StatusBadRequest)(c)
			}
			return nil, nil
		}))
		r.faults.add(on("PutRecords", 60, func(c *call) (*http.Response, error) {
			if rand.IntN(2) == 0 {
				return throttleSome()(c)
			}
			return nil, nil
		}))
		p := r.producer(ordered)
		for n := range 400 {
			for key := range 5 {
				id := fmt.Sprintf("key-%d#%d", key, n)
				r.must(p.Put(t.Context(), producer.Record{PartitionKey: fmt.Sprintf("key-%d", key), Data: []byte(id)}, nil))
			}
			time.Sleep(50 * time.Millisecond)
		}
		r.must(p.Flush(t.Context()))
		records := r.read()
		checkOrder(t, records)
		aggregated := 0
		for _, s := range records {
			if s.aggregated {
				aggregated++
			}
		}
		if aggregated == 0 || aggregated == len(records) {
			t.Errorf("%d of %d records in aggregates; the test wants both kinds", aggregated, len(records))
		}
	})
}

// failOnce rejects the first request for good.
func failOnce() rule {
	return on("PutRecords", 1, refuse("AccessDeniedException", http.StatusBadRequest))
}

func TestAfterAFailureTheLaterRecordsOfTheKeyGoOnByDefault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.faults.add(failOnce())
		p := r.producer(tinyAggregates)
		synctest.Wait() // it knows the shards, so that five records share an aggregate
		got := newResults()
		for n := range 20 {
			id := fmt.Sprintf("k#%d", n)
			r.must(p.Put(t.Context(), producer.Record{PartitionKey: "k", Data: []byte(id)}, got.done(id)))
		}
		r.must(p.Flush(t.Context()))
		for n := range 20 {
			if err := got.only(t, fmt.Sprintf("k#%d", n)).Err; (n < 5) != (err != nil) {
				t.Errorf("record %d: %v", n, err)
			}
		}
		checkOrder(t, r.read())
	})
}

func TestAfterAFailureTheLaterRecordsOfTheKeyFailIfToldSo(t *testing.T) {
	for name, change := range map[string]func(*producer.Config){"aggregates": tinyAggregates, "plain": orderedAndPlain} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, 1)
			r.faults.add(on("PutRecords", 0, func(c *call) (*http.Response, error) {
				time.Sleep(time.Second)
				return nil, nil
			}))
			r.faults.add(failOnce())
			p := r.producer(func(c *producer.Config) { change(c); c.OnOrderedFailure = producer.FailLater })
			got := newResults()
			var refused atomic.Bool
			for n := range 20 {
				id := fmt.Sprintf("k#%d", n)
				done := got.done(id)
				r.must(p.Put(t.Context(), producer.Record{PartitionKey: "k", Data: []byte(id)}, func(result producer.Result) {
					if n == 0 { // its failure is not told yet
						err := p.TryPut(producer.Record{PartitionKey: "k"}, nil)
						refused.Store(errors.Is(err, producer.ErrEarlierFailed))
					}
					done(result)
				}))
				if n == 7 || n == 17 {
					time.Sleep(150 * time.Millisecond) // let some go into flight
				}
			}
			other := producer.Record{PartitionKey: "other", Data: []byte("other#0")}
			if _, err := p.PutSync(t.Context(), other); err != nil && name == "plain" {
				t.Errorf("%s: another key: %v", name, err)
			}
			r.must(p.Flush(t.Context()))
			later := 0
			for n := range 20 {
				err := got.only(t, fmt.Sprintf("k#%d", n)).Err
				if err == nil {
					t.Errorf("%s: record %d was stored after a failure of its key", name, n)
				}
				if errors.Is(err, producer.ErrEarlierFailed) {
					later++
				}
			}
			if later == 0 || !refused.Load() {
				t.Errorf("%s: %d failed because of an earlier one; put inside done refused: %v", name, later, refused.Load())
			}
			if _, err := p.PutSync(t.Context(), producer.Record{PartitionKey: "k", Data: []byte("k#99")}); err != nil {
				t.Errorf("%s: the key is not free again: %v", name, err)
			}
			if i := slices.IndexFunc(r.read(), func(s stored) bool { return s.key == "k" && s.data != "k#99" }); i >= 0 {
				t.Errorf("%s: the stream holds %+v", name, r.read()[i])
			}
		})
	}
}
