package consumer

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

func TestSnapshotShowsShardsOwnersPositionsAndLags(t *testing.T) {
	bubble(t, 2, func(w *world) {
		hold := newGate()
		cfg := w.config()
		cfg.WorkerID = "first"
		inner := cfg.Handler
		cfg.Handler = HandlerFunc(func(ctx context.Context, b *Batch) error {
			if b.Records[0].PartitionKey == stuckKey {
				if err := hold.pass(ctx); err != nil {
					return err
				}
			}
			return inner.Handle(ctx, b)
		})
		c, err := New(cfg)
		w.must(err)
		if s := c.Snapshot(); s.Worker != "" || len(s.Shards) != 0 {
			t.Errorf("before Run: %+v", s)
		}
		run := w.run(c)
		w.await("both shards", func() bool { return len(w.held(c)) == 2 })
		cfg.WorkerID = "second"
		second, other := w.launch(cfg)
		w.await("one each", func() bool { return len(w.held(c)) == 1 && len(w.held(second)) == 1 })
		w.putPlain(w.keyOfEachShard()...)
		w.awaitAll()
		w.putPlain(stuckKey)
		w.await("the stuck handler", func() bool { return hold.waiting.Load() == 1 })
		time.Sleep(10 * time.Minute)
		stuck := 0
		for name, consumer := range map[string]*Consumer{"first": c, "second": second} {
			s := consumer.Snapshot()
			if s.Worker != name || len(s.Shards) != 2 || s.Shards[0].Shard.ID != shardID(0) || time.Since(s.TableRead) > 10*time.Second {
				t.Fatalf("%+v", s)
			}
			if s.Shards[0].Owner == s.Shards[1].Owner || !slices.Contains([]string{"first", "second"}, s.Shards[0].Owner) {
				t.Errorf("owners %q and %q", s.Shards[0].Owner, s.Shards[1].Owner)
			}
			for _, shard := range s.Shards {
				switch {
				case shard.Held != (shard.Owner == name):
					t.Errorf("%s: %+v", name, shard)
				case !shard.Held && shard.Lag >= 0:
					t.Errorf("the lag of another's shard is known: %+v", shard)
				case shard.Held && shard.State != Reading:
					t.Errorf("%+v", shard)
				case shard.Held && (shard.Position.Sentinel() || shard.Done != shard.Position):
					t.Errorf("positions %+v", shard)
				case shard.Handling > 0:
					stuck++
					if shard.Handling < 10*time.Minute || shard.Lag < 10*time.Minute || s.MaxLag() != shard.Lag {
						t.Errorf("stuck: %+v", shard)
					}
				case shard.Held && shard.Lag != 0:
					t.Errorf("at the tip: %+v", shard)
				}
			}
		}
		if stuck != 1 {
			t.Errorf("%d shards are stuck", stuck)
		}
		close(hold.open)
		run.mustEnd()
		other.mustEnd()
	})
}

func TestHealthIsAboutWhatOnlyANewStartMends(t *testing.T) {
	bubble(t, 1, func(w *world) {
		w.putPlain("a")
		net := &island{Store: w.store}
		deaf := newGate()
		cfg := w.config()
		cfg.Leases = net
		cfg.Handler = HandlerFunc(func(context.Context, *Batch) error { return deaf.pass(w.Context()) })
		c, err := New(cfg)
		w.must(err)
		if err := c.Health(); !errors.Is(err, ErrUnhealthy) {
			t.Errorf("before Run: %v", err)
		}
		run := w.run(c)
		w.await("the handler", func() bool { return deaf.waiting.Load() == 1 })
		if err := c.Health(); err != nil {
			t.Errorf("a handler that is slow: %v", err)
		}
		net.sever()
		time.Sleep(30 * time.Second)
		if err := c.Health(); err != nil {
			t.Errorf("the table is away, and the handler has been cancelled: %v", err)
		}
		time.Sleep(time.Minute)
		var unhealthy *HealthError
		if err := c.Health(); !errors.As(err, &unhealthy) || len(unhealthy.Reasons) != 1 || !strings.Contains(err.Error(), shardID(0)) {
			t.Errorf("a handler that ignores the end of its context: %v", err)
		}
		close(deaf.open)
		w.await("it has returned", func() bool { return c.Health() == nil })
		run.stop()
		<-run.done
		if err := c.Health(); !errors.Is(err, ErrUnhealthy) {
			t.Errorf("after Run: %v", err)
		}
	})
}

