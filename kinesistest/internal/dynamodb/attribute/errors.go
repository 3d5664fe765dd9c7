package attribute

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
)

// ValueError says that a value has the right JSON shape but is not one that the service stores. The service reports
// it as a ValidationException with this text.
type ValueError struct {
	Reason string
}

// Error returns the service's words.
func (e *ValueError) Error() string { return e.Reason }

// ShapeError says that a JSON document is not an attribute value at all, for example a number where a string must
// stand. The service reports it as a SerializationException with this text.
type ShapeError struct {
	Reason string
}

// Error returns the service's words.
func (e *ShapeError) Error() string { return e.Reason }

// invalid is the prefix of most of the service's complaints about values.
const invalid = "One or more parameter values were invalid: "

// ShapeReason words an error of encoding/json as the service words the mismatch, without any of the offending data.
func ShapeReason(err error) string {
	var mismatch *json.UnmarshalTypeError
	if !errors.As(err, &mismatch) {
		return "Unexpected token received from parser"
	}
	target := wireType(mismatch.Type)
	switch found, _, _ := strings.Cut(mismatch.Value, " "); found {
	case "string":
		return "STRING_VALUE cannot be converted to " + target
	case "number":
		return "NUMBER_VALUE cannot be converted to " + target
	case "bool":
		return "TRUE_VALUE cannot be converted to " + target
	case "array":
		return "Unrecognized collection type class " + target
	default:
		return "Start of structure or map found where not expected"
	}
}

// wireType names a Go type as the service's own error texts do.
func wireType(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "String"
	case reflect.Bool:
		return "Boolean"
	case reflect.Int, reflect.Int32:
		return "Integer"
	case reflect.Int64:
		return "Long"
	case reflect.Map, reflect.Struct:
		return "Map"
	default:
		return "List"
	}
}
