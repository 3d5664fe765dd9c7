package wire

import (
	"bytes"
	"fmt"
	"iter"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// jsonDecoder reads a JSON document.
type jsonDecoder struct {
	doc   []byte
	pos   int
	depth int
	err   error

	fields iter.Seq[[]byte] // eachField, made once: a request may have hundreds of maps
}

// NewJSON returns a Decoder of the JSON document doc, which must not change while the Decoder is used.
func NewJSON(doc []byte) Decoder {
	d := &jsonDecoder{doc: doc}
	d.fields = d.eachField
	return d
}

func (d *jsonDecoder) Err() error { return d.err }

// fail records the first failure. The cursor is moved to the end, so that every later read fails too, at once.
func (d *jsonDecoder) fail(what string) {
	if d.err == nil {
		d.err = fmt.Errorf("%w: %s at byte %d", ErrSyntax, what, d.pos)
	}
	d.pos = len(d.doc)
}

// peek returns the first byte of the next token, or 0 at the end of the document.
func (d *jsonDecoder) peek() byte {
	for d.pos < len(d.doc) {
		switch c := d.doc[d.pos]; c {
		case ' ', '\t', '\n', '\r':
			d.pos++
		default:
			return c
		}
	}
	return 0
}

// take consumes the next token if it is the one-byte token c.
func (d *jsonDecoder) take(c byte) bool {
	if d.peek() != c {
		return false
	}
	d.pos++
	return true
}

// word consumes the next token if it is w.
func (d *jsonDecoder) word(w string) bool {
	d.peek()
	if !bytes.HasPrefix(d.doc[d.pos:], []byte(w)) {
		return false
	}
	d.pos += len(w)
	return true
}

// enter opens a map or an array and reports whether it did.
func (d *jsonDecoder) enter(open byte, what string) bool {
	if d.err != nil {
		return false
	}
	if !d.take(open) {
		d.fail("expected " + what)
		return false
	}
	if d.depth++; d.depth > MaxDepth {
		d.fail("nested too deeply")
		return false
	}
	return true
}

// more reports whether another member or element follows, after consuming the comma before it; first says that none has
// been read yet. It consumes the closing byte.
func (d *jsonDecoder) more(closing byte, first bool) bool {
	if d.err != nil {
		return false
	}
	if d.take(closing) {
		d.depth--
		return false
	}
	if !first && !d.take(',') {
		d.fail("expected a comma or the end")
		return false
	}
	return true
}

func (d *jsonDecoder) Fields() iter.Seq[[]byte] { return d.fields }

func (d *jsonDecoder) eachField(yield func([]byte) bool) {
	if !d.enter('{', "a map") {
		return
	}
	for first := true; d.more('}', first); first = false {
		name := d.Span()
		if d.err == nil && !d.take(':') {
			d.fail("expected a colon")
		}
		if d.err != nil {
			return
		}
		if d.word("null") {
			continue
		}
		if !yield(name) {
			return
		}
	}
}

func (d *jsonDecoder) Items() iter.Seq[int] {
	return func(yield func(int) bool) {
		if !d.enter('[', "an array") {
			return
		}
		for i := 0; d.more(']', i == 0); i++ {
			if !yield(i) {
				return
			}
		}
	}
}

// quoted consumes a string and returns what stands between its quotes, with escape sequences still in place, and whether
// there are any.
func (d *jsonDecoder) quoted() (raw []byte, escaped bool) {
	if d.err != nil {
		return nil, false
	}
	if !d.take('"') {
		d.fail("expected a string")
		return nil, false
	}
	start := d.pos
	for {
		n := bytes.IndexByte(d.doc[d.pos:], '"')
		if n < 0 {
			d.fail("string without an end")
			return nil, false
		}
		d.pos += n + 1
		slashes := trailingSlashes(d.doc[start : d.pos-1])
		if slashes%2 == 0 {
			break
		}
	}
	raw = d.doc[start : d.pos-1]
	return raw, bytes.IndexByte(raw, '\\') >= 0
}

// trailingSlashes counts the backslashes at the end of s. An odd number means that the quote after s is escaped.
func trailingSlashes(s []byte) int {
	n := 0
	for n < len(s) && s[len(s)-1-n] == '\\' {
		n++
	}
	return n
}

func (d *jsonDecoder) Span() []byte {
	raw, escaped := d.quoted()
	if d.err != nil {
		return nil
	}
	if hasControl(raw) || !utf8.Valid(raw) {
		d.fail("string that is not valid text")
		return nil
	}
	if escaped {
		return d.unescape(raw)
	}
	return raw
}

func hasControl(s []byte) bool {
	for _, c := range s {
		if c < 0x20 {
			return true
		}
	}
	return false
}

// unescape returns raw with its escape sequences replaced. Each of them is longer than what it stands for.
func (d *jsonDecoder) unescape(raw []byte) []byte {
	out := make([]byte, 0, len(raw))
	for len(raw) > 0 {
		n := bytes.IndexByte(raw, '\\')
		if n < 0 {
			return append(out, raw...)
		}
		out = append(out, raw[:n]...)
		var used int
		if out, used = appendEscaped(out, raw[n:]); used == 0 {
			d.fail("unknown escape sequence")
			return nil
		}
		raw = raw[n+used:]
	}
	return out
}

// appendEscaped appends the character that the escape sequence at the start of s stands for and returns the length of the
// sequence, which is 0 if it is not one.
func appendEscaped(dst, s []byte) ([]byte, int) {
	if len(s) < 2 {
		return dst, 0
	}
	switch s[1] {
	case '"', '\\', '/':
		return append(dst, s[1]), 2
	case 'b':
		return append(dst, '\b'), 2
	case 'f':
		return append(dst, '\f'), 2
	case 'n':
		return append(dst, '\n'), 2
	case 'r':
		return append(dst, '\r'), 2
	case 't':
		return append(dst, '\t'), 2
	case 'u':
		return appendUnicode(dst, s)
	}
	return dst, 0
}

// appendUnicode handles \uXXXX, and two of them if they form a surrogate pair. Half a pair becomes U+FFFD.
func appendUnicode(dst, s []byte) ([]byte, int) {
	r, ok := hex4(s)
	if !ok {
		return dst, 0
	}
	if !utf16.IsSurrogate(r) {
		return utf8.AppendRune(dst, r), 6
	}
	if low, ok := hex4(s[6:]); ok {
		if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
			return utf8.AppendRune(dst, pair), 12
		}
	}
	return utf8.AppendRune(dst, utf8.RuneError), 6
}

