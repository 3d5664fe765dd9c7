package dynamodb

import (
	"sync"
	"sync/atomic"
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
	maxStatements     = 25
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
	observe       func(Write)                 // nil if nobody wants to know
	limits        *atomic.Pointer[Throttling] // the database's; nil for none

	// mu guards everything below. It is held for computation only: requests are read before and answers written after,
	// and a page of a scan holds it no longer than its one megabyte takes.
	mu         sync.RWMutex
	onDemand   bool
	onDemandAt time.Time // since when the table is on demand; zero if it never was
	throughput throughput
	protected  bool
	rows       replicated
	indexes    []*index
	expiry     expiry
	meter      meter
	tags       []tag // sorted by key
	recovery   recovery

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
		if x.status(now) != "ACTIVE" {
			return "UPDATING"
		}
	}
	return "ACTIVE"
}

// catchUp does what time has made due since somebody last looked: it drops indexes whose deletion is over, removes expired
// items and brings the late copies of the rows up to date. The caller holds mu for writing.
func (t *table) catchUp(now time.Time) {
	t.settle(now)
	t.expire(now)
	t.rows.advance(now)
	for _, x := range t.indexes {
		x.rows.advance(now)
	}
}

// outdated reports whether catchUp has something to do that a reader could see. The caller holds mu.
func (t *table) outdated(now time.Time) bool {
	if _, over := t.expiry.next(now); over || t.rows.outdated(now) {
		return true
	}
	for _, x := range t.indexes {
		if x.rows.outdated(now) {
			return true
		}
	}
	return false
}

// lockToRead brings the table up to date and locks it for reading, or, if there was something to do, for writing. It returns
// the function that unlocks it.
func (t *table) lockToRead() (unlock func()) {
	now := time.Now()
	t.mu.RLock()
	if !t.outdated(now) {
		return t.mu.RUnlock
	}
	t.mu.RUnlock()
	t.mu.Lock()
	t.catchUp(now)
	return t.mu.Unlock
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

// get returns the item under an encoded key, nil if there is none, and what that took.
func (t *table) get(key string, consistent bool) (attribute.Item, capacity, error) {
	defer t.lockToRead()()
	if err := t.readable(); err != nil {
		return nil, capacity{}, err
	}
	if err := t.admit(reading, nil); err != nil {
		return nil, capacity{}, err
	}
	item := t.rows.view(consistent).get(key)
	taken := capacity{table: readUnits(item.Size(), consistent)}
	t.charge(reading, taken)
	return item, taken, nil
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
