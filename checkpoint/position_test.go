package checkpoint

import (
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func at(t interface{ Fatal(...any) }, digits string, sub int64) Position {
	p, err := At(digits, sub)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestTheOrderIsThatOfTheKCL(t *testing.T) {
	ascending := []Position{
		AtTimestamp, TrimHorizon, Latest,
		at(t, "0", -1), at(t, "0", 0), at(t, "9", 0), at(t, "9", 7), at(t, "10", -1), at(t, "10", 0),
		at(t, "49590338271490256608559692538361571095921575989136588898", 0), at(t, strings.Repeat("9", 129), 0),
		ShardEnd,
	}
	for i, p := range ascending {
		for j, q := range ascending {
			want := 0
			if i < j {
				want = -1
			} else if i > j {
				want = 1
			}
			if got := p.Compare(q); got != want {
				t.Errorf("%v.Compare(%v) = %d, want %d", p, q, got, want)
			}
		}
	}
}

func TestSequenceNumbersCompareAsIntegers(t *testing.T) {
	number := rapid.StringMatching(`0{0,3}[0-9]{1,60}`)
	rapid.Check(t, func(t *rapid.T) {
		a, b := number.Draw(t, "a"), number.Draw(t, "b")
		bigA, _ := new(big.Int).SetString(a, 10)
		bigB, _ := new(big.Int).SetString(b, 10)
		if got, want := at(t, a, 0).Compare(at(t, b, 0)), bigA.Cmp(bigB); got != want {
			t.Fatalf("%s.Compare(%s) = %d, want %d", a, b, got, want)
		}
	})
}

func TestLeadingZerosDoNotMakeAnotherPosition(t *testing.T) {
	if at(t, "0007", 2) != at(t, "7", 2) || at(t, "000", 0) != at(t, "0", 0) {
		t.Error("equal numbers gave different positions")
	}
}

func TestTheZeroPositionIsTrimHorizon(t *testing.T) {
	if (Position{}) != TrimHorizon {
		t.Error("a forgotten position would skip records")
	}
}

func TestParseReadsWhatTextWrites(t *testing.T) {
	for _, p := range []Position{AtTimestamp, TrimHorizon, Latest, ShardEnd, at(t, "42", -1), at(t, "42", 9)} {
		got, err := Parse(p.Text(), p.SubSequence())
		if err != nil || got != p {
			t.Errorf("Parse(%q, %d) = %v, %v", p.Text(), p.SubSequence(), got, err)
		}
	}
}

func TestMalformedPositionsAreRefused(t *testing.T) {
	for _, text := range []string{"", "latest", "-1", "1.0", "12a", " 1", strings.Repeat("1", 130)} {
		if p, err := Parse(text, 0); !errors.Is(err, ErrPosition) {
			t.Errorf("Parse(%q) = %v, %v", text, p, err)
		}
	}
	if _, err := At("1", -2); !errors.Is(err, ErrPosition) {
		t.Errorf("sub-sequence -2: %v", err)
	}
}

func TestCoversWhatIsDone(t *testing.T) {
	p := at(t, "100", 3)
	for _, c := range []struct {
		digits string
		sub    uint64
		want   bool
	}{{"99", 1 << 40, true}, {"100", 0, true}, {"100", 3, true}, {"100", 4, false}, {"100", 1 << 63, false}, {"101", 0, false}} {
		if got := p.Covers(c.digits, c.sub); got != c.want {
			t.Errorf("%v.Covers(%s, %d) = %v", p, c.digits, c.sub, got)
		}
	}
	for _, text := range []string{"", "!", "-5", "5x", strings.Repeat("1", 130)} {
		if p.Covers(text, 0) {
			t.Errorf("%q is no sequence number and counts as done", text)
		}
	}
	if at(t, "100", Inclusive).Covers("100", 0) {
		t.Error("an inclusive position covers its own record")
	}
	if TrimHorizon.Covers("1", 0) || Latest.Covers("1", 0) || !ShardEnd.Covers("1", 0) {
		t.Error("sentinels cover nothing, ShardEnd everything")
	}
}

func TestSortingSequenceNumbersAndSentinels(t *testing.T) {
	got := []Position{ShardEnd, at(t, "2", 0), Latest, at(t, "1", 0), AtTimestamp, TrimHorizon}
	slices.SortFunc(got, Position.Compare)
	want := []Position{AtTimestamp, TrimHorizon, Latest, at(t, "1", 0), at(t, "2", 0), ShardEnd}
	if !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

func TestAPositionTellsItsParts(t *testing.T) {
	p := at(t, "42", 7)
	if p.Sentinel() || p.SequenceNumber() != "42" || p.SubSequence() != 7 || p.String() != "42/7" || at(t, "42", 0).String() != "42" {
		t.Errorf("%v: %q, %d", p, p.SequenceNumber(), p.SubSequence())
	}
	if !ShardEnd.Sentinel() || ShardEnd.SequenceNumber() != "" || ShardEnd.String() != "SHARD_END" {
		t.Errorf("%v", ShardEnd)
	}
}

func TestCoversAllocatesNothing(t *testing.T) {
	p := at(t, "49590338271490256608559692538361571095921575989136588898", 3)
	if n := testing.AllocsPerRun(100, func() { p.Covers("49590338271490256608559692538361571095921575989136588899", 0) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{"TRIM_HORIZON", "SHARD_END", "0", "0001", "495903382714902566085596925383615710959215759891365888", "x"} {
		f.Add(text, int64(0))
	}
	f.Add("7", int64(-1))
	f.Fuzz(func(t *testing.T, text string, sub int64) {
		p, err := Parse(text, sub)
		if err != nil {
			if !errors.Is(err, ErrPosition) || p != (Position{}) {
				t.Fatalf("Parse(%q, %d) = %v, %v", text, sub, p, err)
			}
			return
		}
		again, err := Parse(p.Text(), p.SubSequence())
		if err != nil || again != p || p.Compare(again) != 0 {
			t.Fatalf("%v does not survive its own text: %v, %v", p, again, err)
		}
	})
}

func TestWithSubSequenceStaysInTheRecord(t *testing.T) {
	p, err := At("007", 3)
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range map[int64]string{0: "7", 9: "7/9", Inclusive: "7/-1", -5: "7/-1"} {
		if got := p.WithSubSequence(n).String(); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
	if got := Latest.WithSubSequence(4); got != Latest {
		t.Errorf("of a sentinel: %v", got)
	}
}
