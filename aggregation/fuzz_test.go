package aggregation

import (
	"bytes"
	"crypto/md5"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzDecode gives any bytes to Decode, as they are and as the message of an envelope with the right checksum, since hardly
// any input would come past the checksum otherwise. The result must be that of the reference decoder, and an aggregate made
// of it must give it back.
func FuzzDecode(f *testing.F) {
	for _, g := range goldens() {
		f.Add(readHex(f, g.file)[len(Magic):])
	}
	for _, in := range refusedInputs() {
		f.Add(in.data)
		if IsAggregated(in.data) {
			f.Add(in.data[len(Magic) : len(in.data)-md5.Size])
		}
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		for _, data := range [][]byte{input, envelope(input)} {
			got, err := Decode(nil, data)
			want, refErr := refDecode(data)
			if (err == nil) != (refErr == nil) {
				t.Fatalf("error %v, reference decoder %v", err, refErr)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("records differ (-reference +got):\n%s", diff)
			}
			if err != nil {
				requireTyped(t, err)
				continue
			}
			requireReencodes(t, got)
		}
	})
}

// FuzzEncodeDecode takes its input apart into calls of Add. What was accepted must come back, and the size must be right.
func FuzzEncodeDecode(f *testing.F) {
	f.Add([]byte("\x01a\x00\x01x\x01b\x00\x01y"))
	f.Add([]byte("\x02pk\x03123\x03one\x02pk\x04+123\x03two\x01q\x00\x00"))
	f.Add([]byte("\x00\x00\x00\x01k\x02-1\x00"))
	f.Fuzz(func(t *testing.T, input []byte) {
		var e Encoder
		var want []UserRecord
		for len(input) > 0 {
			var key, hash, data []byte
			key, input = cutPart(input)
			hash, input = cutPart(input)
			data, input = cutPart(input)
			predicted := e.SizeWith(string(key), string(hash), len(data))
			if err := e.Add(string(key), string(hash), data); err != nil {
				requireTyped(t, err)
			} else {
				canonical, _ := canonicalHashKey(trimHashKey(string(hash)))
				want = append(want, UserRecord{string(key), canonical, data, uint64(len(want))})
			}
			if predicted != e.Size() {
				t.Fatalf("predicted %d, size is %d", predicted, e.Size())
			}
		}
		encoded := e.AppendTo(nil)
		if len(encoded) != e.Size() || e.Len() != len(want) {
			t.Fatalf("%d bytes, Size %d; Len %d after %d records", len(encoded), e.Size(), e.Len(), len(want))
		}
		if len(want) == 0 {
			return
		}
		got, err := Decode(nil, encoded)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Fatalf("error %v, records differ (-want +got):\n%s", err, diff)
		}
	})
}

// FuzzIsAggregated compares the judgement with its definition and with Decode.
func FuzzIsAggregated(f *testing.F) {
	for _, g := range goldens() {
		f.Add(readHex(f, g.file))
	}
	for _, in := range refusedInputs() {
		f.Add(in.data)
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		for _, data := range [][]byte{input, envelope(input)} {
			want := false
			if n := len(data) - 16; n > 4 && bytes.HasPrefix(data, []byte{0xf3, 0x89, 0x9a, 0xc2}) {
				want = md5.Sum(data[4:n]) == [16]byte(data[n:])
			}
			got := IsAggregated(data)
			_, err := Decode(nil, data)
			if got != want {
				t.Fatalf("got %v, want %v", got, want)
			}
			if plain := errors.Is(err, ErrNotAggregated) || errors.Is(err, ErrBadChecksum); plain == got {
				t.Fatalf("it says %v, Decode says %v", got, err)
			}
		}
	})
}

// cutPart cuts a part with its length before it from the front of input. The length is whatever the input can give.
func cutPart(input []byte) (part, rest []byte) {
	n, size := binary.Uvarint(input)
	if size <= 0 {
		return []byte{}, nil
	}
	input = input[size:]
	n = min(n, uint64(len(input)))
	return input[:n:n], input[n:]
}

func requireTyped(t *testing.T, err error) {
	t.Helper()
	var typed *Error
	if !errors.As(err, &typed) || typed.Reason.String() == "unknown" {
		t.Fatalf("error %#v is not a typed one", err)
	}
}

// requireReencodes encodes decoded records and decodes them again. Encoders refuse empty keys.
func requireReencodes(t *testing.T, records []UserRecord) {
	t.Helper()
	var e Encoder
	for _, r := range records {
		if r.PartitionKey == "" {
			return
		}
		if err := e.Add(r.PartitionKey, r.ExplicitHashKey, r.Data); err != nil {
			t.Fatal(err)
		}
	}
	got, err := Decode(nil, e.AppendTo(nil))
	if diff := cmp.Diff(records, got); err != nil || diff != "" {
		t.Fatalf("encoded again: error %v, records differ (-decoded +again):\n%s", err, diff)
	}
}
