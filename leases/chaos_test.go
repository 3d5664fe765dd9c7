package leases_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/penstock-go/penstock/kinesistest"
	"github.com/penstock-go/penstock/leases"
	"github.com/penstock-go/penstock/leases/dynamo"
)

// TestAFleetInFoulWeather lets workers come, go, die and be cut off for a while, over links that are slow, fail and lose replies. The
// fleet's judge sees to it that no lease has two trusted holders and that no checkpoint goes back; in the end all must be held.
func TestAFleetInFoulWeather(t *testing.T) {
	seeds := uint64(5)
	if testing.Short() {
		seeds = 2
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { foulWeather(t, newFleet(t, leases.NewMemory()), seed, 5*time.Minute) })
		})
	}
}

// TestAFleetOverDynamoDBThatLosesReplies is the same with the real client: requests and replies get lost on the wire, and the client
// makes some calls again by itself.
func TestAFleetOverDynamoDBThatLosesReplies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := kinesistest.New()
		t.Cleanup(func() { _ = srv.Close() })
		f := newFleet(t, connect(t, srv.HTTPClient()))
		f.connect = func(seed uint64) leases.Store {
			wire := &wire{next: srv.HTTPClient().Transport, rng: rand.New(rand.NewPCG(seed, 3))}
			return connect(t, &http.Client{Transport: wire})
		}
		if err := f.table.Prepare(t.Context()); err != nil {
			t.Fatal(err)
		}
		foulWeather(t, f, 42, 3*time.Minute)
	})
}

func connect(t *testing.T, client *http.Client) leases.Store {
	t.Helper()
	store, err := dynamo.New(dynamo.Config{Table: "leases", API: dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: aws.String("http://localhost"), HTTPClient: client,
		Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
	})})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// wire loses one request in twenty before it reaches the server, and one reply in twenty after.
type wire struct {
	next http.RoundTripper

	mu  sync.Mutex // guards rng
	rng *rand.Rand
}

var errWire = errors.New("wire: connection reset")

func (w *wire) loses() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.rng.IntN(20) == 0
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	if w.loses() {
		_ = r.Body.Close()
		return nil, errWire
	}
	reply, err := w.next.RoundTrip(r)
	if err == nil && w.loses() {
		_ = reply.Body.Close()
		return nil, errWire
	}
	return reply, err
}

const chaosLeases = 14

func foulWeather(t *testing.T, f *fleet, seed uint64, long time.Duration) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 99))
	f.seed = seed * 1000
	f.create(chaosLeases)
	var alive []*worker
	join := func() {
		name := fmt.Sprintf("w%02d", len(f.members()))
		alive = append(alive, f.start(name, func(c *leases.Config) {
			c.HandoffTimeout, c.ShutdownTimeout = 5*time.Second, 20*time.Second
			c.Work = func(h *leases.Held) { f.lingeringWork(name, h) }
		}))
	}
	leave := func() *worker {
		i := rng.IntN(len(alive))
		w := alive[i]
		alive = append(alive[:i], alive[i+1:]...)
		return w
	}
	join()
	for start := time.Now(); time.Since(start) < long; time.Sleep(time.Duration(rng.Int64N(int64(20 * time.Second)))) {
		switch n := rng.IntN(10); {
		case n < 2 || len(alive) == 0:
			if len(alive) < 6 {
				join()
			}
		case n == 2:
			leave().kill()
		case n == 3:
			leave().cancel()
		case n < 7:
			w := alive[rng.IntN(len(alive))]
			w.link.weather(time.Duration(1+rng.Int64N(int64(3*time.Second))), rng.Float64()/2, rng.Float64()/3)
		default:
			w := alive[rng.IntN(len(alive))]
			w.link.weather(10*time.Millisecond, 0, 0)
		}
	}
	if len(alive) == 0 {
		join()
	}
	var names []string
	for _, w := range alive {
		w.link.weather(10*time.Millisecond, 0, 0)
		names = append(names, w.name)
	}
	f.await(time.Minute, "all held and even", func(load map[string]int) bool { return even(load, chaosLeases, names...) })
	f.stopAll()
}

// lingeringWork reads, and takes its time to finish: at times longer than it is given, and then a little longer than its context.
func (f *fleet) lingeringWork(name string, h *leases.Held) {
	f.work(name, h)
	if sleep(h.Context(), f.pause(10*time.Second)) != nil {
		_ = sleep(context.Background(), f.pause(4*time.Second))
	}
	_ = f.checkpoint(h, sequenceOf(h.Lease().Checkpoint)+1)
}

// pause returns a random duration, most often a short one.
func (f *fleet) pause(most time.Duration) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	share := f.rng.Float64()
	return time.Duration(float64(most) * share * share * share)
}
