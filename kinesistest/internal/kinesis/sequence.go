package kinesis

import "math/bits"

// A sequenceNumber is a position of a shard, a number of 186 bits that is written with 56 decimal digits. In hexadecimal
// digits, counted from the front:
//
//	0       the constant 2
//	1-9     creation time of the shard, seconds
//	10      low four bits of the shard's number
//	11-26   index of the record in the shard, the top bit clear
//	27-28   unused here
//	29-37   arrival time, seconds
//	38-45   the shard's number
//	46      version, the constant 2
//
// So numbers grow with the index inside a shard; and because the creation time leads, and a child is always stamped at
// least a second after its parents, every number of a child is above every number of its parents.
type sequenceNumber struct {
	created int64  // seconds
	shard   uint32 // the shard's number
	index   uint64 // 0 is the start of the shard, before its first record; endIndex is its end
	at      int64  // seconds
}

// endIndex is the index of a closed shard's ending sequence number.
const endIndex = 1<<63 - 1

const (
	sequenceDigits  = 56
	sequenceVersion = 2
	nineDigits      = 1<<36 - 1 // what nine hexadecimal digits hold
)

// words returns the number as three words, the most significant first.
func (s sequenceNumber) words() (hi, mid, lo uint64) {
	at := uint64(s.at) & nineDigits
	hi = 2<<56 | uint64(s.created)&nineDigits<<20 | uint64(s.shard&15)<<16 | s.index>>48
	mid = s.index<<16 | at>>28 // digits 27-28, eight bits between the index and the time, stay zero
	lo = at<<36 | uint64(s.shard)<<4 | sequenceVersion
	return hi, mid, lo
}

// appendTo appends the decimal form to dst.
func (s sequenceNumber) appendTo(dst []byte) []byte {
	const ten19 = 1e19
	hi, mid, lo := s.words()
	// 2^186 is below 10^56, so three groups of 18, 19 and 19 digits hold it, and no quotient below overflows.
	mid, r := bits.Div64(hi, mid, ten19)
	lo, last := bits.Div64(r, lo, ten19)
	first, middle := bits.Div64(mid, lo, ten19)
	var digits [sequenceDigits]byte
	putDecimal(digits[:18], first)
	putDecimal(digits[18:37], middle)
	putDecimal(digits[37:], last)
	return append(dst, digits[:]...)
}

func (s sequenceNumber) String() string { return string(s.appendTo(nil)) }

// parseSequenceNumber reads the decimal form. wellFormed says that the text is a decimal number as the service's model
// wants it, ok that it has the layout above too.
func parseSequenceNumber(text string) (s sequenceNumber, wellFormed, ok bool) {
	if len(text) == 0 || len(text) > 129 || len(text) > 1 && text[0] == '0' {
		return s, false, false
	}
	var hi, mid, lo, over uint64
	for i := range len(text) {
		c := text[i]
		if c < '0' || c > '9' {
			return s, false, false
		}
		hi, mid, lo, over = timesTenPlus(hi, mid, lo, uint64(c-'0'), over)
	}
	s = sequenceNumber{
		created: int64(hi >> 20 & nineDigits),
		shard:   uint32(lo >> 4),
		index:   hi<<48 | mid>>16,
		at:      int64((mid<<28 | lo>>36) & nineDigits),
	}
	h, m, l := s.words()
	return s, true, over == 0 && h == hi && m == mid && l == lo && s.index <= endIndex
}

// timesTenPlus returns 10 times the three words plus d, and whether a digit was ever lost at the top.
func timesTenPlus(hi, mid, lo, d, over uint64) (uint64, uint64, uint64, uint64) {
	c0, lo := bits.Mul64(lo, 10)
	c1, mid := bits.Mul64(mid, 10)
	c2, hi := bits.Mul64(hi, 10)
	var c uint64
	lo, c = bits.Add64(lo, d, 0)
	mid, c = bits.Add64(mid, c0, c)
	hi, c = bits.Add64(hi, c1, c)
	return hi, mid, lo, over | c2 | c
}

// compare orders numbers of one shard.
func (s sequenceNumber) compare(o sequenceNumber) int {
	switch {
	case s.index < o.index || s.index == o.index && s.at < o.at:
		return -1
	case s.index == o.index && s.at == o.at:
		return 0
	}
	return 1
}
