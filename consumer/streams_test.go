package consumer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/penstock-go/penstock/leases"
)

// another creates a stream of one shard and puts records into it, n of them.
func (w *world) another(name string, n int) {
	w.Helper()
	_, err := w.client.CreateStream(w.Context(), &kinesis.CreateStreamInput{StreamName: &name, ShardCount: aws.Int32(1)})
	w.must(err)
	time.Sleep(time.Second)
	w.putInto(name, n)
}

func (w *world) putInto(name string, n int) {
	w.Helper()
	for range n {
		_, err := w.client.PutRecord(w.Context(), &kinesis.PutRecordInput{StreamName: &name, PartitionKey: &name, Data: w.data()})
		w.must(err)
	}
}

// dynamic is the configuration of a consumer whose streams change.
func (w *world) dynamic() Config {
	cfg := w.config()
	cfg.MultiStream = true
	return cfg
}

// launch starts a consumer that the test keeps hold of.
func (w *world) launch(cfg Config) (*Consumer, *worker) {
	w.Helper()
	c, err := New(cfg)
	w.must(err)
	return c, w.run(c)
}

func TestStreamsAreAddedAndRemovedWhileTheConsumerRuns(t *testing.T) {
	bubble(t, 2, func(w *world) {
		w.putPlain(keys(10)...)
		c, run := w.launch(w.dynamic())
		w.awaitAll()
		w.another("returns", 5)
		w.must(c.AddStream(w.Context(), Stream{Name: "returns"}))
		w.awaitAll()
		if streams := c.Snapshot().Streams; len(streams) != 2 || streams[1].Name != "returns" || streams[1].Retention != 24*time.Hour {
			t.Errorf("streams %+v", streams)
		}
		w.must(c.RemoveStream(w.Context(), testStream))
		before := w.seen.count()
		w.putPlain(keys(10)...)
		w.putInto("returns", 1)
		w.await("the other stream goes on", func() bool { return w.seen.count() == before+1 })
		time.Sleep(time.Minute)
		if got := w.seen.count(); got != before+1 {
			t.Errorf("%d records of a removed stream were handled", got-before-1)
		}
		for _, s := range c.Snapshot().Shards {
			if s.Held != (s.Shard.Stream == "returns") {
				t.Errorf("held: %+v", s)
			}
		}
		w.must(c.AddStream(w.Context(), Stream{Name: testStream, Start: Latest})) // its leases say where it was
		w.awaitAll()
		run.mustEnd()
		w.verify()
	})
}

func TestAStreamThatOneWorkerRemovesIsReadByTheOthers(t *testing.T) {
	bubble(t, 2, func(w *world) {
		first, run := w.launch(w.dynamic())
		w.await("the stream is read", func() bool { return len(w.held(first)) == 2 })
		second, other := w.launch(w.dynamic())
		w.await("both work", func() bool { return len(w.held(second)) == 1 })
		w.must(first.RemoveStream(w.Context(), testStream))
		w.await("the other has both", func() bool { return len(w.held(second)) == 2 })
		w.putPlain(keys(10)...)
		w.awaitAll()
		if held := w.held(first); len(held) > 0 {
			t.Errorf("the first still holds %v", held)
		}
		run.mustEnd()
		other.mustEnd()
		w.verify()
	})
}

// held returns the shards that a consumer reads.
func (w *world) held(c *Consumer) (ids []string) {
	for _, s := range c.Snapshot().Shards {
		if s.Held {
			ids = append(ids, s.Shard.ID)
		}
	}
	return ids
}

func TestRemovingAStreamWaitsForTheHandlersOfTheOneThatItWasMadeAnewOf(t *testing.T) {
	bubble(t, 1, func(w *world) {
		w.putPlain("a")
		hold := newGate()
		cfg := w.dynamic()
		inner := cfg.Handler
		cfg.Handler = HandlerFunc(func(ctx context.Context, b *Batch) error {
			if err := hold.pass(ctx); err != nil {
				return err
			}
			return inner.Handle(ctx, b)
		})
		c, run := w.launch(cfg)
		w.await("the handler", func() bool { return hold.waiting.Load() == 1 })
		before := c.Snapshot().Shards[0].Shard.StreamID
		w.remake(2)
		w.await("it is noticed", func() bool { return c.streamOf(before) == nil })
		short, cancel := context.WithTimeout(w.Context(), 3*time.Second)
		defer cancel()
		if err := c.RemoveStream(short, testStream); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("while the handler works: %v", err)
		}
		close(hold.open)
		w.await("it is given up", func() bool { return len(w.held(c)) == 0 })
		run.mustEnd()
	})
}

