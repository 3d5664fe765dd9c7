package expression

import "github.com/penstock-go/penstock/kinesistest/internal/dynamodb/attribute"

// Projection is a parsed projection expression: disjoint paths.
type Projection []Path

// Of returns the parts of item that the projection names. Elements picked from a list keep their order and close up.
func (p Projection) Of(item attribute.Item) attribute.Item {
	chosen := new(edit)
	for _, path := range p {
		chosen.at(path).replace(nil)
	}
	return attribute.Item(chosen.pickFields(attribute.Map(item)))
}
