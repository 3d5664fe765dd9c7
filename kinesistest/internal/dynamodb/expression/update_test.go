package expression

import (
	"errors"
	"strings"
	"testing"
)

func TestUpdatesChangeWhatTheySay(t *testing.T) {
	for _, test := range []struct{ update, before, after string }{
		{"SET s = :s", `{}`, `{"s":{"S":"text"}}`},
		{"set s = :s, n = :one", `{"s":{"S":"old"}}`, `{"n":{"N":"1"},"s":{"S":"text"}}`},
		{"SET n = n + :one", `{"n":{"N":"41"}}`, `{"n":{"N":"42"}}`},
		{"SET n = n - :two", `{"n":{"N":"1"}}`, `{"n":{"N":"-1"}}`},
		{"SET n = :one + n", `{"n":{"N":"0.1"}}`, `{"n":{"N":"1.1"}}`},
		{"SET n = if_not_exists(n, :one) + :two", `{}`, `{"n":{"N":"3"}}`},
		{"SET n = if_not_exists(n, :one) + :two", `{"n":{"N":"5"}}`, `{"n":{"N":"7"}}`},
		{"SET n = if_not_exists(n, m)", `{"m":{"S":"x"}}`, `{"m":{"S":"x"},"n":{"S":"x"}}`},
		{"SET x = (n + :one)", `{"n":{"N":"1"}}`, `{"n":{"N":"1"},"x":{"N":"2"}}`},
		{"SET a = b, b = a", `{"a":{"S":"1"},"b":{"S":"2"}}`, `{"a":{"S":"2"},"b":{"S":"1"}}`},
		{"SET l = list_append(l, :list)", `{"l":{"L":[{"S":"0"}]}}`, `{"l":{"L":[{"S":"0"},{"N":"1"},{"S":"x"}]}}`},
		{"SET l = list_append(:list, if_not_exists(l, :list))", `{}`, `{"l":{"L":[{"N":"1"},{"S":"x"},{"N":"1"},{"S":"x"}]}}`},
		{"SET l[1] = :s", `{"l":{"L":[{"S":"0"},{"S":"1"}]}}`, `{"l":{"L":[{"S":"0"},{"S":"text"}]}}`},
		{"SET l[9] = :s, l[5] = :a", `{"l":{"L":[{"S":"0"}]}}`, `{"l":{"L":[{"S":"0"},{"S":"a"},{"S":"text"}]}}`},
		{"SET m.x = :s", `{"m":{"M":{"k":{"S":"v"}}}}`, `{"m":{"M":{"k":{"S":"v"},"x":{"S":"text"}}}}`},
		{"SET m.x.y[0] = :s", `{"m":{"M":{"x":{"M":{"y":{"L":[]}}}}}}`, `{"m":{"M":{"x":{"M":{"y":{"L":[{"S":"text"}]}}}}}}`},
		{"SET #s = :s, #dot = :a", `{}`, `{"a.b":{"S":"a"},"status":{"S":"text"}}`},
		{"REMOVE s", `{"n":{"N":"1"},"s":{"S":"x"}}`, `{"n":{"N":"1"}}`},
		{"REMOVE s, absent", `{"s":{"S":"x"}}`, `{}`},
		{"REMOVE l[0], l[2]", `{"l":{"L":[{"S":"0"},{"S":"1"},{"S":"2"}]}}`, `{"l":{"L":[{"S":"1"}]}}`},
		{"REMOVE l[7]", `{"l":{"L":[{"S":"0"}]}}`, `{"l":{"L":[{"S":"0"}]}}`},
		{"SET l[1] = :s REMOVE l[0]", `{"l":{"L":[{"S":"0"},{"S":"1"}]}}`, `{"l":{"L":[{"S":"text"}]}}`},
		{"REMOVE m.k", `{"m":{"M":{"k":{"S":"v"}}}}`, `{"m":{"M":{}}}`},
		{"ADD n :two", `{"n":{"N":"40"}}`, `{"n":{"N":"42"}}`},
		{"ADD n :two", `{}`, `{"n":{"N":"2"}}`},
		{"ADD m.n :two", `{"m":{"M":{}}}`, `{"m":{"M":{"n":{"N":"2"}}}}`},
		{"ADD ss :ss", `{"ss":{"SS":["b","c"]}}`, `{"ss":{"SS":["a","b","c"]}}`},
		{"ADD ns :ns", `{}`, `{"ns":{"NS":["1","2"]}}`},
		{"ADD bs :bs", `{"bs":{"BS":["AQ=="]}}`, `{"bs":{"BS":["AA==","AQ=="]}}`},
		{"DELETE ss :ss", `{"ss":{"SS":["b","c"]}}`, `{"ss":{"SS":["c"]}}`},
		{"DELETE ss :ss", `{"ss":{"SS":["a","b"]}}`, `{}`},
		{"DELETE ss :ss", `{"n":{"N":"1"}}`, `{"n":{"N":"1"}}`},
		{"DELETE ss :ss ADD n :one REMOVE s SET x = :x", `{"s":{"S":"x"},"ss":{"SS":["a","z"]}}`, `{"n":{"N":"1"},"ss":{"SS":["z"]},"x":{"S":"x"}}`},
	} {
		u, err := testScope(t).Update(test.update)
		if err != nil {
			t.Errorf("%s: %v", test.update, err)
			continue
		}
		before := parseItem(t, test.before)
		after, err := u.Apply(before)
		if err != nil || itemText(t, after) != test.after {
			t.Errorf("%s of %s\n got: %s, %v\nwant: %s", test.update, test.before, itemText(t, after), err, test.after)
		}
		if itemText(t, before) != test.before {
			t.Errorf("%s changed the old item to %s", test.update, itemText(t, before))
		}
	}
}

