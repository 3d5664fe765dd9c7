package pattern

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// rule is a test of the leaves of a field.
type rule struct {
	absent bool           // holds if there is no leaf
	holds  func(any) bool // of a leaf; nil: never
}

func compileRules(path string, list []any) ([]rule, error) {
	if len(list) == 0 {
		return nil, fault(path, "an empty list of rules; give at least one")
	}
	rules := make([]rule, 0, len(list))
	for _, value := range list {
		r, err := compileRule(path, value)
		if err != nil {
			return nil, err
		}
		rules = append(rules, r)
	}
	return rules, nil
}

func compileRule(path string, value any) (rule, error) {
	switch v := value.(type) {
	case map[string]any:
		if len(v) != 1 {
			return rule{}, fault(path, "a rule has one operator, not %d", len(v))
		}
		for operator, operand := range v {
			return compileOperator(path+"."+operator, operator, operand)
		}
	case []any:
		return rule{}, fault(path, "a list in a list of rules")
	}
	return rule{holds: equals(value)}, nil
}

func compileOperator(path, operator string, operand any) (rule, error) {
	text, isText := operand.(string)
	switch operator {
	case "prefix", "suffix", "equals-ignore-case":
		if !isText {
			return rule{}, fault(path, "takes a string")
		}
		return rule{holds: textTest(operator, text)}, nil
	case "exists":
		want, ok := operand.(bool)
		if !ok {
			return rule{}, fault(path, "takes true or false")
		}
		if !want {
			return rule{absent: true}, nil
		}
		return rule{holds: func(any) bool { return true }}, nil
	case "anything-but":
		return compileAnythingBut(path, operand)
	case "numeric":
		return compileNumeric(path, operand)
	}
	return rule{}, fault(path, "no such operator; use prefix, suffix, equals-ignore-case, exists, anything-but or numeric")
}

// equals compares leaves as they are written: numbers too.
func equals(want any) func(any) bool { return func(leaf any) bool { return leaf == want } }

func textTest(operator, operand string) func(any) bool {
	test := map[string]func(s, operand string) bool{
		"prefix": strings.HasPrefix, "suffix": strings.HasSuffix, "equals-ignore-case": strings.EqualFold,
	}[operator]
	return func(leaf any) bool {
		s, ok := leaf.(string)
		return ok && test(s, operand)
	}
}

func compileAnythingBut(path string, operand any) (rule, error) {
	list, ok := operand.([]any)
	if !ok {
		list = []any{operand}
	}
	if len(list) == 0 {
		return rule{}, fault(path, "an empty list; name at least one value")
	}
	for _, v := range list {
		switch v.(type) {
		case string, json.Number:
		default:
			return rule{}, fault(path, "takes a string, a number or a list of them")
		}
	}
	return rule{holds: func(leaf any) bool { return !slices.Contains(list, leaf) }}, nil
}

// maxNumber is the largest absolute value that numeric compares.
const maxNumber = 5e9

// comparison is one half of numeric.
type comparison struct {
	operator string
	bound    float64
}

func (c comparison) holds(x float64) bool {
	switch c.operator {
	case "=":
		return x == c.bound
	case "<":
		return x < c.bound
	case "<=":
		return x <= c.bound
	case ">":
		return x > c.bound
	}
	return x >= c.bound
}

func (c comparison) lower() bool { return strings.HasPrefix(c.operator, ">") }
func (c comparison) upper() bool { return strings.HasPrefix(c.operator, "<") }

func compileNumeric(path string, operand any) (rule, error) {
	list, _ := operand.([]any)
	if len(list) != 2 && len(list) != 4 {
		return rule{}, fault(path, `takes a list like ["=", 100] or [">", 10, "<=", 20]`)
	}
	var all []comparison
	for pair := range slices.Chunk(list, 2) {
		c, err := compileComparison(path, pair[0], pair[1])
		if err != nil {
			return rule{}, err
		}
		all = append(all, c)
	}
	if len(all) == 2 && (!all[0].lower() || !all[1].upper() || all[0].bound >= all[1].bound) {
		return rule{}, fault(path, "a range is a lower bound with > or >=, then a larger upper bound with < or <=")
	}
	return rule{holds: func(leaf any) bool {
		x, ok := number(leaf)
		return ok && !slices.ContainsFunc(all, func(c comparison) bool { return !c.holds(x) })
	}}, nil
}

func compileComparison(path string, operator, operand any) (comparison, error) {
	name, _ := operator.(string)
	if !slices.Contains([]string{"=", "<", "<=", ">", ">="}, name) {
		return comparison{}, fault(path, "a comparison is one of =, <, <=, > and >=")
	}
	bound, ok := number(operand)
	if !ok {
		return comparison{}, fault(path, "compares with a number between -5e9 and 5e9")
	}
	return comparison{operator: name, bound: bound}, nil
}

func number(value any) (float64, bool) {
	text, ok := value.(json.Number)
	if !ok {
		return 0, false
	}
	x, err := strconv.ParseFloat(text.String(), 64)
	return x, err == nil && x >= -maxNumber && x <= maxNumber
}
