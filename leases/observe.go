package leases

import (
	"slices"
	"time"
)

// watch is what this worker has seen of the table, and when. Whether a holder lives is judged by it alone: a holder whose counter
// stands still for longer than the failover time, by the monotonic clock of the one who looks, is silent. Clocks of other machines
// take no part. It judges a row only when it has just been read: what was not looked at is not known to have stood still. It is used
// by Run's goroutine alone.
type watch struct {
	failover time.Duration
	seen     map[string]sighting
	workers  map[string]presence
}

// sighting is what is known of one lease.
type sighting struct {
	row       Lease
	part      int       // the part of the table in which it was found; noPart: in the whole
	readAt    time.Time // when it was last read
	since     time.Time // when the counter was first seen as it is
	idleSince time.Time // when the lease was first seen without a live holder; zero: it has one
	movedAt   time.Time // when the owner or the holder was first seen as it is
	from      string    // who held it before this holder; empty: nobody knows
	named     bool      // the holder is a new one, of which no write has been seen since: it may not know yet
}

// noPart stands for a row of which no partial scan has told where it is.
const noPart = -1

// presence is what is known of one worker's row.
type presence struct {
	row    Worker
	part   int
	since  time.Time // when the row was first seen as it is
	silent bool      // it stood still for too long when it was last read
	gone   bool      // it is not there any more
	doubt  doubt
}

// doubt is what a silent lease throws on its holder: the others fall silent within a renewal period. A row that is seen to change after
// that clears it.
type doubt struct {
	cast bool
	read bool      // the row was read after that
	row  time.Time // and was last written then
}

// heed returns the doubt that is left after a row was read.
func (d doubt) heed(row Worker) doubt {
	switch {
	case !d.cast:
	case !d.read:
		d.read, d.row = true, row.Updated
	case !d.row.Equal(row.Updated):
		return doubt{}
	}
	return d
}

func newWatch(failover time.Duration) *watch {
	return &watch{failover: failover, seen: make(map[string]sighting), workers: make(map[string]presence)}
}

// see takes over what a scan of the whole table found. at must not be before the scan's end: a holder trusts a write from its start,
// which is before any read that saw it, so counting from a moment after the read errs on the side of patience.
func (w *watch) see(s Snapshot, at time.Time) {
	seen := make(map[string]sighting, len(s.Leases))
	for _, row := range s.Leases {
		seen[row.Key] = w.sight(row, w.partOf(row.Key), at)
	}
	workers := make(map[string]presence, len(s.Workers))
	for _, row := range s.Workers {
		workers[row.ID] = w.meet(row, w.partOfWorker(row.ID), at)
	}
	known := w.workers
	w.seen, w.workers = seen, workers
	for id, p := range known {
		if _, there := workers[id]; !there {
			w.miss(id, p)
		}
	}
}

// seePart is see for one part of the table: what was in it before and was not found is gone.
func (w *watch) seePart(part int, s Snapshot, at time.Time) {
	for _, row := range s.Leases {
		w.seen[row.Key] = w.sight(row, part, at)
	}
	for _, row := range s.Workers {
		w.workers[row.ID] = w.meet(row, part, at)
	}
	for key, s := range w.seen {
		if s.part == part && !s.readAt.Equal(at) {
			delete(w.seen, key)
		}
	}
	for id, p := range w.workers {
		if p.part == part && !slices.ContainsFunc(s.Workers, func(row Worker) bool { return row.ID == id }) {
			w.miss(id, p)
		}
	}
}

// miss notes that a worker has no row any more: it has stopped, or was found dead. One that used to write it often must not be taken to live because
// leases look as if it held them.
func (w *watch) miss(id string, p presence) {
	delete(w.workers, id)
	for _, s := range w.seen {
		if p.row.Every > 0 && s.row.Holder() == id {
			p.gone, p.silent = true, true
			w.workers[id] = p
			return
		}
	}
}

// note takes over one row that was read by itself.
func (w *watch) note(row Lease, at time.Time) { w.seen[row.Key] = w.sight(row, w.partOf(row.Key), at) }

func (w *watch) partOf(key string) int {
	if s, known := w.seen[key]; known {
		return s.part
	}
	return noPart
}

func (w *watch) partOfWorker(id string) int {
	if p, known := w.workers[id]; known {
		return p.part
	}
	return noPart
}

