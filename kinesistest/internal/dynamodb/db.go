package dynamodb

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Options says whose tables these are and how fast they change.
type Options struct {
	// AccountID and Region appear in ARNs.
	AccountID, Region string
	// Transition is how long a table or an index stays CREATING, UPDATING or DELETING. With zero, the answer to the
	// request that starts the change is the only one to show such a status.
	Transition time.Duration
	// Backfill is how long an index that is added to a table is filled, after the Transition in which it gets its resources.
	Backfill time.Duration
	// Observe, if set, is told about every change of an item. It is called with the table's lock held: it must return at
	// once and ask nothing of the database.
	Observe func(Write)
	// ReadLag is how old the state is that reads without ConsistentRead, and all reads of indexes, see. Zero makes every read
	// as good as a consistent one.
	ReadLag time.Duration
	// ExpiryDelay is how long an item stays when its time to live is over. The service promises a few days at most.
	ExpiryDelay time.Duration
}

// DB is a set of tables behind the DynamoDB wire protocol. It is an http.Handler; all its methods may be called
// concurrently.
type DB struct {
	opts   Options
	limits atomic.Pointer[Throttling]
	tokens tokens

	mu     sync.Mutex // guards tables, not what is in them; held while no table's lock is waited for
	tables map[string]*table
}

// New returns an empty database.
func New(opts Options) *DB {
	db := &DB{opts: opts, tables: make(map[string]*table)}
	db.Throttle(Throttling{})
	return db
}

// Close drops all tables. The database owns no goroutine and no timer, so there is nothing to wait for.
func (db *DB) Close() {
	db.mu.Lock()
	defer db.mu.Unlock()
	clear(db.tables)
}

// lookup returns the table that a request names by its name or ARN, nil if there is none (any more).
func (db *DB) lookup(nameOrARN string) *table {
	db.mu.Lock()
	t := db.tables[tableName(nameOrARN)]
	db.mu.Unlock()
	if t == nil || db.forget(t) {
		return nil
	}
	return t
}

// forget drops t if it has been deleted, and reports whether it has. Its own lock is asked before ours is taken; should
// somebody put a new table under the name in between, that one stays.
func (db *DB) forget(t *table) bool {
	if !t.gone(time.Now()) {
		return false
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.tables[t.name] == t {
		delete(db.tables, t.name)
	}
	return true
}

// add registers t unless a table of its name is there.
func (db *DB) add(t *table) bool {
	db.lookup(t.name) // forgets a deleted one
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.tables[t.name] != nil {
		return false
	}
	db.tables[t.name] = t
	return true
}

// names returns the names of all tables in order.
func (db *DB) names() []string {
	db.mu.Lock()
	tables := slices.Collect(maps.Values(db.tables))
	db.mu.Unlock()
	var names []string
	for _, t := range tables {
		if !db.forget(t) {
			names = append(names, t.name)
		}
	}
	slices.Sort(names)
	return names
}

// arn returns the ARN of the table called name.
func (db *DB) arn(name string) string {
	return "arn:aws:dynamodb:" + db.opts.Region + ":" + db.opts.AccountID + ":table/" + name
}

// tableName returns the name at the end of a table's ARN, and anything else as it is.
func tableName(nameOrARN string) string {
	if !strings.HasPrefix(nameOrARN, "arn:") {
		return nameOrARN
	}
	_, name, _ := strings.Cut(nameOrARN, ":table/")
	return name
}
