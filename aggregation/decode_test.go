package aggregation

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// The helpers below put messages together by hand, so that a test can say anything that an Encoder would not.

func varint(v uint64) []byte { return binary.AppendUvarint(nil, v) }

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func lengthField(tag byte, content ...[]byte) []byte {
	c := join(content...)
	return join([]byte{tag}, varint(uint64(len(c))), c)
}

func numberField(tag byte, v uint64) []byte { return join([]byte{tag}, varint(v)) }

func keyEntry(s string) []byte     { return lengthField(0x0a, []byte(s)) }
func hashKeyEntry(s string) []byte { return lengthField(0x12, []byte(s)) }

func record(fields ...[]byte) []byte { return lengthField(0x1a, fields...) }

func keyIndex(i uint64) []byte     { return numberField(0x08, i) }
func hashKeyIndex(i uint64) []byte { return numberField(0x10, i) }
func payload(s string) []byte      { return lengthField(0x1a, []byte(s)) }

// plain is a record with key 0 and data "x".
func plain() []byte { return record(keyIndex(0), payload("x")) }

// groups returns n groups, one inside the other, with field number 9.
func groups(n int) []byte {
	return join(bytes.Repeat([]byte{9<<3 | 3}, n), bytes.Repeat([]byte{9<<3 | 4}, n))
}

// flip returns data with one bit of the byte at i inverted.
func flip(data []byte, i int) []byte {
	data = bytes.Clone(data)
	data[i] ^= 1
	return data
}

// refused is input that is not decoded, and what is said about it.
type refused struct {
	name   string
	data   []byte
	want   error
	record int // the Record of the error
	offset int // the Offset of the error
}

// aggregate is the message that faults are added to: one key and one record; what is added stands at the offset 14.
func aggregate(more ...[]byte) []byte {
	return envelope(join(keyEntry("k"), plain(), join(more...)))
}

func refusedInputs() []refused {
	sound := aggregate()
	over := strings.Repeat("9", 39)
	inputs := []refused{
		{"nothing", nil, ErrNotAggregated, -1, 0},
		{"three bytes", []byte(Magic[:3]), ErrNotAggregated, -1, 0},
		{"another first byte", flip(sound, 0), ErrNotAggregated, -1, 0},
		{"another fourth byte", flip(sound, 3), ErrNotAggregated, -1, 0},
		{"magic alone", []byte(Magic), ErrNotAggregated, -1, 0},
		{"magic and 16 bytes", append([]byte(Magic), make([]byte, 16)...), ErrNotAggregated, -1, 0},
		{"empty message with its checksum", envelope(nil), ErrNotAggregated, -1, 0},
		{"altered checksum", flip(sound, len(sound)-1), ErrBadChecksum, -1, len(sound) - 16},
		{"altered message", flip(sound, 6), ErrBadChecksum, -1, len(sound) - 16},
		{"cut by a byte", sound[:len(sound)-1], ErrBadChecksum, -1, len(sound) - 17},
		{"a byte too many", append(bytes.Clone(sound), 0), ErrBadChecksum, -1, len(sound) - 15},
		{"no records", envelope(keyEntry("k")), ErrEmpty, -1, 0},
		{"only unknown fields", envelope(numberField(9<<3, 1)), ErrEmpty, -1, 0},
		{"key index past the table", aggregate(record(keyIndex(1), payload("y"))), ErrBadIndex, 1, 14},
		{"key index past the table, though not past the hash keys'", aggregate(hashKeyEntry("1"), record(keyIndex(1), payload("y"))), ErrBadIndex, 1, 17},
		{"the same bad index twice", aggregate(record(keyIndex(1), payload("y")), record(keyIndex(1), payload("y"))), ErrBadIndex, 1, 14},
		{"key index without a table", envelope(plain()), ErrBadIndex, 0, 4},
		{"key index of 2^32", aggregate(record(keyIndex(1<<32), payload("y"))), ErrBadIndex, 1, 14},
		{"key index of 2^63", aggregate(record(keyIndex(1<<63), payload("y"))), ErrBadIndex, 1, 14},
		{"key index of 2^64-1", aggregate(record(keyIndex(1<<64-1), payload("y"))), ErrBadIndex, 1, 14},
		{"hash key index without a table", aggregate(record(keyIndex(0), hashKeyIndex(0), payload("y"))), ErrBadIndex, 1, 14},
		{"hash key index of 2^64-1", aggregate(hashKeyEntry("1"), record(keyIndex(0), hashKeyIndex(1<<64-1), payload("y"))), ErrBadIndex, 1, 17},
		{"no key index", aggregate(record(payload("y"))), ErrMissingField, 1, 14},
		{"no data", aggregate(record(keyIndex(0))), ErrMissingField, 1, 14},
		{"empty record", aggregate(record()), ErrMissingField, 1, 14},
		{"key index with the wire type of data", aggregate(record(lengthField(0x0a, []byte{0}), payload("y"))), ErrMissingField, 1, 14},
		{"data with the wire type of a number", aggregate(record(keyIndex(0), numberField(0x18, 1))), ErrMissingField, 1, 14},
		{"tag without a key", aggregate(record(keyIndex(0), payload("y"), lengthField(0x22, lengthField(0x12, []byte("v"))))), ErrMissingField, 1, 14},
		{"malformed tag", aggregate(record(keyIndex(0), payload("y"), lengthField(0x22, []byte{0x0a, 9}))), ErrMalformed, 1, 14},
	}
	badHashKeys := map[string]string{
		"empty": "", "sign": "+", "minus": "-1", "two signs": "++1", "letters": "undefined", "space": " 1", "hexadecimal": "0x1",
		"2^128": "340282366920938463463374607431768211456", "39 nines": over, "40 digits": "1" + strings.Repeat("0", 39), "not ASCII": "١",
	}
	for _, name := range slices.Sorted(maps.Keys(badHashKeys)) {
		key := badHashKeys[name]
		data := envelope(join(keyEntry("k"), hashKeyEntry("1"), hashKeyEntry(key), plain(), record(keyIndex(0), hashKeyIndex(1), payload("y"))))
		at := bytes.LastIndex(data, []byte{0x1a, 0x07, 0x08, 0x00, 0x10, 0x01})
		inputs = append(inputs, refused{"hash key: " + name, data, ErrBadHashKey, 1, at})
	}
	malformed := malformedFields()
	for _, name := range slices.Sorted(maps.Keys(malformed)) {
		b := malformed[name]
		inputs = append(inputs,
			refused{"message with " + name, aggregate(b), ErrMalformed, -1, 14},
			refused{"record with " + name, aggregate(record(keyIndex(0), payload("y"), b)), ErrMalformed, 1, 14},
		)
	}
	return inputs
}

