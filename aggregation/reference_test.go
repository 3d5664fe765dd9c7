package aggregation

import (
	"crypto/md5"
	"errors"
	"math/big"
	"regexp"
)

// What follows is a second decoder, slow and obvious: it builds the whole tree of fields, then reads the tree. Tests compare
// Decode with it on arbitrary input. It shares no code with the package.

type refField struct {
	number uint64
	wire   uint64
	value  uint64
	bytes  []byte
}

var errRef = errors.New("refused")

// refDecode returns the records of an aggregate, or an error.
func refDecode(data []byte) ([]UserRecord, error) {
	if len(data) < 21 || data[0] != 0xf3 || data[1] != 0x89 || data[2] != 0x9a || data[3] != 0xc2 {
		return nil, errRef
	}
	message := data[4 : len(data)-16]
	if md5.Sum(message) != [16]byte(data[len(data)-16:]) {
		return nil, errRef
	}
	top, err := refParse(message)
	if err != nil {
		return nil, err
	}
	var keys, hashKeys []string
	for _, f := range top {
		if f.wire == 2 && f.number == 1 {
			keys = append(keys, string(f.bytes))
		}
		if f.wire == 2 && f.number == 2 {
			hashKeys = append(hashKeys, string(f.bytes))
		}
	}
	var records []UserRecord
	for _, f := range top {
		if f.wire != 2 || f.number != 3 {
			continue
		}
		r, err := refRecord(f.bytes, keys, hashKeys)
		if err != nil {
			return nil, err
		}
		r.SubSequence = uint64(len(records))
		records = append(records, r)
	}
	if records == nil {
		return nil, errRef
	}
	return records, nil
}

func refRecord(message []byte, keys, hashKeys []string) (r UserRecord, err error) {
	fields, err := refParse(message)
	if err != nil {
		return r, err
	}
	key, hashKey, data := (*uint64)(nil), (*uint64)(nil), (*[]byte)(nil)
	for _, f := range fields {
		switch {
		case f.number == 1 && f.wire == 0:
			key = &f.value
		case f.number == 2 && f.wire == 0:
			hashKey = &f.value
		case f.number == 3 && f.wire == 2:
			data = &f.bytes
		case f.number == 4 && f.wire == 2:
			if !refTag(f.bytes) {
				return r, errRef
			}
		}
	}
	if key == nil || data == nil || *key >= uint64(len(keys)) {
		return r, errRef
	}
	r.PartitionKey, r.Data = keys[*key], *data
	if hashKey != nil {
		if *hashKey >= uint64(len(hashKeys)) || !refHashKey(hashKeys[*hashKey]) {
			return r, errRef
		}
		n, _ := new(big.Int).SetString(hashKeys[*hashKey], 10)
		r.ExplicitHashKey = n.String()
	}
	return r, nil
}

func refTag(message []byte) bool {
	fields, err := refParse(message)
	if err != nil {
		return false
	}
	for _, f := range fields {
		if f.number == 1 && f.wire == 2 {
			return true
		}
	}
	return false
}

var refNumber = regexp.MustCompile(`^\+?[0-9]+$`)

func refHashKey(s string) bool {
	if !refNumber.MatchString(s) {
		return false
	}
	n, ok := new(big.Int).SetString(s, 10)
	return ok && n.BitLen() <= 128
}

// refParse returns the fields of a message.
func refParse(message []byte) ([]refField, error) { return refParseDepth(message, 0, nil, 0) }

// refParseDepth returns the fields of a message or, if rest is not nil, of the group with the given number, and puts what
// follows the group in rest.
func refParseDepth(b []byte, group uint64, rest *[]byte, depth int) (fields []refField, err error) {
	if depth > 100 {
		return nil, errRef
	}
	for len(b) > 0 {
		var tag uint64
		if tag, b, err = refVarint(b); err != nil {
			return nil, err
		}
		f := refField{number: tag >> 3, wire: tag & 7}
		if f.number == 0 || f.number >= 1<<29 {
			return nil, errRef
		}
		switch f.wire {
		case 0:
			f.value, b, err = refVarint(b)
		case 1:
			_, b, err = refTake(b, 8)
		case 2:
			var n uint64
			if n, b, err = refVarint(b); err == nil {
				f.bytes, b, err = refTake(b, n)
			}
		case 3:
			var after []byte
			_, err = refParseDepth(b, f.number, &after, depth+1)
			b = after
		case 4:
			if rest == nil || f.number != group {
				return nil, errRef
			}
			*rest = b
			return fields, nil
		case 5:
			_, b, err = refTake(b, 4)
		default:
			err = errRef
		}
		if err != nil {
			return nil, err
		}
		fields = append(fields, f)
	}
	if rest != nil {
		return nil, errRef // the group did not end
	}
	return fields, nil
}

func refVarint(b []byte) (uint64, []byte, error) {
	n := new(big.Int)
	for i := 0; i < len(b) && i < 10; i++ {
		n.Or(n, new(big.Int).Lsh(big.NewInt(int64(b[i]&0x7f)), uint(7*i)))
		if b[i]&0x80 == 0 {
			if !n.IsUint64() {
				return 0, nil, errRef
			}
			return n.Uint64(), b[i+1:], nil
		}
	}
	return 0, nil, errRef
}

func refTake(b []byte, n uint64) (taken, rest []byte, err error) {
	if n > uint64(len(b)) {
		return nil, nil, errRef
	}
	return b[:n], b[n:], nil
}
