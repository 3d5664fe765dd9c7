package kinesistest

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/penstock-go/penstock/kinesistest/internal/audit"
	"github.com/penstock-go/penstock/kinesistest/internal/caller"
	"github.com/penstock-go/penstock/kinesistest/internal/cloudwatch"
	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb"
	"github.com/penstock-go/penstock/kinesistest/internal/fault"
	"github.com/penstock-go/penstock/kinesistest/internal/kinesis"
)

// ErrClosed is returned by a Server, and by the transport of its clients, after [Server.Close].
var ErrClosed = errors.New("kinesistest: server is closed")

// A Server is one account in one region, with its streams, tables and metrics. It is an [http.Handler]. All methods may be called by
// any goroutine.
type Server struct {
	cfg        config
	kinesis    *kinesis.DB
	dynamodb   *dynamodb.DB
	cloudwatch *cloudwatch.DB
	faults     *fault.Set // stands in front of them all
	calls      *audit.Log // stands in front of the faults; nil if calls are not logged

	authority authority // of its TLS listeners

	done chan struct{}  // closed by Close: no request waits for its client any longer
	work sync.WaitGroup // requests in progress and listeners

	mu        sync.Mutex // guards what follows, and every increment of work
	closed    bool
	listeners []*http.Server
}

// New returns an empty Server. [Server.Close] must be called when it is no longer needed.
func New(opts ...Option) *Server {
	cfg := config{accountID: DefaultAccountID, region: DefaultRegion}
	for _, opt := range opts {
		opt(&cfg)
	}
	s := &Server{
		cfg:  cfg,
		done: make(chan struct{}),
		kinesis: kinesis.New(kinesis.Options{
			AccountID: cfg.accountID, Region: cfg.region, Transition: cfg.transition, Observer: cfg.observer(), Limits: cfg.limits,
		}),
		dynamodb: dynamodb.New(dynamodb.Options{
			AccountID: cfg.accountID, Region: cfg.region, Transition: cfg.transition, Observe: cfg.observeWrite(),
			ReadLag: cfg.readLag, Backfill: cfg.backfill, ExpiryDelay: cfg.expiryDelay,
		}),
		cloudwatch: cloudwatch.New(cloudwatch.Options{}),
	}
	s.faults = fault.NewSet(s.dynamodb.PartitionKey, s.done, s.work.Go)
	if cfg.calls > 0 {
		s.calls = audit.NewLog(audit.Account{ID: cfg.accountID, Region: cfg.region}, cfg.calls)
	}
	return s
}

// begin registers a piece of work that Close waits for; work.Done ends it. It fails when the Server is closed. It takes the
// lock so that no work is added while Close is already waiting.
func (s *Server) begin() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	s.work.Add(1)
	return nil
}

// dynamodbTarget is the start of DynamoDB's X-Amz-Target header.
const dynamodbTarget = "DynamoDB_20120810."

// ServeHTTP serves one request of any service. Every request passes through here, from listeners and from the Server's own
// clients alike.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := s.begin(); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	defer s.work.Done()
	// Clients take the service's clock from this header.
	w.Header().Set("Date", time.Now().UTC().Format(http.TimeFormat))
	s.calls.Serve(w, caller.Named(r), http.HandlerFunc(s.hurt))
}

// hurt answers a request as the faults want it.
func (s *Server) hurt(w http.ResponseWriter, r *http.Request) {
	s.faults.Serve(w, r, http.HandlerFunc(s.route))
}

// route hands a request to its service.
func (s *Server) route(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasPrefix(r.Header.Get("X-Amz-Target"), dynamodbTarget):
		s.dynamodb.ServeHTTP(w, r)
	case cloudwatch.Addressed(r):
		s.cloudwatch.ServeHTTP(w, r)
	default:
		s.kinesis.ServeHTTP(w, r) // which also answers what is addressed to no known service
	}
}

// Close ends listeners, subscriptions and all other requests in progress, and waits for their goroutines. Later requests
// fail. Close may be called more than once; its error is that of closing a listener.
func (s *Server) Close() error {
	s.mu.Lock()
	listeners := s.listeners
	s.listeners = nil
	// The order matters: first what requests wait for ends, then the connections they answer on, then they are waited for,
	// and last goes the state that they may still have been using.
	if !s.closed {
		s.closed = true
		close(s.done)
	}
	s.mu.Unlock()

	s.kinesis.Close()
	var errs []error
	for _, l := range listeners {
		errs = append(errs, l.Close())
	}
	s.work.Wait()
	s.dynamodb.Close()
	return errors.Join(errs...)
}
