package catalog

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/penstock-go/penstock/consumer"
	"github.com/penstock-go/penstock/leases"
	"github.com/penstock-go/penstock/producer"
)

// State is what stands, as the hooks told it last. The zero value is ready.
type State struct {
	codes codes

	mu        sync.Mutex // guards what follows
	producers map[string]*produced
	shards    map[shardKey]*shardState
	held      map[string]bool // by key of the lease

	streamsRead map[string]bool
	table       tableState
}

type shardKey struct{ stream, id string }

// shardState is one shard in this worker.
type shardState struct {
	state  consumer.State
	behind time.Duration // of the last page
	at     time.Time     // of the last page; zero before the first
}

type tableState struct{ known, unheld, damaged int }

// produced is a producer, or several to one stream.
type produced struct {
	shards   atomic.Int64
	degraded atomic.Bool

	mu      sync.Mutex // guards buffers
	buffers []Stater
}

// Stater tells what is buffered; *producer.Producer is one.
type Stater interface{ Stats() producer.Stats }

func (s *State) producer(stream string) *produced {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.producers == nil {
		s.producers = make(map[string]*produced)
	}
	if s.producers[stream] == nil {
		s.producers[stream] = new(produced)
	}
	return s.producers[stream]
}

// Watch adds a buffer to those of the stream. It is read when the gauges are.
func (s *State) Watch(stream string, b Stater) {
	p := s.producer(stream)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.buffers = append(p.buffers, b)
}

// changed forgets a shard whose life in this worker is over. It reports whether the shard is the first one of its stream.
func (s *State) changed(shard consumer.Shard, to consumer.State) (first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.streamsRead == nil {
		s.streamsRead = make(map[string]bool)
	}
	first = !s.streamsRead[shard.Stream]
	s.streamsRead[shard.Stream] = true
	key := shardKey{shard.Stream, shard.ID}
	if to == consumer.Ended || to == consumer.Released || to == consumer.Lost {
		delete(s.shards, key)
		return first
	}
	s.shard(key).state = to
	return first
}

// shard needs mu.
func (s *State) shard(key shardKey) *shardState {
	if s.shards == nil {
		s.shards = make(map[shardKey]*shardState)
	}
	if s.shards[key] == nil {
		s.shards[key] = new(shardState)
	}
	return s.shards[key]
}

func (s *State) behind(shard consumer.Shard, behind time.Duration) {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.shards[shardKey{shard.Stream, shard.ID}]; known != nil { // a page that comes after the end is nobody's
		known.behind, known.at = behind, now
	}
}

func (s *State) hold(key string, held bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held == nil {
		s.held = make(map[string]bool)
	}
	if held {
		s.held[key] = true
		return
	}
	delete(s.held, key)
}

// Held returns how many leases this worker holds.
func (s *State) Held() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.held)
}

func (s *State) scanned(seen leases.Snapshot) {
	t := tableState{damaged: len(seen.Damaged)}
	for i := range seen.Leases {
		l := &seen.Leases[i]
		if l.Ended() {
			continue
		}
		t.known++
		if l.Holder() == "" {
			t.unheld++
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.table = t
}

// Gauges calls yield with the value of each gauge, now.
func (s *State) Gauges(yield func(m *Metric, v float64, labels ...string)) {
	for stream, p := range s.streams() {
		p.gauges(stream, yield)
	}
	s.mu.Lock()
	table, held, shards := s.table, len(s.held), maps.Clone(s.shards)
	for key, one := range shards {
		copied := *one
		shards[key] = &copied
	}
	s.mu.Unlock()
	yield(LeasesHeld, float64(held))
	yield(LeasesKnown, float64(table.known))
	yield(LeasesUnheld, float64(table.unheld))
	yield(DamagedRows, float64(table.damaged))
	shardGauges(shards, yield)
}

func (s *State) streams() map[string]*produced {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.producers)
}

func (p *produced) gauges(stream string, yield func(*Metric, float64, ...string)) {
	yield(ProducerShards, float64(p.shards.Load()), stream)
	degraded := 0.
	if p.degraded.Load() {
		degraded = 1
	}
	yield(Degraded, degraded, stream)
	p.mu.Lock()
	buffers := slices.Clone(p.buffers)
	p.mu.Unlock()
	if len(buffers) == 0 {
		return
	}
	var records, bytes int
	for _, b := range buffers {
		stats := b.Stats()
		records, bytes = records+stats.PendingRecords, bytes+stats.PendingBytes
	}
	yield(BufferedRecords, float64(records), stream)
	yield(BufferedBytes, float64(bytes), stream)
}

func shardGauges(shards map[shardKey]*shardState, yield func(*Metric, float64, ...string)) {
	states := make(map[shardKey]int) // a stream and the name of a state
	var worst time.Duration
	now := time.Now()
	for _, key := range slices.SortedFunc(maps.Keys(shards), func(a, b shardKey) int {
		return cmp.Or(cmp.Compare(a.stream, b.stream), cmp.Compare(a.id, b.id))
	}) {
		one := shards[key]
		states[shardKey{key.stream, one.state.String()}]++
		if one.at.IsZero() {
			continue
		}
		lag := one.behind + now.Sub(one.at)
		worst = max(worst, lag)
		yield(BehindLatest, one.behind.Seconds(), key.stream, key.id)
		yield(Lag, lag.Seconds(), key.stream, key.id)
	}
	yield(WorstLag, worst.Seconds())
	for key, n := range states {
		yield(ShardsRead, float64(n), key.stream, key.id)
	}
}

// Worst returns the greatest lag of the worker's shards, and false if none has been read yet.
func (s *State) Worst() (worst time.Duration, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for _, one := range s.shards {
		if !one.at.IsZero() {
			worst, known = max(worst, one.behind+now.Sub(one.at)), true
		}
	}
	return worst, known
}
