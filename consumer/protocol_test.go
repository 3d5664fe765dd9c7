package consumer

import (
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/penstock-go/penstock/internal/wire"
	"github.com/penstock-go/penstock/kinesistest"
)

const cborType = "application/x-amz-cbor-1.1"

// spoken counts the calls that carry records, by Content-Type.
type spoken struct {
	mu    sync.Mutex
	calls map[string]int
}

// listen counts, and refuses calls in CBOR if it is told to.
func (w *world) listen(calls *tamper, refuseCBOR bool) *spoken {
	s := &spoken{calls: make(map[string]int)}
	calls.before = func(op string, _ int, req *http.Request) (*http.Response, error) {
		switch op {
		case "GetShardIterator", "GetRecords", "SubscribeToShard":
		default:
			return nil, nil
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.calls[req.Header.Get("Content-Type")]++
		if refuseCBOR && req.Header.Get("Content-Type") == cborType {
			return failure(req, http.StatusUnsupportedMediaType, "UnknownOperationException"), nil
		}
		return nil, nil
	}
	return s
}

func (s *spoken) of(contentType string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[contentType]
}

func (s *spoken) total() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, calls := range s.calls {
		n += calls
	}
	return n
}

func eachWay(t *testing.T, f func(w *world, cfg Config, calls *tamper)) {
	for _, fanOut := range []bool{false, true} {
		t.Run(map[bool]string{false: "polling", true: "fan-out"}[fanOut], func(t *testing.T) {
			bubble(t, 2, func(w *world) {
				cfg, calls := w.fanOutConfig()
				cfg.Streams[0].FanOut = fanOut
				f(w, cfg, calls)
			})
		})
	}
}

func TestRecordsTravelInTheProtocolThatIsSet(t *testing.T) {
	for _, set := range []Protocol{CBOR, JSON} {
		eachWay(t, func(w *world, cfg Config, calls *tamper) {
			cfg.Protocol = set
			cfg.Hooks.FellBack = func(err error) { w.Errorf("fell back: %v", err) }
			heard := w.listen(calls, false)
			run := w.start(cfg)
			w.putPlain(keys(20)...)
			w.putAggregate("a", 5)
			w.awaitAll()
			run.mustEnd()
			w.verify()
			if inCBOR := heard.of(cborType); set == CBOR && inCBOR != heard.total() || set == JSON && inCBOR != 0 {
				w.Errorf("%d calls of %d in CBOR", inCBOR, heard.total())
			}
		})
	}
}

func TestAServerWithoutCBORIsReadInJSONFromThenOn(t *testing.T) {
	eachWay(t, func(w *world, cfg Config, calls *tamper) {
		heard := w.listen(calls, true)
		core, logged := observer.New(zap.WarnLevel)
		told := make(chan error, 10)
		cfg.Logger = zap.New(core)
		cfg.Hooks.FellBack = func(err error) { told <- err }
		cfg.Hooks.FetchFailed = func(_ Shard, err error) { w.Errorf("a call failed: %v", err) }
		run := w.start(cfg)
		w.putPlain(keys(20)...)
		w.awaitAll()
		run.mustEnd()
		w.verify()
		if n := heard.of(cborType); n == 0 || n > 2 { // one for each shard, at most
			w.Errorf("%d calls in CBOR", n)
		}
		if len(told) != 1 || logged.FilterMessageSnippet("JSON").Len() != 1 {
			w.Errorf("told %d times, logged %v", len(told), logged.All())
		}
	})
}

// What is delivered before a damaged event counts; reading goes on behind it.
func TestADamagedEventEndsItsSubscriptionAndNothingElse(t *testing.T) {
	for name, do := range map[string]kinesistest.Effect{"corrupt": kinesistest.Corrupt(1), "cut off": kinesistest.Truncate(1)} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 1, func(w *world) {
				cfg, calls := w.fanOutConfig()
				fault := w.server.Inject(kinesistest.Fault{Operation: "SubscribeToShard", Count: 1, Do: do})
				damaged := make(chan error, 10)
				cfg.Hooks.FetchFailed = func(_ Shard, err error) { damaged <- err }
				w.putPlain("a", "b", "c")
				run := w.start(cfg)
				w.awaitAll()
				for range 10 {
					w.putPlain("a", "b")
					time.Sleep(time.Second)
				}
				w.awaitAll()
				run.mustEnd()
				w.verify()
				if fault.Fired() != 1 || len(calls.times("SubscribeToShard")) < 2 {
					t.Errorf("%d faults, %d subscriptions", fault.Fired(), len(calls.times("SubscribeToShard")))
				}
				if err := <-damaged; !errors.Is(err, wire.ErrFrame) {
					t.Errorf("told %v", err)
				}
			})
		})
	}
}
