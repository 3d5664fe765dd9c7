package legacy

import (
	"maps"
	"slices"

	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/attribute"
	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/expression"
)

// keyOperators are the comparison operators that a key condition may use.
var keyOperators = map[string]expression.Operator{
	"EQ": expression.Equal,
	"LT": expression.Less, "LE": expression.LessOrEqual, "GT": expression.Greater, "GE": expression.GreaterOrEqual,
	"BETWEEN": expression.KeyBetween, "BEGINS_WITH": expression.KeyBeginsWith,
}

// KeyCondition translates KeyConditions.
func (c Conditions) KeyCondition() (expression.KeyCondition, error) {
	if len(c) < 1 || len(c) > 2 {
		return nil, refusedf("Conditions can be of length 1 or 2 only")
	}
	terms := make(expression.KeyCondition, len(c))
	for _, name := range slices.Sorted(maps.Keys(c)) {
		one := c[name]
		// The general checks come first: they know operators that are none at all.
		if _, err := comparison("keyConditions", name, one.ComparisonOperator, one.AttributeValueList); err != nil {
			return nil, err
		}
		op, indexable := keyOperators[one.ComparisonOperator]
		if !indexable {
			return nil, refusedf("Attempted conditional constraint is not an indexable operation")
		}
		values := make([]attribute.Value, len(one.AttributeValueList))
		for i, v := range one.AttributeValueList {
			values[i] = v.Value
		}
		terms[name] = expression.KeyTerm{Operator: op, Values: values}
	}
	return terms, nil
}
