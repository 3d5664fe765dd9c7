package leases

import "time"

// watch is what this worker has seen of the leases, and when. Whether a holder lives is judged by it alone: a holder whose counter
// stands still for longer than the failover time, by the monotonic clock of the one who looks, is silent. Clocks of other machines
// take no part. It is used by Run's goroutine alone.
type watch struct {
	failover time.Duration
	seen     map[string]sighting
}

// sighting is what is known of one lease.
type sighting struct {
	row       Lease
	since     time.Time // when the counter was first seen as it is
	idleSince time.Time // when the lease was first seen without a live holder; zero: it has one
}

func newWatch(failover time.Duration) *watch {
	return &watch{failover: failover, seen: make(map[string]sighting)}
}

// see takes over what a scan found. at must not be before the scan's end: a holder trusts a write from its start, which is before
// any read that saw it, so counting from a moment after the read errs on the side of patience.
func (w *watch) see(rows []Lease, at time.Time) {
	seen := make(map[string]sighting, len(rows))
	for _, row := range rows {
		s, known := w.seen[row.Key]
		if !known || s.row.Counter != row.Counter {
			s.since = at
		}
		s.row = row
		switch {
		case !w.silent(s, at):
			s.idleSince = time.Time{}
		case s.idleSince.IsZero():
			s.idleSince = at
		}
		seen[row.Key] = s
	}
	w.seen = seen
}

// silent reports whether a lease has no live holder: it is nobody's, or its holder's time is up.
func (w *watch) silent(s sighting, now time.Time) bool {
	return s.row.Holder() == "" || now.Sub(s.since) > w.failover
}

// idleFor returns for how long a lease has been seen without a live holder.
func (w *watch) idleFor(key string, now time.Time) (d time.Duration, idle bool) {
	s := w.seen[key]
	if s.idleSince.IsZero() {
		return 0, false
	}
	return now.Sub(s.idleSince), true
}

// nextExpiry returns when the next lease that others hold may be found silent; false: none is held.
func (w *watch) nextExpiry(me string) (at time.Time, ok bool) {
	for _, s := range w.seen {
		if holder := s.row.Holder(); holder == "" || holder == me || s.row.Ended() || !s.idleSince.IsZero() {
			continue
		}
		if due := s.since.Add(w.failover); !ok || due.Before(at) {
			at, ok = due, true
		}
	}
	return at, ok
}

// owner returns to whom a lease belonged when it was last scanned.
func (w *watch) owner(key string) string { return w.seen[key].row.Owner }

// ended reports whether a lease was at SHARD_END when it was last scanned, where it stays.
func (w *watch) ended(key string) bool { return w.seen[key].row.Ended() }
