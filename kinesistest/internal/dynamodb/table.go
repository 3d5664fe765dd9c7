package dynamodb

import (
	"sync"
	"time"

	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/attribute"
)

// Limits of the service, from its documentation.
const (
	maxItemBytes      = 400 << 10
	maxPartitionBytes = 2048
	maxSortBytes      = 1024
	maxPageBytes      = 1 << 20
	maxBatchBytes     = 16 << 20
	maxBatchGets      = 100
	maxBatchWrites    = 25
	maxIndexes        = 20
)

// throughput is provisioned capacity; zero for on-demand tables.
type throughput struct {
	ReadCapacityUnits, WriteCapacityUnits int64
}

// table is one table with its indexes.
type table struct {
	name, id, arn string
	created       time.Time
	schema        schema
	tags          []tag

	// mu guards everything below. It is held for computation only: requests are read before and answers written after,
	// and a page of a scan holds it no longer than its one megabyte takes.
	mu         sync.RWMutex
	onDemand   bool
	onDemandAt time.Time // since when the table is on demand; zero if it never was
	throughput throughput
	protected  bool
	rows       rows
	indexes    []*index

	readyAt   time.Time // CREATING before
	settledAt time.Time // UPDATING before
	goneAt    time.Time // DELETING before, absent after; zero if nobody deletes it
}

// gone reports whether the table has been deleted.
func (t *table) gone(now time.Time) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return !t.goneAt.IsZero() && !now.Before(t.goneAt)
}

// status returns the table's status. It is computed from the clock when somebody asks, so that no timer has to fire:
//
//	CREATING --readyAt--> ACTIVE <--settledAt-- UPDATING
//	                        |
//	                     DELETING --goneAt--> absent
//
// The caller holds mu.
func (t *table) status(now time.Time) string {
	switch {
	case !t.goneAt.IsZero():
		return "DELETING"
	case now.Before(t.readyAt):
		return "CREATING"
	case now.Before(t.settledAt):
		return "UPDATING"
	}
	for _, x := range t.indexes {
		if status, _ := x.status(now); status != "ACTIVE" {
			return "UPDATING"
		}
	}
	return "ACTIVE"
}

// settle drops the indexes whose deletion is over. The caller holds mu for writing.
func (t *table) settle(now time.Time) {
	var left []*index
	for _, x := range t.indexes {
		if x.goneAt.IsZero() || now.Before(x.goneAt) {
			left = append(left, x)
		}
	}
	t.indexes = left
}

// readable refuses item operations while the table is being created or deleted. The caller holds mu.
func (t *table) readable() error {
	if s := t.status(time.Now()); s == "CREATING" || s == "DELETING" {
		return noData()
	}
	return nil
}

// get returns the item under an encoded key, nil if there is none.
func (t *table) get(key string) (attribute.Item, error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if err := t.readable(); err != nil {
		return nil, err
	}
	return t.rows.get(key), nil
}

// write is the one way to change an item. It calls change with the item under key (nil if there is none) and stores
// what change returns (nil: no item), in the table and in its indexes, all in one critical section. That makes every
// condition checked by change atomic with the write.
func (t *table) write(key string, change func(old attribute.Item) (attribute.Item, error)) (outcome, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.readable(); err != nil {
		return outcome{}, err
	}
	t.settle(time.Now())
	old := t.rows.get(key)
	item, err := change(old)
	if err != nil {
		return outcome{}, err
	}
	if err := t.checkIndexKeys(item); err != nil {
		return outcome{}, err
	}
	out := outcome{old: old, item: item}
	out.capacity.add("", writeUnits(max(old.Size(), item.Size())))
	if item == nil {
		t.rows.remove(key)
	} else {
		t.rows.put(key, item)
	}
	for _, x := range t.indexes {
		out.capacity.add(x.name, x.replace(t.schema, old, item))
	}
	return out, nil
}

// outcome is what a write did.
type outcome struct {
	old, item attribute.Item // before and after; nil for none
	capacity  capacity
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

// index returns the index called name, nil if there is none. The caller holds mu.
func (t *table) index(name string) *index {
	now := time.Now()
	for _, x := range t.indexes {
		if x.name == name && (x.goneAt.IsZero() || now.Before(x.goneAt)) {
			return x
		}
	}
	return nil
}

// emptiness names a kind in complaints about empty key values.
func emptiness(k attribute.Kind) string {
	if k == attribute.KindBinary {
		return "binary"
	}
	return "string"
}