func TestALoopThatIsStuckIsNotHealthy(t *testing.T) {
	bubble(t, 1, func(w *world) {
		c, err := New(w.config())
		w.must(err)
		c.roll.Store(newRoll("w")) // as while Run runs, but with a loop that does nothing
		time.Sleep(time.Minute)
		if err := c.Health(); !errors.Is(err, ErrUnhealthy) {
			t.Errorf("%v", err)
		}
	})
}

func TestHooksSeeEveryCallAndWhatTheKCLMeasures(t *testing.T) {
	for _, fanOut := range []bool{false, true} {
		bubble(t, 1, func(w *world) {
			var mu sync.Mutex
			ops := make(map[string]int)
			var expired, bytes, records int
			var synced []Synced
			cfg := w.config()
			cfg.Streams[0].FanOut = fanOut
			cfg.Hooks.Called = func(c Called) {
				mu.Lock()
				defer mu.Unlock()
				ops[c.Op]++
				var iterator *types.ExpiredIteratorException
				if errors.As(c.Err, &iterator) {
					expired++
				}
			}
			cfg.Hooks.Handled = func(h Handled) {
				mu.Lock()
				defer mu.Unlock()
				records, bytes = records+h.Records, bytes+h.Bytes
			}
			cfg.Hooks.Synced = func(s Synced) { synced = append(synced, s) }
			inner := cfg.Handler
			cfg.Handler = HandlerFunc(func(ctx context.Context, b *Batch) error {
				time.Sleep(3 * time.Minute) // two of them, and an iterator has expired
				return inner.Handle(ctx, b)
			})
			cfg.MaxBatchRecords = 1
			w.putPlain("a", "b", "c", "d")
			run := w.start(cfg)
			w.awaitAll()
			w.putPlain("e")
			w.awaitAll()
			run.mustEnd()
			want := []string{"DescribeStreamSummary", "GetRecords", "GetShardIterator", "ListShards"}
			if fanOut {
				want = []string{"DescribeStreamConsumer", "DescribeStreamSummary", "ListShards", "RegisterStreamConsumer", "SubscribeToShard"}
			}
			for _, op := range want {
				if ops[op] == 0 {
					t.Errorf("%s was not seen: %v", op, ops)
				}
			}
			if !fanOut && expired == 0 {
				t.Error("no expired iterator was seen")
			}
			if records != 5 || bytes != 5*(6+1) {
				t.Errorf("%d records and %d bytes handled", records, bytes)
			}
			if len(synced) != 1 || synced[0].Shards != 1 || synced[0].Created != 1 || synced[0].Err != nil {
				t.Errorf("synced %+v", synced)
			}
		})
	}
}

func TestAWorkerThatStartsIsHealthy(t *testing.T) {
	bubble(t, 1, func(w *world) {
		client, calls := w.tampered()
		hold := newGate()
		calls.before = func(op string, _ int, req *http.Request) (*http.Response, error) {
			if op == "DescribeStreamSummary" {
				return nil, hold.pass(req.Context())
			}
			return nil, nil
		}
		cfg := w.config()
		cfg.Kinesis = client
		c, run := w.launch(cfg)
		w.await("it looks for its stream", func() bool { return hold.waiting.Load() == 1 })
		if err := c.Health(); err != nil {
			t.Errorf("%v", err)
		}
		short, cancel := context.WithTimeout(w.Context(), time.Second)
		defer cancel()
		if err := c.RemoveStream(short, testStream); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a change of the streams meanwhile: %v", err)
		}
		close(hold.open)
		w.await("it runs", func() bool { return len(w.held(c)) == 1 })
		run.mustEnd()
	})
}
