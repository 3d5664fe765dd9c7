package producer_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/penstock-go/penstock/internal/hashkey"
	"github.com/penstock-go/penstock/internal/shards"
	"github.com/penstock-go/penstock/producer"
)

const (
	firstShard = "0"
	lastShard  = "340282366920938463463374607431768211455"
)

// quotas plays the service's limits: in each second a shard takes so many records and bytes and refuses what is more.
type quotas struct {
	rig            *rig
	records, bytes int

	mu       sync.Mutex // guards the fields below
	second   int64
	used     map[string][2]int
	open     []shards.Shard // as of this second
	taken    map[string]int // bytes, by shard
	refused  map[string]int // entries, by shard
	accepted map[string]int
}

func (r *rig) quotas(records, bytes int) *quotas {
	q := &quotas{rig: r, records: records, bytes: bytes, taken: make(map[string]int), refused: make(map[string]int), accepted: make(map[string]int)}
	r.faults.add(on("PutRecords", 0, throttleEntries(q.refuses)))
	return q
}

func (q *quotas) refuses(_ int, e types.PutRecordsRequestEntry) bool {
	hash := hashkey.Of(*e.PartitionKey)
	if e.ExplicitHashKey != nil {
		hash, _ = hashkey.Parse(*e.ExplicitHashKey)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if now := time.Now().Unix(); now != q.second {
		q.second, q.used, q.open = now, make(map[string][2]int), q.rig.open()
	}
	id := q.open[shards.Find(q.open, hash)].ID
	used, size := q.used[id], len(e.Data)+len(*e.PartitionKey)
	if used[0] > 0 && (used[0]+1 > q.records || used[1]+size > q.bytes) {
		q.refused[id]++
		return true
	}
	q.used[id] = [2]int{used[0] + 1, used[1] + size}
	q.taken[id] += size
	q.accepted[id]++
	return false
}

// pour puts records of a shard until the context ends, as fast as they are taken.
func pour(ctx context.Context, p *producer.Producer, hashKey string, size int, done func(producer.Result)) {
	data := make([]byte, size)
	for i := 0; ; i++ {
		err := p.Put(ctx, producer.Record{PartitionKey: fmt.Sprintf("key-%d", i%100), ExplicitHashKey: hashKey, Data: data}, done)
		if err != nil {
			return
		}
	}
}

func TestAShardIsSentToAsFastAsItTakes(t *testing.T) {
	for name, c := range map[string]struct {
		size    int
		seconds int
		change  func(*producer.Config)
	}{
		"bytes":                    {1000, 30, func(c *producer.Config) {}},
		"records":                  {10, 10, func(c *producer.Config) { c.DisableAggregation = true }},
		"bytes of plain records":   {20_000, 30, func(c *producer.Config) { c.DisableAggregation = true }},
		"bytes of ordered records": {1000, 30, func(c *producer.Config) { c.Ordered = true }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, 1)
				q := r.quotas(1000, 1<<20)
				p := r.producer(func(cfg *producer.Config) { cfg.MaxBufferedBytes, cfg.TTL = 4<<20, time.Hour; c.change(cfg) })
				synctest.Wait() // it knows the shards
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(c.seconds)*time.Second)
				defer cancel()
				pour(ctx, p, "", c.size, nil)
				q.mu.Lock()
				defer q.mu.Unlock()
				const id = "shardId-000000000000"
				used := max(float64(q.taken[id])/(1<<20), float64(q.accepted[id])/1000) / float64(c.seconds)
				refused := float64(q.refused[id]) / float64(q.refused[id]+q.accepted[id])
				if used < 0.85 || refused > 0.2 {
					t.Errorf("%.0f %% of the shard used, %.1f %% of entries refused", 100*used, 100*refused)
				}
			})
		})
	}
}

func TestAServerWithoutLimitsIsNotHeldBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		p := r.producer(func(c *producer.Config) { c.MaxBufferedBytes = 8 << 20 })
		start := time.Now()
		data := make([]byte, 50_000)
		for range 2000 {
			r.must(p.Put(t.Context(), producer.Record{PartitionKey: "k", Data: data}, nil))
		}
		r.must(p.Flush(t.Context()))
		if took := time.Since(start); took > time.Second {
			t.Errorf("100 MB took %v", took)
		}
	})
}

