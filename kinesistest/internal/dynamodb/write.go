package dynamodb

import (
	"errors"
	"time"

	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/attribute"
)

// outcome is what a write did, or is about to do.
type outcome struct {
	key       string         // encoded
	old, item attribute.Item // before and after; nil for none
	capacity  capacity
}

// A change makes the item that a write stores (nil: no item) out of the one that is there (nil: none), or refuses.
type change func(old attribute.Item) (attribute.Item, error)

// write changes the item under key. Checking and storing happen in one critical section. That makes every condition
// checked by change atomic with the write.
func (t *table) write(by signature, key string, change change) (outcome, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	out, err := t.prepare(key, change)
	if err != nil {
		return outcome{}, err
	}
	t.commit(by, &out, 1)
	return out, nil
}

// prepare is the half of a write that can be refused. It changes no item. The caller holds mu for writing.
func (t *table) prepare(key string, change change) (outcome, error) {
	if err := t.readable(); err != nil {
		return outcome{}, err
	}
	t.catchUp(time.Now())
	if err := t.admit(writing, nil); err != nil {
		return outcome{}, err
	}
	old := t.rows.get(key)
	item, err := change(old)
	if err != nil {
		t.chargeFailure(old, err)
		return outcome{}, err
	}
	if err := t.checkIndexKeys(item); err != nil {
		return outcome{}, err
	}
	return outcome{key: key, old: old, item: item}, t.admitIndexes(old, item)
}

// commit is the other half: it stores the item and charges what that takes, times a factor. The caller has held mu for writing
// since prepare.
func (t *table) commit(by signature, out *outcome, factor float64) {
	out.capacity = t.store(by, out.key, out.old, out.item).times(factor)
	t.charge(writing, out.capacity)
}

// store is the one way to change an item. It puts the row (nil: removes it), brings everything that is kept beside the rows
// up to date, and returns what the change takes. The caller holds mu for writing.
func (t *table) store(by signature, key string, old, item attribute.Item) capacity {
	var taken capacity
	taken.add("", writeUnits(max(old.Size(), item.Size())))
	if item == nil {
		t.rows.remove(key)
	} else {
		t.rows.put(key, item)
	}
	for _, x := range t.indexes {
		taken.add(x.name, x.replace(t.schema, old, item))
	}
	t.expiry.track(key, old, item)
	t.wrote(by, old, item)
	return taken
}

// chargeFailure charges for a condition that did not hold, which costs what writing the item would have.
func (t *table) chargeFailure(old attribute.Item, err error) {
	var refused *Error
	if errors.As(err, &refused) && refused.Code == "ConditionalCheckFailedException" {
		t.charge(writing, capacity{table: writeUnits(old.Size())})
	}
}

// admitIndexes refuses a write if one of the indexes that it changes cannot take it: the table waits for its indexes. The
// caller holds mu.
func (t *table) admitIndexes(old, item attribute.Item) error {
	for _, x := range t.indexes {
		if !x.schema.covers(old) && !x.schema.covers(item) {
			continue
		}
		if err := t.admit(writing, x); err != nil {
			return err
		}
	}
	return nil
}

// checkIndexKeys refuses an item whose attribute is a key of an index but cannot be one there. The caller holds mu.
func (t *table) checkIndexKeys(item attribute.Item) error {
	for _, x := range t.indexes {
		for _, a := range x.schema.attributes() {
			v := item[a.name]
			switch {
			case v == nil:
			case v.Kind() != a.kind:
				return invalidValue("Type mismatch for Index Key %s Expected: %s Actual: %s IndexName: %s",
					a.name, a.kind, v.Kind(), x.name)
			case v.Size() == 0:
				return invalid("One or more parameter values are not valid. A value specified for a secondary index key is "+
					"not supported. The AttributeValue for a key attribute cannot contain an empty %s value. IndexName: %s, IndexKey: %s",
					emptiness(a.kind), x.name, a.name)
			}
		}
	}
	return nil
}

// checkIndexKeysNow is checkIndexKeys for callers that do not hold mu.
func (t *table) checkIndexKeysNow(item attribute.Item) error {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.checkIndexKeys(item)
}
