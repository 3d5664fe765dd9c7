package dynamodb

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/attribute"
)

func TestRowsAreAnOrderedMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var r rows
		model := make(map[string]attribute.Item)
		keys := rapid.StringMatching(`[a-e]{0,3}`)
		// Enough rows up front that chunks split, so that the steps below meet chunk borders.
		for i := range rapid.IntRange(0, 3*chunkRows).Draw(t, "rows") {
			key, it := fmt.Sprintf("c%04d", i*7919%10007), attribute.Item{"n": attribute.String(fmt.Sprint(i))}
			r.put(key, it)
			model[key] = it
		}
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				key, it := keys.Draw(t, "key"), attribute.Item{"n": attribute.String(keys.Draw(t, "value"))}
				r.put(key, it)
				model[key] = it
			},
			"remove": func(t *rapid.T) {
				key := keys.Draw(t, "key")
				r.remove(key)
				delete(model, key)
			},
			"remove many": func(t *rapid.T) {
				for key := range model {
					if key > "c02" && key < "c08" {
						r.remove(key)
						delete(model, key)
					}
				}
			},
			"": func(t *rapid.T) { checkRows(t, &r, model, span{keys.Draw(t, "from"), keys.Draw(t, "to")}) },
		})
	})
}

// checkRows compares the rows of a span, in both directions, with a model.
func checkRows(t *rapid.T, r *rows, model map[string]attribute.Item, s span) {
	var want, forward, backward []string
	bytes := 0
	for _, key := range slices.Sorted(maps.Keys(model)) {
		bytes += model[key].Size()
		if s.contains(key) {
			want = append(want, key)
		}
	}
	for w := range r.in(s, true) {
		forward = append(forward, w.key)
		if w.item["n"] != model[w.key]["n"] || w.item["n"] != r.get(w.key)["n"] {
			t.Fatalf("wrong item under %q", w.key)
		}
	}
	for w := range r.in(s, false) {
		backward = append(backward, w.key)
	}
	slices.Reverse(backward)
	if !slices.Equal(forward, want) || !slices.Equal(backward, want) {
		t.Fatalf("span %q\nwant %v\nforward %v\nbackward %v", s, want, forward, backward)
	}
	if r.count != len(model) || r.bytes != bytes {
		t.Fatalf("count %d of %d, bytes %d of %d", r.count, len(model), r.bytes, bytes)
	}
}

func TestHundredThousandRowsAreNoTrouble(t *testing.T) {
	tb := &table{name: "big", schema: schema{partition: keyAttribute{"pk", attribute.KindString}}}
	tb.indexes = []*index{{
		name: "byOwner", projection: projection{kind: "KEYS_ONLY"},
		schema: schema{keyAttribute{"owner", attribute.KindString}, keyAttribute{"pk", attribute.KindString}},
	}}
	const count = 100_000
	for i := range count {
		it := attribute.Item{"pk": attribute.String(fmt.Sprint(i)), "owner": attribute.String(fmt.Sprint(i % 10))}
		if _, err := tb.write(signature{}, tb.schema.key(it), func(attribute.Item) (attribute.Item, error) { return it, nil }); err != nil {
			t.Fatal(err)
		}
	}
	seen, start := 0, span{}
	s, limit := source{table: tb}, 1000
	for more := true; more; {
		page, _, rest, err := s.read(extent{within: start, forward: true, limit: &limit})
		if err != nil {
			t.Fatal(err)
		}
		more = rest
		seen += len(page)
		if more {
			start = s.startAfter(start, page[len(page)-1], true)
		}
	}
	if seen != count || tb.indexes[0].rows.count != count {
		t.Fatalf("seen %d rows, indexed %d", seen, tb.indexes[0].rows.count)
	}
}
