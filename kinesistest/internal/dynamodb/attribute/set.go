package attribute

import (
	"slices"
	"strings"
)

// Set is a set of strings, numbers or byte strings. The service forbids empty ones: an operation that would leave a set
// empty removes its attribute.
type Set struct {
	kind    Kind
	members []Value // sorted and distinct, all of the kind that the set's kind asks for
}

// newSet sorts members, which it owns, and refuses empty and repeated ones in the service's words.
func newSet(kind Kind, members []Value) (Set, error) {
	if len(members) == 0 {
		return Set{}, emptySet(kind)
	}
	written := slices.Clone(members)
	slices.SortFunc(members, Compare)
	if distinct := slices.CompactFunc(members, Equal); len(distinct) < len(written) {
		return Set{}, repeatedMember(kind, written)
	}
	return Set{kind: kind, members: members}, nil
}

func emptySet(kind Kind) error {
	switch kind {
	case KindStringSet:
		return &ValueError{invalid + "An string set  may not be empty"}
	case KindNumberSet:
		return &ValueError{invalid + "An number set  may not be empty"}
	default:
		return &ValueError{invalid + "Binary sets should not be empty"}
	}
}

func repeatedMember(kind Kind, members []Value) error {
	if kind == KindNumberSet {
		return &ValueError{"Input collection contains duplicates"}
	}
	texts := make([]string, len(members))
	for i, m := range members {
		texts[i] = Text(m)
	}
	list := "[" + strings.Join(texts, ", ") + "]"
	if kind == KindBinarySet {
		return &ValueError{invalid + "Input collection " + list + "of type BS contains duplicates."}
	}
	return &ValueError{invalid + "Input collection " + list + " contains duplicates."}
}

// Kind returns KindStringSet, KindNumberSet or KindBinarySet.
func (s Set) Kind() Kind { return s.kind }

// Len returns the number of members.
func (s Set) Len() int { return len(s.members) }

// Contains reports whether v is a member; a value of another kind never is.
func (s Set) Contains(v Value) bool {
	if v.Kind() != s.members[0].Kind() {
		return false
	}
	_, found := slices.BinarySearchFunc(s.members, v, Compare)
	return found
}

// Union returns the members of both sets, which are of one kind.
func (s Set) Union(t Set) Set {
	members := slices.Concat(s.members, t.members)
	slices.SortFunc(members, Compare)
	return Set{kind: s.kind, members: slices.CompactFunc(members, Equal)}
}

// Minus returns the members of s that t, a set of the same kind, does not have; ok is false if none is left.
func (s Set) Minus(t Set) (rest Set, ok bool) {
	members := make([]Value, 0, len(s.members))
	for _, m := range s.members {
		if !t.Contains(m) {
			members = append(members, m)
		}
	}
	return Set{kind: s.kind, members: members}, len(members) > 0
}
