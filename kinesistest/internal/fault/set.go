package fault

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/penstock-go/penstock/kinesistest/internal/caller"
)

// A Set is the rules of one server and its partitions. Its methods may be called by any goroutine.
type Set struct {
	keyName func(table string) string // the name of a table's partition key
	closed  <-chan struct{}           // of the server
	spawn   func(func())

	mu         sync.Mutex // guards changes of what follows; readers take no lock
	injections atomic.Pointer[[]*Injection]
	partitions atomic.Pointer[[]*Partition]
}

// NewSet returns a set without rules. Everything that waits on its behalf ends when closed is closed. spawn starts a goroutine that
// outlives the request by which it is called, and that the server waits for.
func NewSet(keyName func(table string) string, closed <-chan struct{}, spawn func(func())) *Set {
	s := &Set{keyName: keyName, closed: closed, spawn: spawn}
	s.injections.Store(new([]*Injection))
	s.partitions.Store(new([]*Partition))
	return s
}

// Inject puts a rule in force.
func (s *Set) Inject(r Rule) *Injection {
	in := &Injection{rule: r, set: s, rng: rand.New(rand.NewPCG(r.Seed, r.Seed))}
	s.mu.Lock()
	defer s.mu.Unlock()
	all := append(slices.Clip(*s.injections.Load()), in)
	s.injections.Store(&all)
	return in
}

func (s *Set) remove(in *Injection) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := slices.DeleteFunc(slices.Clone(*s.injections.Load()), func(o *Injection) bool { return o == in })
	s.injections.Store(&all)
}

// Serve serves a request by next, as the rules want it.
func (s *Set) Serve(w http.ResponseWriter, r *http.Request, next http.Handler) {
	if name := caller.Of(r.Context()); name != "" {
		w = s.behind(name, w, r)
	}
	if near := s.near(r); len(near) > 0 {
		r = r.WithContext(r.Context()) // a copy: whoever made the request closes the body that he gave it
		next = s.hurt(near, r, next)
	}
	next.ServeHTTP(w, r)
}

// near returns the rules that a request may be one of, as far as its headers tell.
func (s *Set) near(r *http.Request) (near []*Injection) {
	all := *s.injections.Load()
	if len(all) == 0 {
		return nil
	}
	service, operation := addressee(r)
	for _, in := range all {
		if in.near(service, operation, caller.Of(r.Context())) {
			near = append(near, in)
		}
	}
	return near
}

// maxBody is more than any service reads of a request: what is longer is refused, whether the rest is there or not.
const maxBody = 64 << 20

// hurt wraps next in the effects of those of the rules that pick the request. It reads the request's body, and leaves it so
// that it can be read again.
func (s *Set) hurt(near []*Injection, r *http.Request, next http.Handler) http.Handler {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	rewind := func() io.ReadCloser {
		// A client that breaks off in the middle of its request is the service's to deal with.
		return io.NopCloser(io.MultiReader(bytes.NewReader(body), &broken{err}))
	}
	r.Body = rewind()
	t := s.target(r, body)
	var picked []*Injection
	for _, in := range near {
		if in.picks(t) {
			picked = append(picked, in)
		}
	}
	for _, in := range slices.Backward(picked) {
		inner := next
		next = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			in.rule.Do.do(&call{w: w, r: r, next: inner, rewind: rewind, by: in, closed: s.closed})
		})
	}
	return next
}

// broken is a reader that fails, or is just at its end if there is no error.
type broken struct{ err error }

func (b *broken) Read([]byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	return 0, io.EOF
}

// The services, as rules name them.
const (
	Kinesis    = "kinesis"
	DynamoDB   = "dynamodb"
	CloudWatch = "cloudwatch"
)

// addressee returns the service and the operation that the request is for. The oldest protocol of CloudWatch names its
// operation in the body: it is "" here.
func addressee(r *http.Request) (service, operation string) {
	if prefix, name, ok := strings.Cut(r.Header.Get("X-Amz-Target"), "."); ok {
		switch {
		case strings.HasPrefix(prefix, "DynamoDB"):
			return DynamoDB, name
		case strings.HasPrefix(prefix, "Granite"):
			return CloudWatch, name
		default:
			return Kinesis, name
		}
	}
	_, operation, _ = strings.Cut(r.URL.Path, "/operation/")
	return CloudWatch, operation
}
