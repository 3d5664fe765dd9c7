package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/fxamacker/cbor/v2"
	"pgregory.net/rapid"
)

// FuzzJSON compares what is well formed with the standard library.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{
		`{}`, `[]`, `""`, `0`, `-1.5e+10`, `true`, `null`, `{"a":[1,{"b":null}]}`, `{"a":1,}`, `[1 2]`, `"\ud834\udd1e"`, `"\u00"`, "\"\n\"",
		`01`, `1.`, `-`, `tru`, ` { } `, `{"a"}`, `"a\`, `"a\"`, "\"\xff\"", `{} {}`, `[[[[`, strings.Repeat("[", 40) + strings.Repeat("]", 40),
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		d := NewJSON(bytes.Clone(doc))
		d.Skip()
		d.End()
		err := d.Err()
		if err != nil && !errors.Is(err, ErrSyntax) {
			t.Fatalf("error %v", err)
		}
		// Two differences are meant: text that is not UTF-8, and documents that nest too deeply.
		if want := json.Valid(doc) && utf8.Valid(doc) && nesting(doc) <= MaxDepth; (err == nil) != want {
			t.Fatalf("%q: %v, want well formed: %v", doc, err, want)
		}
		var text string
		if json.Unmarshal(doc, &text) == nil && utf8.Valid(doc) && bytes.TrimSpace(doc)[0] == '"' {
			if got := string(NewJSON(doc).Span()); got != text {
				t.Fatalf("%q reads as %q, want %q", doc, got, text)
			}
		}
	})
}

// nesting returns how deeply a well-formed JSON document nests.
func nesting(doc []byte) int {
	dec := json.NewDecoder(bytes.NewReader(doc))
	depth, deepest := 0, 0
	for {
		tok, err := dec.Token()
		if err != nil {
			return deepest
		}
		switch tok {
		case json.Delim('{'), json.Delim('['):
			depth++
			deepest = max(deepest, depth)
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
	}
}

// FuzzCBOR checks that whatever is accepted is well formed to another library, too.
func FuzzCBOR(f *testing.F) {
	for _, s := range []string{
		"\xa0", "\x80", "\x01", "\x38\x63", "\x41x", "\x61x", "\xa1\x61a\x82\x01\x20", "\xbf\x61a\x9f\x01\xff\xff", "\x5f\x41a\x41b\xff",
		"\xc1\x1b\x00\x00\x01\x8b\xcf\xe5\x68\x00", "\xf9\x3c\x00", "\xfb\x40\x09\x21\xfb\x54\x44\x2d\x18", "\xf6", "\xf8\xff", "\xff", "\x1c", "\xdf",
		"\x9b\xff\xff\xff\xff\xff\xff\xff\xff", strings.Repeat("\x81", 40), strings.Repeat("\xc1", 1000) + "\x01",
	} {
		f.Add([]byte(s))
	}
	lax, err := cbor.DecOptions{MaxNestedLevels: 65535}.DecMode()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		d := NewCBOR(bytes.Clone(doc))
		d.Skip()
		d.End()
		if err := d.Err(); err != nil && !errors.Is(err, ErrSyntax) {
			t.Fatalf("error %v", err)
		} else if err == nil && lax.Wellformed(doc) != nil {
			t.Fatalf("%x is accepted: %v", doc, lax.Wellformed(doc))
		}
		// Every reader survives every document.
		for _, read := range []func(Decoder){
			func(d Decoder) { d.Int() }, func(d Decoder) { d.Bool() }, func(d Decoder) { d.Time() }, func(d Decoder) { d.Span() },
			func(d Decoder) { d.AppendBlob(nil, d.RawBlob()) },
		} {
			read(NewCBOR(doc))
			read(NewJSON(doc))
		}
	})
}

// A writer of random documents, and the same document as plain values, which another library's decoder must return.
func drawValue(t *rapid.T, enc Encoder, depth int) any {
	kind := rapid.IntRange(0, 6).Draw(t, "kind")
	if depth == 0 {
		kind %= 4
	}
	switch kind {
	case 0:
		s := rapid.String().Draw(t, "text")
		enc.Text(s)
		return s
	case 1:
		n := rapid.Int64().Draw(t, "number")
		enc.Int(n)
		return n
	case 2:
		b := rapid.Bool().Draw(t, "truth")
		enc.Bool(b)
		return b
	case 3:
		b := rapid.SliceOf(rapid.Byte()).Draw(t, "blob")
		enc.Blob(b)
		return b
	case 4:
		out := []any{}
		enc.Array()
		for range rapid.IntRange(0, 4).Draw(t, "elements") {
			out = append(out, drawValue(t, enc, depth-1))
		}
		enc.EndArray()
		return out
	}
	out := map[string]any{}
	enc.Map()
	for i := range rapid.IntRange(0, 4).Draw(t, "members") {
		name := string(rune('a' + i))
		enc.Name(name)
		out[name] = drawValue(t, enc, depth-1)
	}
	enc.EndMap()
	return out
}

func TestEncodersWriteWhatOtherLibrariesRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		enc := NewJSONEncoder(nil)
		want, err := json.Marshal(drawValue(t, enc, 3))
		if err != nil {
			t.Fatal(err)
		}
		var got, plain any
		if err := json.Unmarshal(enc.Bytes(), &got); err != nil {
			t.Fatalf("%v in %s", err, enc.Bytes())
		}
		if err := json.Unmarshal(want, &plain); err != nil {
			t.Fatal(err)
		}
		a, _ := json.Marshal(got)
		b, _ := json.Marshal(plain)
		if !bytes.Equal(a, b) {
			t.Fatalf("wrote %s, want %s", a, b)
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		enc := NewCBOREncoder(nil)
		want, err := cbor.Marshal(drawValue(t, enc, 3))
		if err != nil {
			t.Fatal(err)
		}
		canonical, err := cbor.CanonicalEncOptions().EncMode()
		if err != nil {
			t.Fatal(err)
		}
		var got, plain any
		if err := cbor.Unmarshal(enc.Bytes(), &got); err != nil {
			t.Fatalf("%v in %x", err, enc.Bytes())
		}
		if err := cbor.Unmarshal(want, &plain); err != nil {
			t.Fatal(err)
		}
		a, _ := canonical.Marshal(got)
		b, _ := canonical.Marshal(plain)
		if !bytes.Equal(a, b) {
			t.Fatalf("wrote %x, want %x", a, b)
		}
	})
}

func TestDecodersReadWhatTheEncodersWrote(t *testing.T) {
	formats := map[string]struct {
		enc func([]byte) Encoder
		dec func([]byte) Decoder
	}{"JSON": {NewJSONEncoder, NewJSON}, "CBOR": {NewCBOREncoder, NewCBOR}}
	for name, format := range formats {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				text, blob := rapid.String().Draw(t, "text"), rapid.SliceOf(rapid.Byte()).Draw(t, "blob")
				n, truth := rapid.Int64().Draw(t, "number"), rapid.Bool().Draw(t, "truth")
				ms := rapid.Int64Range(0, maxMillis-1000).Draw(t, "time")
				enc := format.enc(nil)
				enc.Array()
				enc.Text(text)
				enc.TextBytes([]byte(text))
				enc.Blob(blob)
				enc.Int(n)
				enc.Bool(truth)
				enc.Millis(ms)
				enc.EndArray()
				d := format.dec(enc.Bytes())
				for i := range d.Items() {
					switch i {
					case 0, 1:
						if got := *Text(d); got != text {
							t.Fatalf("text %q, want %q", got, text)
						}
					case 2:
						raw := d.RawBlob()
						if got := d.AppendBlob(nil, raw); !bytes.Equal(got, blob) || d.BlobLen(raw) != len(blob) {
							t.Fatalf("blob %x of %d, want %x", got, d.BlobLen(raw), blob)
						}
					case 3:
						if got := d.Int(); got != n {
							t.Fatalf("number %d, want %d", got, n)
						}
					case 4:
						if got := d.Bool(); got != truth {
							t.Fatalf("truth %v", got)
						}
					case 5:
						if got := d.Time(); !got.Equal(time.UnixMilli(ms)) {
							t.Fatalf("time %d, want %d", got.UnixMilli(), ms)
						}
					}
				}
				d.End()
				if d.Err() != nil {
					t.Fatal(d.Err())
				}
			})
		})
	}
}

func TestTimestampsMayBeFloatsOfAnyWidth(t *testing.T) {
	for doc, want := range map[string]int64{
		"\xf9\x3c\x00": 1, "\xf9\x7b\xff": 65504, "\xf9\x00\x01": 0, "\xfa\x47\xc3\x50\x00": 100000, "\xfb\x42\x6d\x1a\x94\xa2\x00\x00\x00": 1e12, "\xc1\x38\x63": -100,
	} {
		d := NewCBOR([]byte(doc))
		if got := d.Time().UnixMilli(); got != want || d.Err() != nil {
			t.Errorf("%x is %d (%v), want %d", doc, got, d.Err(), want)
		}
	}
	for _, doc := range []string{"\xf9\x7c\x00", "\xf9\x7e\x00", "\xfb\x7f\xef\xff\xff\xff\xff\xff\xff", "\x61x"} {
		d := NewCBOR([]byte(doc))
		if d.Time(); d.Err() == nil {
			t.Errorf("%x is a time", doc)
		}
	}
	for doc, want := range map[string]int64{"1.5": 1500, "1.7E9": 17e11, "-0.001": -1, "1700000000.123": 1700000000123, "0.0004": 0} {
		d := NewJSON([]byte(doc))
		if got := d.Time().UnixMilli(); got != want || d.Err() != nil {
			t.Errorf("%s is %d (%v), want %d", doc, got, d.Err(), want)
		}
	}
}

func TestNumbersOutOfRangeAreRefused(t *testing.T) {
	for _, doc := range []string{"9223372036854775808", "1.5", "1e3", `"1"`} {
		d := NewJSON([]byte(doc))
		if d.Int(); d.Err() == nil {
			t.Errorf("%s is a whole number", doc)
		}
	}
	for _, doc := range []string{"\x1b\xff\xff\xff\xff\xff\xff\xff\xff", "\x3b\xff\xff\xff\xff\xff\xff\xff\xff", "\x1f", "\xf9\x3c\x00"} {
		d := NewCBOR([]byte(doc))
		if d.Int(); d.Err() == nil {
			t.Errorf("%x is a whole number", doc)
		}
	}
	if got := NewCBOR([]byte("\x3b\x7f\xff\xff\xff\xff\xff\xff\xff")).Int(); got != math.MinInt64 {
		t.Errorf("the smallest number is %d", got)
	}
}
