package kinesis

import (
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// A sequence number that the service's documentation shows. Its opaque byte is not zero, which numbers made here never have:
// so it is read field by field.
func TestLayoutIsThatOfTheService(t *testing.T) {
	const documented = "49590338271490256608559692538361571095921575989136588898"
	n, wellFormed, _ := parseSequenceNumber(documented)
	if !wellFormed || n.created != 1542776258 || n.shard != 6 || n.at != 1545084650 {
		t.Fatalf("%+v", n)
	}
}

// hexLayout writes the number by the table of hexadecimal digits.
func hexLayout(s sequenceNumber) *big.Int {
	n := big.NewInt(2)
	for _, f := range []struct {
		digits uint
		value  uint64
	}{{9, uint64(s.created)}, {1, uint64(s.shard & 15)}, {16, s.index}, {2, 0}, {9, uint64(s.at)}, {8, uint64(s.shard)}, {1, 2}} {
		n.Lsh(n, 4*f.digits).Or(n, new(big.Int).SetUint64(f.value))
	}
	return n
}

func drawSequenceNumber(t *rapid.T, label string) sequenceNumber {
	return sequenceNumber{
		created: rapid.Int64Range(0, nineDigits).Draw(t, label+" created"),
		shard:   rapid.Uint32().Draw(t, label+" shard"),
		index:   rapid.Uint64Range(0, endIndex).Draw(t, label+" index"),
		at:      rapid.Int64Range(0, nineDigits).Draw(t, label+" at"),
	}
}

func TestSequenceNumbersReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := drawSequenceNumber(t, "n")
		text := n.String()
		if len(text) != sequenceDigits || text != hexLayout(n).String() {
			t.Fatalf("%+v prints %s, want %s", n, text, hexLayout(n))
		}
		back, wellFormed, ok := parseSequenceNumber(text)
		if !wellFormed || !ok || back != n {
			t.Fatalf("%s reads back as %+v, %v, %v", text, back, wellFormed, ok)
		}
	})
}

func TestSequenceNumbersOrderAsTheirText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawSequenceNumber(t, "a"), drawSequenceNumber(t, "b")
		b.created, b.shard = a.created, a.shard
		if a.compare(b) != strings.Compare(a.String(), b.String()) {
			t.Fatalf("%+v compared with %+v is %d", a, b, a.compare(b))
		}
		child := drawSequenceNumber(t, "child")
		if a.created < nineDigits && child.created > a.created && child.String() <= a.String() {
			t.Fatalf("child %s, parent %s", child, a)
		}
	})
}

func FuzzParseSequenceNumber(f *testing.F) {
	for _, s := range []string{"", "0", "1", "01", "x", strings.Repeat("9", 56), strings.Repeat("9", 129), strings.Repeat("9", 130), "49590338271490256608559692538361571095921575989136588898"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, _, ok := parseSequenceNumber(text)
		if ok && n.String() != text {
			t.Fatalf("%q reads as %+v, which prints %s", text, n, n)
		}
	})
}
