package wire

import (
	"encoding/binary"
	"fmt"
	"iter"
	"math"
	"time"
	"unicode/utf8"
)

// The head of a CBOR value: three bits of major type, five bits of argument (RFC 8949, section 3).
const (
	cborUnsigned = 0 << 5
	cborNegative = 1 << 5
	cborBytes    = 2 << 5
	cborText     = 3 << 5
	cborArray    = 4 << 5
	cborMap      = 5 << 5
	cborTag      = 6 << 5
	cborSimple   = 7 << 5

	cborMajor      = 7 << 5 // mask of the major type
	cborIndefinite = 31     // argument: the length is not given, a break ends the value
	cborFalse      = cborSimple | 20
	cborTrue       = cborSimple | 21
	cborNull       = cborSimple | 22
	cborUndefined  = cborSimple | 23
	cborFloat16    = cborSimple | 25
	cborFloat32    = cborSimple | 26
	cborFloat64    = cborSimple | 27
	cborBreak      = cborSimple | 31
)

// cborDecoder reads a CBOR document.
type cborDecoder struct {
	doc   []byte
	pos   int
	depth int
	err   error

	fields iter.Seq[[]byte] // eachField, made once: a request may have hundreds of maps
}

// NewCBOR returns a Decoder of the CBOR document doc, which must not change while the Decoder is used.
func NewCBOR(doc []byte) Decoder {
	d := &cborDecoder{doc: doc}
	d.fields = d.eachField
	return d
}

func (d *cborDecoder) Err() error { return d.err }

func (d *cborDecoder) fail(what string) {
	if d.err == nil {
		d.err = fmt.Errorf("%w: %s at byte %d", ErrSyntax, what, d.pos)
	}
	d.pos = len(d.doc)
}

// peek returns the head byte of the next value. At the end of the document it fails and returns a break, which no reader
// of a value accepts.
func (d *cborDecoder) peek() byte {
	if d.pos >= len(d.doc) {
		d.fail("unexpected end")
		return cborBreak
	}
	return d.doc[d.pos]
}

// head consumes the head of a value and returns its first byte and its argument. A head with the indefinite argument
// returns 0 for it.
func (d *cborDecoder) head() (first byte, arg uint64) {
	first = d.peek()
	if d.err != nil {
		return first, 0
	}
	d.pos++
	info := first &^ cborMajor
	switch {
	case info < 24:
		return first, uint64(info)
	case info == cborIndefinite:
		return first, 0
	case info > 27:
		d.fail("reserved head")
		return first, 0
	}
	return first, d.argument(1 << (info - 24))
}

