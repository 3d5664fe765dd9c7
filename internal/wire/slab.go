package wire

import (
	"strings"
	"unsafe"
)

// slabSize is how large the pieces are that a textSlab allocates. A string that is kept keeps its piece alive.
const slabSize = 16 << 10

// A textSlab makes many small strings with few allocations: they are slices of common pieces of memory.
type textSlab struct{ free []byte } // the rest of a piece, which nobody has seen

// string returns b as a string. At most remaining bytes are asked for from now on, b included; so the pieces of a small reply are small.
func (s *textSlab) string(b []byte, remaining int) string {
	if len(b) > slabSize/4 {
		return string(b)
	}
	if len(b) > len(s.free) {
		s.free = uncleared(max(len(b), min(slabSize, remaining)))
	}
	n := copy(s.free, b)
	text := unsafe.String(unsafe.SliceData(s.free), n) // these bytes are not written again
	s.free = s.free[n:]
	return text
}

// uncleared returns n bytes of memory with anything in them, for who writes over all of them: to clear the memory of a large reply takes half
// as long as to read the reply. A Builder's memory is such, and nobody else has it once the Builder is gone.
func uncleared(n int) []byte {
	if n == 0 {
		return nil
	}
	var b strings.Builder
	b.Grow(n)
	b.WriteByte(0) // or there would be no string
	return unsafe.Slice(unsafe.StringData(b.String()), n)
}
