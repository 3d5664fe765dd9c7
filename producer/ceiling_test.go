//go:build !race

package producer_test

import (
	"context"
	"runtime"
	"runtime/metrics"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/penstock-go/penstock/producer"
)

// mallocs returns how many allocations run made, in the whole process.
func mallocs(run func()) float64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	run()
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs - before.Mallocs)
}

// known waits until the producer knows the shards.
func known(t *testing.T, p *producer.Producer) {
	for end := time.Now().Add(10 * time.Second); p.Shards() == nil; runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatal("the shards do not become known")
		}
	}
}

func TestPutAllocatesNextToNothing(t *testing.T) {
	keys, data := benchRecords(100)
	service := newInstant(keys)
	p, err := producer.New(producer.Config{Kinesis: service.client(), Stream: stream})
	if err != nil {
		t.Fatal(err)
	}
	known(t, p)
	const records = 50_000
	var results atomic.Int64
	done := func(producer.Result) { results.Add(1) }
	put := func() {
		for i := range records {
			if err := p.Put(context.Background(), producer.Record{PartitionKey: keys[i%len(keys)], Data: data}, done); err != nil {
				t.Fatal(err)
			}
		}
	}
	flush := func() {
		if err := p.Flush(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	put()
	flush() // there are memory and hash keys to use again from here on
	n := mallocs(func() {
		for range 10 {
			put()
		}
		flush()
	}) / (10 * records)
	t.Logf("%.3f allocations for each record from Put to done", n)
	if n > 0.2 || results.Load() != 11*records {
		t.Errorf("%.3f allocations for each record from Put to done, %d results", n, results.Load())
	}
	if err := p.Close(context.Background()); err != nil {
		t.Error(err)
	}
}

// One record after the other into an aggregate that is not sent meanwhile.
func TestPutItselfAllocatesNothing(t *testing.T) {
	keys, data := benchRecords(100)
	p, err := producer.New(producer.Config{Kinesis: newInstant(keys).client(), Stream: stream, Linger: time.Hour, TTL: 2 * time.Hour,
		MaxAggregateBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	known(t, p)
	defer p.Close(context.Background())
	done := func(producer.Result) {}
	i := 0
	put := func() {
		i++
		if err := p.Put(context.Background(), producer.Record{PartitionKey: keys[i%16], Data: data}, done); err != nil {
			t.Fatal(err)
		}
	}
	for range 8000 {
		put()
	}
	if err := p.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		put()
	}
	if n := testing.AllocsPerRun(5000, put); n > 0.05 {
		t.Errorf("%v allocations", n)
	}
}

// liveHeap is what the last collection has left.
func liveHeap() int {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	return int(live[0].Value.Uint64())
}

func TestTheHeapIsBoundedThoughAShardThrottlesForGood(t *testing.T) {
	for name, c := range map[string]struct {
		size    int
		records int // bound of the buffer
	}{"small records": {100, 0}, "records of a kilobyte": {1000, 0}, "records of ten kilobytes": {10_000, 0}} {
		t.Run(name, func(t *testing.T) {
			keys, data := benchRecords(c.size)
			service := newInstant(keys)
			service.throttled = aws.String("shardId-000000000000")
			const buffer = 64 << 20
			runtime.GC()
			runtime.GC()
			base := liveHeap()
			p, err := producer.New(producer.Config{Kinesis: service.client(), Stream: stream, MaxBufferedBytes: buffer, MaxBufferedRecords: c.records})
			if err != nil {
				t.Fatal(err)
			}
			known(t, p)
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			var wg sync.WaitGroup
			for g := range 16 {
				wg.Go(func() {
					for i := g; p.Put(ctx, producer.Record{PartitionKey: keys[i%len(keys)], Data: data}, func(producer.Result) {}) == nil; i += 16 {
					}
				})
			}
			var live []int
			full := 0
			for ctx.Err() == nil {
				time.Sleep(20 * time.Millisecond) // collections would only see what others leave over
				runtime.GC()
				live = append(live, liveHeap()-base)
				s := p.Stats()
				full = max(full, 100*s.PendingBytes/buffer, s.PendingRecords/1000)
			}
			wg.Wait()
			if full < 45 { // the shard that throttles may have as much as is free
				t.Errorf("the buffer was never more than %d %% full", full)
			}
			// What is allocated during a collection counts as live in it; the few that took long say nothing.
			slices.Sort(live)
			most := live[len(live)*9/10]
			t.Logf("%d MiB live, %d at the highest", most>>20, live[len(live)-1]>>20)
			if most > buffer+32<<20 {
				t.Errorf("%d MiB live, for a buffer of %d MiB", most>>20, buffer>>20)
			}
			closed, cancel := context.WithCancel(t.Context())
			cancel()
			p.Close(closed)
		})
	}
}
