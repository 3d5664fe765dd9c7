package dynamodb

import (
	"slices"
	"strings"

	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/legacy"
)

// legacyParameters are the request members of the notation from before expressions. Each does what one of the
// expressions does, and a request uses one notation or the other.
type legacyParameters struct {
	AttributesToGet     []string
	AttributeUpdates    legacy.Updates
	Expected            legacy.Expected
	ScanFilter          legacy.Conditions
	QueryFilter         legacy.Conditions
	ConditionalOperator string
	KeyConditions       legacy.Conditions
}

// legacyNames returns the legacy parameters that a request has, of those that its operation knows. As in the service, the
// others are passed over like any member that an operation does not know.
func (l *legacyParameters) legacyNames(roles []string) []string {
	knows := func(role string) bool { return slices.Contains(roles, role) }
	var names []string
	for _, p := range []struct {
		name         string
		given, known bool
	}{
		{"AttributesToGet", l.AttributesToGet != nil, knows(projectionRole)},
		{"AttributeUpdates", l.AttributeUpdates != nil, knows(updateRole)},
		{"Expected", l.Expected != nil, knows(conditionRole)},
		{"ScanFilter", l.ScanFilter != nil, knows(filterRole) && !knows(keyConditionRole)},
		{"QueryFilter", l.QueryFilter != nil, knows(filterRole) && knows(keyConditionRole)},
		{"ConditionalOperator", l.ConditionalOperator != "", knows(filterRole) || knows(conditionRole)},
		{"KeyConditions", l.KeyConditions != nil, knows(keyConditionRole)},
	} {
		if p.given && p.known {
			names = append(names, p.name)
		}
	}
	return names
}

// checkMixture refuses requests in both notations at once.
func (e *expressionParameters) checkMixture(roles []string) error {
	old := e.legacyNames(roles)
	var expressions []string
	for _, role := range []string{projectionRole, filterRole, updateRole, conditionRole, keyConditionRole} {
		if slices.Contains(roles, role) && e.text(role) != nil {
			expressions = append(expressions, role)
		}
	}
	if old == nil || expressions == nil {
		return nil
	}
	return invalid("Can not use both expression and non-expression parameters in the same request: "+
		"Non-expression parameters: {%s} Expression parameters: {%s}", strings.Join(old, ", "), strings.Join(expressions, ", "))
}

// addLegacy translates the legacy parameters into the trees that expressions are parsed into. Where both could stand,
// checkMixture has made sure that only one does.
func (p *parsedExpressions) addLegacy(l *legacyParameters, roles []string) error {
	for _, name := range l.legacyNames(roles) {
		if err := p.addLegacyParameter(l, name); err != nil {
			return err
		}
	}
	return nil
}

func (p *parsedExpressions) addLegacyParameter(l *legacyParameters, name string) (err error) {
	switch name {
	case "AttributesToGet":
		p.projection, err = legacy.Projection(l.AttributesToGet)
	case "AttributeUpdates":
		p.update, err = l.AttributeUpdates.Update()
	case "Expected":
		p.condition, err = l.Expected.Condition(l.ConditionalOperator)
	case "ScanFilter":
		p.filter, err = l.ScanFilter.Filter("scanFilter", l.ConditionalOperator)
	case "QueryFilter":
		p.filter, err = l.QueryFilter.Filter("queryFilter", l.ConditionalOperator)
	case "KeyConditions":
		p.keyCondition, err = l.KeyConditions.KeyCondition()
	case "ConditionalOperator":
		// It has been applied to the parameter it belongs to; without one the service refuses it.
		if l.Expected == nil && l.ScanFilter == nil && l.QueryFilter == nil {
			var none legacy.Conditions
			_, err = none.Filter("", l.ConditionalOperator)
		}
	}
	return err
}

// filterName names the notation that a query's filter came in, for the words of a refusal.
func (l *legacyParameters) filterName() string {
	if l.QueryFilter != nil {
		return "QueryFilter"
	}
	return "Filter Expression"
}
