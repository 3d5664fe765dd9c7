package leases

import (
	"context"
	"hash/fnv"
	"maps"
	"slices"
	"sync"
	"time"
)

// memory is a Store in this process: one map, one lock. It is also the plainest statement of what a store has to do.
type memory struct {
	mu      sync.Mutex // guards the fields below; never held across anything that blocks
	rows    map[string]Lease
	workers map[string]Worker
}

// NewMemory returns a store that lives and dies with the process. All coordinators that share its leases must be given the same
// one.
func NewMemory() Store {
	return &memory{rows: make(map[string]Lease), workers: make(map[string]Worker)}
}

func (m *memory) Prepare(ctx context.Context) error { return ctx.Err() }

func (m *memory) Check(ctx context.Context) error { return ctx.Err() }

func (m *memory) Scan(ctx context.Context) (Snapshot, error) { return m.ScanPart(ctx, 0, 1) }

func (m *memory) ScanPart(ctx context.Context, part, parts int) (Snapshot, error) {
	if err := ctx.Err(); err != nil {
		return Snapshot{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	all := Snapshot{Leases: make([]Lease, 0, len(m.rows)/parts)}
	for key, row := range m.rows {
		if partOf(key, parts) == part {
			all.Leases = append(all.Leases, row)
		}
	}
	for id, w := range m.workers {
		if partOf(id, parts) == part {
			all.Workers = append(all.Workers, w)
		}
	}
	return all, nil
}

func partOf(key string, parts int) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(key)) // it never fails
	return int(h.Sum32() % uint32(parts))
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

func (m *memory) Renew(ctx context.Context, renewals []Write) ([]Renewed, error) {
	results := make([]Renewed, len(renewals))
	for i, w := range renewals {
		results[i].Lease, results[i].Err = m.Write(ctx, w)
	}
	return results, nil
}

func (m *memory) Delete(ctx context.Context, w Write) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	row, ok := m.rows[w.Key()]
	if !ok {
		return &ConflictError{Key: w.Key()}
	}
	if !w.Holds(row) {
		return &ConflictError{Key: w.Key(), Actual: &row}
	}
	delete(m.rows, w.Key())
	return nil
}

func (m *memory) Beat(ctx context.Context, w Worker) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	w.Updated, w.Used, w.Limits = w.Updated.Truncate(time.Second), maps.Clone(w.Used), maps.Clone(w.Limits)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.workers[w.ID] = w
	return nil
}

func (m *memory) Worker(ctx context.Context, id string) (Worker, error) {
	if err := ctx.Err(); err != nil {
		return Worker{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	w, ok := m.workers[id]
	if !ok {
		return Worker{}, ErrNotFound
	}
	return w, nil
}

func (m *memory) Retire(ctx context.Context, id string, asRead time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if asRead.IsZero() || m.workers[id].Updated.Equal(asRead) {
		delete(m.workers, id)
	}
	return nil
}

// Leader finds none: Java workers cannot reach this memory.
func (m *memory) Leader(ctx context.Context) (Leader, error) {
	if err := ctx.Err(); err != nil {
		return Leader{}, err
	}
	return Leader{}, ErrNotFound
}

func (m *memory) Depose(ctx context.Context, _ Leader) error { return ctx.Err() }

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
