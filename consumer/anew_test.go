package consumer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/penstock-go/penstock/checkpoint"
	"github.com/penstock-go/penstock/internal/retry"
	"github.com/penstock-go/penstock/internal/shards"
	"github.com/penstock-go/penstock/leases"
)

// remake deletes the stream, and a minute later makes one of the same name with so many shards.
func (w *world) remake(n int32) {
	w.Helper()
	_, err := w.client.DeleteStream(w.Context(), &kinesis.DeleteStreamInput{StreamName: aws.String(testStream), EnforceConsumerDeletion: aws.Bool(true)})
	w.must(err)
	time.Sleep(time.Minute)
	_, err = w.client.CreateStream(w.Context(), &kinesis.CreateStreamInput{StreamName: aws.String(testStream), ShardCount: &n})
	w.must(err)
	time.Sleep(time.Second)
}

func TestAStreamMadeAnewWhileTheApplicationIsAwayIsReadFromItsBeginning(t *testing.T) {
	for name, start := range map[string]Start{"trim horizon": TrimHorizon, "latest": Latest} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 1, func(w *world) {
				cfg := w.readToChildrenAtLatest()
				cfg.Streams[0].Start = start
				w.remake(4) // of which 0, 1 and 2 are not those of before
				w.putPlain(keys(20)...)
				time.Sleep(time.Minute)
				run := w.start(cfg)
				w.awaitAll()
				run.mustEnd()
				w.verify()
			})
		})
	}
}

func TestAParentInAStreamMadeAnewIsReadThoughItsChildrenHaveLeases(t *testing.T) {
	bubble(t, 1, func(w *world) {
		cfg := w.readToChildrenAtLatest()
		w.remake(1)
		w.putPlain(keys(10)...)
		w.split(0) // as in the old one
		w.putPlain(keys(10)...)
		time.Sleep(time.Minute)
		run := w.start(cfg)
		w.awaitAll()
		run.mustEnd()
		w.verify()
	})
}

// Whether that lease is left because ended leases are kept, or because nothing has been read of the children's for long enough.
func TestAParentInAStreamMadeAnewIsReadThoughItsLeaseSaysThatItHasEnded(t *testing.T) {
	for name, kept := range map[string]bool{"kept": true, "not deleted yet": false} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 1, func(w *world) {
				w.inTable()
				cfg := w.config()
				cfg.KeepEnded = kept
				w.putPlain(keys(10)...)
				run := w.start(cfg)
				w.awaitAll()
				w.split(0)
				w.putPlain(keys(10)...)
				w.awaitAll()
				time.Sleep(20 * time.Second)
				run.mustEnd()
				if row := w.lease(shardID(0)); !row.Ended() {
					t.Fatalf("the parent's lease: %+v", row)
				}
				w.remake(1)
				w.putPlain(keys(10)...)
				w.split(0) // as in the old one
				w.putPlain(keys(10)...)
				time.Sleep(time.Minute)
				run = w.start(cfg)
				w.awaitAll()
				run.mustEnd()
				w.verify()
			})
		})
	}
}

func TestARefusalThatIsNotTheServicesOwnCostsNoLease(t *testing.T) {
	bubble(t, 1, func(w *world) {
		w.inTable()
		w.putPlain(keys(10)...)
		w.split(0)
		w.putPlain(keys(10)...)
		client, calls := w.tampered()
		var refusing atomic.Bool
		calls.before = func(op string, _ int, req *http.Request) (*http.Response, error) {
			if op == "GetShardIterator" && refusing.Load() {
				return failure(req, http.StatusBadRequest, "BadRequest"), nil
			}
			return nil, nil
		}
		cfg := w.config()
		cfg.Kinesis, cfg.KeepEnded = client, true
		cfg.Hooks.Leases.Deleted = func(l leases.Lease) { t.Errorf("deleted: %+v", l) }
		cfg.Hooks.Trimmed = func(err *TrimmedError) { t.Errorf("reported: %v", err) }
		run := w.start(cfg)
		w.awaitAll()
		time.Sleep(20 * time.Second)
		run.mustEnd()
		refusing.Store(true)
		run = w.start(cfg)
		time.Sleep(time.Minute)
		refusing.Store(false)
		time.Sleep(time.Minute)
		run.mustEnd()
		if row := w.lease(shardID(0)); !row.Ended() {
			t.Errorf("the parent's lease: %+v", row)
		}
	})
}

