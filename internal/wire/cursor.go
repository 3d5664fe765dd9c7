package wire

import (
	"encoding/base64"
	"encoding/binary"
	"io"
	"math"
	"time"
)

// maxDepth bounds how deeply arrays, maps and tags nest. The service's model needs six.
const maxDepth = 32

// A cursor reads the items of a CBOR document one after the other. The first error sticks, moves the cursor to the end of
// the document and so ends every loop; what is read from then on is zero. The caller asks for err once, at the end.
//
// Byte and text strings that are returned alias the document, except those of indefinite length, which are joined in new
// memory. No document makes a cursor allocate more than its own length, recurse deeper than maxDepth, or panic.
type cursor struct {
	doc    []byte // as far as it has come; its capacity has room for what is coming
	pos    int
	depth  int // of the maps and arrays that are open
	err    error
	body   io.Reader // brings the rest
	coming int       // how many bytes the rest is
	step   int       // how many are read at a time, at least, if there are as many
}

func (c *cursor) fail(reason string) {
	if c.err == nil {
		c.err = &SyntaxError{Offset: c.pos, Reason: reason}
	}
	c.pos = len(c.doc)
}

// left returns how many bytes are not consumed.
func (c *cursor) left() int { return len(c.doc) - c.pos + c.coming }

// reach reports whether n bytes follow. It waits for them to come.
func (c *cursor) reach(n uint64) bool {
	have := len(c.doc)
	switch {
	case n <= uint64(have-c.pos):
		return true
	case c.err != nil || n > uint64(c.left()):
		return false
	}
	more := min(max(c.pos+int(n)-have, c.step), c.coming)
	got, err := io.ReadFull(c.body, c.doc[have:have+more])
	c.doc = c.doc[:have+got]
	c.coming -= got
	if err != nil {
		c.err = cutOff(err)
		c.pos = len(c.doc)
	}
	return err == nil
}

// peek returns the first byte of the next item. At the end it fails and returns a break, which no reader of a value takes.
func (c *cursor) peek() byte {
	if c.pos >= len(c.doc) {
		return c.next()
	}
	return c.doc[c.pos]
}

// next does what peek does where nothing has come yet.
func (c *cursor) next() byte {
	if !c.reach(1) {
		c.fail("unexpected end")
		return headBreak
	}
	return c.doc[c.pos]
}

// head consumes the head of an item, and returns its first byte and its argument, which is 0 for an indefinite length.
func (c *cursor) head() (first byte, argument uint64) {
	first = c.peek()
	info := first & argumentMask
	if info < 24 {
		c.pos++
		return first, uint64(info)
	}
	if c.err != nil {
		return first, 0
	}
	c.pos++
	switch info {
	case 24, 25, 26, 27:
		return first, c.argument(1 << (info - 24))
	case indefinite:
		if m := first & majorMask; m == majorUnsigned || m == majorNegative || m == majorTag {
			c.fail("number without a value")
		}
		return first, 0
	}
	c.fail("reserved head")
	return headBreak, 0
}

