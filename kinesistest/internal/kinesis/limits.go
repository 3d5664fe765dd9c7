package kinesis

import (
	"math"
	"sync"
	"time"
)

// Limits are factors on the service's rates: 1 is the service's own, 0 is no limit.
type Limits struct {
	Shards     float64 // of the data plane
	Operations float64 // of everything else
}

// SetLimits changes what is refused from now on.
func (db *DB) SetLimits(l Limits) { db.limits.Store(&l) }

// What one shard takes and gives in a second, by the service's documentation.
const (
	shardWriteBytes    = mib
	shardWriteRecords  = 1000
	shardReadBytes     = 2 * mib
	shardReadCalls     = 5
	shardIteratorCalls = 5
	shardSubscribes    = 1 // of one consumer
)

// How long a shard refuses GetRecords calls after one that took more than was left, and after one that took all that a call can.
const (
	overdrawnPause = 1000 // milliseconds
	fullReplyPause = 5000
)

// A shardMeter counts what one shard gives and takes. The zero value is ready. Its shard's lock guards it.
type shardMeter struct {
	written, records bucket // of puts
	read, reads      bucket // of GetRecords
	pausedUntil      int64  // milliseconds: GetRecords calls are refused
	iterators        bucket // of GetShardIterator
}

// putLimit is what the puts to one shard are held to.
type putLimit struct {
	scale float64 // 0: nothing
	burst float64 // bytes that an idle shard saves up
}

// admit reports whether a record of the given size may be stored, and charges it if so.
func (m *shardMeter) admit(size int, now int64, l putLimit) bool {
	if l.scale <= 0 {
		return true
	}
	bytes, records := shardWriteBytes*l.scale, shardWriteRecords*l.scale
	burst := max(bytes, l.burst*l.scale)
	m.written.fill(now, bytes, burst)
	m.records.fill(now, records, atLeastOne(records))
	if !m.written.has(float64(size), burst) || !m.records.has(1, atLeastOne(records)) {
		return false
	}
	m.written.units -= float64(size)
	m.records.units--
	return true
}

// admitRead reports whether a GetRecords call may be answered, and charges it if so.
func (m *shardMeter) admitRead(now int64, scale float64) bool {
	if scale <= 0 {
		return true
	}
	m.read.fill(now, shardReadBytes*scale, shardReadBytes*scale)
	m.reads.fill(now, shardReadCalls*scale, atLeastOne(shardReadCalls*scale))
	if now < m.pausedUntil || m.read.units <= 0 || m.reads.units < 1 {
		return false
	}
	m.reads.units--
	return true
}

// chargeRead charges what an admitted call returned; full says that it was as much as a call can return.
func (m *shardMeter) chargeRead(size int, full bool, now int64, scale float64) {
	if scale <= 0 {
		return
	}
	m.read.units -= float64(size)
	switch {
	case full:
		m.pausedUntil = now + int64(fullReplyPause/scale)
	case m.read.units <= 0:
		m.pausedUntil = now + int64(overdrawnPause/scale)
	}
}

// admitIterator reports whether a GetShardIterator call may be answered, and charges it if so.
func (s *shard) admitIterator(now int64, scale float64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return scale <= 0 || s.meter.iterators.takeCall(now, shardIteratorCalls*scale)
}

// takeCall takes one unit of a bucket that saves up a second's.
func (b *bucket) takeCall(now int64, rate float64) bool {
	b.fill(now, rate, atLeastOne(rate))
	if b.units < 1 {
		return false
	}
	b.units--
	return true
}

func atLeastOne(rate float64) float64 { return max(rate, 1) }

// maxCreating is how many streams of the account, and consumers of a stream, may be in the making at a time.
const maxCreating = 5

// A scope is what the calls of an operation are counted for.
type scope int

const (
	perAccount scope = iota
	perStream
)

// callRates are the calls a second that the service answers.
var callRates = map[string]struct {
	rate  float64
	scope scope
}{
	"AddTagsToStream":            {5, perAccount},
	"CreateStream":               {5, perAccount},
	"DeleteStream":               {5, perAccount},
	"DeregisterStreamConsumer":   {5, perStream},
	"DescribeAccountSettings":    {5, perAccount},
	"DescribeLimits":             {1, perAccount},
	"DescribeStream":             {10, perAccount},
	"DescribeStreamConsumer":     {20, perStream},
	"DescribeStreamSummary":      {20, perAccount},
	"ListShards":                 {1000, perStream},
	"ListStreamConsumers":        {5, perStream},
	"ListStreams":                {5, perAccount},
	"ListTagsForStream":          {5, perAccount},
	"MergeShards":                {5, perAccount},
	"RegisterStreamConsumer":     {5, perAccount},
	"RemoveTagsFromStream":       {5, perAccount},
	"SplitShard":                 {5, perAccount},
	"UpdateAccountSettings":      {5, perAccount},
	"UpdateShardCount":           {10, perAccount},
	"UpdateStreamWarmThroughput": {5, perAccount},
}

// A callMeter counts the calls of operations, and changes by the day, for an account or a stream. The zero value is ready.
type callMeter struct {
	mu      sync.Mutex // guards what follows; taken last
	buckets map[string]*bucket
	changes map[string][]time.Time // the last day's, by the operation
}

func (m *callMeter) admit(operation string, now int64, rate float64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.buckets == nil {
		m.buckets = map[string]*bucket{}
	}
	b := m.buckets[operation]
	if b == nil {
		b = new(bucket)
		m.buckets[operation] = b
	}
	return b.takeCall(now, rate)
}

// admitCall refuses a call of an operation that comes too soon after others. st is nil as long as only what is counted for the
// account is asked about.
func (db *DB) admitCall(operation string, st *stream) error {
	scale := db.limits.Load().Operations
	limit, limited := callRates[operation]
	if scale <= 0 || !limited {
		return nil
	}
	switch {
	case st == nil && limit.scope == perAccount && !db.calls.admit(operation, millis(), limit.rate*scale):
		return limitExceeded("Rate exceeded for account %s.", db.opts.AccountID)
	case st != nil && limit.scope == perStream && !st.calls.admit(operation, millis(), limit.rate*scale):
		return limitExceeded("Rate exceeded for stream %s under account %s.", st.name, db.opts.AccountID)
	}
	return nil
}

// admitChange refuses a change of a stream that was made perDay times in the last 24 hours, and counts it otherwise. The caller
// makes the change.
func (db *DB) admitChange(st *stream, change string, perDay int) error {
	scale := db.limits.Load().Operations
	if scale <= 0 {
		return nil
	}
	m, now := &st.calls, time.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.changes == nil {
		m.changes = map[string][]time.Time{}
	}
	recent := m.changes[change]
	for len(recent) > 0 && now.Sub(recent[0]) >= 24*time.Hour {
		recent = recent[1:]
	}
	if len(recent) >= int(math.Ceil(float64(perDay)*scale)) {
		return limitExceeded("%s was called %d times for stream %s in the last 24 hours, which is the limit", change, len(recent), st.name)
	}
	m.changes[change] = append(recent, now)
	return nil
}