func TestAPlaceOfTheHandlersOwnThatIsRefusedCostsNoLease(t *testing.T) {
	bubble(t, 1, func(w *world) {
		w.putPlain(keys(10)...)
		w.split(0)
		w.putPlain(keys(10)...)
		foreign, err := checkpoint.At("49000000000000000000000000000000000000000000000000000001", 0)
		w.must(err)
		cfg := w.config()
		cfg.Handler = &witness{HandlerFunc: cfg.Handler.Handle, from: map[string]checkpoint.Position{shardID(1): foreign}}
		cfg.Hooks.Leases.Deleted = func(l leases.Lease) {
			if l.ShardID == shardID(1) {
				t.Errorf("deleted: %+v", l)
			}
		}
		trimmed := w.onlyTrimmed(&cfg)
		run := w.start(cfg)
		w.awaitAll()
		run.mustEnd()
		if err := trimmed(); err == nil || err.Shard.ID != shardID(1) {
			t.Errorf("reported: %v", err)
		}
		w.verify()
	})
}

func TestChildrenInAStreamThatWasMadeAnewWaitForTheirParent(t *testing.T) {
	bubble(t, 1, func(w *world) {
		cfg := w.config()
		var slow atomic.Bool
		cfg.Handler = HandlerFunc(func(ctx context.Context, b *Batch) error {
			if slow.Load() && b.Shard.ID == shardID(0) {
				_ = retry.Sleep(ctx, 15*time.Minute)
			}
			w.seen.add(b)
			return nil
		})
		w.putPlain(keys(10)...)
		run := w.start(cfg)
		w.awaitAll()
		w.split(0)
		w.putPlain(keys(10)...)
		w.awaitAll()
		time.Sleep(10 * time.Minute) // the lease of shard 0 is deleted
		w.remake(1)
		began := time.Now()
		w.putPlain(keys(10)...)
		w.awaitAll()
		if took := time.Since(began); took > time.Minute {
			t.Errorf("the new stream was read after %v", took)
		}
		slow.Store(true)
		w.putPlain(keys(10)...)
		time.Sleep(5 * time.Second)
		w.split(0)
		w.putPlain(keys(10)...)
		w.awaitAll()
		run.mustEnd()
		w.verify()
	})
}

// Leases of several streams name the time at which each was made.
func TestAStreamMadeAnewIsReadUnderItsOwnLeasesAtOnce(t *testing.T) {
	bubble(t, 1, func(w *world) {
		cfg := w.dynamic()
		first, one := w.launch(cfg)
		w.putPlain("a")
		w.awaitAll()
		w.remake(1)
		w.putPlain("a")
		w.awaitAll()
		second, two := w.launch(cfg)
		time.Sleep(5 * time.Minute)
		before := w.seen.count()
		w.putPlain("x", "y", "z")
		time.Sleep(5 * time.Minute)
		if n := w.seen.count() - before; n != 3 {
			t.Errorf("3 records were handled %d times", n)
		}
		if held := append(w.held(first), w.held(second)...); len(held) != 1 {
			t.Errorf("held: %v", held)
		}
		one.mustEnd()
		two.mustEnd()
		w.verifyFirsts()
	})
}

