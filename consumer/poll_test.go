package consumer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/penstock-go/penstock/internal/retry"
	"github.com/penstock-go/penstock/kinesistest"
)

// failures collects what FetchFailed is told, by class.
type failures struct {
	mu    sync.Mutex
	count map[retry.Class]int
}

func (f *failures) note(_ Shard, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.count == nil {
		f.count = make(map[retry.Class]int)
	}
	f.count[retry.Classify(err)]++
}

func (f *failures) of(class retry.Class) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.count[class]
}

func TestLatestLosesNothingWhenIteratorsExpire(t *testing.T) {
	bubble(t, 1, func(w *world) {
		var failed failures
		cfg := w.config()
		cfg.Streams[0].Start = Latest
		cfg.PollInterval = 6 * time.Minute // an iterator lives for five
		cfg.Hooks.FetchFailed = failed.note
		run := w.start(cfg)
		w.await("reading", func() bool { return w.seen.has(shardID(0) + " reading") })
		time.Sleep(5*time.Minute + 30*time.Second)
		w.putPlain("a", "b")
		w.awaitAll()
		w.putPlain("a", "b")
		w.split(0)
		w.putPlain("a", "b")
		w.awaitAll()
		run.mustEnd()
		w.verify()
		w.verifyLineage()
		if failed.of(retry.Expired) == 0 {
			t.Error("no iterator expired")
		}
	})
}

func TestSlowHandlerOutlivesItsIterator(t *testing.T) {
	bubble(t, 1, func(w *world) {
		cfg := w.config()
		cfg.Handler = HandlerFunc(func(_ context.Context, b *Batch) error {
			if string(b.Records[0].Data) == "000001" {
				time.Sleep(11 * time.Minute)
			}
			w.seen.add(b)
			return nil
		})
		run := w.start(cfg)
		for range 5 {
			w.putPlain("a")
			time.Sleep(2 * time.Second)
		}
		w.awaitAll()
		run.mustEnd()
		w.verify()
	})
}

func TestCallsKeepTheirPace(t *testing.T) {
	bubble(t, 1, func(w *world) {
		client, calls := w.tampered()
		// For the first ten calls the shard is behind, but has nothing to show.
		calls.before = func(op string, n int, req *http.Request) (*http.Response, error) {
			if op != "GetRecords" || n > 10 {
				return nil, nil
			}
			var in struct{ ShardIterator string }
			body, _ := io.ReadAll(req.Body)
			if err := json.Unmarshal(asJSON(req.Header.Get("Content-Type"), body), &in); err != nil {
				return nil, err
			}
			res := failure(req, http.StatusOK, "")
			rewrite(res, func(members map[string]json.RawMessage) {
				members["NextShardIterator"], _ = json.Marshal(in.ShardIterator)
				members["Records"] = json.RawMessage("[]")
				members["MillisBehindLatest"] = json.RawMessage("5000")
			})
			return res, nil
		}
		cfg := w.config()
		cfg.Kinesis = client
		run := w.start(cfg)
		w.await("fifteen calls", func() bool { return len(calls.times("GetRecords")) >= 15 })
		run.mustEnd()
		times := calls.times("GetRecords")
		for i := 1; i < 15; i++ {
			want := minCallInterval
			if i > 10 {
				want = defaultPollInterval
			}
			if gap := times[i].Sub(times[i-1]); gap != want {
				t.Errorf("call %d came after %v, want %v", i+1, gap, want)
			}
		}
	})
}

func TestReadingSurvivesWhatTheServiceAnswers(t *testing.T) {
	for _, code := range []string{"ProvisionedThroughputExceededException", "InternalFailure", "KMSThrottlingException", "KMSDisabledException",
		"AccessDeniedException", "ResourceNotFoundException", "InvalidArgumentException", "ExpiredIteratorException"} {
		t.Run(code, func(t *testing.T) {
			bubble(t, 1, func(w *world) {
				client, calls := w.tampered()
				calls.before = func(op string, n int, req *http.Request) (*http.Response, error) {
					if (op == "GetRecords" || op == "GetShardIterator") && n%3 != 0 {
						return failure(req, http.StatusBadRequest, code), nil
					}
					return nil, nil
				}
				var failed atomic.Int32
				cfg := w.config()
				cfg.Kinesis = client
				cfg.Hooks.FetchFailed = func(Shard, error) { failed.Add(1) }
				run := w.start(cfg)
				for range 3 {
					w.putPlain("a", "b", "c")
					time.Sleep(3 * time.Second)
				}
				w.awaitAll()
				run.mustEnd()
				w.verify()
				if failed.Load() == 0 {
					t.Error("no failure was reported")
				}
			})
		})
	}
}

