package consumer

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream/eventstreamapi"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/penstock-go/penstock/internal/retry"
)

// fanOutConfig is the configuration of a worker with enhanced fan-out, whose calls can be tampered with.
func (w *world) fanOutConfig() (Config, *tamper) {
	client, calls := w.tampered()
	cfg := w.config()
	cfg.Kinesis = client
	cfg.Streams[0].FanOut = true
	return cfg, calls
}

// line is the body of a reply that can go dead: mute, or cut off.
type line struct {
	io.ReadCloser
	mu   sync.Mutex
	mute bool
	cut  bool
	over chan struct{}
	once sync.Once
}

func (l *line) Read(p []byte) (int, error) {
	n, err := l.ReadCloser.Read(p)
	l.mu.Lock()
	mute, cut := l.mute, l.cut
	l.mu.Unlock()
	switch {
	case cut:
		return n / 2, io.ErrUnexpectedEOF // in the middle of an event
	case mute:
		<-l.over
		return 0, io.ErrClosedPipe
	}
	return n, err
}

func (l *line) Close() error {
	l.once.Do(func() { close(l.over) })
	return l.ReadCloser.Close()
}

func (l *line) fail(mute, cut bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mute, l.cut = mute, cut
}

// firstLine makes the first subscription's connection breakable.
func firstLine(calls *tamper) *line {
	l := &line{over: make(chan struct{})}
	calls.after = func(op string, n int, res *http.Response) {
		if op == "SubscribeToShard" && n == 1 {
			l.ReadCloser, res.Body = res.Body, l
		}
	}
	return l
}

func TestSubscriptionIsOpenedAgainWhenItsTimeIsOver(t *testing.T) {
	bubble(t, 1, func(w *world) {
		cfg, calls := w.fanOutConfig()
		run := w.start(cfg)
		for range 24 {
			w.putPlain("a", "b")
			time.Sleep(30 * time.Second)
		}
		w.awaitAll()
		run.mustEnd()
		w.verify()
		times := calls.times("SubscribeToShard")
		if len(times) != 3 {
			t.Fatalf("%d subscriptions in twelve minutes", len(times))
		}
		if gap := times[1].Sub(times[0]); gap != 5*time.Minute {
			t.Errorf("the second subscription began %v after the first", gap)
		}
	})
}

func TestSubscriptionGoesOnBehindEventsWithoutRecords(t *testing.T) {
	bubble(t, 1, func(w *world) {
		cfg, calls := w.fanOutConfig()
		var second atomic.Value
		calls.before = func(op string, n int, req *http.Request) (*http.Response, error) {
			if op == "SubscribeToShard" && n == 2 {
				body, err := io.ReadAll(req.Body)
				req.Body = io.NopCloser(bytes.NewReader(body))
				second.Store(string(body))
				return nil, err
			}
			return nil, nil
		}
		run := w.start(cfg)
		w.await("the second subscription", func() bool { return len(calls.times("SubscribeToShard")) == 2 })
		run.mustEnd()
		if body := second.Load().(string); !strings.Contains(body, "AFTER_SEQUENCE_NUMBER") {
			t.Errorf("the second subscription began at %s", body)
		}
	})
}

func TestWatchdogOpensASilentSubscriptionAgain(t *testing.T) {
	bubble(t, 1, func(w *world) {
		cfg, calls := w.fanOutConfig()
		l := firstLine(calls)
		silent := make(chan struct{})
		cfg.Hooks.FetchFailed = func(_ Shard, err error) {
			if errors.Is(err, ErrSilent) {
				close(silent)
			}
		}
		run := w.start(cfg)
		w.putPlain("a")
		w.awaitAll()
		l.fail(true, false)
		began := time.Now()
		w.putPlain("a")
		<-silent
		if took := time.Since(began); took < silence-heartbeat || took > silence+heartbeat {
			t.Errorf("noticed after %v", took)
		}
		w.awaitAll()
		run.mustEnd()
		w.verify()
	})
}

// heartbeat is more than the time between two events of an idle subscription.
const heartbeat = 6 * time.Second

func TestCutSubscriptionGoesOnBehindTheLastEvent(t *testing.T) {
	bubble(t, 1, func(w *world) {
		cfg, calls := w.fanOutConfig()
		l := firstLine(calls)
		run := w.start(cfg)
		w.putPlain("a", "b")
		w.awaitAll()
		l.fail(false, true)
		w.putPlain("a", "b")
		w.awaitAll()
		run.mustEnd()
		w.verify()
		if len(calls.times("SubscribeToShard")) < 2 {
			t.Error("the subscription was not cut")
		}
	})
}

