package dynamodb

import (
	"time"

	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/attribute"
)

// replicated is an ordered collection of rows with a second copy that follows the first at a distance in time. Reads that
// ask for consistency see the first, all others the second. The items are shared, so that the second copy costs the rows'
// headers, and what waits is bounded by what is written within one lag.
//
// Without a lag there is no second copy. The table's lock guards everything; a view must be brought up to date by advance,
// under the lock for writing, before it is read.
type replicated struct {
	rows    // as they are now
	lag     time.Duration
	behind  rows // as they were lag ago, as far as advance has been called
	waiting []rowChange
}

// rowChange is a change of one row on its way to the second copy.
type rowChange struct {
	at   time.Time // when it takes effect there
	key  string
	item attribute.Item // nil if the row was removed
}

// put stores an item under key.
func (r *replicated) put(key string, item attribute.Item) {
	r.rows.put(key, item)
	r.follow(key, item)
}

// remove drops the item under key, if there is one.
func (r *replicated) remove(key string) {
	r.rows.remove(key)
	r.follow(key, nil)
}

// fill stores an item in both copies at once: what is there when a reader can first look has always been there.
func (r *replicated) fill(key string, item attribute.Item) {
	r.rows.put(key, item)
	if r.lag > 0 {
		r.behind.put(key, item)
	}
}

func (r *replicated) follow(key string, item attribute.Item) {
	if r.lag == 0 {
		return
	}
	now := time.Now()
	r.waiting = append(r.waiting, rowChange{now.Add(r.lag), key, item})
	r.advance(now)
}

// outdated reports whether advance has something to do.
func (r *replicated) outdated(now time.Time) bool {
	return len(r.waiting) > 0 && !now.Before(r.waiting[0].at)
}

// advance applies the changes whose time has come to the second copy.
func (r *replicated) advance(now time.Time) {
	for r.outdated(now) {
		c := r.waiting[0]
		r.waiting = r.waiting[1:]
		if c.item == nil {
			r.behind.remove(c.key)
		} else {
			r.behind.put(c.key, c.item)
		}
	}
}

// view returns the copy that a reader sees.
func (r *replicated) view(consistent bool) *rows {
	if consistent || r.lag == 0 {
		return &r.rows
	}
	return &r.behind
}
