package leases_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/penstock-go/penstock/checkpoint"
	"github.com/penstock-go/penstock/leases"
)

// fleet is a set of workers over one table, and the judge of what they do: it checks at every step that no lease has two trusted
// holders and that no checkpoint goes back.
type fleet struct {
	t     *testing.T
	table leases.Store
	// connect returns a worker's own way to the table.
	connect func(seed uint64) leases.Store
	seed    uint64

	mu      sync.Mutex // guards the fields below
	workers map[string]*worker
	reading map[string]*leases.Held // key -> the holding whose Work reads it now
	reader  map[string]string       // key -> its worker
	done    map[string]int64        // key -> the last sequence number that was checkpointed
	begun   map[string]int          // worker -> how many holdings it has begun
	last    map[string]string       // key -> the worker that began to read it last
	faults  []string
	rng     *rand.Rand
}

func newFleet(t *testing.T, table leases.Store) *fleet {
	f := &fleet{
		t: t, table: table, connect: func(uint64) leases.Store { return table }, seed: 1, workers: make(map[string]*worker), reading: make(map[string]*leases.Held),
		reader: make(map[string]string), done: make(map[string]int64), begun: make(map[string]int), last: make(map[string]string), rng: rand.New(rand.NewPCG(1, 1)),
	}
	t.Cleanup(f.halt)
	return f
}

// create writes n unowned leases.
func (f *fleet) create(n int) {
	f.t.Helper()
	for i := range n {
		l := leases.Lease{Key: shardKey(i), ShardID: shardKey(i)}
		if created, err := f.table.Create(f.t.Context(), l); err != nil || !created {
			f.t.Fatalf("create %s: %v, %v", l.Key, created, err)
		}
	}
}

// settle creates leases and starts workers, waits until these share them evenly, and a minute more. It returns the workers' names.
func (f *fleet) settle(total, workers int) (names []string) {
	f.t.Helper()
	f.create(total)
	for i := range workers {
		names = append(names, fmt.Sprint("w", i))
		f.start(names[i])
	}
	f.await(30*time.Second, "even", func(load map[string]int) bool { return even(load, total, names...) })
	time.Sleep(time.Minute)
	return names
}

func (f *fleet) worker(name string) *worker {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.workers[name]
}

func shardKey(i int) string { return fmt.Sprintf("shardId-%012d", i) }

// worker is one member of the fleet.
type worker struct {
	name   string
	link   *link
	cancel context.CancelFunc
	done   chan struct{}
	err    error // Run's, once done is closed
}

// start adds a worker that reads as the fleet's handler does, with changes to its configuration.
func (f *fleet) start(name string, change ...func(*leases.Config)) *worker {
	f.t.Helper()
	seed := f.seed + uint64(len(f.members()))
	w := &worker{name: name, link: newLink(f.connect(seed), seed), done: make(chan struct{})}
	cfg := leases.Config{Store: w.link, Worker: name, Work: func(h *leases.Held) { f.work(name, h) }}
	for _, c := range change {
		c(&cfg)
	}
	work := cfg.Work
	cfg.Work = func(h *leases.Held) {
		f.begin(name, h)
		defer f.finish(name, h)
		work(h)
	}
	c, err := leases.New(cfg)
	if err != nil {
		f.t.Fatal(err)
	}
	var ctx context.Context
	ctx, w.cancel = context.WithCancel(f.t.Context())
	f.mu.Lock()
	f.workers[name] = w
	f.mu.Unlock()
	go func() {
		defer close(w.done)
		w.err = c.Run(ctx)
	}()
	return w
}

// stop ends a worker in good order and returns what its Run returned.
func (w *worker) stop() error {
	w.cancel()
	<-w.done
	return w.err
}

// kill cuts a worker off from the table for ever: to the others it looks dead. Its own Run ends later, in vain.
func (w *worker) kill() { w.link.cut() }

// stopAll ends every worker, and reports what the judge has found.
func (f *fleet) stopAll() {
	f.t.Helper()
	f.halt()
	f.verdict()
}

func (f *fleet) halt() {
	for _, w := range f.members() {
		w.cancel()
	}
	for _, w := range f.members() {
		<-w.done
	}
}

