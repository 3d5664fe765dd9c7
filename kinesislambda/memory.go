package kinesislambda

import (
	"context"
	"sync"

	"github.com/penstock-go/penstock/consumer"
)

// Memory remembers how many user records of a Kinesis record are done. A mapping knows nothing below Kinesis records: when a member of an
// aggregate fails, the whole aggregate is delivered again, and without a memory its first members are handled again.
//
// A memory is asked once for each invocation and told only of failures. It may forget: what it does not know is handled again. Where
// other environments of the function must know too, it has to be a database; [NewMemory] knows what this one did.
type Memory interface {
	// Done returns, for each of the sequence numbers, how many user records of that Kinesis record are done, from the first on; 0
	// where nothing is known.
	Done(ctx context.Context, s consumer.Shard, sequenceNumbers []string) ([]uint64, error)
	// Remember notes that the first done user records of a Kinesis record are done.
	Remember(ctx context.Context, s consumer.Shard, sequenceNumber string, done uint64) error
}

// NewMemory returns a Memory in this process, for so many Kinesis records; the oldest are forgotten. It may be used by several
// functions at once.
func NewMemory(records int) Memory {
	return &localMemory{known: make(map[outerKey]uint64), order: make([]outerKey, max(records, 1))}
}

type outerKey struct{ stream, shard, sequence string }

type localMemory struct {
	mu    sync.Mutex // guards what follows
	known map[outerKey]uint64
	order []outerKey // a ring of the keys in known, as they came
	next  int        // where in it the next one goes, and the oldest is
}

func (m *localMemory) Done(_ context.Context, s consumer.Shard, sequenceNumbers []string) ([]uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	done := make([]uint64, len(sequenceNumbers))
	for i, number := range sequenceNumbers {
		done[i] = m.known[outerKey{s.Stream, s.ID, number}]
	}
	return done, nil
}

func (m *localMemory) Remember(_ context.Context, s consumer.Shard, sequenceNumber string, done uint64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := outerKey{s.Stream, s.ID, sequenceNumber}
	if _, ok := m.known[key]; !ok {
		delete(m.known, m.order[m.next])
		m.order[m.next] = key
		m.next = (m.next + 1) % len(m.order)
	}
	m.known[key] = done
	return nil
}
