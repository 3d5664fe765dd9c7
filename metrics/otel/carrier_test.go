package otel_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/penstock-go/penstock/metrics/otel"
)

var fields = map[string]string{"traceparent": "00-a-b-01", "tracestate": `x="y"`}

func TestObjectsCarryAContextAndNothingElseDoes(t *testing.T) {
	const both = `"traceparent":"00-a-b-01","tracestate":"x=\"y\""`
	for data, want := range map[string]string{
		`{}`:                        `{` + both + `}`,
		"{ }\n":                     `{ ` + both + "}\n",
		`{"a":{"b":"}"}}`:           `{"a":{"b":"}"},` + both + `}`,
		" {\"a\":1 } ":              " {\"a\":1 ," + both + "} ",
		`{"traceparent":"mine"}`:    `{"traceparent":"mine"}`,
		`[{"a":1}]`:                 `[{"a":1}]`,
		`{"a":1}{"b":2}`:            `{"a":1}{"b":2}`,
		`{"a":1`:                    `{"a":1`,
		`plain}`:                    `plain}`,
		"":                          "",
		"null":                      "null",
		"{\"a\":\"\xff\"}\x00{not}": "{\"a\":\"\xff\"}\x00{not}",
	} {
		given := []byte(data)
		if got := string(otel.JSON.Inject(given, fields)); got != want {
			t.Errorf("%q became %q, want %q", data, got, want)
		}
		if string(given) != data {
			t.Errorf("%q was changed", data)
		}
	}
	if got := string(otel.JSON.Inject([]byte(`{"a":1}`), nil)); got != `{"a":1}` {
		t.Errorf("no fields: %s", got)
	}
}

func FuzzAnyDataIsCarriedWholeAndReadBack(f *testing.F) {
	for _, seed := range []string{"{}", `{"a":1}`, `{"traceparent":5}`, "x", `{"a":{"traceparent":"n"}}`, "{\"\\u0000\":1}\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		carried := otel.JSON.Inject(data, fields)
		otel.JSON.Extract(data)
		if string(carried) == string(data) {
			return
		}
		var before, after map[string]json.RawMessage
		if json.Unmarshal(data, &before) != nil || json.Unmarshal(carried, &after) != nil {
			t.Fatalf("%q became %q", data, carried)
		}
		if got := otel.JSON.Extract(carried); !reflect.DeepEqual(got, fields) {
			t.Errorf("%q: read %v", carried, got)
		}
		delete(after, "traceparent")
		delete(after, "tracestate")
		if len(before) != len(after) {
			t.Errorf("%q became %q", data, carried)
		}
	})
}
