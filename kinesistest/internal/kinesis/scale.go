package kinesis

import (
	"errors"
	"time"

	"github.com/penstock-go/penstock/kinesistest/internal/kinesis/wire"
)

// scale makes n even shards of the open ones, in the way a user would: it splits shards at every boundary of the even
// ranges that is missing, then merges the neighbours that lie in one range. Shards that already are an even range stay. Some
// of the shards in between live only for a moment, which the documentation of UpdateShardCount warns of. The caller holds
// st.mu.
func (st *stream) scale(n int) {
	for i := 1; i < n; i++ {
		boundary := evenBoundary(i, n)
		open := *st.route.Load()
		if s := open[shardFor(open, boundary)]; s.from != boundary {
			st.split(s, boundary)
		}
	}
	for i := range n {
		st.mergeRange(evenBoundary(i, n), evenEnd(i, n))
	}
}

// mergeRange merges the open shards between two points, which are ends of open shards, to one.
func (st *stream) mergeRange(from, to hashKey) {
	for {
		open := *st.route.Load()
		i := shardFor(open, from)
		if open[i].to == to {
			return
		}
		st.merge(open[i], open[i+1])
	}
}

// Scale gives a stream of either mode a number of shards, as the service does to an on-demand one when it likes.
func (db *DB) Scale(name string, n int) error {
	if n < 1 || n > maxStreamShards {
		return invalidArgument("a stream has 1 to %d shards, not %d", maxStreamShards, n)
	}
	st, err := db.stream(streamRef{name: &name})
	if err != nil {
		return err
	}
	return db.update(st, func() error { return nil }, func() { st.scale(n) })
}

// growthPause is how long an on-demand stream does not grow again. Within it the service promises no more than double the throughput.
const growthPause = 15 * time.Minute

// grow doubles the shards of an on-demand stream that had to refuse records. It does nothing while the stream changes anyway.
func (db *DB) grow(st *stream) {
	now := millis()
	_ = db.update(st, func() error {
		if st.mode != modeOnDemand || st.grownAt != 0 && now-st.grownAt < growthPause.Milliseconds() {
			return errNoGrowth
		}
		st.grownAt = now
		return nil
	}, func() { st.scale(min(2*len(*st.route.Load()), maxStreamShards)) })
}

// errNoGrowth stays inside: nobody asked for growth.
var errNoGrowth = errors.New("kinesis: the stream does not grow now")

func (db *DB) updateShardCount(c *call) error {
	var ref streamRef
	var target *int64
	var scaling *string
	err := c.decode(func(d wire.Decoder, name string) bool {
		switch name {
		case "TargetShardCount":
			target = number(d)
		case "ScalingType":
			scaling = wire.Text(d)
		default:
			return ref.member(d, name)
		}
		return true
	})
	if err = first(err, checkRange("targetShardCount", target, 1, 1<<31-1)); err != nil {
		return err
	}
	if target == nil {
		return invalid("targetShardCount", "must not be null")
	}
	if or(scaling, "") != "UNIFORM_SCALING" {
		return invalid("scalingType", "must be UNIFORM_SCALING")
	}
	st, err := db.stream(ref)
	if err != nil {
		return err
	}
	n := int(*target)
	current := 0
	err = db.reshard(st, func() error {
		current = len(*st.route.Load())
		if err := checkTarget(current, n); err != nil {
			return err
		}
		return db.admitChange(st, "UpdateShardCount", scalesPerDay)
	}, func() { st.scale(n) })
	if err != nil {
		return err
	}
	enc := c.out(kib)
	enc.Map()
	writeText(enc, "StreamName", st.name)
	writeText(enc, "StreamARN", st.arn)
	writeNumber(enc, "CurrentShardCount", int64(current))
	writeNumber(enc, "TargetShardCount", *target)
	enc.EndMap()
	return nil
}

// scalesPerDay is how often UpdateShardCount may be called for a stream in 24 hours.
const scalesPerDay = 10

// checkTarget says whether a stream with the given number of open shards may be scaled to n.
func checkTarget(current, n int) error {
	switch {
	case n > maxStreamShards:
		return limitExceeded("%d shards are more than the limit of %d", n, maxStreamShards)
	case n > 2*current:
		return invalidArgument("%d shards are more than double the present %d", n, current)
	case 2*n < current:
		return invalidArgument("%d shards are less than half of the present %d", n, current)
	}
	return nil
}
