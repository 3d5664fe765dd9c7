package attribute

import (
	"cmp"
	"encoding/base64"
	"maps"
	"slices"
	"strings"
)

// Ordered reports whether a and b stand in an order: both strings, both numbers or both byte strings. Only then does
// Compare say something about them.
func Ordered(a, b Value) bool {
	return a.Kind() == b.Kind() && a.Kind().Scalar()
}

// Compare orders two values for which Ordered holds: strings by their UTF-8 bytes, numbers by value, byte strings as
// unsigned bytes. Other values are ordered by their kinds alone.
func Compare(a, b Value) int {
	switch a := a.(type) {
	case String:
		if b, ok := b.(String); ok {
			return strings.Compare(string(a), string(b))
		}
	case Binary:
		if b, ok := b.(Binary); ok {
			return strings.Compare(string(a), string(b))
		}
	case Number:
		if b, ok := b.(Number); ok {
			return a.compare(b)
		}
	}
	return cmp.Compare(a.Kind(), b.Kind())
}

// Equal reports whether two values are of the same type and the same in every part.
func Equal(a, b Value) bool {
	switch a := a.(type) {
	case Map:
		b, ok := b.(Map)
		return ok && maps.EqualFunc(a, b, Equal)
	case List:
		b, ok := b.(List)
		return ok && slices.EqualFunc(a, b, Equal)
	case Set:
		b, ok := b.(Set)
		return ok && a.kind == b.kind && slices.EqualFunc(a.members, b.members, Equal)
	default:
		// String, Binary, Number, Bool and Null are comparable and canonical.
		return a == b
	}
}

// Text returns a scalar the way the service writes it into messages: a byte string in base64, anything else plain.
func Text(v Value) string {
	switch v := v.(type) {
	case String:
		return string(v)
	case Number:
		return v.String()
	case Binary:
		return base64.StdEncoding.EncodeToString([]byte(v))
	default:
		return string(v.Kind())
	}
}
