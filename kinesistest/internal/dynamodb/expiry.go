package dynamodb

import (
	"encoding/binary"
	"strconv"
	"time"

	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/attribute"
)

// The service leaves alone items whose time is longer past than this, so that a wrong unit does not empty a table, says its
// documentation.
const maxExpiredFor = 5 * 365 * 24 * time.Hour

// expiry removes the items whose time is over. The rows that have a time stand in the order of their times, so that a look
// at the first tells whether there is anything to do. The table's lock guards it.
type expiry struct {
	attribute string // holds the time, a Number of seconds since 1970; "" if no item expires
	delay     time.Duration
	changedAt time.Time // of the last UpdateTimeToLive
	settledAt time.Time // ENABLING or DISABLING before
	due       rows      // by time and row key; the items are nil
}

const timeBytes = 8

// dueKey returns where the row of an item stands in due; ok is false if the item never expires.
func (e *expiry) dueKey(key string, item attribute.Item) (dueKey string, ok bool) {
	n, isNumber := item[e.attribute].(attribute.Number)
	if e.attribute == "" || !isNumber {
		return "", false
	}
	seconds, err := strconv.ParseFloat(n.String(), 64)
	if err != nil || seconds < 0 || seconds > 1<<40 {
		return "", false
	}
	return string(binary.BigEndian.AppendUint64(nil, uint64(seconds))) + key, true
}

// track follows a row from one item to the next; nil stands for none.
func (e *expiry) track(key string, old, item attribute.Item) {
	if at, ok := e.dueKey(key, old); ok {
		e.due.remove(at)
	}
	if at, ok := e.dueKey(key, item); ok {
		e.due.put(at, nil)
	}
}

// next returns the first row whose time is over, unless it has been over for years.
func (e *expiry) next(now time.Time) (key string, ok bool) {
	if e.attribute == "" || now.Before(e.settledAt) {
		return "", false
	}
	oldest := binary.BigEndian.AppendUint64(nil, uint64(max(0, now.Add(-maxExpiredFor).Unix())))
	for w := range e.due.ascending(span{from: string(oldest)}) {
		at := time.Unix(int64(binary.BigEndian.Uint64([]byte(w.key))), 0)
		return w.key[timeBytes:], at.Add(e.delay).Before(now)
	}
	return "", false
}

// expire removes the items whose time is over. They go when somebody next looks, not when their time comes, which nobody
// can tell apart. The caller holds mu for writing.
func (t *table) expire(now time.Time) {
	for {
		key, ok := t.expiry.next(now)
		if !ok {
			return
		}
		t.store(signature{}, key, t.rows.get(key), nil)
	}
}

// enableExpiry starts to follow an attribute in all items. The caller holds mu for writing.
func (t *table) enableExpiry(name string) {
	t.expiry.attribute, t.expiry.due = name, rows{}
	for w := range t.rows.ascending(span{}) {
		t.expiry.track(w.key, nil, w.item)
	}
}
