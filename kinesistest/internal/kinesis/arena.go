package kinesis

import "sync"

// The bounds of a block. What is larger than a sixteenth of the largest block has a piece of memory of its own.
const (
	smallestBlock = kib
	largestBlock  = 256 * kib
)

// An arena gives records their bytes. Single small records have no memory of their own, which the allocator would round up by an
// eighth of their size: they share blocks, whose records come and expire at about the same time. Blocks grow with what was taken, so
// that little is left over in the last one. The zero value is ready.
type arena struct {
	mu    sync.Mutex // guards what follows; taken last
	rest  []byte     // of the newest block
	taken int
}

// take returns an empty slice with room for n bytes.
func (a *arena) take(n int) []byte {
	if n > largestBlock/16 {
		return make([]byte, 0, n)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if n > len(a.rest) {
		a.rest = make([]byte, max(n, smallestBlock, min(a.taken/16, largestBlock)))
	}
	piece := a.rest[:0:n]
	a.rest = a.rest[n:]
	a.taken += n
	return piece
}
