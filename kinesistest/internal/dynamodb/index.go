package dynamodb

import (
	"time"

	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/attribute"
)

// projection says which attributes an index copies, besides its own keys and the table's.
type projection struct {
	kind  string // ALL, KEYS_ONLY or INCLUDE
	extra []string
}

// index is a global secondary index. It holds only the items that have its key attributes, and it is kept up to date
// in the same critical section that writes the table. The table's lock guards it.
type index struct {
	name       string
	schema     schema
	projection projection
	throughput throughput
	rows       replicated
	meter      meter

	filledFrom time.Time // when filling begins; zero if the index came with its table
	readyAt    time.Time // CREATING before
	goneAt     time.Time // DELETING before, absent after; zero if nobody deletes it
}

// entry returns what the index stores for an item of a table, ok being false if it stores nothing.
func (x *index) entry(table schema, item attribute.Item) (key string, copied attribute.Item, ok bool) {
	if item == nil || !x.schema.covers(item) {
		return "", nil, false
	}
	key = x.schema.key(item) + table.key(item)
	return key, x.project(table, item), true
}

// project returns the attributes of item that the index copies.
func (x *index) project(table schema, item attribute.Item) attribute.Item {
	if x.projection.kind == "ALL" {
		return item
	}
	copied := table.keyOf(item)
	for _, a := range x.schema.attributes() {
		copied[a.name] = item[a.name]
	}
	for _, name := range x.projection.extra {
		if v, ok := item[name]; ok {
			copied[name] = v
		}
	}
	return copied
}

// projects reports whether the index copies the top-level attribute called name.
func (x *index) projects(table schema, name string) bool {
	if x.projection.kind == "ALL" || x.schema.has(name) || table.has(name) {
		return true
	}
	for _, extra := range x.projection.extra {
		if name == extra {
			return true
		}
	}
	return false
}

// replace brings the index up to date after old became item (nil: does not exist) and returns the write units that this
// takes: none if the index's copy does not change, one write if it appears, disappears or changes, two if it moves to
// another key.
func (x *index) replace(table schema, old, item attribute.Item) float64 {
	oldKey, oldCopy, had := x.entry(table, old)
	newKey, newCopy, has := x.entry(table, item)
	switch {
	case !had && !has:
		return 0
	case had && has && oldKey == newKey:
		if attribute.Equal(attribute.Map(oldCopy), attribute.Map(newCopy)) {
			return 0
		}
		x.rows.put(newKey, newCopy)
		return writeUnits(max(oldCopy.Size(), newCopy.Size()))
	}
	units := 0.0
	if had {
		x.rows.remove(oldKey)
		units += writeUnits(oldCopy.Size())
	}
	if has {
		x.rows.put(newKey, newCopy)
		units += writeUnits(newCopy.Size())
	}
	return units
}

// status returns the index's status.
func (x *index) status(now time.Time) string {
	switch {
	case !x.goneAt.IsZero():
		return "DELETING"
	case now.Before(x.readyAt):
		return "CREATING"
	default:
		return "ACTIVE"
	}
}

// backfilling tells whether an index that was added to an existing table is being filled, false standing for the time before
// that, in which it gets its resources. It is nil when there is nothing to tell.
func (x *index) backfilling(now time.Time) *bool {
	if x.filledFrom.IsZero() || x.status(now) != "CREATING" {
		return nil
	}
	filling := !now.Before(x.filledFrom)
	return &filling
}