func TestRemovingAStreamWaitsForItsHandler(t *testing.T) {
	bubble(t, 1, func(w *world) {
		w.putPlain("a")
		hold := newGate()
		cfg := w.dynamic()
		inner := cfg.Handler
		cfg.Handler = HandlerFunc(func(ctx context.Context, b *Batch) error {
			if err := hold.pass(ctx); err != nil {
				return err
			}
			return inner.Handle(ctx, b)
		})
		c, run := w.launch(cfg)
		w.await("the handler", func() bool { return hold.waiting.Load() == 1 })
		short, cancel := context.WithTimeout(w.Context(), 3*time.Second)
		defer cancel()
		if err := c.RemoveStream(short, testStream); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("while the handler works: %v", err)
		}
		close(hold.open)
		w.await("it is given up", func() bool { return len(w.held(c)) == 0 })
		if got := w.seen.count(); got != 1 {
			t.Errorf("%d records handled", got)
		}
		run.mustEnd()
	})
}

func TestTheOnlyStreamOfAConsumerIsRemoved(t *testing.T) {
	bubble(t, 1, func(w *world) {
		w.putPlain("a")
		c, run := w.launch(w.config()) // without MultiStream, so that its leases have no prefix
		w.awaitAll()
		w.must(c.RemoveStream(w.Context(), testStream))
		if held := w.held(c); len(held) > 0 {
			t.Errorf("still held: %v", held)
		}
		w.putPlain("a")
		time.Sleep(time.Minute)
		if got := w.seen.count(); got != 1 {
			t.Errorf("%d records of a removed stream were handled", got-1)
		}
		run.mustEnd()
	})
}

// delayed is a core of a logger which holds a reader up while it is being made.
type delayed struct {
	zapcore.Core
	hold *gate
}

func (d delayed) With(fields []zapcore.Field) zapcore.Core {
	if slices.ContainsFunc(fields, func(f zapcore.Field) bool { return f.Key == "shard" }) {
		_ = d.hold.pass(context.Background())
	}
	return d
}

func TestAStreamIsRemovedWhileAShardsLifeBegins(t *testing.T) {
	bubble(t, 1, func(w *world) {
		hold := newGate()
		cfg := w.dynamic()
		cfg.Logger = zap.New(delayed{zapcore.NewNopCore(), hold})
		c, run := w.launch(cfg)
		w.await("a life is about to begin", func() bool { return hold.waiting.Load() == 1 })
		w.must(c.RemoveStream(w.Context(), testStream))
		close(hold.open)
		w.putPlain("a")
		time.Sleep(time.Minute)
		if got := w.seen.count(); got != 0 {
			t.Errorf("%d records of a removed stream were handled", got)
		}
		run.mustEnd()
	})
}

func TestStreamsOfOneNameAreToldApart(t *testing.T) {
	const first, second = "arn:aws:kinesis:us-east-1:111111111111:stream/a", "arn:aws:kinesis:us-east-1:222222222222:stream/a"
	for _, c := range []struct {
		streams []Stream
		remove  string
		left    []Stream
		err     error
	}{
		{[]Stream{{ARN: first}, {ARN: second}}, "a", []Stream{{ARN: first}, {ARN: second}}, ErrUnknownStream},
		{[]Stream{{ARN: first}, {ARN: second}}, second, []Stream{{ARN: first}}, nil},
		{[]Stream{{ARN: first}, {ARN: second}}, "b", []Stream{{ARN: first}, {ARN: second}}, ErrUnknownStream},
		{[]Stream{{Name: "a"}, {ARN: second}}, "a", []Stream{{ARN: second}}, nil},
		{[]Stream{{Name: "a"}, {ARN: second}}, second, []Stream{{Name: "a"}}, nil},
		{[]Stream{{Name: "a"}, {Name: "b"}}, first, []Stream{{Name: "b"}}, nil},
	} {
		consumer := &Consumer{configured: slices.Clone(c.streams), changing: make(chan struct{}, 1)}
		if err := consumer.RemoveStream(t.Context(), c.remove); !errors.Is(err, c.err) {
			t.Errorf("%s of %v: %v", c.remove, c.streams, err)
		}
		if !slices.Equal(consumer.configured, c.left) {
			t.Errorf("without %s, %v are %v", c.remove, c.streams, consumer.configured)
		}
	}
}

