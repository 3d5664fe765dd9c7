package legacy

import (
	"slices"
	"strings"

	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/attribute"
	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/expression"
)

// rule says what one ComparisonOperator takes and what it means.
type rule struct {
	least, most int              // how many values it takes
	kinds       []attribute.Kind // the types of its values; nil for any
	// condition builds the tree; the values are as many and of such types as the rule says.
	condition func(p expression.Path, values []expression.Operand) expression.Condition
}

var (
	scalars = []attribute.Kind{attribute.KindString, attribute.KindNumber, attribute.KindBinary}
	texts   = []attribute.Kind{attribute.KindString, attribute.KindBinary}
)

// maxInList is how many values IN takes, as in the expression language.
const maxInList = 100

// rules holds the comparison operators by the service's names.
var rules = map[string]rule{
	"EQ":           {1, 1, nil, compare(expression.Equal)},
	"NE":           {1, 1, nil, compare(expression.NotEqual)},
	"LT":           {1, 1, scalars, compare(expression.Less)},
	"LE":           {1, 1, scalars, compare(expression.LessOrEqual)},
	"GT":           {1, 1, scalars, compare(expression.Greater)},
	"GE":           {1, 1, scalars, compare(expression.GreaterOrEqual)},
	"NULL":         {0, 0, nil, exists(false)},
	"NOT_NULL":     {0, 0, nil, exists(true)},
	"CONTAINS":     {1, 1, scalars, contains},
	"NOT_CONTAINS": {1, 1, scalars, containsNot},
	"BEGINS_WITH":  {1, 1, texts, beginsWith},
	"IN":           {1, maxInList, scalars, in},
	"BETWEEN":      {2, 2, scalars, between},
}

func compare(op expression.Operator) func(expression.Path, []expression.Operand) expression.Condition {
	return func(p expression.Path, values []expression.Operand) expression.Condition {
		return expression.Compare{Operator: op, Left: p, Right: values[0]}
	}
}

func exists(want bool) func(expression.Path, []expression.Operand) expression.Condition {
	return func(p expression.Path, _ []expression.Operand) expression.Condition {
		return expression.Exists{Path: p, Want: want}
	}
}

func contains(p expression.Path, values []expression.Operand) expression.Condition {
	return expression.Contains{Operand: p, Member: values[0]}
}

func containsNot(p expression.Path, values []expression.Operand) expression.Condition {
	return expression.Not{Condition: contains(p, values)}
}

func beginsWith(p expression.Path, values []expression.Operand) expression.Condition {
	return expression.BeginsWith{Operand: p, Prefix: values[0]}
}

func in(p expression.Path, values []expression.Operand) expression.Condition {
	return expression.In{Operand: p, List: values}
}

func between(p expression.Path, values []expression.Operand) expression.Condition {
	return expression.Between{Operand: p, Low: values[0], High: values[1]}
}

// comparison translates one operator with its values. parameter and name say where it stands.
func comparison(parameter, name, operator string, values []Value) (expression.Condition, error) {
	r, known := rules[operator]
	if !known {
		return nil, badEnum(parameter+"."+name+".member.comparisonOperator", operator, operators)
	}
	if err := r.check(operator, values); err != nil {
		return nil, err
	}
	operands := make([]expression.Operand, len(values))
	for i, v := range values {
		operands[i] = expression.Literal{Value: v.Value}
	}
	return r.condition(path(name), operands), nil
}

func (r rule) check(operator string, values []Value) error {
	if len(values) < r.least || len(values) > r.most {
		return invalidf("Invalid number of argument(s) for the %s ComparisonOperator", operator)
	}
	for _, v := range values {
		if v.Value == nil {
			return refusedf("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
		}
		if v.Kind() != values[0].Kind() {
			return invalidf("AttributeValues inside AttributeValueList must be of same type")
		}
		if r.kinds != nil && !slices.Contains(r.kinds, v.Kind()) {
			return invalidf("ComparisonOperator %s is not valid for %s AttributeValue type", operator, v.Kind())
		}
	}
	if operator == "BETWEEN" && attribute.Compare(values[0].Value, values[1].Value) > 0 {
		return refusedf("The BETWEEN condition was provided a range where the lower bound is greater than the upper bound")
	}
	return nil
}

// operators are the service's names in the order in which its complaint lists them.
var operators = []string{
	"IN", "NULL", "BETWEEN", "LT", "NOT_CONTAINS", "EQ", "GT", "NOT_NULL", "NE", "LE", "BEGINS_WITH", "GE", "CONTAINS",
}

// badEnum refuses a word that is none of those allowed at a place.
func badEnum(place, word string, words []string) error {
	value := "null"
	constraint := "Member must not be null"
	if word != "" {
		value = "'" + word + "'"
		constraint = "Member must satisfy enum value set: [" + strings.Join(words, ", ") + "]"
	}
	return refusedf("1 validation error detected: Value %s at '%s' failed to satisfy constraint: %s", value, place, constraint)
}
