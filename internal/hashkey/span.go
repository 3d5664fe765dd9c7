package hashkey

import "fmt"

// Range is the inclusive part of the hash space that one shard owns. The zero value is the single point 0; a real shard's
// range is made by [ParseRange].
type Range struct{ Start, End Key }

// Full is the whole space.
var Full = Range{End: Max}

// ParseRange reads the two decimal ends of a shard's range. Both ends belong to it.
func ParseRange(start, end string) (Range, error) {
	s, err := Parse(start)
	if err != nil {
		return Range{}, fmt.Errorf("hashkey: start of range: %w", err)
	}
	e, err := Parse(end)
	if err != nil {
		return Range{}, fmt.Errorf("hashkey: end of range: %w", err)
	}
	if s.Compare(e) > 0 {
		return Range{}, fmt.Errorf("hashkey: range ends before it starts: %w", ErrSyntax)
	}
	return Range{Start: s, End: e}, nil
}

// Contains reports whether k lies in the range.
func (r Range) Contains(k Key) bool { return r.Start.Compare(k) <= 0 && k.Compare(r.End) <= 0 }

// Overlaps reports whether the two ranges share a point.
func (r Range) Overlaps(other Range) bool {
	return r.Start.Compare(other.End) <= 0 && other.Start.Compare(r.End) <= 0
}
