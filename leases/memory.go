package leases

import (
	"context"
	"slices"
	"sync"
	"time"
)

// memory is a Store in this process: one map, one lock. It is also the plainest statement of what a store has to do.
type memory struct {
	mu   sync.Mutex // guards rows; never held across anything that blocks
	rows map[string]Lease
}

// NewMemory returns a store that lives and dies with the process. All coordinators that share its leases must be given the same
// one.
func NewMemory() Store { return &memory{rows: make(map[string]Lease)} }

func (m *memory) Prepare(ctx context.Context) error { return ctx.Err() }

func (m *memory) Scan(ctx context.Context) (Snapshot, error) {
	if err := ctx.Err(); err != nil {
		return Snapshot{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	all := make([]Lease, 0, len(m.rows))
	for _, row := range m.rows {
		all = append(all, row)
	}
	return Snapshot{Leases: all}, nil
}

func (m *memory) Get(ctx context.Context, key string) (Lease, error) {
	if err := ctx.Err(); err != nil {
		return Lease{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	row, ok := m.rows[key]
	if !ok {
		return Lease{}, ErrNotFound
	}
	return row, nil
}

func (m *memory) KeysOf(ctx context.Context, worker string) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var keys []string
	for key, row := range m.rows {
		if row.Owner == worker {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys, nil
}

func (m *memory) Create(ctx context.Context, l Lease) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.rows[l.Key]; ok {
		return false, nil
	}
	m.rows[l.Key] = normal(l)
	return true, nil
}

func (m *memory) Write(ctx context.Context, w Write) (Lease, error) {
	if err := ctx.Err(); err != nil {
		return Lease{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	row, ok := m.rows[w.Key()]
	if !ok {
		return Lease{}, &ConflictError{Key: w.Key()}
	}
	if !w.Holds(row) {
		return Lease{}, &ConflictError{Key: w.Key(), Actual: &row}
	}
	row = normal(w.Apply(row))
	m.rows[w.Key()] = row
	return row, nil
}

// normal returns the row as every store gives it back: with slices of its own, and times in milliseconds.
func normal(l Lease) Lease {
	l.Parents, l.Children = slices.Clone(l.Parents), slices.Clone(l.Children)
	slices.Sort(l.Parents)
	slices.Sort(l.Children)
	if !l.StartAt.IsZero() {
		l.StartAt = l.StartAt.UTC().Truncate(time.Millisecond)
	}
	if l.ShardID == "" {
		l.ShardID = l.Key
	}
	return l
}
