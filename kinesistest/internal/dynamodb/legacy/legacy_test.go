package legacy

import (
	"encoding/json"
	"testing"

	"go.uber.org/goleak"

	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/attribute"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// parse reads a parameter from JSON.
func parse[T any](t *testing.T, text string) T {
	t.Helper()
	var parameter T
	if err := json.Unmarshal([]byte(text), &parameter); err != nil {
		t.Fatal(err)
	}
	return parameter
}

const wrong = "One or more parameter values were invalid: "

func TestExpectedThatContradictsItselfIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":{}}`:              wrong + "Value must be provided when Exists is null for Attribute: a",
		`{"a":{"Exists":true}}`: wrong + "Value must be provided when Exists is true for Attribute: a",
		`{"a":{"Exists":false,"Value":{"S":"x"}}}`:                                     wrong + "Value cannot be used when Exists is false for Attribute: a",
		`{"a":{"Exists":true,"ComparisonOperator":"NULL"}}`:                            wrong + "Exists and ComparisonOperator cannot be used together for Attribute: a",
		`{"a":{"Value":{"S":"x"},"AttributeValueList":[{"S":"x"}]}}`:                   wrong + "Value and AttributeValueList cannot be used together for Attribute: a",
		`{"a":{"AttributeValueList":[{"S":"x"}]}}`:                                     wrong + "AttributeValueList can only be used with a ComparisonOperator for Attribute: a",
		`{"a":{"ComparisonOperator":"LT"}}`:                                            wrong + "Value or AttributeValueList must be used with ComparisonOperator: LT for Attribute: a",
		`{"a":{"ComparisonOperator":"LT","Value":{"SS":["x"]}}}`:                       wrong + "ComparisonOperator LT is not valid for SS AttributeValue type",
		`{"a":{"ComparisonOperator":"EQ","AttributeValueList":[]}}`:                    wrong + "Invalid number of argument(s) for the EQ ComparisonOperator",
		`{"a":{"ComparisonOperator":"NULL","Value":{"S":"x"}}}`:                        wrong + "Invalid number of argument(s) for the NULL ComparisonOperator",
		`{"a":{"ComparisonOperator":"IN","AttributeValueList":[{"S":"x"},{"N":"1"}]}}`: wrong + "AttributeValues inside AttributeValueList must be of same type",
		`{"a":{"ComparisonOperator":"BEGINS_WITH","Value":{"N":"1"}}}`:                 wrong + "ComparisonOperator BEGINS_WITH is not valid for N AttributeValue type",
		`{"a":{"ComparisonOperator":"BETWEEN","AttributeValueList":[{"S":"b"},{"S":"a"}]}}`: "The BETWEEN condition was provided a range where " +
			"the lower bound is greater than the upper bound",
	} {
		if _, err := parse[Expected](t, text).Condition(""); err == nil || err.Error() != want {
			t.Errorf("%s\n got %v\nwant %s", text, err, want)
		}
	}
}

func TestConditionalOperatorNeedsTwoConditions(t *testing.T) {
	one := parse[Expected](t, `{"a":{"Exists":false}}`)
	two := parse[Expected](t, `{"a":{"Exists":false},"b":{"Exists":false}}`)
	if _, err := one.Condition("AND"); err == nil {
		t.Error("accepted for one condition")
	}
	if _, err := two.Condition("XOR"); err == nil {
		t.Error("accepted an unknown operator")
	}
	c, err := two.Condition("OR")
	if err != nil {
		t.Fatal(err)
	}
	if !c.Holds(attribute.Item{"a": attribute.Bool(true)}) || c.Holds(attribute.Item{"a": attribute.Null{}, "b": attribute.Null{}}) {
		t.Error("OR is not the disjunction")
	}
}

func TestUnknownWordsAreRefused(t *testing.T) {
	_, filterErr := parse[Conditions](t, `{"a":{"ComparisonOperator":"LIKE"}}`).Filter("scanFilter", "")
	_, missingErr := parse[Conditions](t, `{"a":{}}`).Filter("scanFilter", "")
	_, updateErr := parse[Updates](t, `{"a":{"Action":"SET","Value":{"S":"x"}}}`).Update()
	for want, err := range map[string]error{
		"1 validation error detected: Value 'LIKE' at 'scanFilter.a.member.comparisonOperator' failed to satisfy constraint: " +
			"Member must satisfy enum value set: [IN, NULL, BETWEEN, LT, NOT_CONTAINS, EQ, GT, NOT_NULL, NE, LE, BEGINS_WITH, GE, CONTAINS]": filterErr,
		"1 validation error detected: Value null at 'scanFilter.a.member.comparisonOperator' failed to satisfy constraint: " +
			"Member must not be null": missingErr,
		"1 validation error detected: Value 'SET' at 'attributeUpdates.a.member.action' failed to satisfy constraint: " +
			"Member must satisfy enum value set: [ADD, DELETE, PUT]": updateErr,
	} {
		if err == nil || err.Error() != want {
			t.Errorf(" got %v\nwant %s", err, want)
		}
	}
}

func TestKeyConditionsThatNoKeyCanAnswerAreRefused(t *testing.T) {
	const length = "Conditions can be of length 1 or 2 only"
	eq := `{"ComparisonOperator":"EQ","AttributeValueList":[{"S":"x"}]}`
	for text, want := range map[string]string{
		`{}`: length,
		`{"a":` + eq + `,"b":` + eq + `,"c":` + eq + `}`:                     length,
		`{"a":{"ComparisonOperator":"NE","AttributeValueList":[{"S":"x"}]}}`: "Attempted conditional constraint is not an indexable operation",
		`{"a":{"ComparisonOperator":"NOT_NULL"}}`:                            "Attempted conditional constraint is not an indexable operation",
		`{"a":{"ComparisonOperator":"EQ"}}`:                                  wrong + "Invalid number of argument(s) for the EQ ComparisonOperator",
	} {
		if _, err := parse[Conditions](t, text).KeyCondition(); err == nil || err.Error() != want {
			t.Errorf("%s\n got %v\nwant %s", text, err, want)
		}
	}
}

func TestUpdatesThatDoNotFitTheirValueAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":{}}`:               wrong + "Only DELETE action is allowed when no attribute value is specified",
		`{"a":{"Action":"ADD"}}`: wrong + "Only DELETE action is allowed when no attribute value is specified",
		`{"a":{"Action":"ADD","Value":{"S":"x"}}}`:    wrong + "ADD action is not supported for the type S",
		`{"a":{"Action":"DELETE","Value":{"N":"1"}}}`: wrong + "DELETE action with value is not supported for the type N",
	} {
		if _, err := parse[Updates](t, text).Update(); err == nil || err.Error() != want {
			t.Errorf("%s\n got %v\nwant %s", text, err, want)
		}
	}
}

func TestAttributesToGetNameSomethingAndNothingTwice(t *testing.T) {
	for _, names := range [][]string{{}, {"a", "b", "a"}} {
		if _, err := Projection(names); err == nil {
			t.Errorf("accepted %q", names)
		}
	}
}
