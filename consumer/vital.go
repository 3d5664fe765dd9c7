package consumer

import (
	"sync"
	"time"
)

// vital is what a shard's life can be judged by from outside: its calls of the handler, and the last page.
type vital struct {
	mu    sync.Mutex // guards what follows
	calls map[*trial]handling
	tip   time.Duration // the last page's lag; negative: there was no page
}

// handling is one call of the handler.
type handling struct {
	began  time.Time
	oldest time.Time // arrival of its first record
}

func newVital() *vital { return &vital{calls: make(map[*trial]handling), tip: -1} }

// enter notes that the handler is called with records.
func (v *vital) enter(t *trial, first *Record) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.calls[t] = handling{began: time.Now(), oldest: first.ApproximateArrival}
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
		v.calls[t] = handling{oldest: call.oldest}
	}
}

// fetched notes what a page says about the distance to the tip.
func (v *vital) fetched(lag time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.tip = lag
}

// read returns how far the shard is behind its tip, and how long the oldest call has taken.
func (v *vital) read() (lag, longest time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	lag = v.tip
	for _, call := range v.calls {
		if !call.began.IsZero() {
			longest = max(longest, time.Since(call.began))
		}
		if !call.oldest.IsZero() {
			lag = max(lag, time.Since(call.oldest))
		}
	}
	return lag, longest
}