// malformedFields are fields that are not well-formed in any protobuf message that ends with them.
func malformedFields() map[string][]byte {
	return map[string][]byte{
		"field number 0":                    {0x00, 0x00},
		"field number 0 of wire type bytes": {0x02, 0x01, 0x00},
		"field number of 30 bits":           join(varint(1<<32), []byte{0}),
		"wire type 6":                       {9<<3 | 6, 0},
		"wire type 7":                       {9<<3 | 7, 0},
		"a tag cut short":                   {0x8a},
		"a tag alone":                       {0x0a},
		"a number cut short":                {0x08, 0x80},
		"a number of 11 bytes":              join([]byte{0x08}, bytes.Repeat([]byte{0x80}, 10), []byte{0}),
		"a number of 65 bits":               join([]byte{0x08}, bytes.Repeat([]byte{0xff}, 9), []byte{2}),
		"a length past the end":             {0x0a, 2, 'x'},
		"a two-byte length past the end":    {0x0a, 0x80, 0x01, 'x'},
		"a length of 2^31":                  join([]byte{0x1a}, varint(1<<31)),
		"a length of 2^63":                  join([]byte{0x1a}, varint(1<<63)),
		"a length of 2^64-1":                join([]byte{0x1a}, varint(1<<64-1)),
		"32 bits cut short":                 {9<<3 | 5, 1, 2, 3},
		"64 bits cut short":                 {9<<3 | 1, 1, 2, 3, 4, 5, 6, 7},
		"the end of a group":                {9<<3 | 4},
		"a group without end":               {9<<3 | 3, 0x08, 1},
		"a group with another's end":        {9<<3 | 3, 10<<3 | 4},
		"groups ended in the wrong order":   {9<<3 | 3, 10<<3 | 3, 9<<3 | 4, 10<<3 | 4},
		"a malformed field in a group":      {9<<3 | 3, 9<<3 | 7, 9<<3 | 4},
		"a malformed tag in a group":        {9<<3 | 3, 0x00, 9<<3 | 4},
		"101 groups":                        groups(101),
	}
}

