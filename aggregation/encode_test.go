package aggregation

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// partitionKey draws from few keys, so that they recur, and from all keys: any bytes, of any length.
func partitionKey() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.SampledFrom([]string{"a", "b", "\xff", "key", strings.Repeat("k", 127), strings.Repeat("k", 128)}),
		rapid.StringN(1, -1, -1),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 1, 300), func(b []byte) string { return string(b) }),
	)
}

// hashKey draws an explicit hash key in canonical form, or none.
func hashKey() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.Just(""),
		rapid.SampledFrom([]string{"0", "1", maxHashKey}),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 16), func(b []byte) string { return new(big.Int).SetBytes(b).String() }),
	)
}

func userRecord() *rapid.Generator[UserRecord] {
	return rapid.Custom(func(t *rapid.T) UserRecord {
		return UserRecord{
			PartitionKey:    partitionKey().Draw(t, "key"),
			ExplicitHashKey: hashKey().Draw(t, "hashKey"),
			Data:            rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "data"),
		}
	})
}

func encodeRapid(t *rapid.T, records []UserRecord) []byte {
	var e Encoder
	for _, r := range records {
		if err := e.Add(r.PartitionKey, r.ExplicitHashKey, r.Data); err != nil {
			t.Fatal(err)
		}
	}
	return e.AppendTo(nil)
}

func TestDecodeReturnsWhatWasEncoded(t *testing.T) {
	var e Encoder // one for all runs, so that what an earlier one left behind would show
	rapid.Check(t, func(t *rapid.T) {
		e.Reset()
		want := rapid.SliceOfN(userRecord(), 1, 300).Draw(t, "records")
		for i := range want {
			want[i].SubSequence = uint64(i)
			r := want[i]
			if err := e.Add(r.PartitionKey, r.ExplicitHashKey, r.Data); err != nil {
				t.Fatal(err)
			}
		}
		data := e.AppendTo(nil)
		got, err := Decode(nil, data)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Fatalf("error %v, records differ (-want +got):\n%s", err, diff)
		}
		got, err = refDecode(data)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Fatalf("reference decoder: error %v, records differ (-want +got):\n%s", err, diff)
		}
	})
}

// Any sequence of calls, refused records included: Size and SizeWith are never off by a byte.
func TestSizeIsExactAtEveryMoment(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var e Encoder
		added := 0
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				key := rapid.OneOf(rapid.Just(""), partitionKey()).Draw(t, "key")
				hash := rapid.OneOf(rapid.SampledFrom([]string{"-1", " 01 ", "nonsense"}), hashKey()).Draw(t, "hashKey")
				data := make([]byte, rapid.SampledFrom([]int{0, 1, 100, 119, 120, 121, 122, 123, 124, 125, 127, 128, 16370, 16384}).Draw(t, "length"))
				if rapid.Bool().Draw(t, "ask for another first") {
					e.SizeWith(partitionKey().Draw(t, "other"), hashKey().Draw(t, "other hash key"), 1)
				}
				predicted := e.SizeWith(key, hash, len(data))
				if err := e.Add(key, hash, data); err == nil {
					added++
				} else if predicted != e.Size() {
					t.Fatalf("predicted %d for a refused record, size is %d", predicted, e.Size())
				}
				if predicted != e.Size() {
					t.Fatalf("predicted %d, size is %d", predicted, e.Size())
				}
			},
			"reset": func(*rapid.T) {
				e.Reset()
				added = 0
			},
			"": func(t *rapid.T) {
				if e.Len() != added {
					t.Fatalf("Len is %d after %d records", e.Len(), added)
				}
				if n := len(e.AppendTo(nil)); n != e.Size() {
					t.Fatalf("Size is %d, %d bytes encoded", e.Size(), n)
				}
			},
		})
	})
}

// Index 128 takes two bytes and index 16384 three, which also lengthens the record's own length.
func TestSizeIsExactWhereAnIndexGrows(t *testing.T) {
	var e Encoder
	var want []UserRecord
	for i := range 16400 {
		r := UserRecord{PartitionKey: "k" + strconv.Itoa(i), ExplicitHashKey: strconv.Itoa(i), Data: make([]byte, 121), SubSequence: uint64(i)}
		want = append(want, r)
		predicted := e.SizeWith(r.PartitionKey, r.ExplicitHashKey, len(r.Data))
		if err := e.Add(r.PartitionKey, r.ExplicitHashKey, r.Data); err != nil || e.Size() != predicted {
			t.Fatalf("record %d: predicted %d, size is %d, error %v", i, predicted, e.Size(), err)
		}
	}
	encoded := e.AppendTo(nil)
	if len(encoded) != e.Size() {
		t.Errorf("Size is %d, %d bytes encoded", e.Size(), len(encoded))
	}
	got, err := Decode(nil, encoded)
	if err != nil || !reflect.DeepEqual(want, got) {
		t.Errorf("other records came back, error %v", err)
	}
}

