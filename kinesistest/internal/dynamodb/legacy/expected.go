package legacy

import "github.com/penstock-go/penstock/kinesistest/internal/dynamodb/expression"

// ExpectedValue is what a conditional write demands of one attribute: a comparison, or in the oldest form a value that it
// must equal or, with Exists false, that there is none.
type ExpectedValue struct {
	Value              *Value
	Exists             *bool
	ComparisonOperator string
	AttributeValueList []Value
}

// Expected is the condition of a write: attribute names to what is demanded of them.
type Expected map[string]ExpectedValue

// Condition translates the whole of Expected; nil if it is empty. operator is the ConditionalOperator: AND, OR, or empty for
// AND.
func (e Expected) Condition(operator string) (expression.Condition, error) {
	return combined(operator, "Expected", e, func(name string, one ExpectedValue) (expression.Condition, error) {
		return one.condition(name)
	})
}

func (e ExpectedValue) condition(name string) (expression.Condition, error) {
	if e.Value != nil && e.AttributeValueList != nil {
		return nil, invalidf("Value and AttributeValueList cannot be used together for Attribute: %s", name)
	}
	if e.ComparisonOperator != "" {
		return e.comparison(name)
	}
	if e.AttributeValueList != nil {
		return nil, invalidf("AttributeValueList can only be used with a ComparisonOperator for Attribute: %s", name)
	}
	return e.existence(name)
}

func (e ExpectedValue) comparison(name string) (expression.Condition, error) {
	values := e.AttributeValueList
	if e.Value != nil {
		values = []Value{*e.Value}
	}
	switch {
	case e.Exists != nil:
		return nil, invalidf("Exists and ComparisonOperator cannot be used together for Attribute: %s", name)
	case values == nil && e.ComparisonOperator != "NULL" && e.ComparisonOperator != "NOT_NULL":
		return nil, invalidf("Value or AttributeValueList must be used with ComparisonOperator: %s for Attribute: %s",
			e.ComparisonOperator, name)
	}
	return comparison("expected", name, e.ComparisonOperator, values)
}

// existence translates the oldest form.
func (e ExpectedValue) existence(name string) (expression.Condition, error) {
	wanted := e.Exists == nil || *e.Exists
	switch {
	case wanted && e.Value == nil:
		given := "null"
		if e.Exists != nil {
			given = "true"
		}
		return nil, invalidf("Value must be provided when Exists is %s for Attribute: %s", given, name)
	case wanted:
		return comparison("expected", name, "EQ", []Value{*e.Value})
	case e.Value != nil:
		return nil, invalidf("Value cannot be used when Exists is false for Attribute: %s", name)
	default:
		return expression.Exists{Path: path(name), Want: false}, nil
	}
}
