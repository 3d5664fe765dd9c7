package consumer

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"

	"go.uber.org/zap"

	"github.com/penstock-go/penstock/internal/owned"
	"github.com/penstock-go/penstock/internal/retry"
	"github.com/penstock-go/penstock/internal/wire"
	"github.com/penstock-go/penstock/leases"
)

// Consumer is one worker of an application: it reads the shards whose leases it holds. It is made by [New] and works while
// [Consumer.Run] does.
type Consumer struct {
	cfg      Config // with defaults
	store    leases.Store
	budget   *budget
	jitter   *retry.Jitter
	protocol *wire.Choice

	running  atomic.Bool
	stop     context.CancelCauseFunc // ends Run; set by it before any shard is read
	roll     atomic.Pointer[roll]    // of the present Run; nil: none, or it has not begun with the leases
	changing chan struct{}           // capacity 1: a lock on the set of streams that is held across I/O

	mu         sync.Mutex         // guards what follows
	configured []Stream           // as they were given
	streams    map[string]*stream // what Run has found of them, by the prefix of their leases
}

// New checks the whole configuration and returns a consumer that is not running yet. It does no I/O. The error joins a [*ConfigError]
// for everything that is wrong.
func New(cfg Config) (*Consumer, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	c := &Consumer{cfg: cfg.withDefaults(), store: cfg.Leases, jitter: retry.RandomJitter()}
	c.protocol = wire.NewChoice(wire.Protocol(cfg.Protocol), c.fellBack)
	c.budget = newBudget(c.cfg.MaxBufferedBytes)
	c.configured, c.changing = slices.Clone(cfg.Streams), make(chan struct{}, 1)
	if c.cfg.Hooks.Called != nil {
		c.cfg.Kinesis = observed{api: c.cfg.Kinesis, told: c.cfg.Hooks.Called, id: c.streamID}
	}
	if c.store == nil {
		store, err := c.cfg.newStore()
		if err != nil {
			return nil, fmt.Errorf("consumer: %w", err)
		}
		c.store = store
	}
	return c, nil
}

// fellBack tells that the server does not take CBOR.
func (c *Consumer) fellBack(cause error) {
	c.cfg.Logger.Warn("the server does not take CBOR; JSON is used from now on", zap.Error(cause))
	c.cfg.Hooks.fellBack(cause)
}

// Run works until ctx ends. Then it stops fetching, lets the handlers finish what they have, writes down what is done, gives the leases
// to other workers, and returns nil. After [Config.ShutdownTimeout] the contexts of the handlers that still run end too. If one does
// not return even then, Run does nevertheless: the error names its shard, is leases.ErrStuck, and the lease is left to expire.
//
// Run also ends, in the same order, when records cannot be handled and the policy for that is [StopRun]: the error is a [*BatchError].
//
// Run fails at once if a stream is not found, a permission is missing, an endpoint cannot be reached or the lease table cannot be
// used: the error says what to change. Later failures of that kind are told to the log and the hooks, and tried again for ever.
//
// A consumer runs once at a time ([ErrRunning]), and may be run again.
func (c *Consumer) Run(ctx context.Context) error {
	if !c.running.CompareAndSwap(false, true) {
		return ErrRunning
	}
	defer c.running.Store(false)
	sharing := c.coordination()
	if err := c.begin(ctx, sharing.Worker); err != nil {
		if ctx.Err() != nil {
			return nil // stopped before anything was held: that is no failure
		}
		return err
	}
	defer c.roll.Store(nil)
	ctx, c.stop = context.WithCancelCause(ctx)
	defer c.stop(nil)
	var helpers owned.Group
	helpers.Go("tend", func() { c.tend(ctx) })
	defer helpers.Wait(context.WithoutCancel(ctx)) // it ends with ctx
	defer c.stop(nil)
	coordinator, err := leases.New(sharing)
	if err != nil {
		return fmt.Errorf("consumer: %w", err)
	}
	c.cfg.Logger.Info("consumer running", zap.String("application", c.cfg.Application), zap.String("worker", sharing.Worker))
	err = coordinator.Run(ctx)
	if fatal := (*BatchError)(nil); errors.As(context.Cause(ctx), &fatal) {
		return errors.Join(fatal, err)
	}
	if err != nil {
		return fmt.Errorf("consumer: %w", err)
	}
	return nil
}

// begin does what comes before any lease is held.
func (c *Consumer) begin(ctx context.Context, worker string) error {
	if err := c.change(ctx); err != nil {
		return err
	}
	defer c.changed()
	if err := c.prepare(ctx); err != nil {
		return err
	}
	c.roll.Store(newRoll(worker))
	return nil
}

// fail ends Run with an error.
func (c *Consumer) fail(err *BatchError) {
	c.cfg.Logger.Error("records cannot be handled; the worker stops", zap.Error(err))
	c.stop(err)
}

// newWorkerID returns a name that no other run has: a lease must never name a worker of another life, which may not be quite over.
func newWorkerID() string {
	host, err := os.Hostname()
	if err != nil {
		host = "worker"
	}
	return host + "-" + rand.Text()[:suffixLen]
}

// suffixLen is the length of what makes a worker's name its own: 50 random bits.
const suffixLen = 10

// coordination says how this worker takes part in the sharing of leases.
func (c *Consumer) coordination() leases.Config {
	return leases.Config{
		Store: c.store, Worker: cmp.Or(c.cfg.WorkerID, newWorkerID()), Work: c.work,
		FailoverTime: c.cfg.FailoverTime, MaxLeases: c.cfg.MaxLeases, MaxMoves: c.cfg.MaxMoves,
		ShutdownTimeout: c.cfg.ShutdownTimeout, HandoffTimeout: c.cfg.HandoffTimeout, KeepEnded: c.cfg.KeepEnded, CPU: c.cfg.CPU,
		// A table may hold leases of streams that other workers are configured for.
		Runnable: func(l leases.Lease) bool { s := c.streamOf(l.Stream); return s != nil && !s.outdated.Load() },
		Listings: c.listings,
		Hooks:    c.watchLeases(c.cfg.Hooks.Leases), Logger: c.cfg.Logger,
	}
}

// watchLeases makes hooks of the leases that keep the roll up to date, besides what the user's do.
func (c *Consumer) watchLeases(hooks leases.Hooks) leases.Hooks {
	scanned, failed := hooks.Scanned, hooks.StoreFailed
	hooks.Scanned = func(s leases.Snapshot, planned leases.Planned) {
		if l := c.roll.Load(); l != nil { // Run may have returned without waiting for a handler that is stuck
			l.scanned(s, c.cfg.FailoverTime)
			c.heed(s.Leases)
		}
		if scanned != nil {
			scanned(s, planned)
		}
	}
	hooks.StoreFailed = func(op string, err error) {
		if l := c.roll.Load(); l != nil {
			l.attempted()
		}
		if failed != nil {
			failed(op, err)
		}
	}
	return hooks
}