func (f *fleet) members() []*worker {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []*worker
	for _, w := range f.workers {
		all = append(all, w)
	}
	return all
}

func (f *fleet) verdict() {
	f.t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, fault := range f.faults {
		f.t.Error(fault)
	}
}

// begin notes that a Work starts, and that nobody else may be reading.
func (f *fleet) begin(name string, h *leases.Held) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.begun[name]++
	key := h.Lease().Key
	f.last[key] = name
	if other := f.reading[key]; other != nil {
		if other.Context().Err() == nil {
			f.faults = append(f.faults, fmt.Sprintf("%s: %s begins while %s is trusted", key, name, f.reader[key]))
		}
		if other.Token() >= h.Token() {
			f.faults = append(f.faults, fmt.Sprintf("%s: token %d of %s after %d", key, h.Token(), name, other.Token()))
		}
	}
	f.reading[key], f.reader[key] = h, name
}

func (f *fleet) finish(_ string, h *leases.Held) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if key := h.Lease().Key; f.reading[key] == h {
		delete(f.reading, key)
		delete(f.reader, key)
	}
}

// work reads as a well-behaved consumer does: a record every half second, each checkpointed.
func (f *fleet) work(_ string, h *leases.Held) { f.checkpointEvery(h, 500*time.Millisecond) }

func (f *fleet) checkpointEvery(h *leases.Held, every time.Duration) {
	next := sequenceOf(h.Lease().Checkpoint) + 1
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-h.Draining():
			return
		case <-h.Context().Done():
			return
		case <-tick.C:
		}
		if err := f.checkpoint(h, next); err != nil {
			return
		}
		next++
	}
}

// checkpoint writes a position and notes it if that succeeds.
func (f *fleet) checkpoint(h *leases.Held, n int64) error {
	p, err := checkpoint.At(fmt.Sprint(n), 0)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(f.t.Context(), time.Minute)
	defer cancel()
	if err := h.Checkpoint(ctx, p); err != nil {
		if !errors.Is(err, leases.ErrLost) && !errors.Is(err, leases.ErrStopped) && !errors.Is(err, context.Canceled) {
			f.fault("checkpoint %d: %v", n, err)
		}
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	key := h.Lease().Key
	if n <= f.done[key] {
		f.faults = append(f.faults, fmt.Sprintf("%s: checkpoint %d after %d", key, n, f.done[key]))
	}
	f.done[key] = n
	return nil
}

func (f *fleet) fault(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = append(f.faults, fmt.Sprintf(format, args...))
}

func sequenceOf(p checkpoint.Position) (n int64) {
	_, _ = fmt.Sscan(p.SequenceNumber(), &n)
	return n
}

// load returns how many leases each worker reads now, under trust.
func (f *fleet) load() map[string]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	load := make(map[string]int)
	for key, h := range f.reading {
		if h.Context().Err() == nil {
			load[f.reader[key]]++
		}
	}
	return load
}

// await fails the test unless cond holds within d; it returns how long that took.
func (f *fleet) await(d time.Duration, what string, cond func(load map[string]int) bool) time.Duration {
	f.t.Helper()
	start := time.Now()
	for !cond(f.load()) {
		if time.Since(start) > d {
			f.verdict()
			f.t.Fatalf("%s: not within %v; load %v", what, d, f.load())
		}
		time.Sleep(10 * time.Millisecond)
	}
	return time.Since(start)
}

// even reports whether the named workers hold all of total leases, and none has two more than another.
func even(load map[string]int, total int, names ...string) bool {
	sum, counts := 0, make([]int, 0, len(names))
	for _, name := range names {
		sum += load[name]
		counts = append(counts, load[name])
	}
	return sum == total && slices.Max(counts)-slices.Min(counts) <= 1
}

// holders returns who reads what now.
func (f *fleet) holders() map[string]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.reader)
}

// replaced reports whether every lease that a worker read has been begun by another one since.
func (f *fleet) replaced(name string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return !slices.Contains(slices.Collect(maps.Values(f.last)), name)
}

func (f *fleet) acquiredBy(name string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.begun[name]
}

func (f *fleet) lastCheckpoint(key string) int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.done[key]
}
