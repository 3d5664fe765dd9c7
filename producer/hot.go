package producer

import (
	"math/rand/v2"
	"strconv"
	"time"

	"go.uber.org/zap"
)

const (
	slots         = 10          // of a window
	loadWidth     = time.Second // of a slot of a load: rates are means over ten seconds
	fadeTime      = 30 * time.Second
	bytesPerPick  = 2 << 10
	mostPicks     = 16
	keysReported  = 10
	hotPause      = time.Minute // between two reports of a hot shard
	hotSlots      = 3           // seconds of ten with throttles make a shard hot
	streamHasRoom = 0.8         // of its limit: below, the stream as a whole is not what is too small
	dominant      = 0.5         // of a shard's bytes: a key that has more is the cause
)

// ShardLoad is what a producer has to do with one shard. Rates are means over the last ten seconds; what other producers send to the shard is
// not in them.
type ShardLoad struct {
	ShardID string
	// RecordsPerSecond and BytesPerSecond are what was stored: Kinesis records (an aggregate is one), and their data and keys.
	RecordsPerSecond, BytesPerSecond float64
	// OfferedRecordsPerSecond and OfferedBytesPerSecond are what was put, in the same measure: what the shard would have to take.
	OfferedRecordsPerSecond, OfferedBytesPerSecond float64
	// RecordsLimit and BytesLimit are what the service promises of a shard, in a second.
	RecordsLimit, BytesLimit float64
	// Throttled is the share of Kinesis records sent in the last ten seconds that the shard refused for its rate, from 0 to 1.
	Throttled float64
	// Budget is how fast the producer sends to the shard, at most, as a share of its limit. It adapts.
	Budget float64
	// WaitingRecords is how many Kinesis records wait for the budget.
	WaitingRecords int
	// Keys are the partition keys with the most bytes, the greatest first: at most ten, from samples of the last minute or so.
	Keys []KeyLoad
}

// KeyLoad is one partition key's part of a shard's load.
type KeyLoad struct {
	Key string
	// Hash stands for the key where it must not be told. It differs from process to process.
	Hash uint64
	// Share is the key's share of the bytes put into the shard, from 0 to 1. It is too high by at most Error.
	Share, Error float64
}

// HotShard is a shard that throttles while the stream as a whole has room.
type HotShard struct {
	ShardLoad
	// Stream is the share of its limit that the whole stream is used to by this producer, from 0 to 1.
	Stream float64
}

// Shards returns the load of each open shard, in the order of their hash ranges. It returns nil as long as the shards are not known, and for
// streams with AUTO record distribution. It may be called at any time, and takes about a microsecond for each shard.
func (p *Producer) Shards() []ShardLoad {
	c := &p.collector
	now := p.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []ShardLoad
	for _, b := range c.route.budgets {
		all = append(all, b.report(now))
	}
	return all
}

// report needs collector.mu.
func (b *budget) report(now moment) ShardLoad {
	b.refill(now)
	l := &b.load
	stored, offered, throttled := l.stored.sum(now), l.offered.sum(now), l.throttled.sum(now)
	seconds := l.stored.span(now, l.since).Seconds()
	r := ShardLoad{ShardID: b.shard.ID, RecordsLimit: shardRecords, BytesLimit: shardBytes, Budget: b.rate,
		RecordsPerSecond: float64(stored.records) / seconds, BytesPerSecond: float64(stored.bytes) / seconds,
		OfferedRecordsPerSecond: float64(offered.records) / seconds, OfferedBytesPerSecond: float64(offered.bytes) / seconds,
		WaitingRecords: len(b.again) + len(b.waiting), Keys: l.keys.top(keysReported)}
	if sent := stored.records + throttled.records; sent > 0 {
		r.Throttled = float64(throttled.records) / float64(sent)
	}
	return r
}

// load is what there is to report of a shard. It is guarded by collector.mu.
type load struct {
	since                      moment
	offered, stored, throttled window
	keys                       sketch
	faded                      moment
	said                       moment // when it was last reported as hot
}

func newLoad(now moment) load {
	w := window{width: loadWidth}
	return load{since: now, offered: w, stored: w, throttled: w, faded: now, said: now - hotPause}
}