func TestStreamsThatCannotBeAddedOrRemoved(t *testing.T) {
	bubble(t, 1, func(w *world) {
		single, err := New(w.config())
		w.must(err)
		if err := single.AddStream(w.Context(), Stream{Name: "b"}); !slices.Contains(faultyFields(err), "MultiStream") {
			t.Errorf("to a consumer of a single stream: %v", err)
		}
		c, err := New(w.dynamic())
		w.must(err)
		if err := c.AddStream(w.Context(), Stream{Name: testStream}); !errors.Is(err, ErrConfig) {
			t.Errorf("twice: %v", err)
		}
		if err := c.RemoveStream(w.Context(), "c"); !errors.Is(err, ErrUnknownStream) {
			t.Errorf("an unknown one: %v", err)
		}
		w.must(c.AddStream(w.Context(), Stream{Name: "d"}))
		w.must(c.RemoveStream(w.Context(), "d"))
		run := w.run(c)
		w.await("it runs", func() bool { return len(w.held(c)) == 1 })
		if err := c.AddStream(w.Context(), Stream{Name: "missing"}); !errors.Is(err, ErrStreamNotFound) {
			t.Errorf("a stream that does not exist: %v", err)
		}
		arn := c.Snapshot().Streams[0].ARN
		if err := c.AddStream(w.Context(), Stream{ARN: arn}); !errors.Is(err, ErrConfig) {
			t.Errorf("twice, by its ARN: %v", err)
		}
		w.must(c.RemoveStream(w.Context(), arn))
		if got := c.Snapshot().Streams; len(got) != 0 {
			t.Errorf("streams %v", got)
		}
		run.mustEnd()
	})
}

func TestEachStreamBeginsWhereItsStartSays(t *testing.T) {
	bubble(t, 1, func(w *world) {
		w.another("old", 3)
		w.another("new", 4)
		before := w.put
		time.Sleep(time.Minute)
		cfg := w.config()
		cfg.Streams = []Stream{{Name: "old"}, {Name: "new", Start: Latest}}
		run := w.start(cfg)
		w.await("the old records", func() bool { return w.seen.count() == 3 })
		time.Sleep(10 * time.Second)
		w.putInto("new", 1)
		w.await("the new one", func() bool { return w.seen.count() == 4 })
		run.mustEnd()
		if got := w.seen.data()[3]; got != fmt.Sprintf("%06d", before+1) {
			t.Errorf("the first record of the stream that began at its tip is %s", got)
		}
	})
}

// Metrics tell streams apart by what their leases' keys begin with, as those of the KCL do.
func TestHooksAreToldTheStreamIDWhereThereAreSeveralStreams(t *testing.T) {
	for _, fanOut := range []bool{false, true} {
		bubble(t, 1, func(w *world) {
			ids, calls := make(chan string, 1000), make(chan Called, 1000)
			cfg := w.dynamic()
			cfg.Streams[0].FanOut = fanOut
			cfg.Hooks.Fetched = func(f Fetched) { ids <- f.Shard.StreamID }
			cfg.Hooks.Called = func(c Called) {
				if c.Shard != "" {
					calls <- c
				}
			}
			w.putPlain("a")
			_, run := w.launch(cfg)
			w.awaitAll()
			run.mustEnd()
			id, call := <-ids, <-calls
			if parts := strings.Split(id, ":"); len(parts) != 3 || parts[1] != testStream {
				t.Errorf("fetched from stream %q", id)
			}
			if call.StreamID != id {
				t.Errorf("called %+v", call)
			}
		})
	}
}

func TestOneStreamAloneHasNoStreamID(t *testing.T) {
	bubble(t, 1, func(w *world) {
		cfg := w.config()
		cfg.Hooks.Fetched = func(f Fetched) {
			if f.Shard.StreamID != "" {
				t.Errorf("StreamID %q", f.Shard.StreamID)
			}
		}
		w.putPlain("a")
		run := w.start(cfg)
		w.awaitAll()
		run.mustEnd()
	})
}

func TestTheLeasesOfAStreamAreToldOfAsTheyAreCreated(t *testing.T) {
	bubble(t, 2, func(w *world) {
		var mu sync.Mutex
		var created []leases.Called
		cfg := w.config()
		cfg.Hooks.Leases.Called = func(c leases.Called) {
			mu.Lock()
			defer mu.Unlock()
			if c.Op == "Create" {
				created = append(created, c)
			}
		}
		run := w.start(cfg)
		time.Sleep(time.Second)
		run.mustEnd()
		for _, c := range created {
			if c.For != "sync" || !c.Created || c.Key == "" || c.Err != nil {
				t.Errorf("told %+v", c)
			}
		}
		if len(created) != 2 {
			t.Errorf("%d leases are told of", len(created))
		}
	})
}
