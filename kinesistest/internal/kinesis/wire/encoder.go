package wire

import (
	"encoding/binary"
	"strconv"
)

// An Encoder appends one document to a slice. It belongs to one goroutine.
type Encoder interface {
	// Map opens a map, whose members follow; EndMap closes it.
	Map()
	EndMap()
	// Array opens an array, whose elements follow; EndArray closes it.
	Array()
	EndArray()
	// Name starts a member of a map; its value follows. The name is one of the service's model: it needs no escaping.
	Name(name string)
	// Plain and PlainBytes write text that needs no escaping: the digits and identifiers of which a reply has hundreds.
	Plain(s string)
	PlainBytes(s []byte)
	// Text, TextBytes, Blob, Int, Bool and Millis write one value. Millis is a timestamp.
	Text(s string)
	TextBytes(s []byte)
	Blob(b []byte)
	Int(n int64)
	Bool(b bool)
	Millis(ms int64)
	// Bytes returns the document so far.
	Bytes() []byte
}

// NewJSONEncoder returns an Encoder that appends JSON to dst.
func NewJSONEncoder(dst []byte) Encoder { return &jsonEncoder{buf: dst} }

// NewCBOREncoder returns an Encoder that appends CBOR to dst. Maps and arrays have indefinite lengths, as the service's
// own have.
func NewCBOREncoder(dst []byte) Encoder { return &cborEncoder{buf: dst} }

// jsonEncoder writes JSON. After each value it writes a comma, which the end of the map or array takes back: that needs
// no state.
type jsonEncoder struct{ buf []byte }

func (e *jsonEncoder) Bytes() []byte {
	if n := len(e.buf); n > 0 && e.buf[n-1] == ',' {
		return e.buf[:n-1]
	}
	return e.buf
}

func (e *jsonEncoder) Map()      { e.buf = append(e.buf, '{') }
func (e *jsonEncoder) Array()    { e.buf = append(e.buf, '[') }
func (e *jsonEncoder) EndMap()   { e.buf = append(e.Bytes(), '}', ',') }
func (e *jsonEncoder) EndArray() { e.buf = append(e.Bytes(), ']', ',') }

func (e *jsonEncoder) Name(name string) {
	e.buf = append(e.buf, '"')
	e.buf = append(e.buf, name...)
	e.buf = append(e.buf, '"', ':')
}

func (e *jsonEncoder) Text(s string)      { e.buf = append(appendQuoted(e.buf, s), ',') }
func (e *jsonEncoder) TextBytes(s []byte) { e.buf = append(appendQuoted(e.buf, s), ',') }

func (e *jsonEncoder) Plain(s string) {
	e.buf = append(e.buf, '"')
	e.buf = append(e.buf, s...)
	e.buf = append(e.buf, '"', ',')
}

func (e *jsonEncoder) PlainBytes(s []byte) {
	e.buf = append(e.buf, '"')
	e.buf = append(e.buf, s...)
	e.buf = append(e.buf, '"', ',')
}

func (e *jsonEncoder) Blob(b []byte) {
	e.buf = append(e.buf, '"')
	e.buf = append(appendBase64(e.buf, b), '"', ',')
}

func (e *jsonEncoder) Int(n int64) { e.buf = append(strconv.AppendInt(e.buf, n, 10), ',') }
func (e *jsonEncoder) Bool(b bool) { e.buf = append(strconv.AppendBool(e.buf, b), ',') }

// Millis writes seconds with three decimals, as the service does.
func (e *jsonEncoder) Millis(ms int64) {
	frac := ms % 1000
	e.buf = strconv.AppendInt(e.buf, ms/1000, 10)
	e.buf = append(e.buf, '.', byte('0'+frac/100), byte('0'+frac/10%10), byte('0'+frac%10), ',')
}

// appendQuoted appends s as a JSON string. s is valid UTF-8.
func appendQuoted[T string | []byte](dst []byte, s T) []byte {
	dst = append(dst, '"')
	start := 0
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c == '"' || c == '\\' {
			dst = append(dst, s[start:i]...)
			dst = appendEscape(dst, c)
			start = i + 1
		}
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}

func appendEscape(dst []byte, c byte) []byte {
	if c == '"' || c == '\\' {
		return append(dst, '\\', c)
	}
	const hexDigits = "0123456789abcdef"
	return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}

// cborEncoder writes CBOR.
type cborEncoder struct{ buf []byte }

func (e *cborEncoder) Bytes() []byte    { return e.buf }
func (e *cborEncoder) Map()             { e.buf = append(e.buf, cborMap|cborIndefinite) }
func (e *cborEncoder) Array()           { e.buf = append(e.buf, cborArray|cborIndefinite) }
func (e *cborEncoder) EndMap()          { e.buf = append(e.buf, cborBreak) }
func (e *cborEncoder) EndArray()        { e.buf = append(e.buf, cborBreak) }
func (e *cborEncoder) Name(name string) { e.Text(name) }

func (e *cborEncoder) Plain(s string)      { e.Text(s) }
func (e *cborEncoder) PlainBytes(s []byte) { e.TextBytes(s) }

func (e *cborEncoder) Text(s string) {
	e.buf = append(appendHead(e.buf, cborText, uint64(len(s))), s...)
}

func (e *cborEncoder) TextBytes(s []byte) {
	e.buf = append(appendHead(e.buf, cborText, uint64(len(s))), s...)
}

func (e *cborEncoder) Blob(b []byte) {
	e.buf = append(appendHead(e.buf, cborBytes, uint64(len(b))), b...)
}

func (e *cborEncoder) Int(n int64) {
	if n < 0 {
		e.buf = appendHead(e.buf, cborNegative, uint64(-(n + 1)))
		return
	}
	e.buf = appendHead(e.buf, cborUnsigned, uint64(n))
}

func (e *cborEncoder) Bool(b bool) {
	if b {
		e.buf = append(e.buf, cborTrue)
		return
	}
	e.buf = append(e.buf, cborFalse)
}

// Millis writes tag 1 and milliseconds: the tag's own definition says seconds, but the service and the AWS SDK for Java
// have always used milliseconds.
func (e *cborEncoder) Millis(ms int64) {
	e.buf = appendHead(e.buf, cborTag, 1)
	e.Int(ms)
}

// appendHead appends the shortest head of a value: its major type and its argument.
func appendHead(dst []byte, major byte, n uint64) []byte {
	switch {
	case n < 24:
		return append(dst, major|byte(n))
	case n < 1<<8:
		return append(dst, major|24, byte(n))
	case n < 1<<16:
		return binary.BigEndian.AppendUint16(append(dst, major|25), uint16(n))
	case n < 1<<32:
		return binary.BigEndian.AppendUint32(append(dst, major|26), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(dst, major|27), n)
}