func TestUpdateThatDoesNotFitTheItemIsRefused(t *testing.T) {
	for update, want := range map[string]*Error{
		"SET x = absent":                 errMissingOperand,
		"SET x = absent + :one":          errMissingOperand,
		"SET x = l[9]":                   errMissingOperand,
		"SET x = s + :one":               errOperandType,
		"SET x = :one + s":               errOperandType,
		"SET x = list_append(s, :list)":  errOperandType,
		"SET x = list_append(:list, ss)": errOperandType,
		"SET absent.x = :s":              errPath,
		"SET s.x = :s":                   errPath,
		"SET s[0] = :s":                  errPath,
		"SET m[0] = :s":                  errPath,
		"SET l.k = :s":                   errPath,
		"SET l[9].k = :s":                errPath,
		"REMOVE absent.x":                errPath,
		"ADD s :one":                     errOperandType,
		"ADD n :ns":                      errOperandType,
		"ADD ns :ss":                     errOperandType,
		"ADD ns :one":                    errOperandType,
		"ADD absent.n :one":              errPath,
		"DELETE s :ss":                   errOperandType,
		"DELETE ns :ss":                  errOperandType,
	} {
		u, err := testScope(t).Update(update)
		if err != nil {
			t.Errorf("%s: %v", update, err)
			continue
		}
		_, err = u.Apply(parseItem(t, testItem))
		checkError(t, update, err, want.Reason)
	}
}

func TestUpdateCannotNestTooDeep(t *testing.T) {
	deep := strings.Repeat(`{"L":[`, 31) + strings.Repeat(`]}`, 31)
	scope, err := NewScope(nil, parseItem(t, `{":deep":`+deep+`}`))
	if err != nil {
		t.Fatal(err)
	}
	for update, want := range map[string]error{"SET x = :deep": nil, "SET m.x = :deep": nil, "SET m.m.x = :deep": errDepth} {
		u, err := scope.Update(update)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := u.Apply(parseItem(t, testItem)); !errors.Is(err, want) {
			t.Errorf("%s: %v", update, err)
		}
	}
}