func TestAShardThatThrottlesForGoodIsAskedSeldomAndHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 2)
		attempts := 0
		var mu sync.Mutex
		r.faults.add(on("PutRecords", 0, throttleEntries(func(i int, e types.PutRecordsRequestEntry) bool {
			if e.ExplicitHashKey != nil && *e.ExplicitHashKey == firstShard {
				mu.Lock()
				defer mu.Unlock()
				attempts++
				return true
			}
			return false
		})))
		p := r.producer(func(c *producer.Config) { c.Linger, c.MaxAggregateRecords = 10*time.Millisecond, 2 })
		for range 10_000 {
			r.must(p.Put(t.Context(), producer.Record{PartitionKey: "hot", ExplicitHashKey: firstShard, Data: make([]byte, 100)}, nil))
		}
		time.Sleep(10 * time.Second)
		for range 100 {
			start := time.Now()
			if _, err := p.PutSync(t.Context(), producer.Record{PartitionKey: "cold", ExplicitHashKey: lastShard}); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(start); took > 10*time.Millisecond {
				t.Fatalf("a record of the other shard took %v", took)
			}
		}
		if loads := p.Shards(); loads[0].Budget > 0.2 || loads[0].WaitingRecords == 0 || loads[1].Budget < 1 {
			t.Errorf("%+v", loads)
		}
		mu.Lock()
		defer mu.Unlock()
		if attempts > 3000 { // the first second's burst, and what a budget that shrinks leaves
			t.Errorf("%d attempts in ten seconds", attempts)
		}
	})
}

func TestABudgetRecoversWhenTheShardTakesRecordsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.faults.add(on("PutRecords", 20, throttle(func(int) bool { return true })))
		p := r.producer(func(c *producer.Config) { c.TTL = time.Hour })
		lowest := 1.0
		for range 60 {
			r.must(p.Put(t.Context(), producer.Record{PartitionKey: "k", Data: make([]byte, 1000)}, nil))
			time.Sleep(time.Second)
			lowest = min(lowest, p.Shards()[0].Budget)
		}
		if now := p.Shards()[0].Budget; lowest > 0.5 || now != 1 {
			t.Errorf("the budget went down to %v, and is %v a while later", lowest, now)
		}
	})
}

func TestShardRatePercentBoundsWhatAShardIsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		q := r.quotas(1<<30, 1<<40)
		p := r.producer(func(c *producer.Config) { c.ShardRatePercent, c.MaxBufferedBytes, c.TTL = 25, 1<<20, time.Hour })
		ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
		defer cancel()
		pour(ctx, p, "", 1000, nil)
		q.mu.Lock()
		defer q.mu.Unlock()
		if taken := q.taken["shardId-000000000000"]; taken < 9<<20 || taken > 11<<20 {
			t.Errorf("%d bytes in 40 seconds at a quarter of a MiB each", taken)
		}
	})
}

func TestARecordLargerThanAShardTakesInASecondIsStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		p := r.producer(func(c *producer.Config) { c.ShardRatePercent = 1 })
		for range 2 {
			if _, err := p.PutSync(t.Context(), producer.Record{PartitionKey: "k", Data: make([]byte, 1<<20-1)}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(100 * time.Second) // what one per cent lets through in this time
		}
	})
}

func TestFailIfThrottledFailsAtTheFirstThrottle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.faults.add(on("PutRecords", 1, throttle(func(int) bool { return true })))
		p := r.producer(func(c *producer.Config) { c.FailIfThrottled = true })
		results, err := p.PutSync(t.Context(), producer.Record{PartitionKey: "k"})
		if !errors.Is(err, producer.ErrThrottled) || len(results[0].Attempts) != 1 || errors.Is(err, producer.ErrOutcomeUnknown) {
			t.Errorf("%v, %+v", err, results)
		}
		if _, err := p.PutSync(t.Context(), producer.Record{PartitionKey: "k"}); err != nil {
			t.Error(err)
		}
	})
}

