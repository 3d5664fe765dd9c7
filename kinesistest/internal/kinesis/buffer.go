package kinesis

import (
	"math/bits"
	"sync"
)

// maxBody is the largest request body that is read: 10 MiB of records in base64, with room for keys and names.
const (
	bitsOfBody = 26
	maxBody    = 32 << 20 // a power of two; one byte more still has a buffer
)

// A buffer is a byte slice that is used again. Bodies of requests and of replies are made of them, since a data plane
// call carries up to 14 MiB.
type buffer struct {
	b     []byte
	class int
}

// buffers holds free buffers by the binary logarithm of their capacity.
var buffers [bitsOfBody + 1]sync.Pool

// newBuffer returns an empty buffer with a capacity of at least n bytes, n <= maxBody+1. What grows beyond its capacity is
// simply not reused.
func newBuffer(n int) *buffer {
	class := bits.Len(uint(max(n, kib) - 1))
	if b, ok := buffers[class].Get().(*buffer); ok {
		b.b = b.b[:0]
		return b
	}
	return &buffer{make([]byte, 0, 1<<class), class}
}

// free gives the buffer back. Nobody may use its bytes any more.
func (b *buffer) free() { buffers[b.class].Put(b) }
