package leases

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"go.uber.org/zap"
)

// Config says how a worker takes part. Zero fields mean the defaults given with them.
type Config struct {
	// Store keeps the leases. Required.
	Store Store
	// Worker is this worker's id. Required, and unique among all workers that use the table, over time too: a process that starts
	// again takes a new one.
	Worker string
	// Work reads one shard. It runs in a goroutine of its own for each lease that the worker comes to hold, and the lease stays
	// held until it returns: see Held for how it learns that it has to. Required.
	Work func(*Held)
	// FailoverTime is how long a lease whose holder is silent stays with it. Default 10 s; at least 1 s. All workers of an
	// application, Java ones too, must have the same.
	FailoverTime time.Duration
	// MaxLeases is how many leases this worker holds at most. Default: no limit.
	MaxLeases int
	// MaxMoves is how many leases of others this worker asks for at once at most: each stops a shard for a moment. Default: a quarter
	// of its share, and at least eight.
	MaxMoves int
	// ShutdownTimeout is how long Run waits for Work to return after its context has ended; what has not returned then is
	// cancelled. Default 30 s.
	ShutdownTimeout time.Duration
	// HandoffTimeout is the same for a lease that another worker has asked for. Default 30 s.
	HandoffTimeout time.Duration
	// Runnable tells which leases this worker can work on; it leaves the others to the other workers. It must be quick and give
	// the same answer always. Default: all.
	Runnable func(Lease) bool
	// Listings returns what the service says about the shards of each stream. One worker of the fleet asks for it every AuditInterval,
	// creates the leases that are missing for certain, and deletes those that nobody needs any more. With an error it may return the
	// listings of some streams all the same, which are audited. It must return when ctx ends. Default: no audit.
	Listings func(context.Context) ([]Listing, error)
	// AuditInterval is the time between two audits. What is missing in two of them is created. Default 1 min.
	AuditInterval time.Duration
	// CPU tells how busy the processor is, in percent of what this process may use of it, on average since it was last asked; false: that
	// cannot be told. It is asked whenever the worker writes its row. A worker that is far busier than the others gets fewer leases. Default:
	// on Linux, the container's use of what it is allowed, or else the machine's; elsewhere, and by a function that returns false, nothing is told.
	CPU func() (percent float64, known bool)
	// KeepEnded keeps the leases of shards that have been read to their ends for as long as the stream lists the shards. Default: each is
	// deleted once its children are being read.
	KeepEnded bool
	// Hooks are told what happens.
	Hooks Hooks
	// Logger is told what an operator should know. Default: silent.
	Logger *zap.Logger
}

// Defaults of Config.
const (
	defaultFailoverTime    = 10 * time.Second
	minFailoverTime        = time.Second
	defaultShutdownTimeout = 30 * time.Second
	defaultHandoffTimeout  = 30 * time.Second
	defaultAuditInterval   = time.Minute
)

// withDefaults returns the configuration with no zero field left that has a default.
func (cfg Config) withDefaults() Config {
	if cfg.FailoverTime == 0 {
		cfg.FailoverTime = defaultFailoverTime
	}
	if cfg.ShutdownTimeout == 0 {
		cfg.ShutdownTimeout = defaultShutdownTimeout
	}
	if cfg.HandoffTimeout == 0 {
		cfg.HandoffTimeout = defaultHandoffTimeout
	}
	if cfg.AuditInterval == 0 {
		cfg.AuditInterval = defaultAuditInterval
	}
	if cfg.Runnable == nil {
		cfg.Runnable = func(Lease) bool { return true }
	}
	if cfg.CPU == nil {
		cfg.CPU = newProcessor(os.DirFS("/")).used
	}
	if cfg.Logger == nil {
		cfg.Logger = zap.NewNop()
	}
	return cfg
}

// validate returns all faults, joined.
func (cfg Config) validate() error {
	var faults []error
	demand := func(ok bool, field, problem string) {
		if !ok {
			faults = append(faults, &ConfigError{Field: field, Problem: problem})
		}
	}
	demand(cfg.Store != nil, "Store", "is required")
	demand(cfg.Worker != "", "Worker", "is required: an id that no other worker has or had")
	demand(cfg.Work != nil, "Work", "is required")
	demand(cfg.FailoverTime >= minFailoverTime, "FailoverTime", fmt.Sprintf("is %v; it must be at least %v", cfg.FailoverTime, minFailoverTime))
	demand(cfg.MaxLeases >= 0, "MaxLeases", fmt.Sprintf("is %d; it must be positive, or 0 for no limit", cfg.MaxLeases))
	demand(cfg.MaxMoves >= 0, "MaxMoves", fmt.Sprintf("is %d; it must be positive, or 0 for the default", cfg.MaxMoves))
	demand(cfg.ShutdownTimeout > 0, "ShutdownTimeout", fmt.Sprintf("is %v; it must be positive", cfg.ShutdownTimeout))
	demand(cfg.HandoffTimeout > 0, "HandoffTimeout", fmt.Sprintf("is %v; it must be positive", cfg.HandoffTimeout))
	demand(cfg.AuditInterval > 0, "AuditInterval", fmt.Sprintf("is %v; it must be positive", cfg.AuditInterval))
	return errors.Join(faults...)
}

// pace is every interval of the protocol, all derived from the failover time.
type pace struct {
	failover time.Duration // silence that an observer must have seen before it takes a lease
	trust    time.Duration // how long a holder trusts a write, from its start
	renew    time.Duration // between two writes on a held lease
	stroke   time.Duration // renewals are due in strokes, so many of which make renew: strokes
	gather   time.Duration // how long a renewal waits for others of its stroke
	hand     time.Duration // how long it waits for somebody to make it
	attempt  time.Duration // how long one call may take before it is given up
	scan     time.Duration // between two scans of the table
	sweep    time.Duration // how long a scan of the whole table may take
	beat     time.Duration // between two writes of this worker's own row
	discover time.Duration // between two questions to the index
	grace    time.Duration // how long a cancelled Work may take to return
	parents  time.Duration // between two looks at unfinished parents
	rest     time.Duration // how long a lease that was refused, or given up by its Work, is left alone
	patience time.Duration // for how long weights must have been uneven before a lease moves for that
	abide    time.Duration // how long a lease that has moved does not move for its weight
	remember time.Duration // how long it does not go back to where it came from
}

func paceOf(failover time.Duration) pace {
	renew := failover/3 - failover/400 // the KCL's period: a third less 25 ms at the default of 10 s
	return pace{
		failover: failover,
		trust:    failover - failover/10,
		renew:    renew,
		stroke:   renew / strokes,
		gather:   failover / 2000,
		hand:     failover / 50,
		attempt:  failover / 5,
		scan:     failover / 5,
		sweep:    failover / 2,
		beat:     min(failover/2, javaBeat/3),
		discover: min(failover/4, 500*time.Millisecond),
		grace:    failover / 2,
		parents:  min(failover/10, time.Second),
		rest:     failover,
		patience: 3 * failover,
		abide:    12 * failover,
		remember: 360 * failover,
	}
}
