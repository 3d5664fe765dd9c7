package expression

import (
	"slices"

	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/attribute"
)

// Update is a parsed update expression. Every right side reads the item as it was before the update, so the order of
// the actions does not matter. The paths of all actions are disjoint.
type Update struct {
	Sets    []Assignment
	Removes []Path
	Adds    []Amendment
	Deletes []Amendment
}

// Assignment is one action of a SET section.
type Assignment struct {
	Path  Path
	Value Expression
}

// Amendment is one action of an ADD or DELETE section: a number or a set that is added to, or a set that is taken out
// of, what stands at the path.
type Amendment struct {
	Path  Path
	Value attribute.Value
}

// Expression is the right side of an assignment: an Operation, an IfNotExists, a ListAppend, or a plain Reference.
type Expression interface {
	evaluate(item attribute.Item) (attribute.Value, error)
}

type (
	// Reference is a path or a literal; a path must have a value.
	Reference struct{ Operand Operand }
	// Operation is a sum or a difference of numbers.
	Operation struct {
		Left, Right Expression
		Minus       bool
	}
	// IfNotExists is the value at the path or, if there is none, another value.
	IfNotExists struct {
		Path Path
		Else Expression
	}
	// ListAppend is one list after another.
	ListAppend struct{ First, Second Expression }
)

func (r Reference) evaluate(item attribute.Item) (attribute.Value, error) {
	if v := r.Operand.In(item); v != nil {
		return v, nil
	}
	return nil, errMissingOperand
}

func (o Operation) evaluate(item attribute.Item) (attribute.Value, error) {
	left, right, err := evaluateBoth[attribute.Number](o.Left, o.Right, item)
	if err != nil {
		return nil, err
	}
	if o.Minus {
		return left.Sub(right)
	}
	return left.Add(right)
}

func (f IfNotExists) evaluate(item attribute.Item) (attribute.Value, error) {
	if v := f.Path.In(item); v != nil {
		return v, nil
	}
	return f.Else.evaluate(item)
}

func (f ListAppend) evaluate(item attribute.Item) (attribute.Value, error) {
	first, second, err := evaluateBoth[attribute.List](f.First, f.Second, item)
	return slices.Concat(first, second), err
}

// evaluateBoth evaluates two operands that must be of one type.
func evaluateBoth[T attribute.Value](a, b Expression, item attribute.Item) (left, right T, err error) {
	if left, err = evaluateAs[T](a, item); err == nil {
		right, err = evaluateAs[T](b, item)
	}
	return left, right, err
}

func evaluateAs[T attribute.Value](e Expression, item attribute.Item) (T, error) {
	v, err := e.evaluate(item)
	typed, ok := v.(T)
	if err == nil && !ok {
		err = errOperandType
	}
	return typed, err
}

// Paths returns the paths that the update names, in the order of the sections SET, REMOVE, ADD, DELETE.
func (u *Update) Paths() []Path {
	var paths []Path
	for _, s := range u.Sets {
		paths = append(paths, s.Path)
	}
	paths = append(paths, u.Removes...)
	for _, a := range slices.Concat(u.Adds, u.Deletes) {
		paths = append(paths, a.Path)
	}
	return paths
}

// Disjoint returns an error if paths of the update get in each other's way. Who builds an update from anything but an update expression
// must ask, or the update does any of what it says.
func (u *Update) Disjoint() error {
	if w, reason := clash(u.Paths()); w != noMistake {
		return &Error{"Invalid UpdateExpression: " + reason}
	}
	return nil
}

// OnlyTakes reports whether the update has actions, and all of them take something away.
func (u *Update) OnlyTakes() bool {
	return len(u.Sets)+len(u.Adds) == 0 && len(u.Removes)+len(u.Deletes) > 0
}

// Apply returns the updated item. It never changes item, which may be nil. Its errors are *Error and
// *attribute.ValueError.
func (u *Update) Apply(item attribute.Item) (attribute.Item, error) {
	edit := new(edit)
	for _, s := range u.Sets {
		v, err := s.Value.evaluate(item)
		if err != nil {
			return nil, err
		}
		edit.at(s.Path).replace(v)
	}
	for _, path := range u.Removes {
		edit.at(path).replace(nil)
	}
	for _, a := range u.Adds {
		v, err := a.added(item)
		if err != nil {
			return nil, err
		}
		edit.at(a.Path).replace(v)
	}
	for _, a := range u.Deletes {
		if a.Path.In(item) == nil {
			continue
		}
		v, err := a.deleted(item)
		if err != nil {
			return nil, err
		}
		edit.at(a.Path).replace(v)
	}
	return edit.item(item)
}

// added returns what stands at the path after an ADD.
func (a Amendment) added(item attribute.Item) (attribute.Value, error) {
	switch old := a.Path.In(item).(type) {
	case nil:
		return a.Value, nil
	case attribute.Number:
		if n, ok := a.Value.(attribute.Number); ok {
			return old.Add(n)
		}
	case attribute.Set:
		if s, ok := a.Value.(attribute.Set); ok && s.Kind() == old.Kind() {
			return old.Union(s), nil
		}
	}
	return nil, errOperandType
}

// deleted returns what is left at the path after a DELETE; nil if nothing is, since a set is never empty.
func (a Amendment) deleted(item attribute.Item) (attribute.Value, error) {
	old, isSet := a.Path.In(item).(attribute.Set)
	gone, ok := a.Value.(attribute.Set)
	if !isSet || !ok || gone.Kind() != old.Kind() {
		return nil, errOperandType
	}
	if rest, some := old.Minus(gone); some {
		return rest, nil
	}
	return nil, nil
}
