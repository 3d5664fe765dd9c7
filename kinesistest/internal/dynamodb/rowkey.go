package dynamodb

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
	"strings"

	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/attribute"
	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/expression"
)

// Keys are byte strings whose order is the order of the rows:
//
//	table: hash of the partition key (8 bytes) | partition key | sort key
//	index: hash of the partition key (8 bytes) | partition key | sort key | the whole table key
//
// The hash comes first so that a scan gives partitions in an order that nobody can mistake for the keys' own, as the
// service does, and so that a segment of a parallel scan is a span of hashes. Each part is encoded so that byte order is
// value order and no encoding is the beginning of another.

// hashBytes is how much of the hash a key begins with.
const hashBytes = 8

// schema names the key attributes of a table or an index.
type schema struct {
	partition keyAttribute
	sort      keyAttribute // without a name if the key has one part
}

type keyAttribute struct {
	name string
	kind attribute.Kind
}

// attributes returns the key attributes, the partition key first.
func (s schema) attributes() []keyAttribute {
	if s.sort.name == "" {
		return []keyAttribute{s.partition}
	}
	return []keyAttribute{s.partition, s.sort}
}

// has reports whether name is a key attribute.
func (s schema) has(name string) bool {
	return name == s.partition.name || (s.sort.name != "" && name == s.sort.name)
}

// covers reports whether the item has all key attributes, and of the right types.
func (s schema) covers(item attribute.Item) bool {
	for _, a := range s.attributes() {
		if v := item[a.name]; v == nil || v.Kind() != a.kind {
			return false
		}
	}
	return true
}

// key returns the encoded key of an item that the schema covers.
func (s schema) key(item attribute.Item) string {
	key := appendPartition(nil, item[s.partition.name])
	if s.sort.name != "" {
		key = appendPart(key, item[s.sort.name])
	}
	return string(key)
}

// keyOf returns the key attributes of item.
func (s schema) keyOf(item attribute.Item) attribute.Item {
	key := make(attribute.Item, 2)
	for _, a := range s.attributes() {
		key[a.name] = item[a.name]
	}
	return key
}

// appendPartition appends a partition key's hash and the key itself.
func appendPartition(dst []byte, v attribute.Value) []byte {
	part := appendPart(nil, v)
	hash := sha256.Sum256(part)
	dst = append(dst, hash[:hashBytes]...)
	return append(dst, part...)
}

// The end of a string in a key sorts before everything that may stand in the string, and a zero byte in the string
// after the end.
const (
	stringEnd   = "\x00\x01"
	escapedZero = "\x00\xff"
)

func appendPart(dst []byte, v attribute.Value) []byte {
	if n, ok := v.(attribute.Number); ok {
		return n.AppendOrdered(dst)
	}
	return append(appendPrefix(dst, v), stringEnd...)
}

// appendPrefix appends a string or byte string without its end: the beginning of the keys of all strings that it is a
// prefix of.
func appendPrefix(dst []byte, v attribute.Value) []byte {
	var text string
	switch v := v.(type) {
	case attribute.String:
		text = string(v)
	case attribute.Binary:
		text = string(v)
	}
	return append(dst, strings.ReplaceAll(text, "\x00", escapedZero)...)
}

// after returns the first key that does not begin with prefix and sorts behind those that do.
func after(prefix []byte) string {
	end := len(prefix)
	for end > 0 && prefix[end-1] == 0xff {
		end--
	}
	if end == 0 {
		return ""
	}
	return string(prefix[:end-1]) + string([]byte{prefix[end-1] + 1})
}

// partitionSpan returns the span of all rows of one partition.
func partitionSpan(v attribute.Value) span {
	p := appendPartition(nil, v)
	return span{string(p), after(p)}
}

// termSpan returns the span of the rows of one partition whose sort key fulfils term.
func termSpan(partition attribute.Value, term expression.KeyTerm) span {
	p := appendPartition(nil, partition)
	whole := span{string(p), after(p)}
	first := appendPart(p[:len(p):len(p)], term.Values[0])
	switch term.Operator {
	case expression.Less:
		return span{whole.from, string(first)}
	case expression.LessOrEqual:
		return span{whole.from, after(first)}
	case expression.Greater:
		return span{after(first), whole.to}
	case expression.GreaterOrEqual:
		return span{string(first), whole.to}
	case expression.KeyBetween:
		return span{string(first), after(appendPart(p[:len(p):len(p)], term.Values[1]))}
	case expression.KeyBeginsWith:
		prefix := appendPrefix(p[:len(p):len(p)], term.Values[0])
		return span{string(prefix), after(prefix)}
	default:
		return span{string(first), after(first)}
	}
}

// segmentSpan returns the span of one segment of a parallel scan: its share of the hashes.
func segmentSpan(segment, total int) span {
	bound := func(i int) string {
		hash, _ := bits.Div64(uint64(i), 0, uint64(total))
		return string(binary.BigEndian.AppendUint64(nil, hash))
	}
	switch {
	case total == 1:
		return span{}
	case segment == total-1:
		return span{from: bound(segment)}
	default:
		return span{bound(segment), bound(segment + 1)}
	}
}
