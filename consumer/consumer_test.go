package consumer

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/penstock-go/penstock/checkpoint"
	"github.com/penstock-go/penstock/leases"
)

func keys(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("key-%d", i)
	}
	return all
}

func TestEveryRecordIsHandledOnceInOrder(t *testing.T) {
	bubble(t, 2, func(w *world) {
		w.putPlain(keys(10)...)
		run := w.start(w.config())
		w.putPlain(keys(10)...)
		w.awaitAll()
		run.mustEnd()
		w.verify()
	})
}

func TestRestartResumesInsideAnAggregate(t *testing.T) {
	bubble(t, 1, func(w *world) {
		w.putPlain("a")
		number := w.putAggregate("a", 6)
		w.putPlain("a")
		cfg := w.config()
		cfg.MaxBatchRecords = 4 // one plain record and three of the aggregate
		blocked := newGate()
		cfg.Handler = HandlerFunc(func(ctx context.Context, b *Batch) error {
			if string(b.Records[0].Data) == "000001" {
				w.seen.add(b)
				return nil
			}
			return blocked.pass(ctx)
		})
		cfg.ShutdownTimeout = time.Second
		run := w.start(cfg)
		w.await("the second batch", func() bool { return blocked.waiting.Load() == 1 })
		run.mustEnd()
		if at := w.lease(shardID(0)).Checkpoint; at.SequenceNumber() != number || at.SubSequence() != 2 {
			t.Fatalf("checkpoint %v, want %s/2", at, number)
		}
		run = w.start(w.config())
		w.awaitAll()
		run.mustEnd()
		w.verify()
		if r := w.seen.all()[4]; r.SubSequence != 3 || !r.Aggregated || r.SequenceNumber != number {
			t.Errorf("resumed at %+v", r)
		}
	})
}

func TestLatestReadsWhatComesAfterTheFirstStart(t *testing.T) {
	bubble(t, 2, func(w *world) {
		w.putPlain(keys(10)...)
		time.Sleep(3 * time.Second) // LATEST is to the second
		before := w.put
		cfg := w.config()
		cfg.Streams[0].Start = Latest
		run := w.start(cfg)
		w.await("both shards read", func() bool { return w.seen.has(shardID(0)+" reading") && w.seen.has(shardID(1)+" reading") })
		run.mustEnd()
		w.putPlain(keys(10)...) // while nobody reads, and no lease names a record
		run = w.start(cfg)
		w.await("ten records", func() bool { return w.seen.count() >= 10 })
		run.mustEnd()
		for _, text := range w.seen.data() {
			if text <= fmt.Sprintf("%06d", before) {
				t.Errorf("record %s came in before the start", text)
			}
		}
	})
}

func TestReadersSurviveSplitsAndMerges(t *testing.T) {
	for name, choose := range map[string]func(*world, *Config){
		"polling, memory":   func(*world, *Config) {},
		"polling, DynamoDB": func(w *world, cfg *Config) { cfg.Leases, cfg.DynamoDB = nil, w.server.DynamoDB() },
		"fan-out, memory":   func(_ *world, cfg *Config) { cfg.Streams[0].FanOut = true },
		"fan-out, DynamoDB": func(w *world, cfg *Config) {
			cfg.Leases, cfg.DynamoDB, cfg.Streams[0].FanOut = nil, w.server.DynamoDB(), true
		},
		"one-record batches": func(_ *world, cfg *Config) { cfg.MaxBatchRecords = 1 },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 2, func(w *world) {
				cfg := w.config()
				choose(w, &cfg)
				w.putPlain(keys(20)...)
				one := w.start(cfg)
				two := w.start(cfg)
				w.putAggregate("key-1", 5)
				w.split(0)
				w.putPlain(keys(20)...)
				time.Sleep(5 * time.Second)
				w.split(2)
				w.putPlain(keys(20)...)
				w.merge(1)
				w.putPlain(keys(20)...)
				w.awaitAll()
				one.mustEnd()
				w.putPlain(keys(20)...)
				w.awaitAll()
				two.mustEnd()
				w.verify()
				w.verifyLineage()
			})
		})
	}
}

func TestLeaseThatIsHeldTooEarlyWaitsForItsParents(t *testing.T) {
	bubble(t, 1, func(w *world) {
		w.putPlain(keys(5)...)
		w.split(0)
		w.putPlain(keys(5)...)
		cfg := w.config()
		cfg.WorkerID = "me"
		cfg.Handler = HandlerFunc(func(ctx context.Context, b *Batch) error {
			if b.Shard.ID == shardID(0) {
				time.Sleep(5 * time.Second)
			}
			w.seen.add(b)
			return ctx.Err()
		})
		// The row names the worker, which so takes the lease whatever its plan says.
		for _, row := range []leases.Lease{
			{Key: shardID(0), ShardID: shardID(0)},
			{Key: shardID(1), ShardID: shardID(1), Owner: "me", Parents: []string{shardID(0)}},
		} {
			_, err := w.store.Create(w.Context(), row)
			w.must(err)
		}
		run := w.start(cfg)
		w.await("the child's lease is held", func() bool { return w.lease(shardID(1)).Counter > 0 })
		if w.seen.has(shardID(0) + " ended") {
			t.Error("the parent had ended already: the test shows nothing")
		}
		w.awaitAll()
		run.mustEnd()
		w.verify()
		w.verifyLineage()
	})
}