// Only those workers are told of it by the service that hold a shard; the others, one of which may audit the leases, by the table.
func TestNobodyReadsAStreamMadeAnewUnderTheLeasesOfTheOldOne(t *testing.T) {
	for name, c := range map[string]struct {
		start   Start
		read    bool
		workers int
		shards  int32
	}{
		"nothing was read":            {TrimHorizon, false, 2, 1},
		"nothing was read, at latest": {Latest, false, 2, 1},
		"more shards than before":     {TrimHorizon, false, 2, 4},
		"many workers":                {TrimHorizon, true, 24, 4},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 1, func(w *world) {
				cfg := w.dynamic()
				cfg.Streams[0].Start = c.start
				cfg.Hooks.Leases.Repaired = func(l leases.Lease) { t.Errorf("repaired: %s", l.Key) }
				var workers []*worker
				for range c.workers {
					workers = append(workers, w.start(cfg))
					time.Sleep(time.Second)
				}
				time.Sleep(2 * time.Minute)
				if c.read {
					w.putPlain("a")
					w.awaitAll()
				}
				w.remake(c.shards)
				if c.start == Latest {
					time.Sleep(time.Minute)
				}
				for range 40 {
					w.putPlain(keys(2)...)
					time.Sleep(10 * time.Second)
				}
				w.verify()
				for _, run := range workers {
					run.mustEnd()
				}
			})
		})
	}
}

func TestLeasesOfAStreamThatIsNotThereKeepNobodyFromReading(t *testing.T) {
	bubble(t, 1, func(w *world) {
		c, run := w.launch(w.dynamic())
		w.putPlain("a")
		w.awaitAll()
		key := c.Snapshot().Shards[0].Shard.StreamID
		name, made := cutKey(key)
		_, err := w.store.Create(w.Context(), leases.ForShard(fmt.Sprint(name, made+60), shards.Shard{ID: shardID(0)}, checkpoint.TrimHorizon))
		w.must(err)
		w.await("it is looked at", func() bool { return w.seen.has(shardID(0) + " released") })
		began := time.Now()
		w.putPlain("b")
		w.awaitAll()
		if took := time.Since(began); took > time.Minute {
			t.Errorf("read again after %v", took)
		}
		run.mustEnd()
		w.verify()
	})
}

func TestWhatComesIntoAStreamMadeAnewIsReadThoughTheStartIsLatest(t *testing.T) {
	for name, running := range map[string]bool{"while the application runs": true, "while it is away": false} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 1, func(w *world) {
				cfg := w.dynamic()
				cfg.Streams[0].Start = Latest
				run := w.start(cfg)
				w.await("reading", func() bool { return w.seen.has(shardID(0) + " reading") })
				time.Sleep(2 * time.Second)
				w.putPlain("a")
				w.awaitAll()
				if running {
					w.remake(1)
					w.putPlain("a", "b")
					w.awaitAll()
					run.mustEnd()
				} else {
					run.mustEnd()
					w.remake(1)
				}
				w.putPlain("c", "d")
				time.Sleep(time.Minute)
				run = w.start(cfg)
				w.awaitAll()
				run.mustEnd()
				w.verifyFirsts()
			})
		})
	}
}

func TestAStreamMadeAnewIsNoticedThoughNothingWasRead(t *testing.T) {
	bubble(t, 1, func(w *world) {
		c, run := w.launch(w.dynamic())
		w.await("reading", func() bool { return w.seen.has(shardID(0) + " reading") })
		before := c.Snapshot().Shards[0].Shard.StreamID
		w.remake(1)
		w.await("its leases", func() bool {
			for _, s := range c.Snapshot().Shards {
				if s.Held && s.State == Reading && s.Shard.StreamID != before {
					return true
				}
			}
			return false
		})
		w.putPlain("a")
		w.awaitAll()
		run.mustEnd()
		w.verify()
	})
}

// inOlder returns a client to which the service tells at first of a stream that was made long before.
func (w *world) inOlder() *kinesis.Client {
	client, calls := w.tampered()
	calls.after = func(op string, n int, res *http.Response) {
		if op == "DescribeStreamSummary" && n == 1 {
			rewrite(res, func(members map[string]json.RawMessage) {
				var facts map[string]json.RawMessage
				_ = json.Unmarshal(members["StreamDescriptionSummary"], &facts)
				facts["StreamCreationTimestamp"] = json.RawMessage("1")
				members["StreamDescriptionSummary"], _ = json.Marshal(facts)
			})
		}
	}
	return client
}

