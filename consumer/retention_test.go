package consumer

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/penstock-go/penstock/checkpoint"
)

func TestALagNearTheRetentionIsReportedBeforeRecordsAreGoneAndThatToo(t *testing.T) {
	bubble(t, 1, func(w *world) {
		var mu sync.Mutex
		var warned []NearRetention
		var trimmed []*TrimmedError
		hold := newGate()
		cfg := w.config()
		cfg.MaxBatchRecords = 1
		inner := cfg.Handler
		cfg.Handler = HandlerFunc(func(ctx context.Context, b *Batch) error {
			if b.Records[0].PartitionKey == stuckKey {
				if err := hold.pass(ctx); err != nil {
					return err
				}
			}
			return inner.Handle(ctx, b)
		})
		cfg.Hooks.NearRetention = func(n NearRetention) { mu.Lock(); defer mu.Unlock(); warned = append(warned, n) }
		cfg.Hooks.Trimmed = func(err *TrimmedError) { mu.Lock(); defer mu.Unlock(); trimmed = append(trimmed, err) }
		run := w.start(cfg)
		w.putPlain("a", stuckKey)
		w.await("the handler is stuck", func() bool { return hold.waiting.Load() == 1 })
		for range 30 {
			time.Sleep(time.Hour)
			w.putPlain("b")
		}
		mu.Lock()
		if n := len(warned); n < 5 || n > 15 {
			t.Errorf("%d warnings", n)
		} else if first := warned[0]; first.Retention != 24*time.Hour || first.Lag < 19*time.Hour || first.Lag > 20*time.Hour || first.Shard.ID != shardID(0) {
			t.Errorf("the first warning: %+v", first)
		}
		mu.Unlock()
		close(hold.open)
		w.await("what is left of the stream", func() bool { return slices.Contains(w.seen.data(), "000032") })
		run.mustEnd()
		if len(trimmed) != 1 || !errors.Is(trimmed[0], ErrTrimmed) {
			t.Errorf("trimmed: %v; handled %v", trimmed, w.seen.data())
		}
	})
}

func TestALeaseThatStandsAtATimeBeyondTheRetentionIsReported(t *testing.T) {
	bubble(t, 1, func(w *world) {
		cfg := w.config()
		cfg.Streams[0].Start = Latest
		run := w.start(cfg)
		time.Sleep(time.Minute)
		run.mustEnd()
		w.putPlain("lost")
		time.Sleep(25 * time.Hour)
		w.putPlain("b")
		var trimmed []*TrimmedError
		cfg.Hooks.Trimmed = func(err *TrimmedError) { trimmed = append(trimmed, err) }
		run = w.start(cfg)
		w.await("what is left", func() bool { return w.seen.count() == 1 })
		run.mustEnd()
		if len(trimmed) != 1 || !errors.Is(trimmed[0], errOverslept) {
			t.Errorf("%v", trimmed)
		}
	})
}

func TestAnIdleShardIsNotTakenForOneWhoseRecordsAreGone(t *testing.T) {
	for _, fanOut := range []bool{false, true} {
		bubble(t, 1, func(w *world) {
			var trimmed []*TrimmedError
			cfg, deny := w.deniable()
			cfg.PollInterval, cfg.Streams[0].FanOut = time.Minute, fanOut
			cfg.Hooks.Trimmed = func(err *TrimmedError) { trimmed = append(trimmed, err) }
			w.putPlain("a")
			run := w.start(cfg)
			w.awaitAll()
			time.Sleep(30 * time.Hour) // the record is gone from the stream, but it was handled
			deny.Store(true)
			time.Sleep(2 * time.Hour) // what comes in meanwhile stays for a day
			deny.Store(false)
			w.server.ExpireIterators(testStream, "")
			w.putPlain("b")
			w.awaitAll()
			run.mustEnd()
			w.verify()
			if len(trimmed) > 0 {
				t.Errorf("reported %v", trimmed)
			}
		})
	}
}

