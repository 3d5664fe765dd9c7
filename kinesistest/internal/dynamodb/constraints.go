package dynamodb

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// violations collects what is wrong with single parameters. The service reports all of that in one message, before it
// looks at anything else.
type violations []string

func (v *violations) add(value any, parameter, constraint string) {
	*v = append(*v, fmt.Sprintf("Value %v at '%s' failed to satisfy constraint: %s", value, parameter, constraint))
}

// err returns the violations as one error, nil if there are none.
func (v violations) err() error {
	switch len(v) {
	case 0:
		return nil
	case 1:
		return invalid("1 validation error detected: %s", v[0])
	default:
		return invalid("%d validation errors detected: %s", len(v), strings.Join(v, "; "))
	}
}

func quoted(s string) string { return "'" + s + "'" }

var namePattern = regexp.MustCompile(`^[a-zA-Z0-9_.-]+$`)

// name checks the name of a table or an index; an ARN is taken for the table that it ends with.
func (v *violations) name(value, parameter string) {
	if value == "" {
		v.add("null", parameter, "Member must not be null")
		return
	}
	name := tableName(value)
	if !namePattern.MatchString(name) {
		v.add(quoted(value), parameter, "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+")
	}
	if len(name) < 3 {
		v.add(quoted(value), parameter, "Member must have length greater than or equal to 3")
	}
	if len(name) > 255 {
		v.add(quoted(value), parameter, "Member must have length less than or equal to 255")
	}
}

// optionalName checks a name that need not be there.
func (v *violations) optionalName(value *string, parameter string) {
	if value != nil {
		v.name(*value, parameter)
	}
}

// present checks that a document is there.
func present[M ~map[string]V, V any](v *violations, document M, parameter string) {
	if document == nil {
		v.add("null", parameter, "Member must not be null")
	}
}

// enum checks one of a few words; an empty one means that the parameter is absent.
func (v *violations) enum(value, parameter string, words ...string) {
	if value != "" && !slices.Contains(words, value) {
		v.add(quoted(value), parameter, "Member must satisfy enum value set: ["+strings.Join(words, ", ")+"]")
	}
}

// atLeast checks a number that may be absent.
func (v *violations) atLeast(value *int, parameter string, least int) {
	if value != nil && *value < least {
		v.add(quoted(fmt.Sprint(*value)), parameter, fmt.Sprintf("Member must have value greater than or equal to %d", least))
	}
}

// atMost checks a number that may be absent.
func (v *violations) atMost(value *int, parameter string, most int) {
	if value != nil && *value > most {
		v.add(quoted(fmt.Sprint(*value)), parameter, fmt.Sprintf("Member must have value less than or equal to %d", most))
	}
}

// consumedCapacity checks the parameter that asks for a capacity report.
func (v *violations) consumedCapacity(value string) {
	v.enum(value, "returnConsumedCapacity", "INDEXES", "TOTAL", "NONE")
}