func TestEncoderAfterResetWritesWhatAFreshOneWrites(t *testing.T) {
	var e Encoder
	for _, g := range goldens() {
		for _, r := range g.records {
			if err := e.Add(r.PartitionKey, r.ExplicitHashKey, r.Data); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(readHex(t, g.file), e.AppendTo(nil)); diff != "" {
			t.Errorf("%s: bytes differ (-want +got):\n%s", g.file, diff)
		}
		e.Reset()
		if e.Len() != 0 || e.Size() != 0 {
			t.Errorf("%s: after Reset Len is %d, Size %d", g.file, e.Len(), e.Size())
		}
	}
}

func TestEncoderWithoutRecordsWritesNothing(t *testing.T) {
	var e Encoder
	if e.Len() != 0 || e.Size() != 0 {
		t.Errorf("Len is %d, Size %d", e.Len(), e.Size())
	}
	if got := e.AppendTo([]byte("mine")); string(got) != "mine" {
		t.Errorf("AppendTo wrote %q", got)
	}
}

func TestAppendToAppendsAndMayBeRepeated(t *testing.T) {
	var e Encoder
	if err := e.Add("a", "", []byte("x")); err != nil {
		t.Fatal(err)
	}
	once := e.AppendTo([]byte("mine"))
	want := "mine" + string(readHex(t, "one-record.hex"))
	if string(once) != want {
		t.Errorf("got %q, want %q", once, want)
	}
	if err := e.Add("b", "", []byte("y")); err != nil {
		t.Fatal(err)
	}
	if got := len(e.AppendTo(nil)); got != e.Size() {
		t.Errorf("after another Add: %d bytes, Size %d", got, e.Size())
	}
}

func TestAddCopiesData(t *testing.T) {
	var e Encoder
	data := []byte("x")
	if err := e.Add("a", "", data); err != nil {
		t.Fatal(err)
	}
	data[0] = '!'
	if diff := cmp.Diff(readHex(t, "one-record.hex"), e.AppendTo(nil)); diff != "" {
		t.Errorf("bytes differ (-want +got):\n%s", diff)
	}
}

func TestAddRefusesWithoutTrace(t *testing.T) {
	for _, c := range []struct {
		name         string
		key, hashKey string
		want         error
	}{
		{"no partition key", "", "", ErrNoPartitionKey},
		{"hash key of spaces", "new", "  ", ErrBadHashKey},
		{"negative hash key", "new", "-1", ErrBadHashKey},
		{"space after the sign", "new", "+ 1", ErrBadHashKey},
		{"hash key of letters", "new", "secret", ErrBadHashKey},
		{"hash key of 2^128", "new", "340282366920938463463374607431768211456", ErrBadHashKey},
	} {
		t.Run(c.name, func(t *testing.T) {
			var e Encoder
			if err := e.Add("a", "", []byte("x")); err != nil {
				t.Fatal(err)
			}
			err := e.Add(c.key, c.hashKey, []byte("y"))
			var typed *Error
			if !errors.Is(err, c.want) || !errors.As(err, &typed) || typed.Record != 1 {
				t.Errorf("got error %#v, want an *Error for record 1 that is %v", err, c.want)
			}
			if err := e.Add("b", "", []byte("y")); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(readHex(t, "two-keys.hex"), e.AppendTo(nil)); diff != "" {
				t.Errorf("bytes differ (-want +got):\n%s", diff)
			}
		})
	}
}

// The limit itself is 2 GiB, so the placement is asked for and no such data is made.
func TestEncoderRefusesMessagesThatProtobufForbids(t *testing.T) {
	var e Encoder
	if err := e.Add("a", "", nil); err != nil {
		t.Fatal(err)
	}
	// The message holds 9 bytes: 3 of the key and 6 of a record; the next one adds 14 and its data.
	const most = maxMessage - 9 - 14
	if p, reason := e.place("a", "", most); reason != 0 || e.message()+p.size != maxMessage {
		t.Errorf("the largest record: reason %v, message of %d bytes", reason, e.message()+p.size)
	}
	for _, n := range []int{most + 1, maxMessage, math.MaxInt, -1} {
		if _, reason := e.place("a", "", n); reason != ReasonTooLarge {
			t.Errorf("%d bytes: reason %v", n, reason)
		}
		if got := e.SizeWith("a", "", n); got != e.Size() {
			t.Errorf("%d bytes: size with it is %d, without it %d", n, got, e.Size())
		}
	}
}

func TestHashKeysAreWrittenInCanonicalForm(t *testing.T) {
	for given, want := range map[string]string{
		"0": "0", "00": "0", "+0": "0", "007": "7", "+7": "7", " 7": "7", "\t+007 \n": "7", "123": "123",
		maxHashKey: maxHashKey, "000" + maxHashKey: maxHashKey,
		strings.Repeat("0", 100) + "1": "1",
	} {
		var e Encoder
		if err := e.Add("k", given, []byte("x")); err != nil {
			t.Errorf("%q: %v", given, err)
			continue
		}
		if err := e.Add("k", want, []byte("y")); err != nil {
			t.Fatal(err)
		}
		got, err := Decode(nil, e.AppendTo(nil))
		if err != nil || got[0].ExplicitHashKey != want {
			t.Errorf("%q: got %q, want %q; error %v", given, got, want, err)
		}
		if len(e.hashKeys.ends) != 1 {
			t.Errorf("%q: stands beside %q in the table", given, want)
		}
	}
}

// Arithmetic is the other way to find the canonical form.
func TestCanonicalHashKeyAgreesWithArithmetic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(
			rapid.StringMatching(`\+?0{0,3}[0-9]{0,40}`),
			rapid.StringMatching(`3402823669209384634633746074317682[0-9]{5}`),
			rapid.String(),
		).Draw(t, "hash key")
		got, ok := canonicalHashKey(s)
		if want := refHashKey(s); ok != want {
			t.Fatalf("accepted: %v, want %v", ok, want)
		}
		if !ok {
			return
		}
		if n, _ := new(big.Int).SetString(s, 10); n.String() != got {
			t.Fatalf("got %q, want %q", got, n)
		}
	})
}