// offer counts an entry that is about to be sent for the first time. Of its records it picks some at random and lets each stand for its share
// of them: so the keys cost next to nothing, and the expected counts are exact.
func (l *load) offer(e *entry, now moment) {
	if e.offered {
		return
	}
	e.offered = true
	l.offered.add(now, e.size)
	if now-l.faded >= fadeTime {
		l.keys.fade()
		l.faded = now
	}
	picks := min(e.size/bytesPerPick+1, mostPicks, len(e.records))
	for i := range picks {
		r := &e.records[i]
		if picks < len(e.records) {
			r = &e.records[rand.IntN(len(e.records))]
		}
		l.keys.add(r.partitionKey, float64(r.size)*float64(len(e.records))/float64(picks))
	}
}

// tally is a number of Kinesis records and their bytes.
type tally struct{ records, bytes int }

// window counts over the last ten slots of time, the present one included.
type window struct {
	width moment
	slots [slots]tally
	head  moment // the number of the present slot
}

func (w *window) turn(now moment) {
	head := now / w.width
	for n := min(head-w.head, slots); n > 0; n-- {
		w.slots[(head-n+1)%slots] = tally{}
	}
	w.head = max(w.head, head)
}

func (w *window) add(now moment, bytes int) {
	w.turn(now)
	t := &w.slots[w.head%slots]
	t.records++
	t.bytes += bytes
}

func (w *window) sum(now moment) (t tally) {
	w.turn(now)
	for _, s := range w.slots {
		t.records += s.records
		t.bytes += s.bytes
	}
	return t
}

// latest is what was counted in the present slot and the one before.
func (w *window) latest(now moment) tally {
	w.turn(now)
	a, b := w.slots[w.head%slots], w.slots[(w.head+slots-1)%slots]
	return tally{a.records + b.records, a.bytes + b.bytes}
}

// span is how long the time is that the window covers, for something that began at since.
func (w *window) span(now, since moment) moment {
	covered := (slots-1)*w.width + now%w.width
	return max(min(covered, now-since), w.width)
}

// used returns in how many slots something was counted.
func (w *window) used(now moment) (n int) {
	w.turn(now)
	for _, s := range w.slots {
		if s.records > 0 {
			n++
		}
	}
	return n
}

// findHot returns the shards that have throttled for a while though the stream as a whole has room. It needs mu.
func (c *collector) findHot(now moment) (hot []HotShard) {
	budgets := c.route.budgets
	var suspects []*budget
	used := 0.0
	for _, b := range budgets {
		stored := b.load.stored.sum(now)
		seconds := b.load.stored.span(now, b.load.since).Seconds()
		used += min(1, max(float64(stored.records)/shardRecords, float64(stored.bytes)/shardBytes)/seconds)
		if b.load.throttled.used(now) >= hotSlots {
			suspects = append(suspects, b)
		}
	}
	if used /= float64(len(budgets)); 2*len(suspects) > len(budgets) || used > streamHasRoom {
		return nil
	}
	for _, b := range suspects {
		if now-b.load.said >= hotPause {
			b.load.said = now
			hot = append(hot, HotShard{ShardLoad: b.report(now), Stream: used})
		}
	}
	return hot
}

// watch looks for hot shards, and returns when to look again.
func (p *Producer) watch(now moment) moment {
	c := &p.collector
	c.mu.Lock()
	var hot []HotShard
	if len(c.route.budgets) > 1 {
		hot = c.findHot(now)
	}
	c.mu.Unlock()
	for _, h := range hot {
		p.sayHot(h)
		p.cfg.Hooks.hotShard(h)
	}
	return now + loadWidth
}

func (p *Producer) sayHot(h HotShard) {
	fields := []zap.Field{zap.String("stream", p.stream.Name()), zap.String("shard", h.ShardID),
		zap.Float64("throttled", h.Throttled), zap.Float64("streamUsed", h.Stream),
		zap.Float64("offeredBytesPerSecond", h.OfferedBytesPerSecond), zap.Float64("offeredRecordsPerSecond", h.OfferedRecordsPerSecond)}
	todo := "split the shard, or add shards: many keys share it"
	if len(h.Keys) > 0 {
		k := h.Keys[0]
		name := zap.String("keyHash", strconv.FormatUint(k.Hash, 16))
		if p.cfg.LogPartitionKeys {
			name = zap.String("key", k.Key)
		}
		fields = append(fields, name, zap.Float64("keyShare", k.Share))
		if k.Share-k.Error > dominant {
			todo = "one partition key makes up most of the shard, and no split will help: divide it into several keys, for example with a number at its end"
		}
	}
	p.cfg.Logger.Warn("a shard is hot: it throttles while the stream as a whole has room", append(fields, zap.String("todo", todo))...)
}
