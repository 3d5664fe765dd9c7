package hashkey

import (
	"crypto/md5"
	"errors"
	"math/big"
	"testing"

	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestOfIsTheMD5ReadAsABigEndianNumber(t *testing.T) {
	for key, want := range map[string]string{
		"a":  "16955237001963240173058271559858726497",
		"pk": "38317986088707300215492326132921849533",
	} {
		if got := Of(key).String(); got != want {
			t.Errorf("Of(%q) = %s, want %s", key, got, want)
		}
	}
}

func TestParseAgreesWithBigIntegers(t *testing.T) {
	limit := new(big.Int).Lsh(big.NewInt(1), 128)
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[0-9]{1,42}`).Draw(t, "text")
		want, _ := new(big.Int).SetString(text, 10)
		got, err := Parse(text)
		if want.Cmp(limit) >= 0 {
			if !errors.Is(err, ErrSyntax) {
				t.Fatalf("Parse(%s) = %v, %v; want ErrSyntax", text, got, err)
			}
			return
		}
		if err != nil || got.String() != want.String() {
			t.Fatalf("Parse(%s) = %v, %v; want %v", text, got, err, want)
		}
	})
}

func TestParseRefusesWhatIsNoNumber(t *testing.T) {
	for _, text := range []string{"", "-1", "+1", " 1", "1 ", "0x1", "1e3", "340282366920938463463374607431768211456", "١"} {
		if k, err := Parse(text); !errors.Is(err, ErrSyntax) {
			t.Errorf("Parse(%q) = %v, %v; want ErrSyntax", text, k, err)
		}
	}
}

func TestCompareOrdersAsNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := Key{rapid.Uint64().Draw(t, "ahi"), rapid.Uint64().Draw(t, "alo")}
		b := Key{rapid.SampledFrom([]uint64{a.Hi, 0, ^uint64(0)}).Draw(t, "bhi"), rapid.Uint64().Draw(t, "blo")}
		bigA, _ := new(big.Int).SetString(a.String(), 10)
		bigB, _ := new(big.Int).SetString(b.String(), 10)
		if got, want := a.Compare(b), bigA.Cmp(bigB); got != want {
			t.Fatalf("%v.Compare(%v) = %d, want %d", a, b, got, want)
		}
	})
}

func TestNextCarriesAndStopsAtTheEnd(t *testing.T) {
	if next, ok := (Key{0, ^uint64(0)}).Next(); !ok || next != (Key{1, 0}) {
		t.Errorf("carry: got %v, %v", next, ok)
	}
	if _, ok := Max.Next(); ok {
		t.Error("there is a key after Max")
	}
}

func TestRangeEndsBelongToIt(t *testing.T) {
	r, err := ParseRange("10", "20")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{"9": false, "10": true, "15": true, "20": true, "21": false} {
		k, _ := Parse(text)
		if r.Contains(k) != want {
			t.Errorf("Contains(%s) = %v", text, !want)
		}
	}
	beside, _ := ParseRange("21", "30")
	touching, _ := ParseRange("20", "20")
	if r.Overlaps(beside) || !r.Overlaps(touching) || !touching.Overlaps(r) {
		t.Error("Overlaps must count shared points alone")
	}
	for _, ends := range [][2]string{{"20", "10"}, {"x", "10"}, {"1", "y"}} {
		if r, err := ParseRange(ends[0], ends[1]); !errors.Is(err, ErrSyntax) {
			t.Errorf("ParseRange%v = %v, %v", ends, r, err)
		}
	}
	if !Full.Contains(Key{}) || !Full.Contains(Max) {
		t.Error("Full is not the whole space")
	}
}

func TestHashingAndPrintingIntoABufferAllocateNothing(t *testing.T) {
	buf := make([]byte, 0, decimalDigits)
	if n := testing.AllocsPerRun(100, func() { buf = Of("partition-key-of-36-characters-length").AppendDecimal(buf[:0]) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{"", "0", "007", "340282366920938463463374607431768211455", "340282366920938463463374607431768211456", "-1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		k, err := Parse(text)
		if err != nil {
			if !errors.Is(err, ErrSyntax) || k != (Key{}) {
				t.Fatalf("Parse(%q) = %v, %v", text, k, err)
			}
			return
		}
		if again, err := Parse(k.String()); err != nil || again != k {
			t.Fatalf("%v does not survive its own text: %v, %v", k, again, err)
		}
	})
}

func BenchmarkOf(b *testing.B) {
	key := "0123456789abcdef0123456789abcdef0123"
	b.Run("ours", func(b *testing.B) {
		for b.Loop() {
			Of(key)
		}
	})
	b.Run("floor/md5", func(b *testing.B) {
		data := []byte(key)
		for b.Loop() {
			md5.Sum(data)
		}
	})
}
