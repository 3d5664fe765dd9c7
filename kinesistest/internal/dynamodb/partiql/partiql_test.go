package partiql

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/attribute"
	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/expression"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func parseItem(t testing.TB, text string) (it attribute.Item) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &it); err != nil {
		t.Fatal(err)
	}
	return it
}

func itemText(t testing.TB, it attribute.Item) string {
	t.Helper()
	text, err := json.Marshal(it)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

const testItem = `{"k":{"S":"a"},"n":{"N":"5"},"s":{"S":"it's"},"b":{"BOOL":true},"z":{"NULL":true},"l":{"L":[{"N":"1"},{"N":"2"}]},` +
	`"m":{"M":{"x y":{"N":"7"}}},"WHERE":{"S":"w"}}`

// testParameters are 5, "it's", 6 and a set.
func testParameters(t testing.TB) (p Parameters) {
	t.Helper()
	if err := json.Unmarshal([]byte(`[{"N":"5"},{"S":"it's"},{"N":"6"},{"SS":["x"]}]`), &p); err != nil {
		t.Fatal(err)
	}
	return p
}

func parse(t *testing.T, text string) *Statement {
	t.Helper()
	parameters := testParameters(t)[:min(4, strings.Count(text, "?"))]
	s, err := Parse(text, parameters)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return s
}

func TestUpdatesDoWhatTheySay(t *testing.T) {
	it := parseItem(t, testItem)
	for clauses, want := range map[string]map[string]string{
		`SET n = ? SET s = 'x''y' REMOVE b REMOVE z`:                {"n": `{"N":"5"}`, "s": `{"S":"x'y"}`, "b": "", "z": ""},
		`set "n" = 1, "s" = 'x' remove b, z`:                        {"n": `{"N":"1"}`, "s": `{"S":"x"}`, "b": "", "z": ""},
		`SET n = n + 1`:                                             {"n": `{"N":"6"}`},
		`SET n = "n" -1`:                                            {"n": `{"N":"4"}`},
		`SET n = (n - -1)`:                                          {"n": `{"N":"6"}`},
		`SET n = ? + n`:                                             {"n": `{"N":"10"}`},
		`SET n = n, s = k`:                                          {"s": `{"S":"a"}`},
		`SET n = 7.31e+1 SET k = -.5`:                               {"n": `{"N":"73.1"}`, "k": `{"N":"-0.5"}`},
		`SET n = null SET s = True SET k = FALSE`:                   {"n": `{"NULL":true}`, "s": `{"BOOL":true}`, "k": `{"BOOL":false}`},
		`SET m."x y" = 8 REMOVE l[0]`:                               {"m": `{"M":{"x y":{"N":"8"}}}`, "l": `{"L":[{"N":"2"}]}`},
		`SET "new ""one""" = ''`:                                    {`new "one"`: `{"S":""}`},
		`SET "SET" = 1 REMOVE "WHERE"`:                              {"SET": `{"N":"1"}`, "WHERE": ""},
		"/* SET n = 8 */ SET n = 9 -- SET n = 8\n REMOVE z -- done": {"n": `{"N":"9"}`, "z": ""},
	} {
		s := parse(t, `UPDATE "My.Table-1" `+clauses)
		got, err := s.Update.Apply(it)
		if err != nil {
			t.Fatalf("%s: %v", clauses, err)
		}
		expected := make(map[string]json.RawMessage)
		if err := json.Unmarshal([]byte(testItem), &expected); err != nil {
			t.Fatal(err)
		}
		for name, v := range want {
			delete(expected, name)
			if v != "" {
				expected[name] = json.RawMessage(v)
			}
		}
		text, err := json.Marshal(expected)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(itemText(t, parseItem(t, string(text))), itemText(t, got)); diff != "" {
			t.Errorf("%s: %s", clauses, diff)
		}
		if s.Table != "My.Table-1" || s.Where != nil || s.ReturnValues != "" {
			t.Errorf("%s: %+v", clauses, s)
		}
	}
}

func TestConditionsHoldAsTheySay(t *testing.T) {
	it := parseItem(t, testItem)
	for text, want := range map[string]bool{
		`n = 5`: true, `n = ?`: true, `n = '5'`: false, `5 = n`: true, `n <> 5`: false, `n <> 6`: true, `none <> 1`: true, `none = 1`: false,
		`n < 6`: true, `n <= 5`: true, `n > 5`: false, `n >= 5`: true, `6 > n`: true, `4 > n`: false, `s = 'it''s'`: true, `s < 'a'`: false,
		`none IS MISSING`: true, `n IS MISSING`: false, `n is not missing`: true, `m."x y" IS NOT MISSING`: true, `l[5] IS MISSING`: true,
		`z IS NULL`: true, `n IS NULL`: false, `n IS NOT NULL`: true, `b = true`: true, `z = NULL`: true,
		`n = 5 AND s = 'x'`: false, `n = 5 OR s = 'x'`: true, `NOT n = 5`: false, `not n = 6 and n = 5`: true, `NOT none = 1`: true,
		`n = 7 OR n = 6 OR n = 5`: true, `n = 5 AND b = TRUE AND n = 6`: false, `n = 5 OR n = 6 AND n = 7`: true, `(n = 5 OR n = 6) AND n = 7`: false, `((n = 5))`: true, `NOT (n = 6 OR n = 7)`: true, `NOT (NOT n = 5)`: true,
		`n BETWEEN 5 AND 6`: true, `n BETWEEN 6 AND 7`: false, `n BETWEEN 5 AND 6 AND s = 'x'`: false, `n IN [4, 5]`: true, `n IN (4, 6)`: false,
		`begins_with(s, 'it')`: true, `BEGINS_WITH(s, 's')`: false, `contains(s, 't''')`: true, `contains(l, 3)`: false,
		`attribute_type(n, 'N')`: true, `size(s) = 4`: true, `4 < size(s)`: false, `"WHERE" = 'w'`: true, `n = ? AND s = ? AND n < ?`: true,
	} {
		s := parse(t, `UPDATE t REMOVE n WHERE `+text)
		if got := s.Where.Holds(it); got != want {
			t.Errorf("%s is %v", text, got)
		}
	}
}

func TestTheKeyIsTakenOutOfTheCondition(t *testing.T) {
	with := parseItem(t, `{"n":{"N":"5"}}`)
	for _, test := range []struct {
		where string
		key   string // "" if there is none
		holds bool   // the condition that is left, of the item; of none if there is nothing left
	}{
		{`k = 'a' AND j = 1`, `{"j":{"N":"1"},"k":{"S":"a"}}`, false},
		{`n = 5 AND (j = 1 AND ('a' = k))`, `{"j":{"N":"1"},"k":{"S":"a"}}`, true},
		{`k = 'a' AND n = 6 AND j = 1`, `{"j":{"N":"1"},"k":{"S":"a"}}`, false},
		{`k = 'a' AND k = 'b' AND j = 1`, `{"j":{"N":"1"},"k":{"S":"a"}}`, false},
		{`k = 'a' AND j = 1 AND (n = 5 OR j = 2)`, `{"j":{"N":"1"},"k":{"S":"a"}}`, true},
		{`k = 'a' AND NOT j = 1`, "", false},
		{`k = 'a' OR j = 1`, "", false},
		{`k = 'a' AND j > 1`, "", false},
		{`k.x = 'a' AND j = 1`, "", false},
		{`k = n AND j = 1`, "", false},
	} {
		key, condition, err := parse(t, `UPDATE t REMOVE x WHERE `+test.where).Key("k", "j")
		if test.key == "" {
			if !errors.Is(err, ErrKey) {
				t.Errorf("%s: %v, %v", test.where, key, err)
			}
			continue
		}
		if err != nil || itemText(t, key) != test.key {
			t.Errorf("%s: the key is %v, %v", test.where, key, err)
		}
		if got := condition != nil && condition.Holds(with); got != test.holds {
			t.Errorf("%s: what is left is %v: %+v", test.where, got, condition)
		}
	}
}

func TestReturningSpeaksTheWordsOfUpdateItem(t *testing.T) {
	for clause, want := range map[string]string{
		"": "", "RETURNING ALL OLD *": "ALL_OLD", "returning all new *": "ALL_NEW", "RETURNING MODIFIED OLD *": "UPDATED_OLD",
		"RETURNING MODIFIED NEW *": "UPDATED_NEW",
	} {
		if got := parse(t, `UPDATE t REMOVE x WHERE k = 1 `+clause).ReturnValues; got != want {
			t.Errorf("%q: %q", clause, got)
		}
	}
}

func TestWrongStatementsAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		``:                                       malformed + "Unexpected end of statement",
		`UPDATE`:                                 malformed + "Unexpected end of statement",
		`UPDATE t`:                               malformed + "Unexpected end of statement",
		`UPDATE t WHERE k = 1`:                   malformed + "Unexpected token WHERE",
		`UPDATE t SET`:                           malformed + "Unexpected end of statement",
		`UPDATE t SET a`:                         malformed + "Unexpected end of statement",
		`UPDATE t SET a = `:                      malformed + "Unexpected end of statement",
		`UPDATE t SET a = 1,`:                    malformed + "Unexpected end of statement",
		`UPDATE t SET where = 1`:                 malformed + "Unexpected token where",
		`UPDATE t SET a "=" 1`:                   malformed + "Unexpected token =",
		`UPDATE t SET a = 1 WHERE k "=" 1`:       malformed + "Unexpected token =",
		`UPDATE t SET a = -b`:                    malformed + "Unexpected token b",
		`UPDATE t SET a[x] = 1`:                  malformed + "Unexpected token x",
		`UPDATE t SET a[4294967296] = 1`:         malformed + "Unexpected token 4294967296",
		`UPDATE t SET a[1 = 1`:                   malformed + "Unexpected token =",
		`UPDATE t SET a. = 1`:                    malformed + "Unexpected token =",
		`UPDATE t SET a = (1`:                    malformed + "Unexpected end of statement",
		`UPDATE t SET a = 1 WHERE`:               malformed + "Unexpected end of statement",
		`UPDATE t SET a = 1 WHERE k`:             malformed + "Unexpected end of statement",
		`UPDATE t SET a = 1 WHERE k = `:          malformed + "Unexpected end of statement",
		`UPDATE t SET a = 1 WHERE (k = 1`:        malformed + "Unexpected end of statement",
		`UPDATE t SET a = 1 WHERE k IS`:          malformed + "Unexpected end of statement",
		`UPDATE t SET a = 1 WHERE 1 IS MISSING`:  malformed + "Unexpected end of statement",
		`UPDATE t SET a = 1 WHERE k BETWEEN 1,2`: malformed + "Unexpected token ,",
		`UPDATE t SET a = 1 WHERE k IN [1)`:      malformed + "Unexpected token )",
		`UPDATE t SET a = 1 WHERE k IN 1`:        malformed + "Unexpected token 1",
		`UPDATE t SET a = 1 RETURNING ALL`:       malformed + "Unexpected end of statement",
		`UPDATE t SET a = 1 RETURNING NEW *`:     malformed + "Unexpected token NEW",
		`UPDATE t SET a = 1 RETURNING ALL NEW a`: malformed + "Unexpected token a",
		`UPDATE t SET a = 'x`:                    malformed,
		`UPDATE "t SET a = 1`:                    malformed,
		`UPDATE t SET a = 1 # why`:               malformed,
		`UPDATE t SET a = 1 /* why`:              malformed,
		`UPDATE t SET a = 1 WHERE k = 1 foo`:     reasonLeftover,
		`UPDATE t SET a = 1 WHERE k = 1)`:        reasonLeftover,
		`UPDATE t SET a = 1 WHERE k = 1 e5`:      reasonLeftover,
		`UPDATE t SET a = 1 + 2 + 3`:             reasonLeftover,
		`UPDATE t SET a = 1;`:                    malformed,
		`UPDATE t u SET a = 1`:                   reasonAlias,
		`UPDATE t AS u SET a = 1`:                reasonAlias,
		`UPDATE "t"."index" SET a = 1`:           reasonIndex,
		`UPDATE t SET a = ?`:                     reasonCount,
		`UPDATE t SET a = 1 SET a = 2`: "Invalid UpdateExpression: Two document paths overlap with each other; " +
			"must remove or rewrite one of these paths; path one: [a], path two: [a]",
		`UPDATE t SET a.b = 1 REMOVE a`: "Invalid UpdateExpression: Two document paths overlap with each other; " +
			"must remove or rewrite one of these paths; path one: [a, b], path two: [a]",
		`UPDATE t SET a = 1 WHERE k < TRUE`:             "Incorrect operand type for operator or function; operator or function: <, operand type: BOOL",
		`UPDATE t SET a = 1 WHERE k BETWEEN 1 AND NULL`: "Incorrect operand type for operator or function; operator or function: BETWEEN, operand type: NULL",
		`UPDATE t SET a = list_append(a, b)`:            "kinesistest has no function list_append in the SET clause",
		`UPDATE t SET a = 1 WHERE exists(a, b)`:         "kinesistest has no function exists in the WHERE clause",
		`SELECT * FROM t`:                               "kinesistest executes no statement but UPDATE, and no SELECT",
		`"UPDATE" t SET a = 1`:                          malformed + "Unexpected token UPDATE",
		`MERGE t SET a = 1`:                             malformed + "Unexpected token MERGE",
	} {
		s, err := Parse(text, nil)
		var mistake *Error
		var update *expression.Error
		switch {
		case errors.As(err, &mistake) && mistake.Reason == want, errors.As(err, &update) && update.Reason == want:
		default:
			t.Errorf("%s\n\tgot  %v\n\twant %s", text, err, want)
		}
		if s != nil {
			t.Errorf("%s: a statement all the same", text)
		}
	}
	var value *attribute.ValueError
	for _, number := range []string{"1e126", "1.2.3", "5x"} {
		if _, err := Parse("UPDATE t SET a = "+number, nil); !errors.As(err, &value) {
			t.Errorf("%s: %v", number, err)
		}
	}
}

