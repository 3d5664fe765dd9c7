package pattern

import (
	"fmt"
	"maps"
	"slices"
)

// node is a test of one value of a document: an object, or whatever stands in an object's place.
type node struct {
	fields []field  // all must hold
	either [][]node // of each group one must hold
}

// field is what one field of an object must be like: either it has rules, or there is more below it.
type field struct {
	name  string
	rules []rule // one must hold
	below *node
}

// orKey is the field name whose value is a list of objects, of which one must match.
const orKey = "$or"

func fault(path, format string, args ...any) error {
	if path == "" {
		path = "at its top"
	} else {
		path = "at " + path[1:]
	}
	return fmt.Errorf("%w: %s: %s", ErrPattern, path, fmt.Sprintf(format, args...))
}

func compileObject(path string, members map[string]any) (n node, err error) {
	if len(members) == 0 {
		return node{}, fault(path, "an object without fields; name at least one")
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		below := path + "." + name
		if alternatives, ok := members[name].([]any); ok && name == orKey {
			group, err := compileOr(below, alternatives)
			if err != nil {
				return node{}, err
			}
			n.either = append(n.either, group)
			continue
		}
		f := field{name: name}
		switch value := members[name].(type) {
		case map[string]any:
			child, err := compileObject(below, value)
			if err != nil {
				return node{}, err
			}
			f.below = &child
		case []any:
			if f.rules, err = compileRules(below, value); err != nil {
				return node{}, err
			}
		default:
			return node{}, fault(below, "neither a list of rules nor an object; put the value in a list")
		}
		n.fields = append(n.fields, f)
	}
	return n, nil
}

func compileOr(path string, alternatives []any) ([]node, error) {
	if len(alternatives) == 0 {
		return nil, fault(path, "no alternatives; give at least one")
	}
	group := make([]node, 0, len(alternatives))
	for _, a := range alternatives {
		members, ok := a.(map[string]any)
		if !ok {
			return nil, fault(path, "an alternative that is not an object")
		}
		n, err := compileObject(path, members)
		if err != nil {
			return nil, err
		}
		group = append(group, n)
	}
	return group, nil
}

func (n *node) uses(name string) bool {
	for _, f := range n.fields {
		if f.name == name {
			return true
		}
	}
	for _, group := range n.either {
		if slices.ContainsFunc(group, func(n node) bool { return n.uses(name) }) {
			return true
		}
	}
	return false
}

// match tests a value. Of a list, one element must pass all tests; what is no object has no fields.
func (n *node) match(value any) bool {
	if list, ok := value.([]any); ok && len(list) > 0 {
		return slices.ContainsFunc(list, n.match)
	}
	members, _ := value.(map[string]any)
	for i := range n.fields {
		if !n.fields[i].match(members) {
			return false
		}
	}
	for _, group := range n.either {
		if !slices.ContainsFunc(group, func(n node) bool { return n.match(value) }) {
			return false
		}
	}
	return true
}

func (f *field) match(members map[string]any) bool {
	value, there := members[f.name]
	if f.below != nil {
		return f.below.match(value)
	}
	leaves := there && hasLeaf(value)
	for i := range f.rules {
		if f.rules[i].absent && !leaves || leaves && f.rules[i].holds != nil && anyLeaf(value, f.rules[i].holds) {
			return true
		}
	}
	return false
}

// anyLeaf reports whether one of the leaves that a value stands for passes the test: itself, or what is in the list that it is.
func anyLeaf(value any, test func(any) bool) bool {
	switch v := value.(type) {
	case []any:
		return slices.ContainsFunc(v, func(e any) bool { return anyLeaf(e, test) })
	case map[string]any:
		return false
	}
	return test(value)
}

func hasLeaf(value any) bool { return anyLeaf(value, func(any) bool { return true }) }
