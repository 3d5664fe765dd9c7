package legacy

import "github.com/penstock-go/penstock/kinesistest/internal/dynamodb/expression"

// Projection translates AttributesToGet, which names at least one attribute and none twice.
func Projection(names []string) (expression.Projection, error) {
	if len(names) == 0 {
		return nil, refusedf("1 validation error detected: Value '[]' at 'attributesToGet' failed to satisfy constraint: " +
			"Member must have length greater than or equal to 1")
	}
	seen := make(map[string]bool, len(names))
	projection := make(expression.Projection, len(names))
	for i, name := range names {
		if seen[name] {
			return nil, invalidf("Duplicate value in attribute name: %s", name)
		}
		seen[name] = true
		projection[i] = path(name)
	}
	return projection, nil
}
