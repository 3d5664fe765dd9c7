package cloudwatch

import (
	"slices"
	"sync"
	"time"
)

// Options configures a DB.
type Options struct {
	// Keep is how many data are kept for tests to read; zero means 100,000.
	Keep int
}

const defaultKeep = 100_000

// DB is what was put. It is an http.Handler; all its methods may be called concurrently.
type DB struct {
	keep int

	mu      sync.Mutex // guards metrics; held for computation only
	metrics []Metric   // up to twice as many as are kept, so that making room costs little per datum
}

// New returns an empty DB. It owns no goroutine.
func New(opts Options) *DB {
	if opts.Keep == 0 {
		opts.Keep = defaultKeep
	}
	return &DB{keep: opts.Keep}
}

// Metrics returns the data that were accepted, in the order of their arrival. The slice is the caller's, what its elements refer
// to must not be changed.
func (db *DB) Metrics() []Metric {
	db.mu.Lock()
	defer db.mu.Unlock()
	return slices.Clone(db.metrics[max(0, len(db.metrics)-db.keep):])
}

// put checks a request and keeps its data.
func (db *DB) put(r *request) error {
	now := time.Now()
	if err := r.check(now); err != nil {
		return err
	}
	accepted := make([]Metric, len(r.data))
	for i := range r.data {
		accepted[i] = r.data[i].metric(r.namespace, now)
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	db.metrics = append(db.metrics, accepted...)
	if len(db.metrics) > 2*db.keep {
		db.metrics = slices.Delete(db.metrics, 0, len(db.metrics)-db.keep)
	}
	return nil
}
