package dynamodb

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/attribute"
	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/expression"
)

// expressionParameters are the request members that expressions come in. An operation embeds them and names, when it
// has them parsed, the ones it knows.
type expressionParameters struct {
	ConditionExpression       *string
	FilterExpression          *string
	KeyConditionExpression    *string
	ProjectionExpression      *string
	UpdateExpression          *string
	ExpressionAttributeNames  map[string]string
	ExpressionAttributeValues placeholderValues

	legacyParameters
}

// placeholderValues decodes like an Item, but words mistakes for its own place.
type placeholderValues map[string]attribute.Value

// UnmarshalJSON reads typed values under their placeholders.
func (p *placeholderValues) UnmarshalJSON(data []byte) error {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return &attribute.ShapeError{Reason: attribute.ShapeReason(err)}
	}
	if raw == nil {
		return nil
	}
	*p = make(placeholderValues, len(raw))
	for _, key := range slices.Sorted(maps.Keys(raw)) {
		v, err := attribute.Decode(raw[key])
		var value *attribute.ValueError
		if errors.As(err, &value) {
			return &attribute.ValueError{Reason: "ExpressionAttributeValues contains invalid value: " + value.Reason +
				" for key " + key}
		}
		if err != nil {
			return err
		}
		(*p)[key] = v
	}
	return nil
}

// The names of the expression parameters.
const (
	conditionRole    = "ConditionExpression"
	filterRole       = "FilterExpression"
	keyConditionRole = "KeyConditionExpression"
	projectionRole   = "ProjectionExpression"
	updateRole       = "UpdateExpression"
)

// parsedExpressions are a request's expressions; those that it does not have are nil.
type parsedExpressions struct {
	condition    expression.Condition
	filter       expression.Condition
	keyCondition expression.KeyCondition
	projection   expression.Projection
	update       *expression.Update
}

// parse parses the expressions that an operation knows, in the order in which the service would find mistakes in them.
func (e *expressionParameters) parse(roles ...string) (*parsedExpressions, error) {
	if err := e.checkMixture(roles); err != nil {
		return nil, err
	}
	if err := e.checkPlaceholders(roles); err != nil {
		return nil, err
	}
	scope, err := expression.NewScope(e.ExpressionAttributeNames, e.ExpressionAttributeValues)
	if err != nil {
		return nil, err
	}
	parsed := new(parsedExpressions)
	for _, role := range roles {
		if text := e.text(role); text != nil {
			if err := parsed.add(scope, role, *text); err != nil {
				return nil, err
			}
		}
	}
	if err := parsed.addLegacy(&e.legacyParameters, roles); err != nil {
		return nil, err
	}
	return parsed, scope.Unused()
}

func (p *parsedExpressions) add(scope *expression.Scope, role, text string) (err error) {
	switch role {
	case conditionRole:
		p.condition, err = scope.Condition(role, text)
	case filterRole:
		p.filter, err = scope.Condition(role, text)
	case keyConditionRole:
		p.keyCondition, err = scope.KeyCondition(text)
	case projectionRole:
		p.projection, err = scope.Projection(text)
	default:
		p.update, err = scope.Update(text)
	}
	return err
}

func (e *expressionParameters) text(role string) *string {
	switch role {
	case conditionRole:
		return e.ConditionExpression
	case filterRole:
		return e.FilterExpression
	case keyConditionRole:
		return e.KeyConditionExpression
	case projectionRole:
		return e.ProjectionExpression
	default:
		return e.UpdateExpression
	}
}

// checkPlaceholders refuses placeholders where no expression could use them.
func (e *expressionParameters) checkPlaceholders(roles []string) error {
	var valueRoles []string
	some, someWithValues := false, false
	for _, role := range roles {
		given := e.text(role) != nil
		some = some || given
		if role != projectionRole {
			someWithValues = someWithValues || given
			valueRoles = append(valueRoles, role)
		}
	}
	if e.ExpressionAttributeNames != nil && !some {
		return invalid("ExpressionAttributeNames can only be specified when using expressions")
	}
	if e.ExpressionAttributeValues != nil && !someWithValues && len(valueRoles) > 0 {
		verb := "is"
		if len(valueRoles) > 1 {
			verb = "are"
		}
		return invalid("ExpressionAttributeValues can only be specified when using expressions: %s %s null",
			strings.Join(valueRoles, " and "), verb)
	}
	return nil
}
