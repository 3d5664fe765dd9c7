package consumer

import (
	"sync"
	"time"
)

// vital is what a shard's life can be judged by from outside: its calls of the handler, and the last page.
type vital struct {
	usual time.Duration // no more than that passes between two pages

	mu    sync.Mutex // guards what follows
	calls map[*trial]handling
	tip   time.Duration // the last page's lag; negative: there was no page
	at    time.Time     // when it came; before the first, when the life began
	ended bool          // it was the shard's last
}

// handling is one parcel with the handler, and its call if one is under way.
type handling struct {
	began  time.Time     // the call; zero: there is none
	oldest time.Time     // arrival of its first record
	behind time.Duration // what the service said of its page
	since  time.Time     // when the first call began
}

func newVital(usual time.Duration) *vital {
	return &vital{usual: usual, calls: make(map[*trial]handling), tip: -1, at: time.Now()}
}

// enter notes that the handler is called with records of a page that was so far behind the tip.
func (v *vital) enter(t *trial, first *Record, behind time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	call, again := v.calls[t]
	call.began, call.oldest = time.Now(), first.ApproximateArrival
	if !again {
		call.behind, call.since = behind, call.began
	}
	v.calls[t] = call
}

// leave notes that a parcel is done, or given up.
func (v *vital) leave(t *trial) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.calls, t)
}

// rest notes that no call is under way, though the parcel is not done.
func (v *vital) rest(t *trial) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if call, ok := v.calls[t]; ok {
		call.began = time.Time{}
		v.calls[t] = call
	}
}

// fetched notes what a page says about the distance to the tip, and whether it is the shard's last.
func (v *vital) fetched(lag time.Duration, last bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.tip, v.at, v.ended = lag, time.Now(), last
}

// unread returns for how long no page has come that is to come.
func (v *vital) unread() time.Duration {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.silent()
}

func (v *vital) silent() time.Duration {
	if v.ended {
		return 0
	}
	return time.Since(v.at)
}

// read returns how far the shard is behind its tip, and how long the oldest call has taken. Where the next page is overdue, records may
// have come in ever since the last one. The age of a record is told by this machine's
// clock; should that be behind, what the service said when the record came is the least that the lag can be.
func (v *vital) read() (lag, longest time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	lag = v.tip
	if unread := v.silent(); lag >= 0 && unread > v.usual {
		lag += unread
	}
	for _, call := range v.calls {
		if !call.began.IsZero() {
			longest = max(longest, time.Since(call.began))
		}
		lag = max(lag, call.behind+time.Since(call.since))
		if !call.oldest.IsZero() {
			lag = max(lag, time.Since(call.oldest))
		}
	}
	return lag, longest
}
