package kinesis

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

func (k hashKey) big() *big.Int {
	n := new(big.Int).SetUint64(k.hi)
	return n.Lsh(n, 64).Or(n, new(big.Int).SetUint64(k.lo))
}

var space = new(big.Int).Lsh(big.NewInt(1), 128)

func drawHashKey(t *rapid.T, label string) hashKey {
	words := rapid.OneOf(rapid.Uint64(), rapid.SampledFrom([]uint64{0, 1, ^uint64(0), ^uint64(0) - 1}))
	return hashKey{words.Draw(t, label+" high"), words.Draw(t, label+" low")}
}

func TestHashKeysAreNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawHashKey(t, "a"), drawHashKey(t, "b")
		if a.String() != a.big().String() {
			t.Fatalf("%v prints %s", a, a)
		}
		back, wellFormed, ok := parseHashKey([]byte(a.String()))
		if !wellFormed || !ok || back != a {
			t.Fatalf("%s reads back as %s, %v, %v", a, back, wellFormed, ok)
		}
		if a.compare(b) != a.big().Cmp(b.big()) {
			t.Fatalf("%s compared with %s is %d", a, b, a.compare(b))
		}
		if a != maxHashKey && (a.next().big().Cmp(new(big.Int).Add(a.big(), big.NewInt(1))) != 0 || a.next().prev() != a) {
			t.Fatalf("next of %s is %s", a, a.next())
		}
	})
}

func TestParseHashKeyTellsFormFromRange(t *testing.T) {
	for text, want := range map[string][2]bool{
		"0": {true, true}, "": {}, "00": {}, "+1": {}, "-0": {}, "1 ": {}, "1e3": {}, "0x1": {},
		"340282366920938463463374607431768211455":  {true, true},
		"340282366920938463463374607431768211456":  {true, false},
		"680564733841876926926749214863536422912":  {true, false}, // 2^129: the low words look small again
		"999999999999999999999999999999999999999":  {true, false},
		"1000000000000000000000000000000000000000": {},
	} {
		if _, wellFormed, ok := parseHashKey([]byte(text)); wellFormed != want[0] || ok != want[1] {
			t.Errorf("%q: %v, %v", text, wellFormed, ok)
		}
	}
}

func TestEvenRangesCoverTheSpace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, maxStreamShards).Draw(t, "n")
		i := rapid.IntRange(0, n-1).Draw(t, "i")
		want := new(big.Int).Div(space, big.NewInt(int64(n)))
		want.Mul(want, big.NewInt(int64(i)))
		if evenBoundary(i, n).big().Cmp(want) != 0 {
			t.Fatalf("range %d of %d starts at %s, want %s", i, n, evenBoundary(i, n), want)
		}
		if i+1 < n && evenEnd(i, n).next() != evenBoundary(i+1, n) || i+1 == n && evenEnd(i, n) != maxHashKey {
			t.Fatalf("range %d of %d ends at %s", i, n, evenEnd(i, n))
		}
	})
}

func TestShardForFindsTheOwner(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		st := newStream("s", "arn", modeProvisioned, rapid.IntRange(1, 50).Draw(t, "shards"), defaultRecordKiB)
		open := *st.route.Load()
		k := drawHashKey(t, "key")
		if s := open[shardFor(open, k)]; k.compare(s.from) < 0 || k.compare(s.to) > 0 {
			t.Fatalf("%s went to %s to %s", k, s.from, s.to)
		}
	})
}
