package producer

import (
	"sync"
	"sync/atomic"
)

// broken is the partition keys of records that failed for good and whose done has not returned yet, for [FailLater].
type broken struct {
	keys atomic.Int64 // len(counts), for a look without the lock

	mu     sync.Mutex // guards counts
	counts map[string]int
}

func newBroken() *broken { return &broken{counts: make(map[string]int)} }

// add breaks the keys of records that have failed.
func (b *broken) add(records []record) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range records {
		b.counts[records[i].partitionKey]++
	}
	b.keys.Store(int64(len(b.counts)))
}

// told takes back what add did, once the records' owners know.
func (b *broken) told(records []record) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range records {
		key := records[i].partitionKey
		if b.counts[key]--; b.counts[key] == 0 {
			delete(b.counts, key)
		}
	}
	b.keys.Store(int64(len(b.counts)))
}

func (b *broken) holds(key string) bool {
	if b.keys.Load() == 0 {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.counts[key] > 0
}
