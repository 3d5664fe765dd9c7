package legacy

import (
	"fmt"

	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/attribute"
	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/expression"
)

// Value is an attribute value as a member of a request.
type Value struct{ attribute.Value }

// UnmarshalJSON reads one typed value. Its errors are those of attribute.Decode.
func (v *Value) UnmarshalJSON(data []byte) (err error) {
	v.Value, err = attribute.Decode(data)
	return err
}

// path returns the path of a top-level attribute, whatever its name contains.
func path(name string) expression.Path {
	return expression.Path{{Name: name, Index: -1}}
}

// refusedf words a refusal.
func refusedf(format string, args ...any) error {
	return &expression.Error{Reason: fmt.Sprintf(format, args...)}
}

// invalidf is for the service's most frequent complaint.
func invalidf(format string, args ...any) error {
	return refusedf("One or more parameter values were invalid: "+format, args...)
}
