package legacy

import (
	"maps"
	"slices"

	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/expression"
)

// Condition is what a filter demands of one attribute.
type Condition struct {
	ComparisonOperator string
	AttributeValueList []Value
}

// Conditions is a ScanFilter, a QueryFilter or KeyConditions: attribute names to what is demanded of them.
type Conditions map[string]Condition

// Filter translates a ScanFilter or QueryFilter, which parameter names in the spelling of error texts ("scanFilter").
// The result is nil if the filter is empty. operator is the ConditionalOperator: AND, OR, or empty for AND.
func (c Conditions) Filter(parameter, operator string) (expression.Condition, error) {
	return combined(operator, "Filter", c, func(name string, one Condition) (expression.Condition, error) {
		return comparison(parameter, name, one.ComparisonOperator, one.AttributeValueList)
	})
}

// combined joins the translations of a parameter's entries, in the order of their names.
func combined[C any](operator, kind string, entries map[string]C, translate func(string, C) (expression.Condition, error)) (
	expression.Condition, error,
) {
	if operator != "" && operator != "AND" && operator != "OR" {
		return nil, badEnum("conditionalOperator", operator, []string{"OR", "AND"})
	}
	if operator != "" && len(entries) == 0 {
		return nil, refusedf("ConditionalOperator cannot be used without Filter or Expected")
	}
	if operator != "" && len(entries) == 1 {
		return nil, refusedf("ConditionalOperator can only be used when %s has two or more elements", kind)
	}
	var whole expression.Condition
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		one, err := translate(name, entries[name])
		switch {
		case err != nil:
			return nil, err
		case whole == nil:
			whole = one
		case operator == "OR":
			whole = expression.Or{Left: whole, Right: one}
		default:
			whole = expression.And{Left: whole, Right: one}
		}
	}
	return whole, nil
}