// reordered returns a client to whose replies with records something is done to the records.
func (w *world) reordered(change func(n int, records []json.RawMessage) []json.RawMessage) *kinesis.Client {
	client, calls := w.tampered()
	n := 0
	calls.after = func(op string, _ int, res *http.Response) {
		if op != "GetRecords" {
			return
		}
		rewrite(res, func(members map[string]json.RawMessage) {
			var records []json.RawMessage
			w.must(json.Unmarshal(members["Records"], &records))
			if len(records) > 0 {
				n++
				records = change(n, records)
			}
			members["Records"], _ = json.Marshal(records)
		})
	}
	return client
}

func TestARecordThatAReplyHasTwiceIsHandledOnce(t *testing.T) {
	for _, lanes := range []int{1, laneCount} {
		t.Run(fmt.Sprintf("lanes=%d", lanes), func(t *testing.T) {
			bubble(t, 1, func(w *world) {
				cfg := w.config()
				cfg.Protocol, cfg.Concurrency = JSON, lanes
				cfg.Kinesis = w.reordered(func(_ int, records []json.RawMessage) []json.RawMessage {
					return append(records, records[len(records)-1])
				})
				w.putPlain("a", "b")
				w.putAggregate("a", 3)
				run := w.start(cfg)
				w.awaitAll()
				w.putPlain("a", "b")
				w.awaitAll()
				time.Sleep(time.Minute)
				run.mustEnd()
				w.verify()
			})
		})
	}
}

func TestAReplyThatIsNotInOrderIsAskedForAgain(t *testing.T) {
	bubble(t, 1, func(w *world) {
		cfg := w.config()
		cfg.Protocol = JSON
		cfg.Kinesis = w.reordered(func(n int, records []json.RawMessage) []json.RawMessage {
			if n < 3 {
				slices.Reverse(records)
			}
			return records
		})
		var failed atomic.Int32
		cfg.Hooks.FetchFailed = func(_ Shard, err error) {
			if errors.Is(err, ErrReply) {
				failed.Add(1)
			}
		}
		w.putPlain("a", "a", "a")
		run := w.start(cfg)
		w.awaitAll()
		run.mustEnd()
		w.verify()
		if failed.Load() != 2 {
			t.Errorf("%d replies were reported as invalid", failed.Load())
		}
	})
}

func TestTrimmedPositionIsReportedAndReadingGoesOn(t *testing.T) {
	bubble(t, 1, func(w *world) {
		cfg := w.config()
		w.putPlain("a")
		run := w.start(cfg)
		w.awaitAll()
		run.mustEnd()
		time.Sleep(25 * time.Hour) // the stream keeps records for 24
		w.putPlain("a")
		trimmed := w.onlyTrimmed(&cfg)
		run = w.start(cfg)
		w.awaitAll()
		run.mustEnd()
		w.verify()
		if err := trimmed(); err == nil || err.Cause != nil || err.Position.Sentinel() {
			t.Errorf("reported: %v", err)
		}
	})
}

// onlyTrimmed sets a hook that keeps what it is told, and returns a function for what that was.
func (w *world) onlyTrimmed(cfg *Config) func() *TrimmedError {
	var mu sync.Mutex
	var told []*TrimmedError
	cfg.Hooks.Trimmed = func(err *TrimmedError) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, err)
	}
	return func() *TrimmedError {
		mu.Lock()
		defer mu.Unlock()
		if len(told) != 1 || !errors.Is(told[0], ErrTrimmed) {
			w.Errorf("%d trimmed positions reported", len(told))
			return nil
		}
		return told[0]
	}
}

func TestStreamThatWasMadeAnewIsReadFromItsBeginning(t *testing.T) {
	bubble(t, 1, func(w *world) {
		cfg := w.config()
		w.putPlain("a")
		run := w.start(cfg)
		w.awaitAll()
		run.mustEnd()
		_, err := w.client.DeleteStream(w.Context(), &kinesis.DeleteStreamInput{StreamName: aws.String(testStream)})
		w.must(err)
		time.Sleep(time.Minute)
		_, err = w.client.CreateStream(w.Context(), &kinesis.CreateStreamInput{StreamName: aws.String(testStream), ShardCount: aws.Int32(1)})
		w.must(err)
		w.putPlain("a", "b")
		trimmed := w.onlyTrimmed(&cfg)
		run = w.start(cfg)
		w.awaitAll()
		run.mustEnd()
		w.verify()
		if err := trimmed(); err == nil || retry.Classify(err.Cause) != retry.Invalid {
			t.Errorf("reported: %v", err)
		}
	})
}