// argument consumes the size bytes that hold an argument.
func (c *cursor) argument(size int) uint64 {
	b := c.take(uint64(size))
	switch len(b) {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(binary.BigEndian.Uint16(b))
	case 4:
		return uint64(binary.BigEndian.Uint32(b))
	case 8:
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

// take consumes n bytes. The capacity of what it returns ends with it, so that a caller who appends cannot write into the
// rest of the document.
func (c *cursor) take(n uint64) []byte {
	if !c.reach(n) {
		c.fail("length beyond the end")
		return nil
	}
	from := c.pos
	c.pos += int(n)
	return c.doc[from:c.pos:c.pos]
}

// null consumes a null, if there is one. The service means by it the same as by an absent member.
func (c *cursor) null() bool {
	first := c.peek()
	if first != headNull && first != headUndefined {
		return false
	}
	c.pos++
	return true
}

// untag passes over tags, where the member's type says what the value is.
func (c *cursor) untag() {
	for range maxDepth {
		if c.peek()&majorMask != majorTag {
			return
		}
		c.head()
	}
	c.fail("nested too deeply")
}

// text and blob consume a string of their kind. Text is passed on as it came, valid UTF-8 or not: a record is not withheld for the
// bytes of its key.
func (c *cursor) text() []byte { return c.str(majorText, "expected text") }

// blob consumes a byte string. Text in its place is base64, as in JSON: some servers write it so, and the AWS SDK for Java reads it so.
func (c *cursor) blob() []byte {
	if c.peek()&majorMask == majorTag {
		c.untag()
	}
	if c.peek()&majorMask != majorText {
		return c.str(majorBytes, "expected a byte string")
	}
	text := c.text()
	blob := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	n, err := base64.StdEncoding.Decode(blob, text)
	if err != nil {
		c.fail("expected a byte string, or base64")
		return nil
	}
	return blob[:n:n]
}

// str consumes a string, in one step if it is as nearly all are: without a tag, all there, its length given and below 64 KiB.
func (c *cursor) str(major byte, expected string) []byte {
	rest := c.doc[c.pos:]
	if len(rest) < 3 {
		return c.anyStr(major, expected)
	}
	n, from := uint(rest[0]-major), uint(1)
	switch {
	case n < 24:
	case n == 24:
		n, from = uint(rest[1]), 2
	case n == 25:
		n, from = uint(rest[1])<<8|uint(rest[2]), 3
	default:
		return c.anyStr(major, expected)
	}
	to := from + n
	if to > uint(len(rest)) {
		return c.anyStr(major, expected)
	}
	c.pos += int(to)
	return rest[from:to:to]
}

// anyStr consumes a string of any form.
func (c *cursor) anyStr(major byte, expected string) []byte {
	if c.peek()&majorMask == majorTag {
		c.untag()
	}
	first, n := c.head()
	switch {
	case c.err != nil:
		return nil
	case first&majorMask != major:
		c.fail(expected)
		return nil
	case first&argumentMask != indefinite:
		return c.take(n)
	}
	return c.joined(major, expected)
}

// joined consumes the rest of a string of indefinite length: definite ones of the same kind, up to a break.
func (c *cursor) joined(major byte, expected string) []byte {
	whole := []byte{}
	for c.peek() != headBreak {
		first, n := c.head()
		if first&majorMask != major || first&argumentMask == indefinite {
			c.fail(expected)
			break
		}
		whole = append(whole, c.take(n)...)
	}
	if c.err != nil {
		return nil
	}
	c.pos++ // the break
	return whole
}

// integer consumes a whole number.
func (c *cursor) integer() int64 {
	c.untag()
	first, n := c.head()
	switch {
	case c.err != nil:
		return 0
	case first&majorMask > majorNegative:
		c.fail("expected a whole number")
		return 0
	case n > math.MaxInt64:
		c.fail("number out of range")
		return 0
	case first&majorMask == majorNegative:
		return -1 - int64(n)
	}
	return int64(n)
}

// number consumes a whole or a floating number.
func (c *cursor) number() float64 {
	c.untag()
	if c.peek()&majorMask != majorSimple {
		return float64(c.integer())
	}
	first, bits := c.head()
	switch {
	case c.err != nil:
	case first == headFloat64:
		return math.Float64frombits(bits)
	case first == headFloat32:
		return float64(math.Float32frombits(uint32(bits)))
	case first == headFloat16:
		return halfFloat(uint16(bits))
	default:
		c.fail("expected a number")
	}
	return 0
}

// halfFloat converts a 16-bit float: one bit of sign, five of exponent, ten of fraction.
func halfFloat(h uint16) float64 {
	exponent, fraction := int(h>>10&31), float64(h&1023)
	var v float64
	switch {
	case exponent == 0:
		v = math.Ldexp(fraction, -24)
	case exponent < 31:
		v = math.Ldexp(fraction+1024, exponent-25)
	case fraction == 0:
		v = math.Inf(1)
	default:
		v = math.NaN()
	}
	return math.Copysign(v, 1-2*float64(h>>15))
}

// boolean consumes true or false.
func (c *cursor) boolean() bool {
	c.untag()
	switch c.peek() {
	case headTrue:
		c.pos++
		return true
	case headFalse:
		c.pos++
	default:
		c.fail("expected true or false")
	}
	return false
}

const (
	// maxMillis bounds timestamps to what time.Time can print: up to the year 9999.
	maxMillis = 253402300799999
	// leastMillis tells milliseconds from seconds: it is 1973 or 5138. Kinesis began in 2013.
	leastMillis = 100_000_000_000
)

// timestamp consumes a timestamp: milliseconds, whole or floating, tagged or not. A small number is seconds: some servers write CBOR as they
// do JSON.
func (c *cursor) timestamp() time.Time {
	if rest := c.doc[c.pos:]; len(rest) >= 10 && rest[0] == tagTimestamp && rest[1] == headUint64 { // as the service writes it
		if ms := binary.BigEndian.Uint64(rest[2:]); ms >= leastMillis && ms <= maxMillis {
			c.pos += 10
			return time.UnixMilli(int64(ms)).UTC()
		}
	}
	if c.peek() == tagTimestamp {
		c.pos++
	}
	ms := c.number() // exact: a float of 64 bits has 53 for the number
	if math.Abs(ms) < leastMillis {
		ms *= 1000
	}
	if !(math.Abs(ms) <= maxMillis) { // NaN is out of range too
		c.fail("timestamp out of range")
	}
	if c.err != nil {
		return time.Time{}
	}
	return time.UnixMilli(int64(math.Round(ms))).UTC()
}

// end fails if anything follows the document.
func (c *cursor) end() {
	if c.err == nil && c.left() > 0 {
		c.fail("something after the document")
	}
}