func (w *watch) sight(row Lease, part int, at time.Time) sighting {
	s, known := w.seen[row.Key]
	if known && s.row.Holder() != row.Holder() && s.readAt.Sub(s.since) > w.failover*6/10 {
		w.castDoubt(s.row.Holder()) // another watcher was quicker to find it silent
	}
	if !known || s.row.Holder() != row.Holder() || s.row.Owner != row.Owner {
		s.movedAt = at
	}
	switch {
	case known && s.row.Holder() != row.Holder():
		s.named, s.from = true, s.row.Holder()
	case s.row.Counter != row.Counter:
		s.named = false
	}
	if !known || s.row.Counter != row.Counter {
		s.since = at
	}
	s.row, s.part, s.readAt = row, part, at
	switch {
	case !w.silent(s, at):
		s.idleSince = time.Time{}
	case s.idleSince.IsZero():
		s.idleSince = at
		w.castDoubt(row.Holder())
	}
	return s
}

func (w *watch) castDoubt(holder string) {
	if p, there := w.workers[holder]; there && !p.doubt.cast {
		p.doubt.cast = true
		w.workers[holder] = p
	}
}

// silent reports whether a lease has no live holder: it is nobody's, or its holder's time is up.
func (w *watch) silent(s sighting, now time.Time) bool {
	return s.row.Holder() == "" || now.Sub(s.since) > w.failover
}

// meet judges a worker's row. The first time, nothing but the time that it says can tell whether it is a dead worker's; a clock that is
// wrong misplaces a few leases for a while, and no more than that.
func (w *watch) meet(row Worker, part int, at time.Time) presence {
	p, known := w.workers[row.ID]
	switch {
	case !known:
		p.since, p.silent = at, time.Since(row.Updated) > max(row.silentAfter(), 2*javaBeat)
	case !p.row.Updated.Equal(row.Updated):
		p.since, p.silent = at, false
	case at.Sub(p.since) > row.silentAfter():
		p.silent = true
	}
	p.row, p.part, p.doubt, p.gone = row, part, p.doubt.heed(row), false
	return p
}

// idleFor returns for how long a lease has been seen without a live holder.
func (w *watch) idleFor(key string, now time.Time) (d time.Duration, idle bool) {
	s := w.seen[key]
	if s.idleSince.IsZero() {
		return 0, false
	}
	return now.Sub(s.idleSince), true
}

// fresh reports whether a lease was read lately: what it looks like now is known.
func (w *watch) fresh(s sighting, now time.Time) bool { return now.Sub(s.readAt) <= w.failover }

// nextExpiry returns when the next lease that others hold may be found silent; false: none is held. Only leases for which mine holds
// count: the others are for those to find who read them.
func (w *watch) nextExpiry(me string, mine func(sighting) bool) (at time.Time, ok bool) {
	for _, s := range w.seen {
		if holder := s.row.Holder(); holder == "" || holder == me || s.row.Ended() || !s.idleSince.IsZero() || !mine(s) {
			continue
		}
		if due := s.since.Add(w.failover); !ok || due.Before(at) {
			at, ok = due, true
		}
	}
	return at, ok
}

// membership is what a worker's leases say about it.
type membership struct {
	quiet, loud, unread int // leases it holds: silent, not silent, not read lately
}

// members returns the workers that live, as far as can be told, those that are leaving among them.
func (w *watch) members(now time.Time) map[string]bool {
	known := make(map[string]membership)
	for _, s := range w.seen {
		holder := s.row.Holder()
		if holder == "" {
			continue
		}
		m := known[holder]
		switch {
		case !w.fresh(s, now):
			m.unread++
		case s.idleSince.IsZero():
			m.loud++
		default:
			m.quiet++
		}
		known[holder] = m
	}
	for id := range w.workers {
		if _, counted := known[id]; !counted {
			known[id] = membership{} // those without leases too
		}
	}
	live := make(map[string]bool)
	for id, m := range known {
		if w.lives(id, m) {
			live[id] = true
		}
	}
	return live
}

// lives judges a worker. One silent lease is enough to doubt one that writes its row often. One that writes its row seldom lives by its
// leases.
func (w *watch) lives(id string, m membership) bool {
	p, there := w.workers[id]
	switch {
	case there && p.row.Every > 0:
		return !p.silent && !p.doubt.cast
	case m.loud > 0:
		return true
	}
	return m.quiet == 0 && (m.unread > 0 || there) && !p.silent
}

// leaving reports whether a worker has said that it stops, or cannot take leases for another reason.
func (w *watch) leaving(id string) bool { return w.workers[id].row.Failing() }

// peers returns the live workers that watch the table as this one does: those of this package, which say how often they beat.
func (w *watch) peers(me string, now time.Time) []string {
	all := []string{me}
	for id := range w.members(now) {
		if id != me && w.workers[id].row.Every > 0 && !w.leaving(id) {
			all = append(all, id)
		}
	}
	slices.Sort(all)
	return all
}

// owner returns to whom a lease belonged when it was last read.
func (w *watch) owner(key string) string { return w.seen[key].row.Owner }

// ended reports whether a lease was at SHARD_END when it was last read, where it stays.
func (w *watch) ended(key string) bool { return w.seen[key].row.Ended() }
