package pattern

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// matches is a table of the language: a pattern, and documents that match and do not.
var matches = map[string]struct {
	pattern string
	yes, no []string
}{
	"null":                {`{"a":[null]}`, []string{`{"a":null}`, `{"a":[1,null]}`}, []string{`{}`, `{"a":"null"}`, `{"a":0}`}},
	"empty":               {`{"a":[""]}`, []string{`{"a":""}`}, []string{`{"a":" "}`, `{"a":null}`, `{}`}},
	"equals":              {`{"a":["x"]}`, []string{`{"a":"x","b":1}`, `{"a":["y","x"]}`}, []string{`{"a":"X"}`, `{"b":"x"}`, `{"a":{"x":"x"}}`, `"x"`, `[]`, `null`}},
	"booleans":            {`{"a":[true]}`, []string{`{"a":true}`}, []string{`{"a":false}`, `{"a":"true"}`}},
	"ignore case":         {`{"a":[{"equals-ignore-case":"aLice"}]}`, []string{`{"a":"ALICE"}`}, []string{`{"a":"alicia"}`, `{"a":1}`}},
	"numbers by text":     {`{"a":[300]}`, []string{`{"a":300}`}, []string{`{"a":300.0}`, `{"a":3.0e2}`, `{"a":"300"}`}},
	"and":                 {`{"a":["x"],"b":[1]}`, []string{`{"b":1,"a":"x"}`}, []string{`{"a":"x"}`, `{"a":"x","b":2}`}},
	"or":                  {`{"a":["x","y"]}`, []string{`{"a":"x"}`, `{"a":"y"}`}, []string{`{"a":"z"}`}},
	"or over fields":      {`{"c":[1],"$or":[{"a":["x"]},{"b":{"d":[2]}}]}`, []string{`{"c":1,"a":"x"}`, `{"c":1,"b":{"d":2}}`}, []string{`{"c":1}`, `{"a":"x"}`, `{"c":1,"b":{"d":3}}`}},
	"not":                 {`{"a":[{"anything-but":["x",1]}]}`, []string{`{"a":"y"}`, `{"a":2}`, `{"a":null}`}, []string{`{"a":"x"}`, `{"a":1}`, `{}`}},
	"not one":             {`{"a":[{"anything-but":"x"}]}`, []string{`{"a":"y"}`}, []string{`{"a":"x"}`}},
	"numeric equals":      {`{"a":[{"numeric":["=",100]}]}`, []string{`{"a":100}`, `{"a":100.0}`, `{"a":1e2}`}, []string{`{"a":101}`, `{"a":"100"}`, `{}`}},
	"numeric range":       {`{"a":[{"numeric":[">",10,"<=",20]}]}`, []string{`{"a":10.5}`, `{"a":20}`}, []string{`{"a":10}`, `{"a":20.1}`, `{"a":null}`}},
	"numeric below":       {`{"a":[{"numeric":["<",0]}]}`, []string{`{"a":-1}`}, []string{`{"a":0}`, `{"a":-6000000000}`, `{"a":-1e400}`}},
	"numeric at least":    {`{"a":[{"numeric":[">=",0]}]}`, []string{`{"a":0}`}, []string{`{"a":-0.1}`}},
	"exists":              {`{"a":[{"exists":true}]}`, []string{`{"a":1}`, `{"a":null}`, `{"a":[1]}`}, []string{`{}`, `{"a":{"b":1}}`, `{"a":[]}`}},
	"does not exist":      {`{"a":[{"exists":false}]}`, []string{`{}`, `{"b":1}`, `5`}, []string{`{"a":1}`, `{"a":null}`}},
	"absent below absent": {`{"a":{"b":[{"exists":false}]}}`, []string{`{}`, `{"a":{}}`}, []string{`{"a":{"b":1}}`}},
	"absent or a value":   {`{"a":[{"exists":false},"x"]}`, []string{`{}`, `{"a":"x"}`}, []string{`{"a":"y"}`}},
	"begins with":         {`{"a":[{"prefix":"us-"}]}`, []string{`{"a":"us-east"}`}, []string{`{"a":"US-east"}`, `{"a":1}`}},
	"ends with":           {`{"a":[{"suffix":".png"}]}`, []string{`{"a":"x.png"}`}, []string{`{"a":"x.jpg"}`}},
	"deeper":              {`{"a":{"b":{"c":[1]}}}`, []string{`{"a":{"b":{"c":1}}}`}, []string{`{"a":{"b":1}}`, `{"a":1}`}},
	"one element for all": {`{"a":{"b":[1],"c":[2]}}`, []string{`{"a":[{"b":3},{"b":1,"c":2}]}`}, []string{`{"a":[{"b":1},{"c":2}]}`}},
}

