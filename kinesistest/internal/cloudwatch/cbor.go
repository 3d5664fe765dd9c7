package cloudwatch

import (
	"encoding/binary"
	"math"
	"time"
	"unicode/utf8"
)

// The major types of CBOR (RFC 8949), which are the upper three bits of an item's first byte.
const (
	majorUnsigned = iota
	majorNegative
	majorBytes
	majorText
	majorArray
	majorMap
	majorTag
	majorSimple
)

// What the lower five bits say beyond small numbers.
const (
	infoByte       = 24 // the number is in the next 1, 2, 4 or 8 bytes: 24 to 27
	infoEight      = 27
	infoIndefinite = 31 // the length is not told: a break ends the item
)

const (
	simpleNull      = 0xf6
	simpleUndefined = 0xf7
	halfFloat       = 0xf9
	singleFloat     = 0xfa
	doubleFloat     = 0xfb
	breakByte       = 0xff
	tagEpoch        = 1
)

// maxDepth is how deeply maps, arrays and tags may nest; the deepest of a request have six levels.
const maxDepth = 16

// cbor reads one CBOR document from front to back without building a tree: the caller ranges over the members of a map and asks
// for the value of each that it knows. The first failure sticks, ends every loop, and is found in bad.
type cbor struct {
	rest  []byte
	depth int
	bad   bool
}

func (c *cbor) fail() { c.bad, c.rest = true, nil }

// peek returns the next byte, a break at the end.
func (c *cbor) peek() byte {
	if len(c.rest) == 0 {
		return breakByte
	}
	return c.rest[0]
}

// take returns the next n bytes, nil if there are fewer.
func (c *cbor) take(n uint64) []byte {
	if n > uint64(len(c.rest)) {
		c.fail()
		return nil
	}
	b := c.rest[:n]
	c.rest = c.rest[n:]
	return b
}

// head reads the first byte of an item and the number that goes with it.
func (c *cbor) head() (major, info byte, n uint64) {
	first := c.take(1)
	if first == nil {
		return majorSimple, 0, 0
	}
	major, info = first[0]>>5, first[0]&0x1f
	switch {
	case info < infoByte:
		return major, info, uint64(info)
	case info <= infoEight:
		var wide [8]byte
		width := 1 << (info - infoByte)
		copy(wide[8-width:], c.take(uint64(width)))
		return major, info, binary.BigEndian.Uint64(wide[:])
	case info == infoIndefinite && major >= majorBytes && major <= majorMap:
		return major, info, 0
	default:
		c.fail()
		return majorSimple, 0, 0
	}
}

// skipNull passes over a null and reports whether there was one: a null stands for an absent member.
func (c *cbor) skipNull() bool {
	if b := c.peek(); b == simpleNull || b == simpleUndefined {
		c.take(1)
		return true
	}
	return false
}

// elements calls f for each of the items of a map or array, one call for a pair, and expects it to read or skip them.
func (c *cbor) elements(want byte, f func()) {
	major, info, n := c.head()
	if major != want {
		c.fail()
	}
	c.nested(func() {
		for i := uint64(0); !c.bad && (info == infoIndefinite || i < n); i++ {
			if info == infoIndefinite && c.peek() == breakByte {
				c.take(1)
				return
			}
			f()
		}
	})
}

// nested calls f one level deeper, unless that is too deep.
func (c *cbor) nested(f func()) {
	if c.depth == maxDepth {
		c.fail()
		return
	}
	c.depth++
	f()
	c.depth--
}

// fields calls f with the name of each member of a map whose value is not null.
func (c *cbor) fields(f func(name string)) {
	c.elements(majorMap, func() {
		name := c.text()
		if !c.bad && !c.skipNull() {
			f(name)
		}
	})
}

// items calls f at each element of an array.
func (c *cbor) items(f func()) { c.elements(majorArray, f) }

// text reads a string, in one piece or in several.
func (c *cbor) text() string {
	b := c.chunks(majorText)
	if !utf8.Valid(b) {
		c.fail()
	}
	return string(b)
}

func (c *cbor) chunks(want byte) []byte {
	major, info, n := c.head()
	if major != want {
		c.fail()
		return nil
	}
	if info != infoIndefinite {
		return c.take(n)
	}
	var whole []byte
	for !c.bad && c.peek() != breakByte {
		if c.peek() == want<<5|infoIndefinite { // a piece must tell its length
			c.fail()
		}
		whole = append(whole, c.chunks(want)...)
	}
	c.take(1)
	return whole
}

// number reads a number of any form.
func (c *cbor) number() float64 {
	major, info, n := c.head()
	switch {
	case major == majorUnsigned:
		return float64(n)
	case major == majorNegative:
		return -1 - float64(n)
	case major == majorSimple && info == halfFloat&0x1f:
		return half(uint16(n))
	case major == majorSimple && info == singleFloat&0x1f:
		return float64(math.Float32frombits(uint32(n)))
	case major == majorSimple && info == doubleFloat&0x1f:
		return math.Float64frombits(n)
	default:
		c.fail()
		return 0
	}
}

// half returns the value of a float of sixteen bits.
func half(bits uint16) float64 {
	fraction, exponent := float64(bits&0x3ff), int(bits>>10&0x1f)
	var v float64
	switch exponent {
	case 0:
		v = math.Ldexp(fraction, -24)
	case 31:
		v = math.Inf(1)
		if fraction != 0 {
			v = math.NaN()
		}
	default:
		v = math.Ldexp(fraction+1024, exponent-25)
	}
	if bits&0x8000 != 0 {
		return -v
	}
	return v
}

// time reads a timestamp: tag 1 and seconds since 1970.
func (c *cbor) time() time.Time {
	major, _, n := c.head()
	if major != majorTag || n != tagEpoch {
		c.fail()
	}
	return instant(c.number())
}

// skip passes over an item of any kind, checking that it is well formed.
func (c *cbor) skip() {
	switch c.peek() >> 5 {
	case majorArray:
		c.items(c.skip)
	case majorMap:
		c.elements(majorMap, func() { c.skip(); c.skip() })
	case majorBytes, majorText:
		c.chunks(c.peek() >> 5)
	case majorTag:
		c.head()
		c.nested(c.skip)
	default:
		c.head()
	}
}

// appendText appends a string as CBOR.
func appendText(dst []byte, s string) []byte {
	return append(appendHead(dst, majorText, len(s)), s...)
}

// appendHead appends the first bytes of an item of a length.
func appendHead(dst []byte, major byte, n int) []byte {
	switch {
	case n < infoByte:
		return append(dst, major<<5|byte(n))
	case n <= math.MaxUint8:
		return append(dst, major<<5|infoByte, byte(n))
	default:
		return binary.BigEndian.AppendUint32(append(dst, major<<5|(infoByte+2)), uint32(n))
	}
}
