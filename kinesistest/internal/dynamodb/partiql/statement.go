package partiql

import (
	"slices"

	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/attribute"
	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/expression"
)

// Statement is a parsed UPDATE.
type Statement struct {
	Table  string
	Update expression.Update
	Where  expression.Condition // nil if there is no such clause
	// ReturnValues is what the RETURNING clause asks for, in the words of UpdateItem: ALL_OLD, ALL_NEW, UPDATED_OLD, UPDATED_NEW, or "".
	ReturnValues string
}

// Key takes the key out of the WHERE clause: the values that it says the attributes with the given names are equal to. What else the
// clause says is the condition, nil if it says nothing else. The error is ErrKey if a value is missing.
func (s *Statement) Key(names ...string) (key attribute.Item, condition expression.Condition, err error) {
	key = make(attribute.Item, len(names))
	condition = without(s.Where, names, key)
	if len(key) < len(names) {
		return nil, nil, ErrKey
	}
	return key, condition, nil
}

// without returns the condition without the comparisons that go into the key, nil if nothing is left.
func without(c expression.Condition, names []string, key attribute.Item) expression.Condition {
	switch c := c.(type) {
	case expression.And:
		left, right := without(c.Left, names, key), without(c.Right, names, key)
		switch {
		case left == nil:
			return right
		case right == nil:
			return left
		}
		return expression.And{Left: left, Right: right}
	case expression.Compare:
		name, v := equality(c)
		if _, twice := key[name]; v != nil && !twice && slices.Contains(names, name) {
			key[name] = v
			return nil
		}
	}
	return c
}

// equality returns the attribute and the value that a comparison demands to be equal; a nil value if it is none of that kind.
func equality(c expression.Compare) (name string, v attribute.Value) {
	path, isPath := c.Left.(expression.Path)
	literal, isLiteral := c.Right.(expression.Literal)
	if c.Operator != expression.Equal || !isPath || !isLiteral || len(path) != 1 {
		return "", nil
	}
	return path.Top(), literal.Value
}