func TestRefusedPlaceBehindTheLastRecordIsNoLoss(t *testing.T) {
	bubble(t, 1, func(w *world) {
		client, calls := w.tampered()
		calls.before = func(op string, _ int, req *http.Request) (*http.Response, error) {
			switch op {
			case "GetRecords":
				if n := len(calls.times(op)); n == 4 {
					return failure(req, http.StatusBadRequest, "ExpiredIteratorException"), nil
				}
			case "GetShardIterator":
				body, _ := io.ReadAll(req.Body)
				req.Body = io.NopCloser(bytes.NewReader(body))
				if bytes.Contains(body, []byte("AFTER_SEQUENCE_NUMBER")) {
					return failure(req, http.StatusBadRequest, "InvalidArgumentException"), nil
				}
			}
			return nil, nil
		}
		cfg := w.config()
		cfg.Kinesis = client
		cfg.Hooks.Trimmed = func(err *TrimmedError) { t.Error(err) }
		run := w.start(cfg)
		for range 20 { // also between the refusal and what follows it
			w.putPlain("a")
			w.putAggregate("a", 5)
			time.Sleep(500 * time.Millisecond)
		}
		w.awaitAll()
		run.mustEnd()
		w.verify()
		if len(calls.times("GetShardIterator")) < 3 {
			t.Error("no iterator was refused")
		}
	})
}

// Throttling has the same HTTP status as a place that is refused. Which of them it was, a body that was cut off does not say.
func TestARefusalThatWasCutOffMovesNoPlace(t *testing.T) {
	eachWay(t, func(w *world, cfg Config, calls *tamper) {
		cut := make(map[string]int)
		var mu sync.Mutex
		calls.before = func(op string, _ int, req *http.Request) (*http.Response, error) {
			mu.Lock()
			defer mu.Unlock()
			if op != "GetShardIterator" && op != "SubscribeToShard" || cut[op] == 0 {
				return nil, nil
			}
			cut[op]--
			res := failure(req, http.StatusBadRequest, "ProvisionedThroughputExceededException")
			res.Header.Set("Content-Type", req.Header.Get("Content-Type"))
			res.Body = io.NopCloser(io.MultiReader(io.LimitReader(res.Body, 15), iotest.ErrReader(io.ErrUnexpectedEOF)))
			return res, nil
		}
		var failed failures
		cfg.Hooks.FetchFailed = failed.note
		cfg.Hooks.Trimmed = func(err *TrimmedError) { w.Error(err) }
		run := w.start(cfg)
		w.putPlain(keys(10)...)
		w.awaitAll()
		run.mustEnd()
		mu.Lock()
		cut["GetShardIterator"], cut["SubscribeToShard"] = 3, 3
		mu.Unlock()
		w.putPlain(keys(10)...)
		run = w.start(cfg)
		w.awaitAll()
		run.mustEnd()
		w.verify()
		if failed.of(retry.Transient) == 0 || failed.of(retry.Invalid) != 0 {
			w.Errorf("failures by class: %v", failed.count)
		}
	})
}

func TestFetchedBytesStayWithinTheBudget(t *testing.T) {
	const recordBytes, perShard, shardCount = 900 << 10, 8, 4
	// A reply has all records of a shard, and an event one: two of each shard are more than the budget.
	for fanOut, budget := range map[bool]int{false: 16 << 20, true: 6 << 20} {
		t.Run(fmt.Sprintf("fanout=%v", fanOut), func(t *testing.T) {
			bubble(t, shardCount, func(w *world) {
				keyOf := w.keyOfEachShard()
				for range perShard {
					for _, key := range keyOf {
						w.put++
						w.putRaw(key, make([]byte, recordBytes))
					}
				}
				hold := newGate()
				var fetched, handled atomic.Int64
				cfg := w.config()
				cfg.Streams[0].FanOut = fanOut
				cfg.MaxBufferedBytes = budget
				cfg.Handler = HandlerFunc(func(ctx context.Context, b *Batch) error {
					if err := hold.pass(ctx); err != nil {
						return err
					}
					handled.Add(int64(len(b.Records)))
					return nil
				})
				cfg.Hooks.Fetched = func(f Fetched) { fetched.Add(int64(f.Bytes)) }
				run := w.start(cfg)
				time.Sleep(time.Minute)
				if got := fetched.Load(); got == 0 || got > int64(cfg.MaxBufferedBytes) {
					t.Errorf("%d bytes fetched while no handler returned; the budget is %d", got, cfg.MaxBufferedBytes)
				}
				close(hold.open)
				w.await("all handled", func() bool { return handled.Load() == perShard*shardCount })
				run.mustEnd()
			})
		})
	}
}