func TestStoppedWorkersShardsAreReadOnWithinASecond(t *testing.T) {
	bubble(t, 4, func(w *world) {
		one, two := w.start(w.config()), w.start(w.config())
		even := func() bool {
			snapshot, err := w.store.Scan(w.Context())
			w.must(err)
			owned := make(map[string]int)
			for _, row := range snapshot.Leases {
				owned[row.Owner]++
			}
			return len(owned) == 2 && owned[""] == 0
		}
		w.await("both workers hold leases", even)
		time.Sleep(5 * time.Second)
		w.putPlain(keys(20)...)
		w.awaitAll()
		began := time.Now()
		one.mustEnd()
		w.putPlain(keys(20)...)
		w.awaitAll()
		if took := time.Since(began); took > 2500*time.Millisecond { // a second to hand over, and one to poll
			t.Errorf("the other worker handled everything %v after the stop", took)
		}
		two.mustEnd()
		w.verify()
	})
}

func TestSeveralStreamsShareATable(t *testing.T) {
	bubble(t, 2, func(w *world) {
		const second = "returns"
		_, err := w.client.CreateStream(w.Context(), &kinesis.CreateStreamInput{StreamName: aws.String(second), ShardCount: aws.Int32(1)})
		w.must(err)
		cfg := w.config()
		cfg.Streams = append(cfg.Streams, Stream{Name: second})
		w.putPlain(keys(10)...)
		_, err = w.client.PutRecord(w.Context(), &kinesis.PutRecordInput{StreamName: aws.String(second), PartitionKey: aws.String("x"), Data: w.data()})
		w.must(err)
		run := w.start(cfg)
		w.awaitAll()
		w.split(0)
		w.putPlain(keys(10)...)
		w.awaitAll()
		run.mustEnd()
		w.verify()
		snapshot, err := w.store.Scan(w.Context())
		w.must(err)
		for _, row := range snapshot.Leases {
			if !strings.HasPrefix(row.Key, "123456789012:"+testStream+":") && !strings.HasPrefix(row.Key, "123456789012:"+second+":") {
				t.Errorf("lease key %s", row.Key)
			}
		}
		if len(snapshot.Leases) != 5 {
			t.Errorf("%d leases", len(snapshot.Leases))
		}
	})
}

func TestHandlersAreMadeForEachShard(t *testing.T) {
	bubble(t, 2, func(w *world) {
		cfg := w.config()
		shared := cfg.Handler
		cfg.Handler = nil
		var made atomic.Int32
		cfg.NewHandler = func(s Shard) (Handler, error) {
			if made.Add(1) == 1 {
				return nil, errHandler
			}
			if s.Stream != testStream || s.ID == "" || s.StartingHashKey == "" || s.Token == 0 {
				t.Errorf("NewHandler was given %+v", s)
			}
			return shared, nil
		}
		run := w.start(cfg)
		w.putPlain(keys(10)...)
		w.awaitAll()
		run.mustEnd()
		w.verify()
		if made.Load() != 3 {
			t.Errorf("NewHandler was called %d times", made.Load())
		}
	})
}

func TestLeaseAtLatestWithoutATimeIsPinned(t *testing.T) {
	bubble(t, 1, func(w *world) {
		w.putPlain("a")
		time.Sleep(3 * time.Second)
		cfg := w.config()
		cfg.Streams[0].Start = Latest
		// As a worker of the Java library leaves it.
		if _, err := w.store.Create(w.Context(), leases.Lease{Key: shardID(0), ShardID: shardID(0), Checkpoint: checkpoint.Latest}); err != nil {
			t.Fatal(err)
		}
		run := w.start(cfg)
		w.await("reading", func() bool { return w.seen.has(shardID(0) + " reading") })
		if w.lease(shardID(0)).StartAt.IsZero() {
			t.Error("the time is not written down")
		}
		w.putPlain("a")
		w.await("the second record", func() bool { return w.seen.count() > 0 })
		run.mustEnd()
		if got := w.seen.data(); len(got) != 1 || got[0] != "000002" {
			t.Errorf("handled %v", got)
		}
	})
}

func TestFirstRecordAfterLatestIsAnchoredBeforeItIsHandled(t *testing.T) {
	bubble(t, 1, func(w *world) {
		cfg := w.config()
		cfg.Streams[0].Start = Latest
		anchored := make(chan checkpoint.Position, 1)
		cfg.Handler = HandlerFunc(func(_ context.Context, b *Batch) error {
			select {
			case anchored <- w.lease(shardID(0)).Checkpoint:
			default:
			}
			w.seen.add(b)
			return nil
		})
		run := w.start(cfg)
		time.Sleep(5 * time.Second)
		number := w.putAggregate("a", 3)
		w.awaitAll()
		if at := <-anchored; at.SequenceNumber() != number || at.SubSequence() != checkpoint.Inclusive {
			t.Errorf("when the first record was handled, the lease stood at %v", at)
		}
		run.mustEnd()
		w.verify()
	})
}