// argument consumes the size bytes that carry an argument.
func (d *cborDecoder) argument(size int) uint64 {
	b := d.bytes(uint64(size))
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

// bytes consumes n bytes.
func (d *cborDecoder) bytes(n uint64) []byte {
	if n > uint64(len(d.doc)-d.pos) {
		d.fail("length beyond the end")
		return nil
	}
	d.pos += int(n)
	return d.doc[d.pos-int(n) : d.pos]
}

// A run says how many values are left of a map or an array.
type cborRun struct {
	left       uint64
	indefinite bool
}

// enter opens a map or an array.
func (d *cborDecoder) enter(major byte, what string) (run cborRun, ok bool) {
	if d.err != nil {
		return run, false
	}
	d.skipTags()
	first, n := d.head()
	if d.err == nil && first&cborMajor != major {
		d.fail("expected " + what)
	}
	if d.depth++; d.err == nil && d.depth > MaxDepth {
		d.fail("nested too deeply")
	}
	return cborRun{left: n, indefinite: first&^cborMajor == cborIndefinite}, d.err == nil
}

// more reports whether another value of the run follows. It consumes the break at the end of an indefinite one.
func (d *cborDecoder) more(run *cborRun) bool {
	if d.err != nil {
		return false
	}
	if run.indefinite {
		if d.peek() != cborBreak {
			return true
		}
		d.pos++
	} else if run.left > 0 {
		run.left--
		return true
	}
	d.depth--
	return false
}

func (d *cborDecoder) Fields() iter.Seq[[]byte] { return d.fields }

func (d *cborDecoder) eachField(yield func([]byte) bool) {
	run, ok := d.enter(cborMap, "a map")
	if !ok {
		return
	}
	for d.more(&run) {
		name := d.Span()
		if d.err != nil {
			return
		}
		if c := d.peek(); c == cborNull || c == cborUndefined {
			d.pos++
			continue
		}
		if d.err != nil || !yield(name) {
			return
		}
	}
}

func (d *cborDecoder) Items() iter.Seq[int] {
	return func(yield func(int) bool) {
		run, ok := d.enter(cborArray, "an array")
		for i := 0; ok && d.more(&run); i++ {
			if !yield(i) {
				return
			}
		}
	}
}

// chunks consumes a byte or text string. One of indefinite length is a row of definite ones, which are joined.
func (d *cborDecoder) chunks(major byte, what string) []byte {
	if d.err != nil {
		return nil
	}
	first, n := d.head()
	if d.err == nil && first&cborMajor != major {
		d.fail("expected " + what)
	}
	if d.err != nil || first&^cborMajor != cborIndefinite {
		return d.bytes(n)
	}
	var out []byte
	for d.err == nil && d.peek() != cborBreak {
		first, n := d.head()
		if first&cborMajor != major || first&^cborMajor == cborIndefinite {
			d.fail("expected a part of " + what)
		}
		part := d.bytes(n)
		if major == cborText && !utf8.Valid(part) {
			d.fail("text that is not valid")
		}
		out = append(out, part...)
	}
	d.pos = min(d.pos+1, len(d.doc))
	return out
}

func (d *cborDecoder) Span() []byte {
	d.skipTags()
	s := d.chunks(cborText, "text")
	if !utf8.Valid(s) {
		d.fail("text that is not valid")
	}
	if d.err != nil {
		return nil
	}
	return s
}

func (d *cborDecoder) RawBlob() []byte {
	d.skipTags()
	return d.chunks(cborBytes, "a byte string")
}

func (d *cborDecoder) BlobLen(raw []byte) int { return len(raw) }

func (d *cborDecoder) AppendBlob(dst, raw []byte) []byte { return append(dst, raw...) }

// skipTags passes over tags before a value whose type says enough.
func (d *cborDecoder) skipTags() {
	for d.err == nil && d.peek()&cborMajor == cborTag {
		if first, _ := d.head(); first&^cborMajor == cborIndefinite {
			d.fail("tag without a number")
		}
	}
}

func (d *cborDecoder) Bool() bool {
	if d.err != nil {
		return false
	}
	d.skipTags()
	switch d.peek() {
	case cborTrue:
		d.pos++
		return true
	case cborFalse:
		d.pos++
	default:
		d.fail("expected true or false")
	}
	return false
}

func (d *cborDecoder) Int() int64 {
	if d.err != nil {
		return 0
	}
	d.skipTags()
	first, n := d.head()
	switch {
	case d.err != nil:
	case first&^cborMajor == cborIndefinite || n > math.MaxInt64:
		d.fail("number out of range")
	case first&cborMajor == cborUnsigned:
		return int64(n)
	case first&cborMajor == cborNegative:
		return -int64(n) - 1
	default:
		d.fail("expected a whole number")
	}
	return 0
}

// Time accepts milliseconds as a whole or a floating number, with or without a tag.
func (d *cborDecoder) Time() time.Time {
	if d.err != nil {
		return time.Time{}
	}
	d.skipTags()
	var ms float64
	if c := d.peek(); c&cborMajor == cborSimple {
		ms = d.float()
	} else {
		ms = float64(d.Int())
	}
	if d.err == nil && !(math.Abs(ms) < maxMillis) {
		d.fail("timestamp out of range")
	}
	if d.err != nil {
		return time.Time{}
	}
	return time.UnixMilli(int64(ms))
}

// float consumes a floating number of any width.
func (d *cborDecoder) float() float64 {
	first, bits := d.head()
	switch {
	case d.err != nil:
	case first == cborFloat64:
		return math.Float64frombits(bits)
	case first == cborFloat32:
		return float64(math.Float32frombits(uint32(bits)))
	case first == cborFloat16:
		return halfFloat(uint16(bits))
	default:
		d.fail("expected a number")
	}
	return 0
}

// halfFloat converts a 16-bit float: one bit of sign, five of exponent, ten of fraction.
func halfFloat(h uint16) float64 {
	exp, frac := int(h>>10&31), float64(h&1023)
	var v float64
	switch exp {
	case 0:
		v = math.Ldexp(frac, -24)
	case 31:
		v = math.Inf(1)
		if frac != 0 {
			v = math.NaN()
		}
	default:
		v = math.Ldexp(frac+1024, exp-25)
	}
	if h&0x8000 != 0 {
		return -v
	}
	return v
}

// Skip passes over one value. The names inside a skipped map must be text: the model of the service has no other.
func (d *cborDecoder) Skip() {
	if d.err != nil {
		return
	}
	d.skipTags()
	switch first := d.peek(); first & cborMajor {
	case cborUnsigned, cborNegative:
		d.skipNumber()
	case cborBytes:
		d.chunks(cborBytes, "a byte string")
	case cborText:
		d.Span()
	case cborArray:
		for range d.Items() {
			d.Skip()
		}
	case cborMap:
		for range d.Fields() {
			d.Skip()
		}
	default:
		d.skipSimple()
	}
}

func (d *cborDecoder) skipNumber() {
	if first, _ := d.head(); first&^cborMajor == cborIndefinite {
		d.fail("number without a value")
	}
}

func (d *cborDecoder) skipSimple() {
	first, n := d.head()
	if first == cborBreak || first == cborSimple|24 && n < 32 {
		d.fail("expected a value")
	}
}

func (d *cborDecoder) End() {
	if d.pos < len(d.doc) {
		d.fail("something after the document")
	}
}