func TestWrongUpdateIsRefusedInTheServicesWords(t *testing.T) {
	for text, want := range map[string]string{
		"":                             "The expression can not be empty;",
		"SET":                          `Syntax error; token: "<EOF>", near: "SET"`,
		"SET s":                        `Syntax error; token: "<EOF>", near: "s"`,
		"SET s = :s,":                  `Syntax error; token: "<EOF>", near: ","`,
		"SET :s = :s":                  `Syntax error; token: ":s", near: "SET :s ="`,
		"INVALID SYNTAX":               `Syntax error; token: "INVALID", near: "INVALID SYNTAX"`,
		"SET _s = :s":                  `Syntax error; token: "_", near: "SET _s"`,
		"SET s = n + n + n":            `Syntax error; token: "+", near: "n + n"`,
		"ADD n n":                      `Syntax error; token: "n", near: "n n"`,
		"ADD  SET n":                   `Syntax error; token: "SET", near: "ADD  SET n"`,
		"REMOVE s SET n = :one SET":    `Syntax error; token: "<EOF>", near: "SET"`,
		"SET s = :s SET n = :s":        `The "SET" section can only be used once in an update expression;`,
		"SET user = :s":                "Attribute name is a reserved keyword; reserved keyword: user",
		"SET s = :undefined":           "An expression attribute value used in expression is not defined; attribute value: :undefined",
		"SET s = size(n)":              "The function is not allowed in an update expression; function: size",
		"SET s = foo(n)":               "Invalid function name; function: foo",
		"SET s = if_not_exists(n)":     "Incorrect number of operands for operator or function; operator or function: if_not_exists, number of operands: 1",
		"SET s = if_not_exists(:s, n)": "Operator or function requires a document path; operator or function: if_not_exists",
		"SET s = n + :s":               "Incorrect operand type for operator or function; operator or function: +, operand type: S",
		"SET s = :ss - n":              "Incorrect operand type for operator or function; operator or function: -, operand type: SS",
		"SET s = list_append(l, :s)":   "Incorrect operand type for operator or function; operator or function: list_append, operand type: S",
		"ADD s :s":                     "Incorrect operand type for operator or function; operator: ADD, operand type: STRING, typeSet: ALLOWED_FOR_ADD_OPERAND",
		"DELETE s :one":                "Incorrect operand type for operator or function; operator: DELETE, operand type: NUMBER, typeSet: ALLOWED_FOR_DELETE_OPERAND",
		"SET m = :s, m.k = :s": "Two document paths overlap with each other; must remove or rewrite one of these paths; " +
			"path one: [m], path two: [m, k]",
		"SET s = :s REMOVE s": "Two document paths overlap with each other; must remove or rewrite one of these paths; " +
			"path one: [s], path two: [s]",
		"SET m.k = :s REMOVE m[0]": "Two document paths conflict with each other; must remove or rewrite one of these paths; " +
			"path one: [m, k], path two: [m, [0]]",
	} {
		_, err := testScope(t).Update(text)
		checkError(t, text, err, "Invalid UpdateExpression: "+want)
	}
}

func TestUpdatesFromElsewhereAreAskedWhetherTheirPathsAreDisjoint(t *testing.T) {
	path := func(steps ...string) Path {
		var p Path
		for _, name := range steps {
			p = append(p, Element{Name: name, Index: -1})
		}
		return p
	}
	apart := &Update{Sets: []Assignment{{Path: path("a", "b")}, {Path: path("a", "c")}}, Removes: []Path{path("d")}}
	if err := apart.Disjoint(); err != nil {
		t.Error(err)
	}
	together := &Update{Sets: []Assignment{{Path: path("a", "b")}}, Removes: []Path{path("a")}}
	checkTyped(t, together.Disjoint())
	if together.Disjoint() == nil {
		t.Error("a path and its beginning are disjoint")
	}
}
