package hashkey

import (
	"cmp"
	"crypto/md5"
	"encoding/binary"
	"math/bits"
	"unsafe"
)

// Key is a point of the hash space: an unsigned 128-bit number. Keys compare with ==.
type Key struct{ Hi, Lo uint64 }

// Max is the last point of the space, 2^128-1.
var Max = Key{Hi: ^uint64(0), Lo: ^uint64(0)}

// Of returns the hash key that the service derives from a partition key. MD5 is the service's choice; it panics in a process that
// runs with GODEBUG=fips140=only.
func Of(partitionKey string) Key {
	// A conversion would copy every key of over 32 bytes to the heap; md5.Sum only reads.
	sum := md5.Sum(unsafe.Slice(unsafe.StringData(partitionKey), len(partitionKey)))
	return Key{Hi: binary.BigEndian.Uint64(sum[:8]), Lo: binary.BigEndian.Uint64(sum[8:])}
}

// Parse reads a decimal hash key as the service writes it: digits alone, no sign, no space. Leading zeros are accepted.
// The error is [ErrSyntax].
func Parse(s string) (Key, error) {
	if s == "" {
		return Key{}, ErrSyntax
	}
	var k Key
	for i := range len(s) {
		digit := s[i] - '0'
		if digit > 9 {
			return Key{}, ErrSyntax
		}
		next, overflow := k.timesTenPlus(uint64(digit))
		if overflow {
			return Key{}, ErrSyntax
		}
		k = next
	}
	return k, nil
}

func (k Key) timesTenPlus(digit uint64) (_ Key, overflow bool) {
	carry, lo := bits.Mul64(k.Lo, 10)
	over, hi := bits.Mul64(k.Hi, 10)
	lo, c := bits.Add64(lo, digit, 0)
	hi, c = bits.Add64(hi, carry, c)
	return Key{Hi: hi, Lo: lo}, over != 0 || c != 0
}

// Compare orders keys as numbers: -1, 0 or +1.
func (k Key) Compare(other Key) int {
	if c := cmp.Compare(k.Hi, other.Hi); c != 0 {
		return c
	}
	return cmp.Compare(k.Lo, other.Lo)
}

// Next returns k+1, and false where k is [Max].
func (k Key) Next() (Key, bool) {
	lo, c := bits.Add64(k.Lo, 1, 0)
	hi, c := bits.Add64(k.Hi, 0, c)
	return Key{Hi: hi, Lo: lo}, c == 0
}

// decimalDigits is the length of 2^128-1 in decimal.
const decimalDigits = 39

// AppendDecimal appends the key in decimal, as the API spells hash keys.
func (k Key) AppendDecimal(dst []byte) []byte {
	var buf [decimalDigits]byte
	at := len(buf)
	for {
		var digit uint64
		k.Hi, digit = k.Hi/10, k.Hi%10
		k.Lo, digit = bits.Div64(digit, k.Lo, 10)
		at--
		buf[at] = byte('0' + digit)
		if k == (Key{}) {
			return append(dst, buf[at:]...)
		}
	}
}

// String returns the key in decimal.
func (k Key) String() string { return string(k.AppendDecimal(make([]byte, 0, decimalDigits))) }
