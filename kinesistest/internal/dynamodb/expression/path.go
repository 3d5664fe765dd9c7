package expression

import (
	"strconv"
	"strings"

	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/attribute"
)

// Element is one step of a document path: the field of a map or the index of a list.
type Element struct {
	Name  string
	Index int // of a list element, from 0; -1 if the step is a field
}

// IsIndex reports whether the element is a list index.
func (e Element) IsIndex() bool { return e.Index >= 0 }

// String returns the element as the service writes it in messages.
func (e Element) String() string {
	if e.IsIndex() {
		return "[" + strconv.Itoa(e.Index) + "]"
	}
	return e.Name
}

// Path is a document path such as a.b[0]. Its first element is a field of the item. It is never empty.
type Path []Element

// Top returns the name of the top-level attribute that the path starts at.
func (p Path) Top() string { return p[0].Name }

// String returns the path as the service writes it in messages.
func (p Path) String() string {
	texts := make([]string, len(p))
	for i, e := range p {
		texts[i] = e.String()
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

// In returns the value at the path, nil if there is none.
func (p Path) In(item attribute.Item) attribute.Value {
	var v attribute.Value = attribute.Map(item)
	for _, e := range p {
		switch {
		case !e.IsIndex():
			m, _ := v.(attribute.Map)
			v = m[e.Name]
		default:
			list, _ := v.(attribute.List)
			if e.Index >= len(list) {
				return nil
			}
			v = list[e.Index]
		}
		if v == nil {
			return nil
		}
	}
	return v
}

// clash says how two paths of one expression get in each other's way; empty if they do not. Paths overlap when one is
// the other's beginning, and conflict when they ask the same value to be both a map and a list.
func (p Path) clash(q Path) (weight, string) {
	for i := range min(len(p), len(q)) {
		if p[i].IsIndex() != q[i].IsIndex() {
			return weightConflict, "Two document paths conflict with each other; " + rewrite(p, q)
		}
		if p[i] != q[i] {
			return noMistake, ""
		}
	}
	return weightOverlap, "Two document paths overlap with each other; " + rewrite(p, q)
}

// clash says how the first two paths that do so get in each other's way; empty if none do.
func clash(paths []Path) (weight, string) {
	for i, later := range paths {
		for _, earlier := range paths[:i] {
			if w, reason := earlier.clash(later); w != noMistake {
				return w, reason
			}
		}
	}
	return noMistake, ""
}

func rewrite(p, q Path) string {
	return "must remove or rewrite one of these paths; path one: " + p.String() + ", path two: " + q.String()
}