func TestAStreamMadeAnewIsNoticedByTheAuditThoughAllItsPlacesAreKnown(t *testing.T) {
	bubble(t, 1, func(w *world) {
		cfg := w.dynamic()
		cfg.Kinesis = w.inOlder()
		c, run := w.launch(cfg)
		w.await("reading", func() bool { return w.seen.has(shardID(0) + " reading") })
		if id := c.Snapshot().Shards[0].Shard.StreamID; !strings.HasSuffix(id, ":1") {
			t.Fatalf("the old stream is %s", id)
		}
		time.Sleep(2 * time.Minute)
		for _, s := range c.Snapshot().Shards {
			if s.Held == strings.HasSuffix(s.Shard.StreamID, ":1") {
				t.Errorf("after two audits: %+v", s)
			}
		}
		run.mustEnd()
	})
}

func TestAStreamMadeAnewIsNoticedWithinAnHourThoughAllItsPlacesAreKnown(t *testing.T) {
	bubble(t, 1, func(w *world) {
		cfg := w.config()
		cfg.Kinesis = w.inOlder()
		run := w.start(cfg)
		w.await("reading", func() bool { return w.seen.has(shardID(0) + " reading") })
		time.Sleep(time.Hour + time.Minute)
		if !w.seen.has(shardID(0) + " released") {
			t.Errorf("after an hour: %s", w.seen.story())
		}
		run.mustEnd()
	})
}

func TestAStreamThatStaysDeletedIsLookedAtLessAndLessOften(t *testing.T) {
	bubble(t, 1, func(w *world) {
		client, calls := w.tampered()
		cfg := w.config()
		cfg.Kinesis = client
		w.putPlain("a")
		run := w.start(cfg)
		w.awaitAll()
		_, err := w.client.DeleteStream(w.Context(), &kinesis.DeleteStreamInput{StreamName: aws.String(testStream)})
		w.must(err)
		time.Sleep(time.Hour)
		if n := len(calls.times("DescribeStreamSummary")); n < 25 || n > 40 {
			t.Errorf("looked at %d times", n)
		}
		_, err = w.client.CreateStream(w.Context(), &kinesis.CreateStreamInput{StreamName: aws.String(testStream), ShardCount: aws.Int32(1)})
		w.must(err)
		time.Sleep(time.Second)
		w.putPlain("a")
		w.awaitAll()
		run.mustEnd()
		w.verify()
	})
}

func TestFanOutGoesOnInAStreamMadeAnew(t *testing.T) {
	bubble(t, 1, func(w *world) {
		cfg := w.config()
		cfg.Streams[0].FanOut = true
		w.putPlain("a")
		run := w.start(cfg)
		w.awaitAll()
		w.remake(1)
		w.putPlain("a", "b")
		w.awaitAll()
		run.mustEnd()
		w.verify()
	})
}

// deregister takes the consumer away that a stream is read by.
func (w *world) deregister(c *Consumer, name string) {
	w.Helper()
	_, err := w.client.DeregisterStreamConsumer(w.Context(), &kinesis.DeregisterStreamConsumerInput{
		ConsumerName: &name, StreamARN: aws.String(c.Snapshot().Streams[0].ARN),
	})
	w.must(err)
}

func TestAConsumerThatWasDeregisteredIsRegisteredAgain(t *testing.T) {
	bubble(t, 1, func(w *world) {
		cfg := w.config()
		cfg.Streams[0].FanOut = true
		w.putPlain("a")
		c, run := w.launch(cfg)
		w.awaitAll()
		w.deregister(c, "billing")
		time.Sleep(time.Minute)
		w.putPlain("b")
		w.awaitAll()
		run.mustEnd()
		w.verify()
	})
}

func TestAConfiguredConsumerThatWasDeregisteredIsMissed(t *testing.T) {
	bubble(t, 1, func(w *world) {
		cfg := w.config()
		cfg.Streams[0].FanOut, cfg.Streams[0].ConsumerARN = true, w.registerConsumer(testStream, "own")
		w.putPlain("a")
		c, run := w.launch(cfg)
		w.awaitAll()
		if err := c.Health(); err != nil {
			t.Error(err)
		}
		w.deregister(c, "own")
		w.await("it is missed", func() bool { return c.Health() != nil })
		if err := c.Health(); !errors.Is(err, ErrUnhealthy) || !strings.Contains(err.Error(), "ConsumerARN") {
			t.Error(err)
		}
		run.mustEnd()
	})
}