// What waits for a budget is subject to everything that happens meanwhile.
func TestWhatWaitsForABudgetExpiresMovesAndIsGivenUp(t *testing.T) {
	begin := func(t *testing.T, r *rig, ttl time.Duration) (*producer.Producer, *results) {
		p := r.producer(func(c *producer.Config) { c.ShardRatePercent, c.TTL = 1, ttl })
		got := newResults()
		for i := range 100 {
			id := fmt.Sprintf("id-%d", i)
			r.must(p.Put(t.Context(), producer.Record{PartitionKey: id, Data: make([]byte, 10_000)}, got.done(id)))
		}
		time.Sleep(time.Second)
		if n := p.Shards()[0].WaitingRecords; n == 0 {
			t.Fatal("nothing waits for the budget")
		}
		return p, got
	}
	outcome := func(t *testing.T, got *results) (stored int, errs map[error]int) {
		errs = make(map[error]int)
		for i := range 100 {
			result := got.only(t, fmt.Sprintf("id-%d", i))
			var failed *producer.FailedError
			if errors.As(result.Err, &failed) {
				errs[failed.Reason]++
			} else {
				stored++
			}
		}
		return stored, errs
	}
	t.Run("expires", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			_, got := begin(t, newRig(t, 1), 20*time.Second)
			time.Sleep(20 * time.Second)
			if stored, errs := outcome(t, got); errs[producer.ErrExpired] < 50 || stored+errs[producer.ErrExpired] != 100 {
				t.Errorf("%d stored, %v", stored, errs)
			}
		})
	})
	t.Run("moves with a split", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, 1)
			p, got := begin(t, r, time.Hour)
			r.split("shardId-000000000000")
			r.must(p.Flush(t.Context()))
			if stored, errs := outcome(t, got); stored != 100 {
				t.Errorf("%d stored, %v", stored, errs)
			}
			if loads := p.Shards(); len(loads) != 2 || loads[0].WaitingRecords+loads[1].WaitingRecords != 0 {
				t.Errorf("%+v", loads)
			}
			seen := make(map[string]bool)
			for _, s := range r.read() {
				seen[s.key] = seen[s.key] || !s.dropped
			}
			for i := range 100 {
				if id := fmt.Sprintf("id-%d", i); !seen[id] {
					t.Errorf("%s stands nowhere but where consumers drop it", id)
				}
			}
		})
	})
	t.Run("is given up by Close", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p, got := begin(t, newRig(t, 1), time.Hour)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if err := p.Close(ctx); !errors.Is(err, producer.ErrClosed) {
				t.Error(err)
			}
			if stored, errs := outcome(t, got); errs[producer.ErrClosed] < 50 || stored+errs[producer.ErrClosed] != 100 {
				t.Errorf("%d stored, %v", stored, errs)
			}
		})
	})
}

// A request that is refused as a whole names no shard: it may be the account's rate.
func TestAThrottledRequestCutsNoShardsBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 2)
		r.faults.add(on("PutRecords", 3, refuse("LimitExceededException", http.StatusBadRequest)))
		p := r.producer(nil)
		if _, err := p.PutSync(t.Context(), producer.Record{PartitionKey: "a"}); err != nil {
			t.Fatal(err)
		}
		for _, load := range p.Shards() {
			if load.Budget != 1 || load.Throttled != 0 {
				t.Errorf("%+v", load)
			}
		}
	})
}

// Callers that push into a shard which throttles for good fill no more than their share of the buffer: who puts for other shards is not
// held up, though everybody waits for room in one buffer.
func TestAShardThatThrottlesLeavesRoomInTheBuffer(t *testing.T) {
	for name, change := range map[string]func(*producer.Config){
		"bytes":   func(c *producer.Config) { c.MaxBufferedBytes = 1 << 20 },
		"records": func(c *producer.Config) { c.MaxBufferedRecords = 1000 },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, 2)
				r.faults.add(on("PutRecords", 0, throttleEntries(func(_ int, e types.PutRecordsRequestEntry) bool {
					return e.ExplicitHashKey != nil && *e.ExplicitHashKey == firstShard
				})))
				p := r.producer(func(c *producer.Config) { c.TTL = time.Hour; change(c) })
				synctest.Wait() // it knows the shards
				ctx, cancel := context.WithCancel(t.Context())
				var pushers sync.WaitGroup
				for range 8 {
					pushers.Go(func() { pour(ctx, p, firstShard, 1000, nil) })
				}
				time.Sleep(10 * time.Second)
				if err := p.TryPut(producer.Record{PartitionKey: "hot", ExplicitHashKey: firstShard, Data: make([]byte, 1000)}, nil); !errors.Is(err, producer.ErrBufferFull) {
					t.Errorf("TryPut for the shard that throttles: %v", err)
				}
				for i := range 1000 {
					start := time.Now()
					if _, err := p.PutSync(t.Context(), producer.Record{PartitionKey: "cold", ExplicitHashKey: lastShard, Data: make([]byte, 1000)}); err != nil {
						t.Fatal(err)
					}
					if took := time.Since(start); took > 150*time.Millisecond {
						t.Fatalf("record %d of the other shard took %v", i, took)
					}
				}
				r.faults.mu.Lock()
				r.faults.rules = nil
				r.faults.mu.Unlock()
				time.Sleep(10 * time.Second)
				cancel()
				pushers.Wait()
				r.must(p.Flush(t.Context()))
				if s := p.Stats(); s.PendingRecords != 0 || s.PendingBytes != 0 {
					t.Errorf("after all: %+v", s)
				}
			})
		})
	}
}
