package wire

// A batch is a growing list of entries of type E, whose pointers lead into parts of type P. Both lie in few pieces of memory, sized
// by what the entries so far took up in the document.
type batch[E, P any] struct {
	entries []E
	parts   []P // the piece that is being filled; it never moves
	from    int // where in the document the list begins
}

// add appends a zero entry and a zero part. It returns nils, and fails, if there are too many.
func (b *batch[E, P]) add(d *deserializer, r run) (*E, *P) {
	if d.entry() != nil {
		return nil, nil
	}
	if len(b.entries) == cap(b.entries) {
		grown := make([]E, len(b.entries), len(b.entries)+b.expected(d, r))
		copy(grown, b.entries)
		b.entries = grown
	}
	if len(b.parts) == cap(b.parts) {
		b.parts = make([]P, 0, cap(b.entries)-len(b.entries))
	}
	// What lies between length and capacity is zero: nothing was ever there.
	b.entries, b.parts = b.entries[:len(b.entries)+1], b.parts[:len(b.parts)+1]
	return &b.entries[len(b.entries)-1], &b.parts[len(b.parts)-1]
}

// expected estimates how many entries are still to come: as many as the rest of the document has room for, if they are like
// those before, and at least half of what there are, so that a wrong estimate does not make growth slow.
func (b *batch[E, P]) expected(d *deserializer, r run) int {
	n := len(b.entries)
	if n == 0 {
		return 1
	}
	average := (d.pos-b.from)/n + 1
	expected := d.left()/average + 1
	expected = max(expected+expected/16, n/2) // entries differ by a digit or two
	if !r.open {
		expected = int(min(uint64(expected), r.left+1)) // the entry to be added is not among those left
	}
	return min(expected, 1+d.bound(d.left())-d.entries) // it is counted already
}
