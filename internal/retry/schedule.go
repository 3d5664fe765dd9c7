package retry

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"
)

// Policy is an exponential schedule of delays with full bounds.
type Policy struct {
	Initial time.Duration // delay before the second attempt, jitter aside
	Max     time.Duration // no delay is longer
}

// multiplier is how much longer each delay is than the one before it.
const multiplier = 2

// Schedule is one run of a policy. It is not safe for concurrent use.
type Schedule struct {
	exponential backoff.ExponentialBackOff
	jitter      *Jitter
}

// Start begins a run. The jitter is shared by as many runs as the caller likes.
func (p Policy) Start(j *Jitter) *Schedule {
	s := &Schedule{jitter: j, exponential: backoff.ExponentialBackOff{
		InitialInterval: p.Initial, MaxInterval: p.Max, Multiplier: multiplier,
		RandomizationFactor: 0, MaxElapsedTime: 0, // jitter is ours, and the caller owns the deadline
		Stop: backoff.Stop, Clock: backoff.SystemClock,
	}}
	s.exponential.Reset()
	return s
}

// Next returns how long to wait before the next attempt: between half of the exponential delay and all of it, so that callers
// that failed together do not come back together.
func (s *Schedule) Next() time.Duration {
	return s.jitter.Spread(s.exponential.NextBackOff())
}

// Reset goes back to the first delay, after a success.
func (s *Schedule) Reset() { s.exponential.Reset() }

// Wait sleeps for the next delay. It returns the context's error if that ends first.
func (s *Schedule) Wait(ctx context.Context) error { return Sleep(ctx, s.Next()) }

// Sleep waits for d or until ctx ends, whose error it then returns.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Jitter is a seeded source of randomness, safe for concurrent use.
type Jitter struct {
	mu  sync.Mutex // guards rng
	rng *rand.Rand
}

// NewJitter returns a source that gives the same values for the same seed.
func NewJitter(seed uint64) *Jitter {
	return &Jitter{rng: rand.New(rand.NewPCG(seed, seed))}
}

// RandomJitter returns a source with a seed of its own.
func RandomJitter() *Jitter { return NewJitter(rand.Uint64()) }

// Spread returns a duration between half of d and d.
func (j *Jitter) Spread(d time.Duration) time.Duration {
	half := d / 2
	if half <= 0 {
		return d
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return half + time.Duration(j.rng.Int64N(int64(d-half)+1))
}