func TestDecodeRefusesWhatIsNotASoundAggregate(t *testing.T) {
	for _, in := range refusedInputs() {
		t.Run(in.name, func(t *testing.T) {
			dst := []UserRecord{{PartitionKey: "mine"}, {PartitionKey: "spare"}}[:1]
			got, err := Decode(dst, in.data)
			if !errors.Is(err, in.want) {
				t.Fatalf("got error %v, want %v", err, in.want)
			}
			var typed *Error
			if !errors.As(err, &typed) || typed.Record != in.record {
				t.Errorf("got error %#v, want an *Error with record %d", err, in.record)
			}
			if in.offset != 0 && typed.Offset != in.offset {
				t.Errorf("got offset %d, want %d", typed.Offset, in.offset)
			}
			if len(got) != 1 || got[0].PartitionKey != "mine" || &got[0] != &dst[0] {
				t.Errorf("dst came back as %v", got)
			}
			if _, err := refDecode(in.data); err == nil {
				t.Error("the reference decoder accepts it")
			}
		})
	}
}

func TestIsAggregatedJudgesTheEnvelopeAlone(t *testing.T) {
	for _, in := range refusedInputs() {
		want := !errors.Is(in.want, ErrNotAggregated) && !errors.Is(in.want, ErrBadChecksum)
		if got := IsAggregated(in.data); got != want {
			t.Errorf("%s: got %v, want %v", in.name, got, want)
		}
	}
}

func TestOpenAllSaysOfEachRecordWhatResetSays(t *testing.T) {
	sound := encode(t, load100())
	damaged := slices.Clone(sound)
	damaged[len(damaged)/2] ^= 1
	kinds := map[string][]byte{
		"an aggregate": sound, "another": encode(t, load100()[:1]), "damaged": damaged, "cut": sound[:len(sound)-1], "plain": []byte("plain"),
		"nothing": nil, "a bare envelope": sound[:Overhead], "no message": envelope(record()), "empty": envelope(keyEntry("k")),
	}
	names := slices.Sorted(maps.Keys(kinds))
	rapid.Check(t, func(t *rapid.T) {
		var data [][]byte
		for _, name := range rapid.SliceOfN(rapid.SampledFrom(names), 0, 3*atOnce).Draw(t, "records") {
			data = append(data, kinds[name])
		}
		before := []Envelope{{}}
		envelopes := OpenAll(before, data...)
		if len(envelopes) != len(data)+1 || envelopes[0].err != nil {
			t.Fatalf("%d envelopes for %d records", len(envelopes)-1, len(data))
		}
		for i, e := range envelopes[1:] {
			var one, other Decoder
			want, got := one.Reset(data[i]), other.ResetTo(e)
			if diff := cmp.Diff(one.Append(nil, 100), other.Append(nil, 100)); diff != "" || fmt.Sprint(want) != fmt.Sprint(got) {
				t.Fatalf("record %d: %v, want %v: %s", i, got, want, diff)
			}
		}
	})
	var d Decoder
	if err := d.ResetTo(Envelope{}); !errors.Is(err, ErrNotAggregated) {
		t.Errorf("the zero Envelope: %v", err)
	}
}

func TestEveryCutAndEveryFlippedBitIsRefused(t *testing.T) {
	data := readHex(t, "hash-key-and-empty-data.hex")
	for n := range data {
		if _, err := Decode(nil, data[:n]); err == nil {
			t.Errorf("the first %d bytes were decoded", n)
		}
	}
	for bit := range 8 * len(data) {
		altered := bytes.Clone(data)
		altered[bit/8] ^= 1 << (bit % 8)
		if _, err := Decode(nil, altered); err == nil {
			t.Errorf("decoded with bit %d flipped", bit)
		}
	}
}