func TestWhatWasTrimmedIsReportedThoughTheShardIsEmptyAtFirst(t *testing.T) {
	for _, fanOut := range []bool{false, true} {
		bubble(t, 1, func(w *world) {
			cfg := w.config()
			cfg.Streams[0].FanOut = fanOut
			w.putPlain("a")
			run := w.start(cfg)
			w.awaitAll()
			run.mustEnd()
			w.putPlain("lost")
			time.Sleep(25 * time.Hour)
			trimmed := w.onlyTrimmed(&cfg)
			run = w.start(cfg)
			time.Sleep(time.Minute) // of empty pages
			w.putPlain("b")
			w.await("what is left", func() bool { return w.seen.count() == 2 })
			run.mustEnd()
			if err := trimmed(); err == nil || err.Cause != nil || err.Position.Sentinel() || !strings.Contains(err.Error(), "may have been") {
				t.Errorf("fan-out %v: reported %v", fanOut, err)
			}
		})
	}
}

func TestWhatWasTrimmedBehindAStuckHandlerIsReportedThoughTheShardIsEmptyAtFirst(t *testing.T) {
	for _, fanOut := range []bool{false, true} {
		bubble(t, 1, func(w *world) {
			hold := newGate()
			cfg := w.config()
			cfg.MaxBatchRecords, cfg.Streams[0].FanOut = 1, fanOut
			cfg.FailoverTime = 10 * time.Minute // a day has very many renewals otherwise
			inner := cfg.Handler
			cfg.Handler = HandlerFunc(func(ctx context.Context, b *Batch) error {
				if b.Records[0].PartitionKey == stuckKey {
					if err := hold.pass(ctx); err != nil {
						return err
					}
				}
				return inner.Handle(ctx, b)
			})
			trimmed := w.onlyTrimmed(&cfg)
			run := w.start(cfg)
			w.putPlain("a", stuckKey)
			w.await("the handler is stuck", func() bool { return hold.waiting.Load() == 1 })
			time.Sleep(10 * time.Minute)
			w.putPlain("lost", "lost")
			time.Sleep(25 * time.Hour)
			close(hold.open)
			time.Sleep(10 * time.Minute) // of empty pages
			w.putPlain("b")
			w.await("what is left", func() bool { return w.seen.count() == 3 })
			run.mustEnd()
			if err := trimmed(); err == nil || err.Position.Sentinel() {
				t.Errorf("fan-out %v: reported %v", fanOut, err)
			}
		})
	}
}

// deniable returns the configuration of a worker for days, which is not allowed to read as long as the returned flag says so.
func (w *world) deniable() (Config, *atomic.Bool) {
	client, calls := w.tampered()
	var deny atomic.Bool
	calls.before = func(op string, _ int, req *http.Request) (*http.Response, error) {
		if deny.Load() && (op == "GetRecords" || op == "GetShardIterator" || op == "SubscribeToShard") {
			return failure(req, http.StatusBadRequest, "KMSDisabledException"), nil
		}
		return nil, nil
	}
	cfg := w.config()
	cfg.Kinesis, cfg.FailoverTime = client, 10*time.Minute // a day has very many renewals otherwise
	return cfg, &deny
}

func TestALagNearTheRetentionIsReportedThoughNoPageComes(t *testing.T) {
	for name, records := range map[string][]string{"after some records": {"a"}, "from the start on": nil} {
		bubble(t, 1, func(w *world) {
			cfg, deny := w.deniable()
			warned := make(chan NearRetention, 100)
			cfg.Hooks.NearRetention = func(n NearRetention) { warned <- n }
			deny.Store(len(records) == 0)
			c, run := w.launch(cfg)
			w.putPlain(records...)
			w.awaitAll()
			deny.Store(true)
			time.Sleep(time.Hour)
			s := c.Snapshot()
			if lag := s.MaxLag(); len(records) > 0 && (lag < time.Hour || lag > time.Hour+time.Minute) {
				t.Errorf("%s: after an hour the lag is %v", name, lag)
			}
			time.Sleep(23 * time.Hour)
			select {
			case n := <-warned:
				if n.Lag < 19*time.Hour || n.Lag > 20*time.Hour {
					t.Errorf("%s: warned at a lag of %v", name, n.Lag)
				}
			default:
				t.Errorf("%s: no warning, though nothing was read for a day", name)
			}
			run.mustEnd()
		})
	}
}

// slowEnder is a handler that takes long to take note of a shard's end.
type slowEnder struct {
	Handler
	ready *gate
}

func (s slowEnder) ShardEnd(ctx context.Context, _ Shard) error { return s.ready.pass(ctx) }

