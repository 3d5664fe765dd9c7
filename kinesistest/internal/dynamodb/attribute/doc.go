// Package attribute holds what a DynamoDB item is made of: the ten attribute types, their wire form, their sizes and
// their order.
//
// A Value is immutable from the moment it is decoded. Everything that seems to change one (an update expression, a set
// union, an addition) builds a new value that shares the unchanged parts with the old one. That is why the tables can
// hand a stored item to a reader without copying it and without holding a lock while the reader encodes it.
//
// Invariants:
//
//   - a Number has at most 38 significant digits, no leading and no trailing zero, and a magnitude the service accepts;
//   - a Set has at least one member, its members are sorted, distinct and of one kind;
//   - maps and lists nest at most MaxDepth levels.
//
// Error texts here are the service's own words and go to the client as they stand, so they carry no package prefix.
//
// Files, in reading order: value.go (the types), number.go (decimal arithmetic), set.go, compare.go (equality and
// order), size.go (what the service charges for), decode.go and encode.go (the wire form), plain.go,
// errors.go.
package attribute