// hex4 reads the number of the sequence \uXXXX at the start of s.
func hex4(s []byte) (rune, bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range s[2:6] {
		switch {
		case '0' <= c && c <= '9':
			r = r<<4 | rune(c-'0')
		case 'a' <= c && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case 'A' <= c && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			return 0, false
		}
	}
	return r, true
}

// RawBlob does not look at the characters: AppendBlob refuses what is not base64. Some writers escape the slash, which is
// a base64 digit; only then is the text copied.
func (d *jsonDecoder) RawBlob() []byte {
	raw, escaped := d.quoted()
	if escaped {
		return d.unescape(raw)
	}
	return raw
}

func (d *jsonDecoder) BlobLen(raw []byte) int { return base64Len(raw) }

func (d *jsonDecoder) AppendBlob(dst, raw []byte) []byte {
	out, ok := appendBase64Decoded(dst, raw)
	if !ok {
		d.fail("blob that is not base64")
	}
	return out
}

func (d *jsonDecoder) Bool() bool {
	switch {
	case d.err != nil:
	case d.word("true"):
		return true
	case d.word("false"):
	default:
		d.fail("expected true or false")
	}
	return false
}

func (d *jsonDecoder) Int() int64 {
	n, ok := wholeNumber(d.number())
	if !ok && d.err == nil {
		d.fail("expected a whole number")
	}
	return n
}

func (d *jsonDecoder) Time() time.Time {
	ms, ok := secondsToMillis(d.number())
	if !ok && d.err == nil {
		d.fail("expected a timestamp")
	}
	return time.UnixMilli(ms)
}

// number consumes a number and returns its text.
func (d *jsonDecoder) number() []byte {
	if d.err != nil {
		return nil
	}
	d.peek()
	n := numberLen(d.doc[d.pos:])
	if n == 0 {
		d.fail("expected a number")
		return nil
	}
	d.pos += n
	return d.doc[d.pos-n : d.pos]
}

func (d *jsonDecoder) Skip() {
	switch d.peek() {
	case '{':
		for range d.Fields() {
			d.Skip()
		}
	case '[':
		for range d.Items() {
			d.Skip()
		}
	case '"':
		d.Span()
	case 't', 'f':
		d.Bool()
	case 'n':
		if !d.word("null") {
			d.fail("expected a value")
		}
	default:
		d.number()
	}
}

func (d *jsonDecoder) End() {
	if d.peek() != 0 || d.pos < len(d.doc) {
		d.fail("something after the document")
	}
}
