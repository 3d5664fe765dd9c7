package leases

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/penstock-go/penstock/internal/owned"
	"github.com/penstock-go/penstock/internal/retry"
)

// Coordinator takes part in the sharing of leases on behalf of one worker. It is used for one Run.
type Coordinator struct {
	cfg     Config
	pace    pace
	hooks   Hooks
	log     *zap.Logger
	retries retry.Policy
	jitter  *retry.Jitter

	life      context.Context // Run's, without its end: what stops a worker must not stop its farewells
	ran       atomic.Bool
	keepers   owned.Group
	works     owned.Group
	calls     chan struct{} // holds one token for each call under way
	nudged    chan struct{} // capacity 1: the table should be looked at soon
	abandoned chan struct{} // closed when Run no longer waits

	heirs heirs

	mu       sync.Mutex // guards the fields below
	held     map[string]*Held
	resting  map[string]time.Time // leases to leave alone, and until when
	draining bool
	failing  map[string]bool // kinds of calls that failed the last time

	// The rest is used by Run's goroutine alone, or read by goroutines for which it waits.
	watch     *watch
	asked     map[string]string // leases that this worker asks for, and who holds them; written under mu
	named     map[string]bool   // what the index said last
	burst     int               // how many leases may be taken at once
	scannedAt time.Time
	damage    string // the damaged rows that were last reported
}

// New returns a coordinator. The error lists everything that is wrong with the configuration.
func New(cfg Config) (*Coordinator, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	pace := paceOf(cfg.FailoverTime)
	return &Coordinator{
		cfg: cfg, pace: pace, hooks: cfg.Hooks.withDefaults(), log: cfg.Logger.With(zap.String("worker", cfg.Worker)),
		retries: retry.Policy{Initial: pace.failover / 100, Max: pace.failover / 10}, jitter: retry.RandomJitter(),
		calls: make(chan struct{}, maxCalls), nudged: make(chan struct{}, 1), abandoned: make(chan struct{}),
		held: make(map[string]*Held), resting: make(map[string]time.Time), failing: make(map[string]bool),
		watch: newWatch(cfg.FailoverTime), asked: make(map[string]string), burst: firstBurst,
	}, nil
}

// Run takes part until ctx ends, then drains: it tells every Work to finish, and gives each lease away as soon as its Work has
// returned. What has not returned after ShutdownTimeout is cancelled, and what has not returned a little after that is named in the
// error, a *StuckError; those leases are not released but left to expire. Run never hangs, and returns nil when all was given away.
// A second call returns ErrUsed.
func (c *Coordinator) Run(ctx context.Context) error {
	if c.ran.Swap(true) {
		return ErrUsed
	}
	c.life = context.WithoutCancel(ctx)
	c.attendTable(ctx)
	return c.shutDown()
}

// attendTable is the worker's life: it asks the index for its own name, and looks at the whole table, until ctx ends.
func (c *Coordinator) attendTable(ctx context.Context) {
	discover := time.NewTicker(c.pace.discover)
	defer discover.Stop()
	scan := time.NewTimer(0)
	defer scan.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-discover.C:
			c.discover(ctx)
		case <-scan.C:
			c.survey(ctx)
			scan.Reset(time.Until(c.nextScan()))
		case <-c.nudged:
			scan.Reset(time.Until(c.scannedAt.Add(c.pace.discover / 5)))
		}
	}
}

// nextScan returns when the table is to be looked at again: after the usual time, or when the next lease may be found silent.
func (c *Coordinator) nextScan() time.Time {
	next := c.scannedAt.Add(c.pace.scan)
	if expiry, ok := c.watch.nextExpiry(c.cfg.Worker); ok && expiry.Before(next) {
		return later(expiry.Add(time.Millisecond), c.scannedAt.Add(c.pace.discover/5))
	}
	return next
}

// nudge asks for a look at the table soon.
func (c *Coordinator) nudge() { notify(c.nudged) }

// hold starts the Work of a lease that a write begun at start has made or confirmed as this worker's.
func (c *Coordinator) hold(row Lease, start time.Time) {
	h := newHeld(c, row, start)
	c.mu.Lock()
	c.held[h.key] = h
	c.mu.Unlock()
	c.log.Info("lease acquired", zap.String("lease", h.key), zap.Int64("counter", row.Counter))
	c.hooks.Acquired(row)
	c.works.Go("work on "+h.key, func() {
		defer close(h.returned)
		c.cfg.Work(h)
	})
	c.keepers.Go("keeper of "+h.key, func() { h.keep(c.life) })
}

// forget is the end of a holding: its Work has returned, so the lease may be held anew.
func (c *Coordinator) forget(h *Held) {
	h.advance(released)
	c.mu.Lock()
	delete(c.held, h.key)
	c.mu.Unlock()
	c.nudge()
}

// holding returns the lease in this worker's hands, if its Work has not returned; it need not be held any more.
func (c *Coordinator) holding(key string) (*Held, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	h, ok := c.held[key]
	return h, ok
}

// holdings returns all of them.
func (c *Coordinator) holdings() []*Held {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make([]*Held, 0, len(c.held))
	for _, h := range c.held {
		all = append(all, h)
	}
	return all
}

// leaving reports whether the worker stops.
func (c *Coordinator) leaving() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.draining
}

// rest makes this worker leave a lease alone for a while.
func (c *Coordinator) rest(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.resting[key] = time.Now().Add(c.pace.rest)
}

// rests reports whether a lease is to be left alone.
func (c *Coordinator) rests(key string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	until, ok := c.resting[key]
	if ok && !time.Now().Before(until) {
		delete(c.resting, key)
		return false
	}
	return ok
}