func TestDocumentsMatchAsTheLanguageSays(t *testing.T) {
	for name, c := range matches {
		p, err := Compile([]byte(c.pattern))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, text := range c.yes {
			if !matchText(t, p, text) {
				t.Errorf("%s: %s does not match %s", name, text, c.pattern)
			}
		}
		for _, text := range c.no {
			if matchText(t, p, text) {
				t.Errorf("%s: %s matches %s", name, text, c.pattern)
			}
		}
	}
}

func matchText(t *testing.T, p *Pattern, text string) bool {
	t.Helper()
	document, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p.Match(document)
}

func TestFaultyPatternsAreRefusedWithTheirPlace(t *testing.T) {
	cases := map[string]string{
		`{`:                                   "not JSON",
		`{} {}`:                               "not JSON",
		`[1]`:                                 "not an object",
		`{}`:                                  "at its top: an object without fields",
		`{"a":{"b":{}}}`:                      "at a.b: an object without fields",
		`{"a":"x"}`:                           "at a: neither a list of rules nor an object",
		`{"a":[]}`:                            "at a: an empty list",
		`{"a":[["x"]]}`:                       "at a: a list in a list",
		`{"a":[{"prefix":"x","suffix":"y"}]}`: "at a: a rule has one operator, not 2",
		`{"a":[{}]}`:                          "at a: a rule has one operator, not 0",
		`{"a":[{"wildcard":"*"}]}`:            "at a.wildcard: no such operator",
		`{"a":[{"prefix":1}]}`:                "at a.prefix: takes a string",
		`{"a":[{"exists":1}]}`:                "at a.exists: takes true or false",
		`{"a":[{"anything-but":[]}]}`:         "at a.anything-but: an empty list",
		`{"a":[{"anything-but":[true]}]}`:     "at a.anything-but: takes a string",
		`{"a":[{"numeric":["=",1,"<"]}]}`:     "at a.numeric: takes a list like",
		`{"a":[{"numeric":["==",1]}]}`:        "at a.numeric: a comparison is one of",
		`{"a":[{"numeric":["=",6e9]}]}`:       "at a.numeric: compares with a number",
		`{"a":[{"numeric":["=","1"]}]}`:       "at a.numeric: compares with a number",
		`{"a":[{"numeric":["<",1,">",0]}]}`:   "at a.numeric: a range is",
		`{"a":[{"numeric":[">",1,"<",1]}]}`:   "at a.numeric: a range is",
		`{"$or":[]}`:                          "at $or: no alternatives",
		`{"$or":[1]}`:                         "at $or: an alternative that is not an object",
		`{"$or":[{}]}`:                        "at $or: an object without fields",
		`{"$or":{"a":1}}`:                     "at $or.a: neither",
	}
	for text, want := range cases {
		_, err := Compile([]byte(text))
		if !errors.Is(err, ErrPattern) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func TestAPatternTellsWhichFieldsItUses(t *testing.T) {
	p, err := Compile([]byte(`{"a":[1],"$or":[{"b":[1]},{"c":{"d":[1]}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"a": true, "b": true, "c": true, "d": false, "$or": false} {
		if p.Uses(name) != want {
			t.Errorf("Uses(%q) = %v", name, !want)
		}
	}
}

func TestADocumentThatIsNotJSONIsAnErrorWithoutItsData(t *testing.T) {
	for _, text := range []string{"", "secret", `{"a":1} secret`, "{"} {
		if _, err := Parse([]byte(text)); !errors.Is(err, ErrDocument) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// What compiles matches what it is compiled from in no surprising way: no panic, the same answer twice, and an alternative of a document in a
// list is one of the document itself.
func FuzzPattern(f *testing.F) {
	for _, c := range matches {
		for _, text := range append(c.yes, c.no...) {
			f.Add([]byte(c.pattern), []byte(text))
		}
	}
	f.Fuzz(func(t *testing.T, pattern, text []byte) {
		p, err := Compile(pattern)
		if err != nil {
			if !errors.Is(err, ErrPattern) {
				t.Fatalf("an error of another kind: %v", err)
			}
			return
		}
		document, err := Parse(text)
		if err != nil {
			return
		}
		got := p.Match(document)
		if p.Match([]any{document}) != got {
			t.Fatalf("%s: a list of one matches otherwise than its element %s", pattern, text)
		}
		// A pattern survives being written out again.
		value, err := Parse(pattern)
		if err != nil {
			t.Fatalf("a pattern that is not JSON was compiled: %s", pattern)
		}
		again, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		q, err := Compile(again)
		if err != nil || q.Match(document) != got {
			t.Fatalf("%s written again as %s: %v", pattern, again, err)
		}
	})
}
