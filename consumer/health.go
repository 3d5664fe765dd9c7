package consumer

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrUnhealthy is the kind of every [HealthError].
var ErrUnhealthy = errors.New("consumer: the worker is not healthy")

// HealthError says why a worker should be restarted.
type HealthError struct {
	Reasons []string
}

// Error lists the reasons.
func (e *HealthError) Error() string {
	return ErrUnhealthy.Error() + ": " + strings.Join(e.Reasons, "; ")
}

// Unwrap returns [ErrUnhealthy].
func (e *HealthError) Unwrap() error { return ErrUnhealthy }

// deadAfter is how many failover times the worker may go without trying to reach the lease table.
const deadAfter = 3

// Health returns nil, or a [*HealthError] if nothing but a new start of the process will help. It makes no call, takes no time, and is fit
// for a liveness probe: that a service is away, that a handler fails or that shards lag is no reason to restart, and is told by the
// hooks and by [Consumer.Snapshot]. What is:
//
//   - Run does not run: it has not been called, or has returned;
//   - the worker has not so much as tried to reach the lease table for three failover times: its loop is stuck;
//   - a handler has not returned, though its context ended ShutdownTimeout and a failover time ago: its shard is given to nobody else
//     for as long as this process lives, if it still has the lease;
//   - the enhanced fan-out consumer of a configured ConsumerARN has been deregistered: no other one will ever have that ARN.
func (c *Consumer) Health() error {
	l := c.roll.Load()
	switch {
	case l == nil && c.running.Load():
		return nil // it looks for its streams
	case l == nil:
		return &HealthError{Reasons: []string{"Run does not run"}}
	}
	var reasons []string
	l.mu.Lock()
	idle := time.Since(l.tried)
	l.mu.Unlock()
	if idle > deadAfter*c.cfg.FailoverTime {
		reasons = append(reasons, fmt.Sprintf("nobody has asked for the lease table in %v", idle.Round(time.Millisecond)))
	}
	for _, r := range l.all() {
		if deaf := r.deafFor(); deaf > c.cfg.ShutdownTimeout+c.cfg.FailoverTime {
			reasons = append(reasons, fmt.Sprintf("the handler of stream %s, shard %s has ignored the end of its context for %v",
				r.shard.Stream, r.shard.ID, deaf.Round(time.Millisecond)))
		}
	}
	for _, s := range c.allStreams() {
		if err := s.orphaned.Load(); err != nil {
			reasons = append(reasons, err.Error())
		}
	}
	if len(reasons) == 0 {
		return nil
	}
	return &HealthError{Reasons: reasons}
}

// deafFor returns for how long the handler's context has ended while the reader works on.
func (r *reader) deafFor() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cancelled.IsZero() {
		return 0
	}
	return time.Since(r.cancelled)
}
