package expression

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/attribute"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// parseItem reads an item from its wire form.
func parseItem(t testing.TB, text string) attribute.Item {
	t.Helper()
	var it attribute.Item
	if err := json.Unmarshal([]byte(text), &it); err != nil {
		t.Fatalf("%s: %v", text, err)
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

// The placeholders of all tests.
const testValues = `{
	":s":{"S":"text"}, ":te":{"S":"te"}, ":empty":{"S":""}, ":one":{"N":"1"}, ":two":{"N":"2"}, ":big":{"N":"1e30"}, ":four":{"N":"4"},
	":b":{"B":"AAE="}, ":b0":{"B":"AA=="}, ":true":{"BOOL":true}, ":null":{"NULL":true}, ":list":{"L":[{"N":"1"},{"S":"x"}]},
	":map":{"M":{"k":{"S":"v"}}}, ":ss":{"SS":["a","b"]}, ":ns":{"NS":["1","2"]}, ":bs":{"BS":["AA=="]}, ":a":{"S":"a"}, ":x":{"S":"x"},
	":S":{"S":"S"}, ":N":{"S":"N"}, ":SS":{"S":"SS"}, ":M":{"S":"M"}, ":Q":{"S":"Q"}
}`

var testNames = map[string]string{"#s": "status", "#dot": "a.b", "#n": "n", "#l": "l"}

func testScope(t testing.TB) *Scope {
	t.Helper()
	scope, err := NewScope(testNames, parseItem(t, testValues))
	if err != nil {
		t.Fatal(err)
	}
	return scope
}

const testItem = `{
	"s":{"S":"text"}, "n":{"N":"2"}, "b":{"B":"AAE="}, "yes":{"BOOL":true}, "nil":{"NULL":true}, "status":{"S":"open"}, "a.b":{"S":"dotted"},
	"l":{"L":[{"N":"1"},{"S":"x"},{"L":[{"S":"deep"}]}]}, "m":{"M":{"k":{"S":"v"},"n":{"N":"7"},"m":{"M":{"k":{"L":[{"N":"9"}]}}}}},
	"ss":{"SS":["a","b"]}, "ns":{"NS":["1","2"]}, "bs":{"BS":["AA=="]}, "uml":{"S":"äöü"}
}`

func TestConditionsHoldOfTheItemsTheyShould(t *testing.T) {
	it := parseItem(t, testItem)
	for text, want := range map[string]bool{
		"s = :s": true, "s = :te": false, "n = :two": true, "n = :s": false, "b = :b": true, "yes = :true": true, "nil = :null": true,
		"ss = :ss": true, "ns = :ns": true, "bs = :bs": true, "m = :map": false, "l = :list": false, "absent = :s": false,
		"s <> :s": false, "s <> :te": true, "n <> :s": true, "absent <> :s": true, "absent <> absent2": true, "absent = absent2": false,
		"n < :four": true, "n < :two": false, "n <= :two": true, "n > :one": true, "n >= :two": true, "n > :big": false, "n < :big": true,
		"s > :te": true, "s < :te": false, "b > :b0": true, "n < :s": false, "n >= :s": false, "absent < :one": false,
		":one < n": true, ":one < :two": true, "s = #s": false, "#s <> s": true, "#dot = :s": false,
		"n BETWEEN :one AND :four": true, "n BETWEEN :two AND :two": true, "n between :four and :big": false, "s BETWEEN :one AND :two": false,
		"absent BETWEEN :one AND :two": false, ":two BETWEEN n AND :four": true,
		"s IN (:te, :s)": true, "s IN (:te)": false, "n in (:s, :two)": true, "absent IN (:s)": false, "absent IN (absent2)": false,
		"attribute_exists(s)": true, "attribute_exists(absent)": false, "attribute_not_exists(absent)": true, "attribute_not_exists(m.k)": false,
		"attribute_exists(m.m.k[0])": true, "attribute_exists(l[9])": false, "attribute_exists(s[0])": false, "attribute_exists(s.x)": false,
		"attribute_exists(l.k)": false, "attribute_exists(#dot)": true,
		"attribute_type(s, :S)": true, "attribute_type(n, :S)": false, "attribute_type(n, :N)": true, "attribute_type(ss, :SS)": true,
		"attribute_type(m, :M)": true, "attribute_type(absent, :S)": false,
		"begins_with(s, :te)": true, "begins_with(s, :empty)": true, "begins_with(s, :x)": false, "begins_with(b, :b0)": true,
		"begins_with(s, :b)": false, "begins_with(n, :te)": false, "begins_with(absent, :te)": false,
		"contains(s, :te)": true, "contains(s, :one)": false, "contains(ss, :a)": true, "contains(ss, :x)": false, "contains(ss, :one)": false,
		"contains(ns, :two)": true, "contains(bs, :b0)": true, "contains(l, :one)": true, "contains(l, :x)": true, "contains(l, :two)": false,
		"contains(b, :b0)": true, "contains(m, :x)": false, "contains(absent, :x)": false, "contains(ss, absent)": false,
		"size(s) = :four": true, "size(b) = :two": true, "size(ss) = :two": true, "size(l) > :two": true, "size(m) > :two": true,
		"size(n) > :one": false, "size(absent) = :one": false, "size(absent) <> :one": true, "size(uml) < :four": true, "n <= size(s)": true,
		"l[0] = :one": true, "l[1] = :x": true, "l[2][0] = :x": false, "m.k <> :x": true, "m.m.k[0] > :four": true, "#l[0] = :one": true,
		"NOT s = :s": false, "not absent = :s": true, "NOT (NOT s = :s)": true, "NOT (s = :te OR n = :one)": true,
		"s = :te AND n = :one OR n = :two": true, "n = :two OR s = :te AND n = :one": true, "(n = :two OR s = :te) AND n = :one": false,
		"NOT s = :te AND n = :two": true, "s = :s AND NOT n = :one": true, "(s = :s)": true, "(s = :s) AND ((n = :two) OR s = :te)": true,
		"s=:s AND(n=:two)": true, "\n s\t=  :s ": true,
	} {
		c, err := testScope(t).Condition("ConditionExpression", text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := c.Holds(it); got != want {
			t.Errorf("%s is %v", text, got)
		}
	}
}

func TestNoConditionFailsOnAnAbsentItem(t *testing.T) {
	for text, want := range map[string]bool{
		"attribute_not_exists(s)": true, "s = :s": false, "s <> :s": true, "contains(s, :s)": false, "l[0].k.x[3] = :s": false, "size(s) > :one": false,
	} {
		c, err := testScope(t).Condition("ConditionExpression", text)
		if err != nil || c.Holds(nil) != want {
			t.Errorf("%s: %v, %v", text, c, err)
		}
	}
}

func TestWrongConditionIsRefusedInTheServicesWords(t *testing.T) {
	const syntax = "Syntax error; token: "
	for text, want := range map[string]string{
		"":                            "The expression can not be empty;",
		"s":                           syntax + `"<EOF>", near: "s"`,
		"s =":                         syntax + `"<EOF>", near: "="`,
		"s = = :s":                    syntax + `"=", near: "= = :s"`,
		"s = :s n":                    syntax + `"n", near: ":s n"`,
		"s == :s":                     syntax + `"=", near: "== :s"`,
		"s = 'x'":                     syntax + `"'", near: "= 'x"`,
		"_s = :s":                     syntax + `"_", near: "_s"`,
		"s = :s AND":                  syntax + `"<EOF>", near: "AND"`,
		"(s = :s":                     syntax + `"<EOF>", near: ":s"`,
		"s IN ()":                     syntax + `")", near: "()"`,
		"s BETWEEN :one":              syntax + `"<EOF>", near: ":one"`,
		"a.1 = :s":                    syntax + `"1", near: ".1 ="`,
		"l[x] = :s":                   syntax + `"x", near: "[x]"`,
		"l[-1] = :s":                  syntax + `"-", near: "[-1"`,
		"s = :":                       syntax + `":", near: "= :"`,
		"s = 5":                       syntax + `"5", near: "= 5"`,
		"AND = :s":                    syntax + `"AND", near: "AND ="`,
		"s = \xff":                    syntax + "\"\xff\", near: \"= \xff\"",
		"size(s)":                     "The function is not allowed to be used this way in an expression; function: size",
		"status = :s":                 "Attribute name is a reserved keyword; reserved keyword: status",
		"m.Order = :s":                "Attribute name is a reserved keyword; reserved keyword: Order",
		"#undefined = :s":             "An expression attribute name used in the document path is not defined; attribute name: #undefined",
		"s = :undefined":              "An expression attribute value used in expression is not defined; attribute value: :undefined",
		"((s = :s))":                  "The expression has redundant parentheses;",
		"n = :one OR ((s = :s))":      "The expression has redundant parentheses;",
		"exists(s)":                   "Invalid function name; function: exists",
		"exists(s) = :s":              "Invalid function name; function: exists",
		"ATTRIBUTE_EXISTS(s)":         "Invalid function name; function: ATTRIBUTE_EXISTS",
		"s = begins_with(s, :s)":      "The function is not allowed to be used this way in an expression; function: begins_with",
		"attribute_exists(s) = :true": "The function is not allowed to be used this way in an expression; function: attribute_exists",
		"begins_with(s)":              "Incorrect number of operands for operator or function; operator or function: begins_with, number of operands: 1",
		"attribute_exists(s, n)":      "Incorrect number of operands for operator or function; operator or function: attribute_exists, number of operands: 2",
		"attribute_exists(:s)":        "Operator or function requires a document path; operator or function: attribute_exists",
		"begins_with(s, :one)":        "Incorrect operand type for operator or function; operator or function: begins_with, operand type: N",
		"size(:one) = :one":           "Incorrect operand type for operator or function; operator or function: size, operand type: N",
		"attribute_type(s, :one)":     "Incorrect operand type for operator or function; operator or function: attribute_type, operand type: N",
		"attribute_type(s, n)":        "Incorrect operand type for operator or function; operator or function: attribute_type, operand type: {NS,SS,L,BS,N,M,B,BOOL,NULL,S}",
		"attribute_type(s, :Q)":       "Invalid attribute type name found; type: Q, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}",
		"s < :true":                   "Incorrect operand type for operator or function; operator: <, operand type: BOOL",
		"s BETWEEN :null AND :null":   "Incorrect operand type for operator or function; operator: BETWEEN, operand type: NULL",
		"s BETWEEN :one AND :s": "The BETWEEN operator requires same data type for lower and upper bounds; " +
			"lower bound operand: AttributeValue: {N:1}, upper bound operand: AttributeValue: {S:text}",
		"s BETWEEN :two AND :one": "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; " +
			"lower bound operand: AttributeValue: {N:2}, upper bound operand: AttributeValue: {N:1}",
		"m.k = m.k":              "The first operand must be distinct from the remaining operands for this operator or function; operator: =, first operand: [m, k]",
		"l[0] IN (s, l[0])":      "The first operand must be distinct from the remaining operands for this operator or function; operator: IN, first operand: [l, [0]]",
		"contains(s, s)":         "The first operand must be distinct from the remaining operands for this operator or function; operator: contains, first operand: [s]",
		"l[99999999999999] = :s": "List index is not within the allowable range; index: [99999999999999]",
		"s IN (" + strings.Repeat(":one, ", 100) + ":two)":   "Incorrect number of operands for operator or function; operator or function: IN, number of operands: 101",
		strings.Repeat("n=:one OR ", 200) + "n=:one":         "The expression contains too many operators; operator count: 401",
		"s = :s AND " + strings.Repeat(" ", 4096) + "n = :s": "Expression size has exceeded the maximum allowed size; expression size: 4113",
	} {
		_, err := testScope(t).Condition("FilterExpression", text)
		checkError(t, text, err, "Invalid FilterExpression: "+want)
	}
}

func checkError(t *testing.T, text string, err error, want string) {
	t.Helper()
	var mistake *Error
	if !errors.As(err, &mistake) || mistake.Reason != want {
		t.Errorf("%.80s\n got: %v\nwant: %s", text, err, want)
	}
}

func TestPlaceholdersAreChecked(t *testing.T) {
	for _, test := range []struct {
		names  map[string]string
		values string
		want   string
	}{
		{map[string]string{}, `null`, "ExpressionAttributeNames must not be empty"},
		{nil, `{}`, "ExpressionAttributeValues must not be empty"},
		{map[string]string{"n": "n"}, `null`, `ExpressionAttributeNames contains invalid key: Syntax error; key: "n"`},
		{map[string]string{"#": "n"}, `null`, `ExpressionAttributeNames contains invalid key: Syntax error; key: "#"`},
		{map[string]string{"#a-b": "n"}, `null`, `ExpressionAttributeNames contains invalid key: Syntax error; key: "#a-b"`},
		{nil, `{"v":{"S":""}}`, `ExpressionAttributeValues contains invalid key: Syntax error; key: "v"`},
	} {
		_, err := NewScope(test.names, parseItem(t, test.values))
		checkError(t, test.want, err, test.want)
	}
}

func TestUnusedPlaceholdersAreReported(t *testing.T) {
	scope, err := NewScope(map[string]string{"#a": "a", "#b": "b"}, parseItem(t, `{":a":{"S":""},":b":{"S":""},":c":{"S":""}}`))
	if err != nil {
		t.Fatal(err)
	}
	checkError(t, "", scope.Unused(), "Value provided in ExpressionAttributeNames unused in expressions: keys: {#a, #b}")
	if _, err := scope.Condition("ConditionExpression", "#a = :b AND #b = :b"); err != nil {
		t.Fatal(err)
	}
	checkError(t, "", scope.Unused(), "Value provided in ExpressionAttributeValues unused in expressions: keys: {:a, :c}")
	if _, err := scope.Update("SET x = :a, y = :c"); err != nil {
		t.Fatal(err)
	}
	if err := scope.Unused(); err != nil {
		t.Fatal(err)
	}
}

func TestReservedListIsWhole(t *testing.T) {
	if n := len(reservedWords()); n != 573 {
		t.Fatalf("%d reserved words, the documentation lists 573", n)
	}
	for _, word := range []string{"abort", "Name", "STATUS", "zone", "owner", "timestamp"} {
		if !reserved(word) {
			t.Errorf("%s is not reserved", word)
		}
	}
	for _, word := range []string{"leaseKey", "checkpoint", "shardId"} {
		if reserved(word) {
			t.Errorf("%s is reserved", word)
		}
	}
}

func FuzzExpressions(f *testing.F) {
	for _, seed := range []string{
		"s = :s AND NOT (n < :two OR contains(ss, :a))", "size(m.k[0]) BETWEEN :one AND :two", "attribute_type(s, :S)", "s IN (:s, :te)",
		"SET s = if_not_exists(n, :one) + :two, l = list_append(l, :list) REMOVE m.k, l[0] ADD ns :ns DELETE ss :ss",
		"s, m.k, l[0]", "s = :s AND begins_with(n, :te)", "((", "#s = :s", "SET a = (((:one + n)))", "\xff", "l[99999999999999999999]",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		it := parseItem(t, testItem)
		scope := testScope(t)
		c, err := scope.Condition("ConditionExpression", text)
		checkTyped(t, err)
		if err == nil {
			c.Holds(it)
			c.Holds(nil)
			Paths(c)
		}
		_, err = scope.KeyCondition(text)
		checkTyped(t, err)
		p, err := scope.Projection(text)
		checkTyped(t, err)
		if err == nil {
			p.Of(it)
		}
		u, err := scope.Update(text)
		checkTyped(t, err)
		if err == nil {
			before := itemText(t, it)
			if after, err := u.Apply(it); err == nil {
				Projection(u.Paths()).Of(after)
			}
			if itemText(t, it) != before {
				t.Fatal("the old item has changed")
			}
		}
	})
}

func checkTyped(t *testing.T, err error) {
	t.Helper()
	var mistake *Error
	if err != nil && !errors.As(err, &mistake) {
		t.Fatalf("untyped error %v", err)
	}
}
