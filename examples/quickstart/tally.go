package main

import (
	"sync"
	"sync/atomic"
)

// tally counts the distinct lines that were handled, so that the program knows when the last one has come. What the result says
// is decided later, from the journals.
type tally struct {
	handled  atomic.Int64 // with duplicates
	distinct atomic.Int64

	mu   sync.Mutex // guards the fields below
	seen map[string]*bitset
}

func newTally() *tally { return &tally{seen: make(map[string]*bitset)} }

func (t *tally) note(path string, index uint64) {
	t.handled.Add(1)
	t.mu.Lock()
	defer t.mu.Unlock()
	file := t.seen[path]
	if file == nil {
		file = new(bitset)
		t.seen[path] = file
	}
	if file.set(index) {
		t.distinct.Add(1)
	}
}

// bitset is a growing set of small numbers.
type bitset []uint64

// set reports whether i is new.
func (b *bitset) set(i uint64) bool {
	word, bit := i/64, uint64(1)<<(i%64)
	for uint64(len(*b)) <= word {
		*b = append(*b, 0)
	}
	isNew := (*b)[word]&bit == 0
	(*b)[word] |= bit
	return isNew
}