func TestDecodeReadsAnyValidMessage(t *testing.T) {
	unknown := join(
		numberField(9<<3, 1<<64-1),
		[]byte{9<<3 | 1, 1, 2, 3, 4, 5, 6, 7, 8},
		lengthField(9<<3|2, []byte("anything")),
		[]byte{9<<3 | 3}, numberField(0x08, 7), []byte{10<<3 | 3, 10<<3 | 4}, lengthField(0x1a, []byte{0xff}), []byte{9<<3 | 4},
		[]byte{9<<3 | 5, 1, 2, 3, 4},
		join(varint(1<<32-8), varint(0)), // the highest field number
	)
	x := UserRecord{PartitionKey: "k", Data: []byte("x")}
	hashed := UserRecord{PartitionKey: "k", ExplicitHashKey: "12", Data: []byte("x")}
	for _, c := range []struct {
		name    string
		message []byte
		want    []UserRecord
	}{
		{"tables after the records", join(record(keyIndex(0), hashKeyIndex(0), payload("x")), hashKeyEntry("12"), keyEntry("k")), []UserRecord{hashed}},
		{
			"tables between the records",
			join(record(keyIndex(1), payload("x")), keyEntry("a"), hashKeyEntry("12"), record(keyIndex(0), payload("y")), keyEntry("k"), record(keyIndex(1), hashKeyIndex(0), payload("x"))),
			[]UserRecord{x, {PartitionKey: "a", Data: []byte("y"), SubSequence: 1}, {PartitionKey: "k", ExplicitHashKey: "12", Data: []byte("x"), SubSequence: 2}},
		},
		{"fields of a record in reverse", join(keyEntry("k"), hashKeyEntry("12"), record(payload("x"), hashKeyIndex(0), keyIndex(0))), []UserRecord{hashed}},
		{"unknown fields in the message", join(unknown, keyEntry("k"), unknown, plain(), unknown), []UserRecord{x}},
		{"unknown fields in a record", join(keyEntry("k"), record(unknown, keyIndex(0), unknown, payload("x"), unknown)), []UserRecord{x}},
		{"unknown fields in a tag", join(keyEntry("k"), record(keyIndex(0), payload("x"), lengthField(0x22, unknown, lengthField(0x0a)))), []UserRecord{x}},
		{"100 groups", join(keyEntry("k"), groups(100), plain()), []UserRecord{x}},
		{"tags", join(keyEntry("k"), record(keyIndex(0), payload("x"), lengthField(0x22, lengthField(0x0a, []byte("a")), lengthField(0x12, []byte("b"))))), []UserRecord{x}},
		{"known numbers with other wire types", join(numberField(0x08, 3), numberField(0x18, 3), keyEntry("k"), record(numberField(0x18, 5), numberField(0x20, 5), keyIndex(0), payload("x"))), []UserRecord{x}},
		{
			"a scalar given twice",
			join(keyEntry("a"), keyEntry("k"), hashKeyEntry("11"), hashKeyEntry("12"), record(keyIndex(0), keyIndex(1), hashKeyIndex(0), hashKeyIndex(1), payload("y"), payload("x"))),
			[]UserRecord{hashed},
		},
		{"bad index, then a good one", join(keyEntry("k"), record(keyIndex(9), keyIndex(0), payload("x"))), []UserRecord{x}},
		{
			"needlessly long varints",
			join([]byte{0x8a, 0x00, 0x81, 0x00, 'k'}, []byte{0x9a, 0x80, 0x00, 0x8b, 0x80, 0x00}, []byte{0x88, 0x00, 0x80, 0x80, 0x00, 0x9a, 0x00, 0x81, 0x80, 0x00, 'x'}),
			[]UserRecord{x},
		},
		{"keys that are not UTF-8", join(keyEntry("\xff\x00"), plain()), []UserRecord{{PartitionKey: "\xff\x00", Data: []byte("x")}}},
		{"an empty key", join(keyEntry(""), plain()), []UserRecord{{Data: []byte("x")}}},
		{"a key twice in its table", join(keyEntry("k"), keyEntry("k"), record(keyIndex(1), payload("x"))), []UserRecord{x}},
		{"a bad hash key that is not used", join(keyEntry("k"), hashKeyEntry("undefined"), hashKeyEntry("12"), record(keyIndex(0), hashKeyIndex(1), payload("x"))), []UserRecord{hashed}},
		{
			"a hash key spelled otherwise",
			join(keyEntry("k"), hashKeyEntry("+0012"), record(keyIndex(0), hashKeyIndex(0), payload("x"))),
			[]UserRecord{{PartitionKey: "k", ExplicitHashKey: "12", Data: []byte("x")}},
		},
		{"empty data", join(keyEntry("k"), record(keyIndex(0), payload(""))), []UserRecord{{PartitionKey: "k", Data: []byte{}}}},
		{"an aggregate as data", join(keyEntry("k"), record(keyIndex(0), payload(string(aggregate())))), []UserRecord{{PartitionKey: "k", Data: aggregate()}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Decode(nil, envelope(c.message))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("records differ (-want +got):\n%s", diff)
			}
			ref, err := refDecode(envelope(c.message))
			if diff := cmp.Diff(ref, got); err != nil || diff != "" {
				t.Errorf("the reference decoder says %v (-reference +got):\n%s", err, diff)
			}
		})
	}
}

