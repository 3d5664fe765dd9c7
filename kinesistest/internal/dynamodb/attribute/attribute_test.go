package attribute

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/big"
	"strings"
	"testing"

	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestNumberTakesCanonicalForm(t *testing.T) {
	for text, want := range map[string]string{
		"0": "0", "-0": "0", "000": "0", "0.000": "0", "0e500": "0", "1": "1", "+1": "1", "-1": "-1", "007": "7",
		"1.50": "1.5", ".5": "0.5", "5.": "5", "1e3": "1000", "1E+3": "1000", "1200e-2": "12", "-1.5e-3": "-0.0015",
		"123456789012345678901234567890.12345678": "123456789012345678901234567890.12345678",
		"1e125":  "1" + strings.Repeat("0", 125),
		"1e-130": "0." + strings.Repeat("0", 129) + "1",
		"10000000000000000000000000000000000000000000": "10000000000000000000000000000000000000000000",
	} {
		n, err := ParseNumber(text)
		if err != nil || n.String() != want {
			t.Errorf("ParseNumber(%q) = %q, %v; want %q", text, n.String(), err, want)
		}
	}
}

func TestBadNumberIsRefused(t *testing.T) {
	const (
		overflow  = "Number overflow. Attempting to store a number with magnitude larger than supported range"
		underflow = "Number underflow. Attempting to store a number with magnitude smaller than supported range"
		digits    = "Attempting to store more than 38 significant digits in a Number"
		text      = "The parameter cannot be converted to a numeric value"
	)
	for number, want := range map[string]string{
		"": text, "x": text + ": x", "1x": text + ": 1x", "1 2": text + ": 1 2", "1e": text + ": 1e", "e1": text + ": e1",
		"--1": text + ": --1", "1e+-1": text + ": 1e+-1", "1.2.3": text + ": 1.2.3", ".": text + ": .", "-": text + ": -",
		"0x10": text + ": 0x10", "NaN": text + ": NaN", "Infinity": text + ": Infinity", "1_0": text + ": 1_0",
		"1e126": overflow, "-1e126": overflow, "1e99999999999999999999": overflow,
		"1e-131": underflow, "1e-99999999999999999999": underflow,
		strings.Repeat("1", 39): digits, "1." + strings.Repeat("0", 37) + "1": digits,
	} {
		_, err := ParseNumber(number)
		var value *ValueError
		if !errors.As(err, &value) || value.Reason != want {
			t.Errorf("ParseNumber(%q): %v, want %q", number, err, want)
		}
	}
}

// numberGenerator draws numbers of any sign and magnitude that two operands of a sum can have without overflow.
func numberGenerator() *rapid.Generator[Number] {
	return rapid.Custom(func(t *rapid.T) Number {
		text := rapid.StringMatching(`-?[0-9]{1,18}(\.[0-9]{1,18})?(e-?[0-9]{1,2})?`).Draw(t, "number")
		n, err := ParseNumber(text)
		if err != nil {
			t.Fatal(err)
		}
		return n
	})
}

func rational(t *rapid.T, n Number) *big.Rat {
	r, ok := new(big.Rat).SetString(n.String())
	if !ok {
		t.Fatalf("%q is no number", n.String())
	}
	return r
}

func TestNumbersCompareByValue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := numberGenerator().Draw(t, "a"), numberGenerator().Draw(t, "b")
		want := rational(t, a).Cmp(rational(t, b))
		if got := Compare(a, b); sign(got) != want {
			t.Fatalf("Compare(%v, %v) = %d, want %d", a, b, got, want)
		}
		ordered := bytes.Compare(a.AppendOrdered(nil), b.AppendOrdered(nil))
		if ordered != want {
			t.Fatalf("the ordered forms of %v and %v compare as %d, want %d", a, b, ordered, want)
		}
	})
}

func sign(i int) int {
	switch {
	case i < 0:
		return -1
	case i > 0:
		return 1
	default:
		return 0
	}
}

func TestSumsAndDifferencesAreExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := numberGenerator().Draw(t, "a"), numberGenerator().Draw(t, "b")
		if sum, err := a.Add(b); err == nil {
			if want := new(big.Rat).Add(rational(t, a), rational(t, b)); rational(t, sum).Cmp(want) != 0 {
				t.Fatalf("%v + %v = %v", a, b, sum)
			}
		}
		if difference, err := a.Sub(b); err == nil {
			if want := new(big.Rat).Sub(rational(t, a), rational(t, b)); rational(t, difference).Cmp(want) != 0 {
				t.Fatalf("%v - %v = %v", a, b, difference)
			}
		}
	})
}

func TestSumThatNeedsTooManyDigitsIsRefused(t *testing.T) {
	big, _ := ParseNumber("1e38")
	one, _ := ParseNumber("1")
	if sum, err := big.Add(one); err == nil {
		t.Fatalf("got %v", sum)
	}
	largest, _ := ParseNumber(strings.Repeat("9", 38) + "e88")
	if sum, err := largest.Add(largest); err == nil {
		t.Fatalf("got %v", sum)
	}
}

func TestValueKeepsItsWireForm(t *testing.T) {
	for _, text := range []string{
		`{"S":""}`, `{"S":"a\"\\\u0001ü"}`, `{"N":"-12.5"}`, `{"B":"AAEC/w=="}`, `{"BOOL":true}`, `{"BOOL":false}`,
		`{"NULL":true}`, `{"L":[]}`, `{"L":[{"S":"x"},{"L":[{"N":"1"}]}]}`, `{"M":{}}`, `{"M":{"a":{"M":{"b":{"S":"c"}}},"z":{"N":"0"}}}`,
		`{"SS":["a","b"]}`, `{"NS":["-1","0","2"]}`, `{"BS":["AA==","AQ=="]}`,
	} {
		v, err := Decode([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		var want, got any
		if json.Unmarshal([]byte(text), &want) != nil || json.Unmarshal(v.appendJSON(nil), &got) != nil {
			t.Fatalf("%s became %s", text, v.appendJSON(nil))
		}
		again, err := Decode(v.appendJSON(nil))
		if err != nil || !Equal(v, again) || string(again.appendJSON(nil)) != string(v.appendJSON(nil)) {
			t.Errorf("%s became %s", text, v.appendJSON(nil))
		}
	}
}

func TestBadValueIsRefused(t *testing.T) {
	deep := strings.Repeat(`{"L":[`, 33) + strings.Repeat(`]}`, 33)
	for text, want := range map[string]string{
		`{}`:                     "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
		`{"X":"y"}`:              "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
		`{"S":null}`:             "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
		`{"S":"a","N":"1"}`:      "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes",
		`{"NULL":false}`:         "One or more parameter values were invalid: Null attribute value types must have the value of true",
		`{"SS":[]}`:              "One or more parameter values were invalid: An string set  may not be empty",
		`{"NS":[]}`:              "One or more parameter values were invalid: An number set  may not be empty",
		`{"BS":[]}`:              "One or more parameter values were invalid: Binary sets should not be empty",
		`{"SS":["b","a","b"]}`:   "One or more parameter values were invalid: Input collection [b, a, b] contains duplicates.",
		`{"NS":["1","1.0"]}`:     "Input collection contains duplicates",
		`{"BS":["AA==","AA=="]}`: "One or more parameter values were invalid: Input collection [AA==, AA==]of type BS contains duplicates.",
		deep:                     "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit",
	} {
		_, err := Decode([]byte(text))
		var value *ValueError
		if !errors.As(err, &value) || value.Reason != want {
			t.Errorf("%.60s: %v\nwant %s", text, err, want)
		}
	}
}

func TestMisshapenValueIsASerializationError(t *testing.T) {
	for text, want := range map[string]string{
		`{"S":1}`:       "NUMBER_VALUE cannot be converted to String",
		`{"S":true}`:    "TRUE_VALUE cannot be converted to String",
		`{"S":{}}`:      "Start of structure or map found where not expected",
		`{"S":[]}`:      "Unrecognized collection type class String",
		`{"BOOL":"x"}`:  "STRING_VALUE cannot be converted to Boolean",
		`{"B":"a"}`:     "Base64 encoded length is expected a multiple of 4 bytes but found: 1",
		`{"B":"****"}`:  "Invalid last non-pad Base64 character dectected",
		`{"SS":"a"}`:    "STRING_VALUE cannot be converted to List",
		`"S"`:           "STRING_VALUE cannot be converted to Map",
		`{"B":"AA\n="}`: "Invalid last non-pad Base64 character dectected",
	} {
		_, err := Decode([]byte(text))
		var shape *ShapeError
		if !errors.As(err, &shape) || shape.Reason != want {
			t.Errorf("%s: %v\nwant %s", text, err, want)
		}
	}
}

func TestDocumentOfThirtyTwoLevelsIsAccepted(t *testing.T) {
	v, err := Decode([]byte(strings.Repeat(`{"L":[`, 31) + `{"M":{"a":{"S":""}}}` + strings.Repeat(`]}`, 31)))
	if err != nil || Depth(v) != MaxDepth {
		t.Fatalf("depth %d, %v", Depth(v), err)
	}
}

func TestSizesAreTheServices(t *testing.T) {
	for text, want := range map[string]int{
		`{"S":"häh"}`: 4, `{"B":"AAEC"}`: 3, `{"BOOL":true}`: 1, `{"NULL":true}`: 1,
		`{"N":"0"}`: 1, `{"N":"1"}`: 2, `{"N":"12"}`: 2, `{"N":"123"}`: 3, `{"N":"-12"}`: 3, `{"N":"1.2"}`: 3, `{"N":"1000"}`: 2,
		`{"SS":["a","bc"]}`: 3, `{"NS":["1","22"]}`: 4, `{"BS":["AA=="]}`: 1,
		`{"L":[]}`: 3, `{"L":[{"S":"ab"},{"NULL":true}]}`: 8, `{"M":{}}`: 3, `{"M":{"key":{"S":"ab"}}}`: 9,
	} {
		v, err := Decode([]byte(text))
		if err != nil || v.Size() != want {
			t.Errorf("size of %s is %d, want %d (%v)", text, v.Size(), want, err)
		}
	}
	var it Item
	if err := json.Unmarshal([]byte(`{"name":{"S":"value"},"n":{"N":"1"}}`), &it); err != nil || it.Size() != 12 {
		t.Errorf("item size %d, %v", it.Size(), err)
	}
}

func TestSetsAreSortedAndDistinct(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) Set {
			texts := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-f]{1,2}`), 1, 10, rapid.ID).Draw(t, name)
			members := make([]Value, len(texts))
			for i, text := range texts {
				members[i] = String(text)
			}
			s, err := newSet(KindStringSet, members)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		a, b := draw("a"), draw("b")
		union := a.Union(b)
		rest, some := union.Minus(b)
		for i, m := range union.members {
			if i > 0 && Compare(union.members[i-1], m) >= 0 {
				t.Fatalf("union is not sorted: %v", union.members)
			}
			if !a.Contains(m) && !b.Contains(m) {
				t.Fatalf("%v comes from nowhere", m)
			}
			if onlyA := a.Contains(m) && !b.Contains(m); onlyA != (some && rest.Contains(m)) {
				t.Fatalf("%v is wrongly placed in %v", m, rest.members)
			}
		}
	})
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{"S":"x"}`, `{"N":"1e5"}`, `{"B":"AA=="}`, `{"M":{"a":{"L":[{"NULL":true},{"BOOL":false}]}}}`, `{"SS":["a","b"]}`,
		`{"NS":["1","2"]}`, `{"BS":["AA=="]}`, `{"S":1}`, `{"L":{}}`, `null`, `[`, `{"M":null}`, "{\"S\":\"\\ud800\"}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := Decode(data)
		if err != nil {
			var (
				shape *ShapeError
				value *ValueError
			)
			if !errors.As(err, &shape) && !errors.As(err, &value) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		again, err := Decode(v.appendJSON(nil))
		if err != nil || !Equal(v, again) {
			t.Fatalf("%s does not survive its own wire form: %v", data, err)
		}
		if v.Size() != again.Size() {
			t.Fatalf("size %d became %d", v.Size(), again.Size())
		}
	})
}
