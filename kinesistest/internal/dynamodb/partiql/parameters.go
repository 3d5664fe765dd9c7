package partiql

import (
	"encoding/json"

	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/attribute"
)

// Parameters are the values that come with a statement, in the order of its question marks.
type Parameters []attribute.Value

// UnmarshalJSON reads a list of typed values. Its errors are those of attribute.Decode.
func (p *Parameters) UnmarshalJSON(data []byte) error {
	var raw []json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return &attribute.ShapeError{Reason: attribute.ShapeReason(err)}
	}
	if raw == nil {
		return nil
	}
	*p = make(Parameters, len(raw))
	for i, text := range raw {
		v, err := attribute.Decode(text)
		if err != nil {
			return err
		}
		(*p)[i] = v
	}
	return nil
}
