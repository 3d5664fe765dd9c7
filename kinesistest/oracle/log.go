package oracle

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"sync"
)

// A Log writes a history. Servers add to it; a test of another kind of server may do so itself. Its methods may be called by any
// goroutine.
type Log struct {
	limit int // of each list; 0 is none

	mu    sync.Mutex // guards what follows
	h     History
	index int
}

// NewLog returns an empty log that keeps the newest entries of each kind, as many as limit says, or all of them if limit is 0.
func NewLog(limit int) *Log { return &Log{limit: limit} }

// History returns a copy of what was written so far. The entries share maps and slices with the log: they are not to be changed.
func (l *Log) History() History {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.h
	h.Records = newest(h.Records, l.limit)
	h.Reshards = newest(h.Reshards, l.limit)
	h.RowWrites = newest(h.RowWrites, l.limit)
	h.Reads = newest(h.Reads, l.limit)
	h.Subscriptions = newest(h.Subscriptions, l.limit)
	return h
}

// WriteJSON writes the history as indented JSON, for people to read when a test has failed.
func (l *Log) WriteJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", " ")
	if err := enc.Encode(l.History()); err != nil {
		return fmt.Errorf("oracle: writing the history: %w", err)
	}
	return nil
}

// Record adds a stored record. The log sets the Index, here as below.
func (l *Log) Record(r Record) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r.Index = l.next()
	l.h.Records = keep(l, l.h.Records, &l.h.Forgotten.Records, r)
}

// Reshard adds a change of shards.
func (l *Log) Reshard(r Reshard) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r.Index = l.next()
	l.h.Reshards = keep(l, l.h.Reshards, &l.h.Forgotten.Reshards, r)
}

// RowWrite adds a change of a row.
func (l *Log) RowWrite(w RowWrite) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w.Index = l.next()
	l.h.RowWrites = keep(l, l.h.RowWrites, &l.h.Forgotten.RowWrites, w)
}

// Read adds what a reader got.
func (l *Log) Read(r Read) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r.Index = l.next()
	l.h.Reads = keep(l, l.h.Reads, &l.h.Forgotten.Reads, r)
}

// Subscription adds the beginning or the end of a subscription.
func (l *Log) Subscription(s Subscription) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s.Index = l.next()
	l.h.Subscriptions = keep(l, l.h.Subscriptions, &l.h.Forgotten.Subscriptions, s)
}

// next returns the index of the next entry. The caller holds mu.
func (l *Log) next() int {
	l.index++
	return l.index
}

// keep appends an entry to its list. A list of a bounded log grows to twice its limit before the older half is let go, so that an
// entry is moved once at most. The caller holds mu.
func keep[T any](l *Log, list []T, forgotten *int, entry T) []T {
	list = append(list, entry)
	if l.limit > 0 && len(list) > l.limit {
		*forgotten++
	}
	if l.limit > 0 && len(list) >= 2*l.limit {
		n := copy(list, list[len(list)-l.limit:])
		clear(list[n:])
		list = list[:n]
	}
	return list
}

// newest returns a copy of the entries that are within the limit.
func newest[T any](list []T, limit int) []T {
	if limit > 0 && len(list) > limit {
		list = list[len(list)-limit:]
	}
	return slices.Clone(list)
}