func TestAShardOfWhichAllIsHandledDoesNotLag(t *testing.T) {
	bubble(t, 1, func(w *world) {
		cfg := w.config()
		end := slowEnder{cfg.Handler, newGate()}
		cfg.Handler = end
		w.putPlain("a")
		c, run := w.launch(cfg)
		w.awaitAll()
		w.split(0)
		w.await("its end", func() bool { return end.ready.waiting.Load() == 1 })
		time.Sleep(time.Hour)
		s := c.Snapshot()
		if lag := s.MaxLag(); lag > time.Minute {
			t.Errorf("the lag is %v", lag)
		}
		close(end.ready.open)
		run.mustEnd()
	})
}

func TestAShardThatCouldNotBeReadForLongerThanTheRetentionIsReported(t *testing.T) {
	for name, start := range map[string]Start{"LATEST": Latest, "TRIM_HORIZON": TrimHorizon} {
		bubble(t, 1, func(w *world) {
			cfg, deny := w.deniable()
			cfg.Streams[0].Start = start
			deny.Store(true)
			trimmed := w.onlyTrimmed(&cfg)
			run := w.start(cfg)
			time.Sleep(time.Minute)
			w.putPlain("lost")
			time.Sleep(25 * time.Hour)
			deny.Store(false)
			time.Sleep(time.Minute)
			w.putPlain("b")
			w.await("what is left", func() bool { return w.seen.count() == 1 })
			run.mustEnd()
			if err := trimmed(); err == nil || !errors.Is(err, errOverslept) || !err.Position.Sentinel() {
				t.Errorf("%s: reported %v", name, err)
			}
		})
	}
}

// halve splits the shard while a worker reads it, until the children are read.
func (w *world) halve() {
	w.Helper()
	w.split(0)
	w.await("the children are read", func() bool { return w.seen.has(shardID(1)+" reading") && w.seen.has(shardID(2)+" reading") })
	time.Sleep(time.Minute)
}

func TestAChildThatWasNotReadForLongerThanTheRetentionIsReported(t *testing.T) {
	for name, left := range map[string]bool{"records are left": true, "none is left": false} {
		bubble(t, 1, func(w *world) {
			cfg := w.config()
			w.putPlain("a")
			run := w.start(cfg)
			w.awaitAll()
			w.halve()
			run.mustEnd()
			w.putPlain("lost")
			time.Sleep(25 * time.Hour)
			if left {
				w.putPlain("lost")
			}
			trimmed := w.onlyTrimmed(&cfg)
			run = w.start(cfg)
			time.Sleep(time.Minute)
			w.putPlain("lost")
			w.await("what is left", func() bool { return w.seen.count() == w.put-1 })
			run.mustEnd()
			if err := trimmed(); err == nil || !errors.Is(err, errOutlived) || err.Position != checkpoint.TrimHorizon {
				t.Errorf("%s: reported %v", name, err)
			}
		})
	}
}

func TestAnOldChildWithoutRecordsIsNotTakenForOneThatWasNotRead(t *testing.T) {
	bubble(t, 1, func(w *world) {
		cfg := w.config()
		cfg.FailoverTime, cfg.PollInterval = 10*time.Minute, time.Minute // two days have very many renewals and calls otherwise
		cfg.Hooks.Trimmed = func(err *TrimmedError) { t.Error(err) }
		w.putPlain("a")
		run := w.start(cfg)
		w.awaitAll()
		w.halve()
		time.Sleep(30 * time.Hour)
		w.putPlain(w.keyOfEachShard()[0])
		w.awaitAll()
		run.mustEnd()
		run = w.start(cfg)
		w.putPlain(w.keyOfEachShard()...)
		w.awaitAll()
		run.mustEnd()
		w.verify()
	})
}

func TestANewApplicationIsNotToldOfWhatWasTrimmedBeforeItBegan(t *testing.T) {
	bubble(t, 1, func(w *world) {
		w.split(0)
		time.Sleep(25 * time.Hour)
		w.putPlain(w.keyOfEachShard()...)
		cfg := w.config()
		cfg.Hooks.Trimmed = func(err *TrimmedError) { t.Error(err) }
		run := w.start(cfg)
		w.awaitAll()
		run.mustEnd()
		w.verify()
	})
}
