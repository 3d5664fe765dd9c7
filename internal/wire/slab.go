package wire

import "strings"

// slabSize is how large the pieces are that a textSlab allocates. A string that is kept keeps its piece alive.
const slabSize = 16 << 10

// A textSlab makes many small strings with few allocations: they are slices of common pieces of memory.
type textSlab struct{ piece *strings.Builder }

// string returns b as a string. At most remaining bytes are asked for from now on, b included; so the pieces of a small reply are small.
//
// A Builder that has the room does not move what was written before, and never changes it: strings that were cut out of it
// stay as they are.
func (s *textSlab) string(b []byte, remaining int) string {
	if len(b) > slabSize/4 {
		return string(b)
	}
	if s.piece == nil || s.piece.Cap()-s.piece.Len() < len(b) {
		s.piece = new(strings.Builder)
		s.piece.Grow(max(len(b), min(slabSize, remaining)))
	}
	from := s.piece.Len()
	s.piece.Write(b)
	return s.piece.String()[from:]
}
