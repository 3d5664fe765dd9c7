package kinesis

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// The states of a stream:
//
//	CREATING --> ACTIVE <--> UPDATING
//	               \            /
//	                +> DELETING --> removed
//
// Each arrow out of a state ending in -ING is taken when the transition time has passed.
const (
	statusCreating = "CREATING"
	statusActive   = "ACTIVE"
	statusUpdating = "UPDATING"
	statusDeleting = "DELETING"
)

// A stream is one stream.
type stream struct {
	id        uint64 // tells it from a deleted stream of the same name
	name      string
	arn       string
	account   string
	createdAt int64 // milliseconds
	observer  Observer
	calls     callMeter
	retention retention
	memory    arena
	resource  resource

	// route holds the open shards in the order of their hash keys. A put reads it without a lock. A reshard publishes the
	// children here before it closes the parents, so that a put that finds its shard closed finds the children when it
	// looks again.
	route atomic.Pointer[[]*shard]

	mu           sync.RWMutex // guards everything below; taken before a shard's lock
	status       string
	mode         string
	recordKiB    int64    // the largest record, data and partition key
	auto         bool     // records are distributed by the service, not by partition key
	warmMiB      int64    // the throughput that was asked for, of an on-demand stream
	grownAt      int64    // when it last grew by itself, milliseconds; 0 for never
	key          string   // of KMS, by which records are encrypted; "" for none
	readKey      string   // of KMS, by which records were encrypted last
	metrics      []string // of single shards
	shards       []*shard // by number, closed ones included
	nextShard    uint32
	consumers    []*consumer // by name
	lastConsumer int64       // creation time of the newest consumer, seconds
}

func newStream(name, arn, mode string, shards int, recordKiB int64) *stream {
	now := millis()
	st := &stream{
		id:        newStreamID(),
		name:      name,
		arn:       arn,
		mode:      mode,
		createdAt: now,
		status:    statusCreating,
		recordKiB: recordKiB,
		nextShard: uint32(shards),
	}
	st.retention.hours.Store(shortestRetention)
	for i := range shards {
		st.shards = append(st.shards, newShard(uint32(i), evenBoundary(i, shards), evenEnd(i, shards), now, now/1000))
	}
	open := slices.Clone(st.shards)
	st.route.Store(&open)
	return st
}

// horizon is the oldest arrival time that is kept, in milliseconds.
func (st *stream) horizon(now int64) int64 { return max(st.createdAt, st.retention.horizon(now)) }

func (st *stream) getStatus() string {
	st.mu.RLock()
	defer st.mu.RUnlock()
	return st.status
}

func (st *stream) getMode() string {
	st.mu.RLock()
	defer st.mu.RUnlock()
	return st.mode
}

// ready reports whether the stream can be written and read.
func (st *stream) ready() bool {
	status := st.getStatus()
	return status == statusActive || status == statusUpdating
}

// advance moves the stream from one state to another and reports whether it was in the first.
func (st *stream) advance(from, to string) bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.status != from {
		return false
	}
	st.status = to
	return true
}

// update starts a change of an active stream: it is UPDATING until change has been made. check may refuse. Both are called
// with st.mu held.
func (db *DB) update(st *stream, check func() error, change func()) error {
	if err := st.startUpdating(check); err != nil {
		return err
	}
	db.after(func() {
		st.mu.Lock()
		defer st.mu.Unlock()
		if st.status == statusUpdating { // and not being deleted by now
			change()
			st.status = statusActive
		}
	})
	return nil
}

func (st *stream) startUpdating(check func() error) error {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.status != statusActive {
		return inUse("stream %s is %s, not %s", st.name, st.status, statusActive)
	}
	if err := check(); err != nil {
		return err
	}
	st.status = statusUpdating
	return nil
}

// keyToRead returns the key of KMS that readers need, "" for none.
func (st *stream) keyToRead() string {
	st.mu.RLock()
	defer st.mu.RUnlock()
	return st.readKey
}

// putRules are the settings of a stream that a put obeys.
type putRules struct {
	maxRecord int    // bytes
	auto      bool   // distribution
	key       string // of KMS, "" for none
}

func (st *stream) putRules() putRules {
	st.mu.RLock()
	defer st.mu.RUnlock()
	return putRules{int(st.recordKiB) * kib, st.auto, st.key}
}

// shardFor returns the position in open of the shard that owns k.
func shardFor(open []*shard, k hashKey) int {
	i, found := slices.BinarySearchFunc(open, k, func(s *shard, k hashKey) int { return s.from.compare(k) })
	if found {
		return i
	}
	return i - 1
}

// listed returns the shards that are retained, by number: those that are open and those that closed after the horizon.
func (st *stream) listed(now int64) []*shard {
	st.mu.RLock()
	defer st.mu.RUnlock()
	if st.status == statusCreating {
		return nil
	}
	horizon := st.retention.horizon(now)
	return slices.DeleteFunc(slices.Clone(st.shards), func(s *shard) bool {
		_, closed := s.lifetime()
		return closed != 0 && closed < horizon
	})
}

// shard returns the retained shard with the given id.
func (st *stream) shard(id string) (*shard, error) {
	st.mu.RLock()
	i, found := slices.BinarySearchFunc(st.shards, id, func(s *shard, id string) int { return strings.Compare(s.id, id) })
	var s *shard
	if found {
		s = st.shards[i]
	}
	st.mu.RUnlock()
	if found {
		if _, closed := s.lifetime(); closed == 0 || closed >= st.retention.horizon(millis()) {
			return s, nil
		}
	}
	return nil, notFound("shard %s in stream %s not found", id, st.name)
}
