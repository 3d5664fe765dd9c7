package producer_test

import (
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penstock-go/penstock/producer"
)

// A record that has little company is told of as soon as Linger and its request are over: nothing polls, and no budget, sweep or queue adds
// to it. Time stands still while the code computes, so that what is measured is waiting alone.
func TestAtALowRateAResultTakesLingerAndTheRequestAndNoMore(t *testing.T) {
	const request = 20 * time.Millisecond
	for name, change := range map[string]func(*producer.Config){
		"aggregated": nil, "ordered": ordered, "plain": func(c *producer.Config) { c.DisableAggregation = true },
		"without linger": func(c *producer.Config) { c.Linger = -1 },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, 4)
				r.faults.add(on("PutRecords", 0, func(*call) (*http.Response, error) {
					time.Sleep(request)
					return nil, nil
				}))
				linger := 100 * time.Millisecond
				p := r.producer(func(c *producer.Config) {
					if change != nil {
						change(c)
					}
					linger = max(c.Linger, 0)
					if c.Linger == 0 {
						linger = 100 * time.Millisecond
					}
				})
				synctest.Wait() // it knows the shards
				var mu sync.Mutex
				longest := time.Duration(0)
				for i := range 200 {
					time.Sleep(time.Duration(37+i) * time.Millisecond)
					start := time.Now()
					key := string(rune('a' + i%20))
					r.must(p.Put(t.Context(), producer.Record{PartitionKey: key, Data: make([]byte, 100)}, func(producer.Result) {
						mu.Lock()
						defer mu.Unlock()
						longest = max(longest, time.Since(start))
					}))
				}
				r.must(p.Flush(t.Context()))
				if limit := linger + request + 2*time.Millisecond; longest > limit {
					t.Errorf("a result took %v, want at most %v", longest, limit)
				}
			})
		})
	}
}
