package leases

import (
	"context"
	"errors"
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
	readers   owned.Group             // of the table
	present   owned.Group             // whoever keeps this worker's row
	hands     owned.Group             // who make the renewals
	hired     atomic.Int32            // how many of them were asked for
	renewals  chan *renewing          // what they are to do
	gathers   chan struct{}           // holds a token while one of them gathers renewals
	phased    atomic.Int64            // how many leases were given a phase
	renewer   atomic.Pointer[Renewer] // makes several renewals in one call; nil: they are made one by one
	epoch     time.Time               // from which strokes are counted
	calls     chan struct{}           // holds one token for each call under way
	nudged    chan struct{}           // capacity 1: the table should be looked at soon
	abandoned chan struct{}           // closed when Run no longer waits

	readings chan reading // capacity 1: what a reader has read

	heirs    heirs
	bequests bequests
	callers  callers
	gauge    gauge // used by introduce, and then by bePresent alone

	mu       sync.Mutex // guards the fields below
	held     map[string]*Held
	resting  map[string]time.Time // leases to leave alone, and until when
	kept     map[string]bool      // leases that this worker was to let go of and did not
	draining bool
	failing  map[string]bool  // kinds of calls that failed the last time
	traces   map[string]int64 // lease -> the counter that a holding which is over may have left
	newborn  map[string]bool  // leases that were created by the end of a shard
	leader   leadership
	auditor  bool // this worker audits the leases

	// The rest is used by Run's goroutine alone, or read by goroutines for which it waits.
	watch     *watch
	asked     map[string]string // leases that this worker asks for, and who holds them; written under mu
	named     map[string]bool   // what the index said last
	burst     int               // how many leases may be taken at once
	busy      bool              // the table is being read
	scannedAt time.Time
	parted    bool      // the table is so large that each worker watches parts of it
	peers     []string  // who watch it, this worker among them
	parts     []int     // those that this worker watches
	uneven    time.Time // since when each look at the whole has shown that a lease should move here for weight; zero: the last did not
	offers    offers    // what this worker has offered, and to whom
	share     int       // how many leases this worker should have, by the last look at the whole
	counted   int       // how many it had when it looked at the whole, or last wanted to because of them
	unsettled bool      // the last plan had something to do
	wholeDue  time.Time // when the whole of a large table is to be read again
	calm      time.Time // when the leases of a worker that came or went will have moved
	damage    string    // the damaged rows that were last reported
	exodus    exodus    // when the worker stops
}

// New returns a coordinator. The error lists everything that is wrong with the configuration.
func New(cfg Config) (*Coordinator, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	pace := paceOf(cfg.FailoverTime)
	c := &Coordinator{
		cfg: cfg, pace: pace, hooks: cfg.Hooks.withDefaults(), log: cfg.Logger.With(zap.String("worker", cfg.Worker)),
		retries: retry.Policy{Initial: pace.failover / 100, Max: pace.failover / 10}, jitter: retry.RandomJitter(),
		calls: make(chan struct{}, maxCalls), nudged: make(chan struct{}, 1), abandoned: make(chan struct{}),
		renewals: make(chan *renewing), gathers: make(chan struct{}, 1),
		readings: make(chan reading, 1), gauge: gauge{ask: cfg.CPU},
		held: make(map[string]*Held), resting: make(map[string]time.Time), kept: make(map[string]bool), failing: make(map[string]bool),
		traces: make(map[string]int64), newborn: make(map[string]bool), unsettled: true,
		watch: newWatch(cfg.FailoverTime), asked: make(map[string]string), burst: firstBurst, offers: newOffers(),
	}
	// Workers that start together do not renew together: the table takes so many writes in a second.
	c.epoch = time.Now().Add(c.pace.renew - c.jitter.Spread(2*c.pace.renew))
	if renewer, can := cfg.Store.(Renewer); can {
		c.renewer.Store(&renewer)
	}
	return c, nil
}

// Run takes part until ctx ends, then drains: it tells every Work to finish, and gives each lease away as soon as its Work has
// returned. What has not returned after ShutdownTimeout is cancelled, and what has not returned a little after that is named in the
// error, a *StuckError; those leases are not released but left to expire. Run never hangs, and returns nil when all was given away.
//
// It drains too, and returns an error that is ErrRefused, when the table must not be used any more. Before anything is held it fails
// where the store says that it will never write this worker's row or answer what the worker always asks, for want of a permission for instance. A
// second call returns ErrUsed.
func (c *Coordinator) Run(ctx context.Context) error {
	if c.ran.Swap(true) {
		return ErrUsed
	}
	c.life = context.WithoutCancel(ctx)
	running, refuse := context.WithCancelCause(ctx)
	defer refuse(nil)
	if err := c.introduce(running); err != nil {
		return err
	}
	c.present.Go("keep this worker's row", func() { c.bePresent(running, refuse) })
	if c.cfg.Listings != nil {
		c.present.Go("audit the leases", func() { c.audit(running) })
	}
	c.attendTable(running)
	refuse(nil) // it has ended already; this frees what hangs on it
	c.readers.Wait(c.life)
	c.present.Wait(c.life) // both only finish a call that ctx has cut short
	err := c.shutDown()
	if cause := context.Cause(running); errors.Is(cause, ErrRefused) {
		err = errors.Join(cause, err)
	}
	return err
}

// attendTable is the worker's life: it asks the index for its own name, and looks at the table, until ctx ends.
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
			if !c.busy {
				c.startReading(ctx)
			}
		case r := <-c.readings:
			c.digest(ctx, r)
			scan.Reset(time.Until(c.nextScan()))
		case <-c.nudged:
			c.lookAtNewborn(ctx)
			scan.Reset(time.Until(c.scannedAt.Add(c.pace.discover / 5)))
		}
	}
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

// load returns how many leases are in this worker's hands.
func (c *Coordinator) load() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.held)
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
