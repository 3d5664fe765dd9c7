package kinesis

import (
	"sync/atomic"
	"time"

	"github.com/penstock-go/penstock/kinesistest/internal/kinesis/wire"
)

// How long a stream may keep records, in hours. A new one keeps them for the shortest time.
const (
	shortestRetention = 24
	longestRetention  = 8760
)

// A retention is how long a stream keeps records. What was lost to a shorter time does not come back with a longer one.
type retention struct {
	hours atomic.Int64
	lost  atomic.Int64 // milliseconds: what is older was lost before the last change
}

// horizon is the oldest arrival time that is kept, in milliseconds.
func (r *retention) horizon(now int64) int64 {
	return max(r.lost.Load(), now-r.hours.Load()*time.Hour.Milliseconds())
}

func (r *retention) set(hours, now int64) {
	r.lost.Store(r.horizon(now))
	r.hours.Store(hours)
}

func (db *DB) increaseStreamRetentionPeriod(c *call) error {
	return db.changeRetention(c, func(st *stream, hours, present int64) error {
		if hours <= present {
			return invalidArgument("stream %s keeps records for %d hours already: %d are not more", st.name, present, hours)
		}
		return nil
	})
}

func (db *DB) decreaseStreamRetentionPeriod(c *call) error {
	return db.changeRetention(c, func(st *stream, hours, present int64) error {
		if hours >= present {
			return invalidArgument("stream %s keeps records for %d hours: %d are not less", st.name, present, hours)
		}
		return nil
	})
}

func (db *DB) changeRetention(c *call, check func(st *stream, hours, present int64) error) error {
	var ref streamRef
	var hours *int64
	err := c.decode(func(d wire.Decoder, name string) bool {
		if name == "RetentionPeriodHours" {
			hours = number(d)
			return true
		}
		return ref.member(d, name)
	})
	switch {
	case err != nil:
		return err
	case hours == nil:
		return invalid("retentionPeriodHours", "must not be null")
	case *hours < shortestRetention || *hours > longestRetention:
		return invalidArgument("records are kept for %d to %d hours, not %d", shortestRetention, longestRetention, *hours)
	}
	st, err := db.stream(ref)
	if err != nil {
		return err
	}
	return db.update(st, func() error {
		return check(st, *hours, st.retention.hours.Load())
	}, func() { st.retention.set(*hours, millis()) })
}