func TestPausesGrowOnAnIdleShardAndEndWithTheFirstRecord(t *testing.T) {
	bubble(t, 1, func(w *world) {
		client, calls := w.tampered()
		cfg := w.config()
		cfg.Kinesis, cfg.PollInterval, cfg.MaxPollInterval = client, 500*time.Millisecond, 3*time.Second
		run := w.start(cfg)
		w.await("ten calls", func() bool { return len(calls.times("GetRecords")) >= 10 })
		w.putPlain("a")
		w.awaitAll()
		n := len(calls.times("GetRecords"))
		w.await("two calls more", func() bool { return len(calls.times("GetRecords")) >= n+2 })
		run.mustEnd()
		times := calls.times("GetRecords")
		var gaps []time.Duration
		for i := 1; i < 7; i++ {
			gaps = append(gaps, times[i].Sub(times[i-1]))
		}
		ms := time.Millisecond
		if want := []time.Duration{500 * ms, 1000 * ms, 2000 * ms, 3000 * ms, 3000 * ms, 3000 * ms}; !slices.Equal(gaps, want) {
			t.Errorf("pauses %v, want %v", gaps, want)
		}
		if gap := times[n].Sub(times[n-1]); gap != 500*ms {
			t.Errorf("after a record the pause is %v", gap)
		}
	})
}

func TestAThrottledReaderKeepsToTheRateOfTheShard(t *testing.T) {
	bubble(t, 1, func(w *world) {
		const each = 512 << 10
		for range 40 {
			w.put++
			w.putRaw("a", make([]byte, each))
		}
		throttle := w.server.Inject(kinesistest.Fault{Operation: "GetRecords", Skip: 1, Count: 1, Do: kinesistest.Throttle()})
		type call struct {
			at    time.Time
			bytes int
		}
		var pages []call
		cfg := w.config()
		cfg.Hooks.Fetched = func(f Fetched) { pages = append(pages, call{time.Now(), f.Bytes}) }
		run := w.start(cfg)
		w.awaitAll()
		run.mustEnd()
		if throttle.Fired() != 1 || len(pages) < 3 {
			t.Fatalf("%d pages", len(pages))
		}
		for i := 2; i < len(pages); i++ { // the first came before the refusal
			least := time.Duration(pages[i-1].bytes) * time.Second / readRate
			if gap := pages[i].at.Sub(pages[i-1].at); gap < least {
				t.Errorf("page %d came %v after one of %d bytes, want %v", i, gap, pages[i-1].bytes, least)
			}
		}
	})
}

// Only a reply that lists its records, were there none, can be the last one of a shard.
func TestAReplyThatSaysNothingIsNotTheEndOfItsShard(t *testing.T) {
	nothing := func(body string, length int64) func(*http.Response) {
		return func(res *http.Response) {
			_ = res.Body.Close()
			res.Body, res.ContentLength = io.NopCloser(strings.NewReader(body)), length
			res.Header.Del("Content-Length")
		}
	}
	for _, tc := range []struct {
		name   string
		in     Protocol
		damage func(*http.Response)
		sound  bool
	}{
		{"without a body", CBOR, nothing("", 0), false},
		{"without a body", JSON, nothing("", 0), false},
		{"cut off before its first byte", CBOR, nothing("", -1), false},
		{"cut off before its first byte", JSON, nothing("", -1), false},
		{"without members", CBOR, nothing("\xa0", 1), false},
		{"without members", JSON, nothing("{}", 2), false},
		{"null", CBOR, nothing("\xf6", 1), false},
		{"null", JSON, nothing("null", 4), false},
		{"of a client that leaves the length out", CBOR, func(res *http.Response) { res.ContentLength = 0 }, true},
		{"of a client that leaves the length out", JSON, func(res *http.Response) { res.ContentLength = 0 }, true},
	} {
		t.Run(tc.name+map[Protocol]string{CBOR: ", CBOR", JSON: ", JSON"}[tc.in], func(t *testing.T) {
			bubble(t, 1, func(w *world) {
				client, calls := w.tampered()
				calls.after = func(op string, n int, res *http.Response) {
					if op == "GetRecords" && n == 1 {
						tc.damage(res)
					}
				}
				var failed atomic.Int32
				cfg := w.config()
				cfg.Kinesis, cfg.Protocol = client, tc.in
				cfg.Hooks.FetchFailed = func(Shard, error) { failed.Add(1) }
				w.putPlain(keys(10)...)
				w.split(0)
				w.putPlain(keys(10)...)
				run := w.start(cfg)
				w.await("the end of the parent", func() bool { return w.seen.has(shardID(0) + " ended") })
				w.awaitAll()
				run.mustEnd()
				w.verify()
				if sound := failed.Load() == 0; sound != tc.sound {
					t.Errorf("%d failures were reported", failed.Load())
				}
			})
		})
	}
}
