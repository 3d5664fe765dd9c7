package kinesis

import (
	"context"
	"sync"
	"time"

	"github.com/penstock-go/penstock/kinesistest/internal/kinesis/wire"
)

// The service's documentation of SubscribeToShard gives the first two times; the others are choices of this emulator.
const (
	subscriptionLifetime = 5 * time.Minute
	takeoverAfter        = 5 * time.Second // a second subscription that comes sooner is refused
	heartbeat            = 5 * time.Second // of an idle subscription
	maxEventRecords      = 1000
	maxEventBytes        = mib
)

// A subscription is one accepted SubscribeToShard call. It lives in the goroutine that serves the request:
//
//	waiting --records, or a heartbeat is due--> sending --> waiting
//	   |                                          |
//	   |   the shard is drained ------------------+--> ended: last event, end of the stream
//	   +-- five minutes have passed -----------------> ended: end of the stream
//	   +-- taken over, deregistered, deleted --------> ended: exception, end of the stream
//	   +-- client gone, service closed --------------> ended
type subscription struct {
	started time.Time

	once  sync.Once
	ended chan struct{} // closed when the subscription must end because of cause
	cause *fault
}

// end tells the subscription to end with an exception. Only the first cause counts.
func (sub *subscription) end(cause *fault) {
	sub.once.Do(func() {
		sub.cause = cause
		close(sub.ended)
	})
}

// subscribe makes a new subscription to the shard. One that was accepted less than five seconds ago, whether it still lives
// or not, makes it fail; an older one is taken over.
func (cs *consumer) subscribe(shardID string, scale float64) (*subscription, error) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if !cs.admitSubscribe(shardID, scale) {
		return nil, limitExceeded("Rate exceeded for consumer %s and shard %s.", cs.arn, shardID)
	}
	if cs.status != statusActive {
		return nil, inUse("consumer %s is %s, not %s", cs.arn, cs.status, statusActive)
	}
	now := time.Now()
	if old := cs.subs[shardID]; old != nil {
		if now.Sub(old.started) < takeoverAfter {
			return nil, inUse("consumer %s subscribed to shard %s less than %s ago", cs.arn, shardID, takeoverAfter)
		}
		old.end(inUse("another subscription of consumer %s to shard %s took over", cs.arn, shardID))
	}
	sub := &subscription{started: now, ended: make(chan struct{})}
	cs.subs[shardID] = sub
	return sub, nil
}

// admitSubscribe reports whether a call may be answered that subscribes to the shard, and charges it if so. The caller holds cs.mu.
func (cs *consumer) admitSubscribe(shardID string, scale float64) bool {
	if scale <= 0 {
		return true
	}
	b := cs.calls[shardID]
	if b == nil {
		b = new(bucket)
		cs.calls[shardID] = b
	}
	return b.takeCall(millis(), shardSubscribes*scale)
}

type subscribeInput struct {
	position
	consumerARN *string
	shardID     *string
	dryRun      bool
}

func (in *subscribeInput) member(d wire.Decoder, name string) bool {
	switch name {
	case "ConsumerARN":
		in.consumerARN = wire.Text(d)
	case "ShardId":
		in.shardID = wire.Text(d)
	case "DryRun":
		in.dryRun = d.Bool()
	case "StartingPosition":
		for name := range d.Fields() {
			switch string(name) {
			case "Type":
				in.kind = wire.Text(d)
			case "SequenceNumber":
				in.sequence = wire.Text(d)
			case "Timestamp":
				t := d.Time()
				in.at = &t
			default:
				d.Skip()
			}
		}
	default:
		return false
	}
	return true
}

// subscribeToShard serves a subscription until it ends. Errors before the stream of events has started are answered like
// those of any other operation.
func (db *DB) subscribeToShard(c *call) error {
	var in subscribeInput
	err := first(c.decode(in.member), checkRequired("consumerARN", in.consumerARN), checkName("shardId", in.shardID),
		in.position.check("startingPosition.type"))
	if err != nil {
		return err
	}
	st, cs, err := db.consumer(consumerRef{arn: in.consumerARN})
	if err != nil {
		return err
	}
	if !st.ready() {
		return inUse("stream %s is %s", st.name, st.getStatus())
	}
	s, err := st.shard(*in.shardID)
	if err != nil {
		return err
	}
	now := millis()
	next, err := in.locate(s, now, st.horizon(now))
	if err != nil {
		return err
	}
	if in.dryRun {
		return dryRun()
	}
	sub, err := cs.subscribe(s.id, db.limits.Load().Shards)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.ctx, subscriptionLifetime)
	defer cancel()
	defer st.observeSubscription(c.ctx, s, cs.arn)()
	r := &reader{
		sub: sub, consumer: cs.arn, st: st, shard: s, next: next, events: newEventStream(c),
		db: db, expired: ctx.Done(),
	}
	r.run()
	return nil
}

// A reader serves a subscription.
type reader struct {
	sub      *subscription
	consumer string // its ARN
	st       *stream
	shard    *shard
	next     int64 // ordinal of the next record
	events   *eventStream
	db       *DB
	sent     bucket          // bytes that may still be sent in this second
	expired  <-chan struct{} // closed after five minutes, or when the client has gone
}

// run sends events until the subscription ends. It stops at the first event that cannot be sent: the client has gone.
func (r *reader) run() {
	if r.events.start() != nil {
		return
	}
	for !r.over() {
		if err := r.db.useKey(r.st.keyToRead()); err != nil {
			_ = r.events.exception(asFault(err))
			return
		}
		now := millis()
		b := r.shard.read(r.next, readLimit{maxEventRecords, maxEventBytes}, now, r.st.horizon(now), true)
		if b.gone {
			_ = r.events.exception(notFound("stream %s was deleted", r.st.name))
			return
		}
		r.next = b.next
		if r.events.event(r.shard, b, now) != nil {
			return
		}
		r.st.observeServed(r.events.c.ctx, r.shard, r.consumer, b.records, now)
		if b.drained {
			return
		}
		switch due := r.charge(b.size, now); {
		case due > 0:
			r.wait(due, nil)
		case b.behind == 0:
			r.wait(heartbeat, b.wake)
		}
	}
}

// charge charges what an event carried, and returns how long the next one has to wait because of that.
func (r *reader) charge(size int, now int64) time.Duration {
	rate := shardReadBytes * r.db.limits.Load().Shards
	if rate <= 0 {
		return 0
	}
	r.sent.fill(now, rate, rate)
	r.sent.units -= float64(size)
	return time.Duration(max(0, -r.sent.units/rate) * float64(time.Second))
}

// wait returns after the given time, at the next change of the shard, and when the subscription is over.
func (r *reader) wait(d time.Duration, wake <-chan struct{}) {
	over := time.NewTimer(d)
	defer over.Stop()
	select {
	case <-wake:
	case <-over.C:
	case <-r.sub.ended:
	case <-r.expired:
	case <-r.db.stop:
	}
}

// over reports whether the subscription must end, and tells the client why unless it simply ends.
func (r *reader) over() bool {
	select {
	case <-r.expired:
		return true
	case <-r.db.stop:
		return true
	case <-r.sub.ended:
		_ = r.events.exception(r.sub.cause)
		return true
	default:
		return false
	}
}
