package kinesis

import (
	"crypto/md5"
	"encoding/binary"
	"math/bits"
)

// A hashKey is a point of the hash key space, a whole number below 2^128. Every partition key is mapped to one by MD5,
// and every shard owns a range of them.
type hashKey struct{ hi, lo uint64 }

// maxHashKey is the last point of the space.
var maxHashKey = hashKey{^uint64(0), ^uint64(0)}

// hashPartitionKey returns the MD5 sum of the key's UTF-8 bytes as a big-endian number.
func hashPartitionKey(key []byte) hashKey {
	sum := md5.Sum(key)
	return hashKey{binary.BigEndian.Uint64(sum[:8]), binary.BigEndian.Uint64(sum[8:])}
}

// parseHashKey reads the decimal form of a point: no sign, no leading zeros. wellFormed says that the text is a decimal
// number of at most 39 digits, ok that it is a point of the space too.
func parseHashKey(s []byte) (k hashKey, wellFormed, ok bool) {
	if len(s) == 0 || len(s) > 39 || len(s) > 1 && s[0] == '0' {
		return k, false, false
	}
	ok = true
	for _, c := range s {
		if c < '0' || c > '9' {
			return hashKey{}, false, false
		}
		var over bool
		if k, over = k.timesTenPlus(uint64(c - '0')); over {
			ok = false
		}
	}
	return k, true, ok
}

// timesTenPlus returns 10*k + d, and whether that is beyond the space.
func (k hashKey) timesTenPlus(d uint64) (hashKey, bool) {
	carry, lo := bits.Mul64(k.lo, 10)
	over, hi := bits.Mul64(k.hi, 10)
	lo, c := bits.Add64(lo, d, 0)
	hi, c2 := bits.Add64(hi, carry, c)
	return hashKey{hi, lo}, over != 0 || c2 != 0
}

// compare orders points as numbers.
func (k hashKey) compare(o hashKey) int {
	switch {
	case k == o:
		return 0
	case k.hi < o.hi || k.hi == o.hi && k.lo < o.lo:
		return -1
	}
	return 1
}

// next returns k+1, and prev k-1. Neither is asked beyond the ends of the space.
func (k hashKey) next() hashKey {
	lo, c := bits.Add64(k.lo, 1, 0)
	return hashKey{k.hi + c, lo}
}

func (k hashKey) prev() hashKey {
	lo, b := bits.Sub64(k.lo, 1, 0)
	return hashKey{k.hi - b, lo}
}

// String returns the decimal form.
func (k hashKey) String() string {
	const ten19 = 1e19 // the largest power of ten in a uint64: 2^128 has 39 digits, three such groups
	hi, lo := k.hi, k.lo
	var groups [3]uint64
	for i := 2; i >= 0; i-- {
		var r uint64
		hi, r = bits.Div64(0, hi, ten19)
		lo, groups[i] = bits.Div64(r, lo, ten19)
	}
	var b [57]byte
	for i, g := range groups {
		putDecimal(b[19*i:19*i+19], g)
	}
	start := 0
	for start < len(b)-1 && b[start] == '0' {
		start++
	}
	return string(b[start:])
}

// putDecimal writes n with leading zeros over the whole of dst.
func putDecimal(dst []byte, n uint64) {
	for i := len(dst) - 1; i >= 0; i-- {
		dst[i] = byte('0' + n%10)
		n /= 10
	}
}

// evenBoundary returns the first point of the i-th of n equal ranges of the space: i * floor(2^128/n). The last range
// takes what is left over. It is defined for 0 <= i < n.
func evenBoundary(i, n int) hashKey {
	if n == 1 {
		return hashKey{}
	}
	d := uint64(n)
	whi, r := bits.Div64(1, 0, d) // 2^128 is 1, 0, 0 in words; the first word's quotient is 0 for n > 1
	wlo, _ := bits.Div64(r, 0, d)
	over, lo := bits.Mul64(wlo, uint64(i))
	return hashKey{whi*uint64(i) + over, lo}
}

// evenEnd returns the last point of the i-th of n equal ranges.
func evenEnd(i, n int) hashKey {
	if i+1 == n {
		return maxHashKey
	}
	return evenBoundary(i+1, n).prev()
}