// Keys whose hashes meet in the index, and many of them: each has the index of its first occurrence.
func TestEachKeyStandsInTheTableOnceHoweverManyThereAre(t *testing.T) {
	var e Encoder
	for _, n := range []int{3, 5000, 70, 5000} {
		e.Reset()
		for range 2 {
			for i := range n {
				if err := e.Add(fmt.Sprintf("key-%d", i), "", nil); err != nil {
					t.Fatal(err)
				}
			}
		}
		if got := len(e.keys.ends); got != n {
			t.Errorf("%d keys in the table, of %d", got, n)
		}
		users, err := Decode(nil, e.AppendTo(nil))
		if err != nil {
			t.Fatal(err)
		}
		for i, u := range users {
			if want := fmt.Sprintf("key-%d", i%n); u.PartitionKey != want {
				t.Fatalf("record %d has the key %s, not %s", i, u.PartitionKey, want)
			}
		}
	}
}

func TestGrowLetsRecordsBeAddedWithoutMoreMemory(t *testing.T) {
	var e Encoder
	add := func() {
		if err := e.Add("k", "", make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
	}
	add() // the table of the keys
	e.Grow(-1)
	e.Grow(200 * 110)
	size := e.Size()
	if got := testing.AllocsPerRun(100, add); got != 0 {
		t.Errorf("%v allocations for a record that there is room for", got)
	}
	if want := size + 101*106; e.Size() != want { // one run more, to warm up
		t.Errorf("%d bytes, want %d", e.Size(), want)
	}
}

func TestFinishWritesWhatAppendToWrites(t *testing.T) {
	encoders := make([]*Encoder, 40) // the same ones for all runs, with the room that their last aggregate took
	for i := range encoders {
		encoders[i] = new(Encoder)
	}
	rapid.Check(t, func(t *rapid.T) {
		some := encoders[:rapid.IntRange(0, len(encoders)).Draw(t, "encoders")]
		for _, e := range some {
			e.Reset()
			for _, r := range rapid.SliceOfN(userRecord(), 0, 20).Draw(t, "records") {
				if err := e.Add(r.PartitionKey, r.ExplicitHashKey, r.Data); err != nil {
					t.Fatal(err)
				}
			}
		}
		mine := []byte("mine")
		finished := Finish([][]byte{mine}, some...)
		if len(finished) != 1+len(some) || string(finished[0]) != "mine" {
			t.Fatalf("%d aggregates of %d encoders", len(finished)-1, len(some))
		}
		for i, e := range some {
			if diff := cmp.Diff(e.AppendTo(nil), finished[1+i]); diff != "" {
				t.Errorf("encoder %d of %d (-AppendTo +Finish):\n%s", i, len(some), diff)
			}
		}
	})
}

func TestAnEncoderGoesOnAfterFinish(t *testing.T) {
	var e, want Encoder
	add := func(key string) {
		for _, e := range []*Encoder{&e, &want} {
			if err := e.Add(key, "", []byte("data of "+key)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for range 2 {
		for _, key := range []string{"one", "two", "a key that is longer than the room that there was", "one"} {
			add(key)
			if diff := cmp.Diff([][]byte{want.AppendTo(nil)}, Finish(nil, &e)); diff != "" {
				t.Errorf("after %q (-AppendTo +Finish):\n%s", key, diff)
			}
			if e.Size() != want.Size() || e.Len() != want.Len() {
				t.Errorf("after %q: size %d of %d records, want %d of %d", key, e.Size(), e.Len(), want.Size(), want.Len())
			}
		}
		e.Reset()
		want.Reset()
	}
}

func TestWhatIsAppendedToAFinishedAggregateLeavesTheOtherAlone(t *testing.T) {
	var e Encoder
	if err := e.Add("k", "", []byte("x")); err != nil {
		t.Fatal(err)
	}
	finished := Finish(nil, &e)[0]
	_ = append(finished, "more"...)
	if err := e.Add("k", "", []byte("y")); err != nil {
		t.Fatal(err)
	}
	users, err := Decode(nil, Finish(nil, &e)[0])
	if err != nil || len(users) != 2 || string(users[0].Data) != "x" || string(users[1].Data) != "y" {
		t.Errorf("%v, %v", users, err)
	}
}
