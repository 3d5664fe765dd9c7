package expression

import (
	"maps"
	"slices"

	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/attribute"
)

// edit is a tree of changes in the shape of the document that they change. A leaf replaces what stands there; a node
// above the leaves says what happens inside a map or a list. Since paths of one expression neither overlap nor
// conflict, a node has fields, or indexes, or is a leaf, and never two of these.
//
// Rebuilding copies only the maps and lists that lie on a changed path. All changes of a list see the indexes of the
// old list: removing [0] and setting [1] in one update touch the first two elements, in whichever order they stand.
type edit struct {
	leaf    bool
	value   attribute.Value // of a leaf; nil removes what stands there
	fields  map[string]*edit
	indexes map[int]*edit
}

// at returns the node for path, growing the tree towards it.
func (e *edit) at(path Path) *edit {
	for _, step := range path {
		if step.IsIndex() {
			e = child(&e.indexes, step.Index)
		} else {
			e = child(&e.fields, step.Name)
		}
	}
	return e
}

func child[K comparable](children *map[K]*edit, key K) *edit {
	if *children == nil {
		*children = make(map[K]*edit)
	}
	if (*children)[key] == nil {
		(*children)[key] = new(edit)
	}
	return (*children)[key]
}

func (e *edit) replace(v attribute.Value) {
	e.leaf, e.value = true, v
}

// item returns old with the changes made.
func (e *edit) item(old attribute.Item) (attribute.Item, error) {
	fields, err := e.rebuildMap(attribute.Map(old), 0)
	return attribute.Item(fields), err
}

// rebuild returns what stands in old's place after the changes, nil for nothing. depth counts the maps and lists around
// it, for a value that is itself deep must not be put too deep.
func (e *edit) rebuild(old attribute.Value, depth int) (attribute.Value, error) {
	if e.leaf {
		if e.value != nil && depth+attribute.Depth(e.value) > attribute.MaxDepth {
			return nil, errDepth
		}
		return e.value, nil
	}
	switch old := old.(type) {
	case attribute.Map:
		if e.fields != nil {
			return e.rebuildMap(old, depth+1)
		}
	case attribute.List:
		if e.indexes != nil {
			return e.rebuildList(old, depth+1)
		}
	}
	return nil, errPath
}

func (e *edit) rebuildMap(old attribute.Map, depth int) (attribute.Map, error) {
	fields := make(attribute.Map, len(old)+len(e.fields))
	maps.Copy(fields, old)
	for name, change := range e.fields {
		v, err := change.rebuild(old[name], depth)
		if err != nil {
			return nil, err
		}
		if v == nil {
			delete(fields, name)
		} else {
			fields[name] = v
		}
	}
	return fields, nil
}

// rebuildList puts values for indexes behind the end right after the last element, in the order of their indexes, as
// the service does.
func (e *edit) rebuildList(old attribute.List, depth int) (attribute.List, error) {
	list := slices.Clone(old)
	for _, i := range slices.Sorted(maps.Keys(e.indexes)) {
		var before attribute.Value
		if i < len(old) {
			before = old[i]
		}
		v, err := e.indexes[i].rebuild(before, depth)
		switch {
		case err != nil:
			return nil, err
		case i < len(old):
			list[i] = v
		case v != nil:
			list = append(list, v)
		}
	}
	return slices.DeleteFunc(list, func(v attribute.Value) bool { return v == nil }), nil
}

// pick returns the part of old that the tree's leaves cover, nil if there is none. Leaves' values play no part.
func (e *edit) pick(old attribute.Value) attribute.Value {
	if e.leaf {
		return old
	}
	switch old := old.(type) {
	case attribute.Map:
		if fields := e.pickFields(old); len(fields) > 0 {
			return fields
		}
	case attribute.List:
		if list := e.pickElements(old); len(list) > 0 {
			return list
		}
	}
	return nil
}

func (e *edit) pickFields(old attribute.Map) attribute.Map {
	fields := make(attribute.Map, len(e.fields))
	for name, part := range e.fields {
		if v := part.pick(old[name]); v != nil {
			fields[name] = v
		}
	}
	return fields
}

func (e *edit) pickElements(old attribute.List) attribute.List {
	var list attribute.List
	for _, i := range slices.Sorted(maps.Keys(e.indexes)) {
		if i >= len(old) {
			break
		}
		if v := e.indexes[i].pick(old[i]); v != nil {
			list = append(list, v)
		}
	}
	return list
}