// interpose puts a sound event in front of those that a subscription brings.
func interpose(t *testing.T, res *http.Response, contentType, payload string) {
	t.Helper()
	event := eventstream.Message{Payload: []byte(payload)}
	event.Headers.Set(eventstreamapi.MessageTypeHeader, eventstream.StringValue(eventstreamapi.EventMessageType))
	event.Headers.Set(eventstreamapi.EventTypeHeader, eventstream.StringValue("SubscribeToShardEvent"))
	event.Headers.Set(eventstreamapi.ContentTypeHeader, eventstream.StringValue(contentType))
	first, err := eventstream.NewDecoder().Decode(res.Body, nil)
	if err != nil {
		t.Error(err)
		return
	}
	var front bytes.Buffer
	for _, message := range []eventstream.Message{first, event} {
		if err := eventstream.NewEncoder().Encode(&front, message); err != nil {
			t.Error(err)
		}
	}
	res.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(&front, res.Body), res.Body}
}

// Only an event that lists its records, were there none, can be the last one of a shard.
func TestAnEventThatSaysNothingIsNotTheEndOfItsShard(t *testing.T) {
	for _, tc := range []struct{ name, contentType, payload string }{
		{"empty", cborType, ""},
		{"without members", cborType, "\xa0"},
		{"null", cborType, "\xf6"},
		{"empty, JSON", "application/json", ""},
		{"without members, JSON", "application/json", "{}"},
		{"null, JSON", "application/json", "null"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bubble(t, 1, func(w *world) {
				cfg, calls := w.fanOutConfig()
				calls.after = func(op string, n int, res *http.Response) {
					if op == "SubscribeToShard" && n == 1 {
						interpose(t, res, tc.contentType, tc.payload)
					}
				}
				var failed atomic.Int32
				cfg.Hooks.FetchFailed = func(_ Shard, err error) {
					if retry.Classify(err) == retry.Transient {
						failed.Add(1)
					}
				}
				w.putPlain(keys(10)...)
				w.split(0)
				w.putPlain(keys(10)...)
				run := w.start(cfg)
				w.await("the end of the parent", func() bool { return w.seen.has(shardID(0) + " ended") })
				w.awaitAll()
				run.mustEnd()
				w.verify()
				if failed.Load() != 1 {
					t.Errorf("%d failures were reported", failed.Load())
				}
			})
		})
	}
}

func TestSlowHandlerHoldsItsSubscriptionBack(t *testing.T) {
	bubble(t, 1, func(w *world) {
		var pages atomic.Int32
		cfg, _ := w.fanOutConfig()
		cfg.Hooks.Fetched = func(Fetched) { pages.Add(1) }
		cfg.Handler = HandlerFunc(func(_ context.Context, b *Batch) error {
			if string(b.Records[0].Data) == "000002" {
				before := pages.Load()
				time.Sleep(12 * time.Minute)
				if ahead := pages.Load() - before; ahead != 1 {
					t.Errorf("%d pages were fetched ahead", ahead)
				}
			}
			w.seen.add(b)
			return nil
		})
		run := w.start(cfg)
		w.putPlain("a")
		w.awaitAll() // from here on each record is an event
		for range 20 {
			w.putPlain("a")
			time.Sleep(time.Second)
		}
		w.awaitAll()
		run.mustEnd()
		w.verify()
	})
}

func TestNewHolderWaitsOutTheOldSubscription(t *testing.T) {
	bubble(t, 1, func(w *world) {
		var failed failures
		cfg, _ := w.fanOutConfig()
		run := w.start(cfg)
		w.putPlain("a")
		w.awaitAll()
		run.mustEnd()
		cfg.Hooks.FetchFailed = failed.note
		began := time.Now()
		run = w.start(cfg) // the service refuses it for five seconds
		w.putPlain("a")
		w.awaitAll()
		if took := time.Since(began); failed.of(retry.Busy) == 0 || took > 7*time.Second {
			t.Errorf("refused %d times, %v until the record was handled", failed.of(retry.Busy), took)
		}
		run.mustEnd()
		w.verify()
	})
}

func TestConsumerIsRegisteredOnceAndAdopted(t *testing.T) {
	bubble(t, 2, func(w *world) {
		cfg, calls := w.fanOutConfig()
		one, two := w.start(cfg), w.start(cfg)
		w.putPlain(keys(10)...)
		w.awaitAll()
		one.mustEnd()
		two.mustEnd()
		three := w.start(cfg)
		w.await("the third worker reads", func() bool { return len(calls.times("SubscribeToShard")) > 2 })
		three.mustEnd()
		stream, err := w.client.DescribeStreamSummary(w.Context(), &kinesis.DescribeStreamSummaryInput{StreamName: aws.String(testStream)})
		w.must(err)
		out, err := w.client.ListStreamConsumers(w.Context(), &kinesis.ListStreamConsumersInput{StreamARN: stream.StreamDescriptionSummary.StreamARN})
		w.must(err)
		if len(out.Consumers) != 1 || *out.Consumers[0].ConsumerName != cfg.Application {
			t.Errorf("consumers: %+v", out.Consumers)
		}
	})
}