func TestAStatementThatIsTooLongIsNotRead(t *testing.T) {
	deep := "UPDATE t SET a = " + strings.Repeat("(", MaxCharacters)
	for text, want := range map[string]string{
		deep[:MaxCharacters]:                        malformed + "Unexpected end of statement",
		deep + strings.Repeat("(", 64<<20):          reasonLength, // which would take all of the stack there is
		strings.Repeat("é", MaxCharacters):          malformed,
		strings.Repeat("\U0001F600", MaxCharacters): malformed,
	} {
		var mistake *Error
		if _, err := Parse(text, nil); !errors.As(err, &mistake) || mistake.Reason != want {
			t.Errorf("%d bytes: %v", len(text), err)
		}
	}
}

func TestEveryParameterIsUsed(t *testing.T) {
	parameters := testParameters(t)
	for n := range parameters {
		_, err := Parse(`UPDATE t SET a = ? WHERE k = ?`, parameters[:n])
		if (err == nil) != (n == 2) {
			t.Errorf("%d parameters: %v", n, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`UPDATE "app" SET "leaseCounter" = ? SET "leaseOwner" = ? REMOVE "x" WHERE "k" = ? AND "y" IS MISSING RETURNING ALL NEW *`,
		`update t set n = (n - -1.5e2), s = 'it''s' remove l[0], m."x y" where k = 'a' and not (n in [1, ?] or size(s) between 1 and 2)`,
		`UPDATE t SET a.b = 1 SET a = 2 -- twice`, `UPDATE t /* a */ SET a = TRUE WHERE begins_with(s, 'x') AND z IS NOT NULL`,
		`((`, `UPDATE "`, `'''`, "\xff", `UPDATE t SET a = 1 WHERE NOT (NOT (NOT`, `SELECT`, `UPDATE t SET a[99999999999] = .`,
	} {
		for n := range 5 {
			f.Add(seed, n)
		}
	}
	f.Fuzz(func(t *testing.T, text string, n int) {
		it := parseItem(t, testItem)
		s, err := Parse(text, testParameters(t)[:min(max(n, 0), 4)])
		if err != nil {
			var (
				mistake *Error
				update  *expression.Error
				value   *attribute.ValueError
			)
			if !errors.As(err, &mistake) && !errors.As(err, &update) && !errors.As(err, &value) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		if s.Where != nil {
			s.Where.Holds(it)
			s.Where.Holds(nil)
		}
		if _, condition, err := s.Key("k"); err == nil && condition != nil {
			condition.Holds(it)
		}
		before := itemText(t, it)
		if after, err := s.Update.Apply(it); err == nil {
			expression.Projection(s.Update.Paths()).Of(after)
		}
		if itemText(t, it) != before {
			t.Fatal("the old item has changed")
		}
	})
}

func BenchmarkParse(b *testing.B) {
	parameters := testParameters(b)[:3]
	b.ReportAllocs()
	for b.Loop() {
		_, err := Parse(`UPDATE "app" SET "leaseCounter" = ? SET "leaseOwner" = ? WHERE "k" = ? AND "y" IS MISSING RETURNING ALL NEW *`, parameters)
		if err != nil {
			b.Fatal(err)
		}
	}
}
