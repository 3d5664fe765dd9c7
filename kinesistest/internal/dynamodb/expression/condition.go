package expression

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/attribute"
)

// Condition is something that holds of an item or does not. A nil item is one that does not exist.
type Condition interface {
	Holds(item attribute.Item) bool
}

// Operand is a Path, a Literal or a Size.
type Operand interface {
	// In returns the operand's value for an item, nil if it has none.
	In(item attribute.Item) attribute.Value
}

// Operator is a comparator.
type Operator string

// The comparators.
const (
	Equal          Operator = "="
	NotEqual       Operator = "<>"
	Less           Operator = "<"
	LessOrEqual    Operator = "<="
	Greater        Operator = ">"
	GreaterOrEqual Operator = ">="
)

type (
	// And holds if both sides do.
	And struct{ Left, Right Condition }
	// Or holds if either side does.
	Or struct{ Left, Right Condition }
	// Not holds if its condition does not.
	Not struct{ Condition Condition }
	// Compare compares two operands. Only equal types compare: otherwise it is false, or true for NotEqual.
	Compare struct {
		Operator    Operator
		Left, Right Operand
	}
	// Between holds if the operand lies between two bounds, inclusive.
	Between struct{ Operand, Low, High Operand }
	// In holds if the operand equals one of the list.
	In struct {
		Operand Operand
		List    []Operand
	}
	// Exists holds if the path has a value (or, with Want false, has none).
	Exists struct {
		Path Path
		Want bool
	}
	// HasType holds if the operand's value is of the type that Type names.
	HasType struct{ Operand, Type Operand }
	// BeginsWith holds if a string or byte string starts with another.
	BeginsWith struct{ Operand, Prefix Operand }
	// Contains holds if a string has a substring, or a set or list a member.
	Contains struct{ Operand, Member Operand }
)

type (
	// Literal is a value given by the request.
	Literal struct{ Value attribute.Value }
	// Size is the size function: the length of a string in characters and of a byte string in bytes, and the number of
	// elements of a set, list or map. Other types have none.
	Size struct{ Operand Operand }
)

// In returns the literal's value.
func (l Literal) In(attribute.Item) attribute.Value { return l.Value }

// In returns the size as a Number.
func (s Size) In(item attribute.Item) attribute.Value {
	var n int
	switch v := s.Operand.In(item).(type) {
	case attribute.String:
		n = utf8.RuneCountInString(string(v))
	case attribute.Binary:
		n = len(v)
	case attribute.Set:
		n = v.Len()
	case attribute.List:
		n = len(v)
	case attribute.Map:
		n = len(v)
	default:
		return nil
	}
	size, err := attribute.ParseNumber(strconv.Itoa(n))
	if err != nil {
		return nil
	}
	return size
}

// Holds implements Condition.
func (c And) Holds(item attribute.Item) bool { return c.Left.Holds(item) && c.Right.Holds(item) }

// Holds implements Condition.
func (c Or) Holds(item attribute.Item) bool { return c.Left.Holds(item) || c.Right.Holds(item) }

// Holds implements Condition.
func (c Not) Holds(item attribute.Item) bool { return !c.Condition.Holds(item) }

// Holds implements Condition.
func (c Compare) Holds(item attribute.Item) bool {
	return c.Operator.holds(c.Left.In(item), c.Right.In(item))
}

func (op Operator) holds(left, right attribute.Value) bool {
	if op == Equal {
		return left != nil && right != nil && attribute.Equal(left, right)
	}
	if op == NotEqual {
		return !Equal.holds(left, right)
	}
	if left == nil || right == nil || !attribute.Ordered(left, right) {
		return false
	}
	order := attribute.Compare(left, right)
	switch op {
	case Less:
		return order < 0
	case LessOrEqual:
		return order <= 0
	case Greater:
		return order > 0
	default:
		return order >= 0
	}
}

// Holds implements Condition.
func (c Between) Holds(item attribute.Item) bool {
	v := c.Operand.In(item)
	return GreaterOrEqual.holds(v, c.Low.In(item)) && LessOrEqual.holds(v, c.High.In(item))
}

// Holds implements Condition.
func (c In) Holds(item attribute.Item) bool {
	v := c.Operand.In(item)
	return slices.ContainsFunc(c.List, func(o Operand) bool { return Equal.holds(v, o.In(item)) })
}

// Holds implements Condition.
func (c Exists) Holds(item attribute.Item) bool { return (c.Path.In(item) != nil) == c.Want }

// Holds implements Condition.
func (c HasType) Holds(item attribute.Item) bool {
	v, name := c.Operand.In(item), c.Type.In(item)
	if v == nil || name == nil {
		return false
	}
	return attribute.Equal(attribute.String(v.Kind()), name)
}

// Holds implements Condition.
func (c BeginsWith) Holds(item attribute.Item) bool {
	switch v := c.Operand.In(item).(type) {
	case attribute.String:
		prefix, ok := c.Prefix.In(item).(attribute.String)
		return ok && strings.HasPrefix(string(v), string(prefix))
	case attribute.Binary:
		prefix, ok := c.Prefix.In(item).(attribute.Binary)
		return ok && strings.HasPrefix(string(v), string(prefix))
	default:
		return false
	}
}

// Holds implements Condition.
func (c Contains) Holds(item attribute.Item) bool {
	member := c.Member.In(item)
	if member == nil {
		return false
	}
	switch v := c.Operand.In(item).(type) {
	case attribute.String:
		part, ok := member.(attribute.String)
		return ok && strings.Contains(string(v), string(part))
	case attribute.Binary:
		part, ok := member.(attribute.Binary)
		return ok && strings.Contains(string(v), string(part))
	case attribute.Set:
		return v.Contains(member)
	case attribute.List:
		return slices.ContainsFunc(v, func(e attribute.Value) bool { return attribute.Equal(e, member) })
	default:
		return false
	}
}

// Paths returns the document paths that a condition looks at, in the order of the text.
func Paths(c Condition) []Path {
	switch c := c.(type) {
	case And:
		return append(Paths(c.Left), Paths(c.Right)...)
	case Or:
		return append(Paths(c.Left), Paths(c.Right)...)
	case Not:
		return Paths(c.Condition)
	case Compare:
		return operandPaths(c.Left, c.Right)
	case Between:
		return operandPaths(c.Operand, c.Low, c.High)
	case In:
		return operandPaths(append([]Operand{c.Operand}, c.List...)...)
	case Exists:
		return []Path{c.Path}
	case HasType:
		return operandPaths(c.Operand)
	case BeginsWith:
		return operandPaths(c.Operand, c.Prefix)
	case Contains:
		return operandPaths(c.Operand, c.Member)
	default:
		return nil
	}
}

func operandPaths(operands ...Operand) []Path {
	var paths []Path
	for _, o := range operands {
		switch o := o.(type) {
		case Path:
			paths = append(paths, o)
		case Size:
			paths = append(paths, operandPaths(o.Operand)...)
		}
	}
	return paths
}
