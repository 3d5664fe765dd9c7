package expression

import (
	"fmt"
	"testing"
)

func TestProjectionPicksItsPaths(t *testing.T) {
	for text, want := range map[string]string{
		"s":                    `{"s":{"S":"text"}}`,
		"s, n, absent":         `{"n":{"N":"2"},"s":{"S":"text"}}`,
		"m.k":                  `{"m":{"M":{"k":{"S":"v"}}}}`,
		"m.absent":             `{}`,
		"m.m.k[0], m.n":        `{"m":{"M":{"m":{"M":{"k":{"L":[{"N":"9"}]}}},"n":{"N":"7"}}}}`,
		"l[2], l[0], l[40]":    `{"l":{"L":[{"N":"1"},{"L":[{"S":"deep"}]}]}}`,
		"l[2][0]":              `{"l":{"L":[{"L":[{"S":"deep"}]}]}}`,
		"#s,#dot":              `{"a.b":{"S":"dotted"},"status":{"S":"open"}}`,
		"s.x, n[0], l.k, m[0]": `{}`,
	} {
		p, err := testScope(t).Projection(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := itemText(t, p.Of(parseItem(t, testItem))); got != want {
			t.Errorf("%s\n got: %s\nwant: %s", text, got, want)
		}
	}
}

func TestWrongProjectionIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"":         "The expression can not be empty;",
		"s,":       `Syntax error; token: "<EOF>", near: ","`,
		"s n":      `Syntax error; token: "n", near: "s n"`,
		":s":       `Syntax error; token: ":s", near: ":s"`,
		"status":   "Attribute name is a reserved keyword; reserved keyword: status",
		"m.k, m":   "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [m, k], path two: [m]",
		"m.k,m[0]": "Two document paths conflict with each other; must remove or rewrite one of these paths; path one: [m, k], path two: [m, [0]]",
	} {
		_, err := testScope(t).Projection(text)
		checkError(t, text, err, "Invalid ProjectionExpression: "+want)
	}
}

func TestKeyConditionBecomesTerms(t *testing.T) {
	for text, want := range map[string]string{
		"s = :s":                              "map[s:{= [text]}]",
		":s = s AND n < :two":                 "map[n:{< [2]} s:{= [text]}]",
		":two > n AND s = :s":                 "map[n:{< [2]} s:{= [text]}]",
		"s = :s AND n BETWEEN :one AND :two":  "map[n:{BETWEEN [1 2]} s:{= [text]}]",
		"(s = :s) AND (begins_with(#s, :te))": "map[s:{= [text]} status:{begins_with [te]}]",
	} {
		k, err := testScope(t).KeyCondition(text)
		if got := fmt.Sprint(map[string]KeyTerm(k)); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", text, got, err, want)
		}
	}
}

func TestWrongKeyConditionIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"s = :s OR n = :one":          "Invalid operator used in KeyConditionExpression: OR",
		"NOT s = :s":                  "Invalid operator used in KeyConditionExpression: NOT",
		"s IN (:s)":                   "Invalid operator used in KeyConditionExpression: IN",
		"s <> :s":                     "Invalid operator used in KeyConditionExpression: <>",
		"attribute_exists(s)":         "Invalid operator used in KeyConditionExpression: attribute_exists",
		"attribute_not_exists(s)":     "Invalid operator used in KeyConditionExpression: attribute_not_exists",
		"attribute_type(s, :S)":       "Invalid operator used in KeyConditionExpression: attribute_type",
		"s = :s AND contains(ss, :a)": "Invalid operator used in KeyConditionExpression: contains",
		"size(s) = :one":              "KeyConditionExpressions cannot contain nested operations",
		"n = size(s)":                 "KeyConditionExpressions cannot contain nested operations",
		"s = n":                       "Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition",
		"m.k = :s":                    "KeyConditionExpressions cannot have conditions on nested attributes",
		":s = :s":                     "Invalid condition in KeyConditionExpression: No key attribute specified",
		":one BETWEEN :one AND n":     "Invalid condition in KeyConditionExpression: BETWEEN operator must have the key attribute as its first operand",
		"begins_with(:s, s)":          "Invalid condition in KeyConditionExpression: begins_with operator must have the key attribute as its first operand",
		"n > :one AND n < :two":       "KeyConditionExpressions must only contain one condition per key",
		"s = :s AND":                  `Invalid KeyConditionExpression: Syntax error; token: "<EOF>", near: "AND"`,
		"n = :one AND s = :undefined": "Invalid KeyConditionExpression: An expression attribute value used in expression is not defined; attribute value: :undefined",
	} {
		_, err := testScope(t).KeyCondition(text)
		checkError(t, text, err, want)
	}
}