func TestDecodeAppendsToDst(t *testing.T) {
	dst := []UserRecord{{PartitionKey: "mine"}}
	got, err := Decode(dst, readHex(t, "two-keys.hex"))
	if err != nil {
		t.Fatal(err)
	}
	want := slices.Concat(dst, goldens()[0].records)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("records differ (-want +got):\n%s", diff)
	}
}

func TestDataSharesTheAggregateAndKeysDoNot(t *testing.T) {
	data := readHex(t, "hash-key-and-empty-data.hex")
	records, err := Decode(nil, data)
	if err != nil {
		t.Fatal(err)
	}
	clear(data)
	if got := records[0]; got.PartitionKey != "pk" || got.ExplicitHashKey != "123" || string(got.Data) != "\x00\x00\x00" {
		t.Errorf("after the aggregate was cleared the record is %q", got)
	}
}

func TestAppendingToDataLeavesTheAggregateAlone(t *testing.T) {
	for _, message := range [][]byte{
		join(keyEntry("k"), plain(), plain()),
		join(keyEntry("k"), record(payload("x"), keyIndex(0)), plain()), // the way round that no writer uses
	} {
		data := envelope(message)
		before := bytes.Clone(data)
		records, err := Decode(nil, data)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			_ = append(r.Data, '!')
		}
		if !bytes.Equal(before, data) {
			t.Error("the aggregate has changed")
		}
	}
}

func TestDecoderInStepsReturnsWhatDecodeReturns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := encodeRapid(t, rapid.SliceOfN(userRecord(), 1, 40).Draw(t, "records"))
		want, err := Decode(nil, data)
		if err != nil {
			t.Fatal(err)
		}
		var d Decoder
		if err := d.Reset(data); err != nil {
			t.Fatal(err)
		}
		var got []UserRecord
		for len(got) < len(want) {
			if left := len(want) - len(got); d.Len() != left {
				t.Fatalf("Len is %d with %d records left", d.Len(), left)
			}
			switch n := rapid.IntRange(0, 5).Draw(t, "step"); rapid.IntRange(0, 2).Draw(t, "way") {
			case 0:
				got = d.Append(got, n)
			case 1:
				d.Skip(n)
				got = append(got, want[len(got):min(len(got)+n, len(want))]...)
			case 2:
				r, ok := d.Next()
				if !ok {
					t.Fatal("Next has no record")
				}
				got = append(got, r)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("records differ (-Decode +steps):\n%s", diff)
		}
		requireNoRecords(t, &d)
	})
}

func TestDecoderWithoutRecordsReturnsNone(t *testing.T) {
	var d Decoder
	requireNoRecords(t, &d)
	if err := d.Reset(aggregate()); err != nil {
		t.Fatal(err)
	}
	for _, in := range refusedInputs() {
		if err := d.Reset(in.data); err == nil {
			t.Errorf("%s: no error", in.name)
		}
		requireNoRecords(t, &d)
	}
}

func requireNoRecords(t interface {
	Helper()
	Error(...any)
}, d *Decoder) {
	t.Helper()
	d.Skip(1)
	if r, ok := d.Next(); ok || d.Len() != 0 || len(d.Append(nil, 1)) != 0 {
		t.Error("the decoder has records", r)
	}
}

func TestDecoderTakesNegativeNumbersForNone(t *testing.T) {
	var d Decoder
	if err := d.Reset(aggregate()); err != nil {
		t.Fatal(err)
	}
	d.Skip(-1)
	if got := d.Append(nil, -1); len(got) != 0 || d.Len() != 1 {
		t.Errorf("got %v and %d left", got, d.Len())
	}
}

// Keys that have been handed out stay as they are when the Decoder goes on to another aggregate.
func TestKeysOutliveTheDecodersNextAggregate(t *testing.T) {
	var d Decoder
	var kept []UserRecord
	for _, g := range goldens() {
		if err := d.Reset(readHex(t, g.file)); err != nil {
			t.Fatal(err)
		}
		kept = d.Append(kept, d.Len())
	}
	for _, g := range goldens() {
		if diff := cmp.Diff(g.records, kept[:len(g.records)]); diff != "" {
			t.Errorf("records differ (-want +got):\n%s", diff)
		}
		kept = kept[len(g.records):]
	}
}

func TestDecoderPanicsWhenDataIsChangedUnderIt(t *testing.T) {
	data := aggregate()
	var d Decoder
	if err := d.Reset(data); err != nil {
		t.Fatal(err)
	}
	clear(data)
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	d.Next()
}
