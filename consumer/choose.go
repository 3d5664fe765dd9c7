package consumer

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/penstock-go/penstock/checkpoint"
)

// A handler may implement any of the interfaces below to have a say in how batches come about.

// Chooser is a [Handler] that leaves records out before batches are formed: those for which Wants is false are done without being handed
// to it, and take no room in a batch. Wants is called once for each record, in stream order, beside Handle, and must be quick. A record for
// which it panics is wanted: Handle has to do with it what can be done, or fail. Of the panics over a page the first is logged.
type Chooser interface {
	Wants(s Shard, r *Record) bool
}

// Weigher is a [Handler] that counts the bytes of a batch in its own way: [Shape.MaxBytes] bounds the sum of what Weigh returns, in
// place of data and partition keys. It is called once or more for each record, beside Handle, and must be quick. If it panics, which is logged
// as with [Chooser], data and partition key are counted.
type Weigher interface {
	Weigh(r *Record) int
}

// Idler is a [Handler] that is told, again and again, that its shard has nothing for it: every record that came in before asOf, by
// this worker's clock, is done. It is called when a page had no records, or none that the handler wants, and no other is with the handler;
// never while Handle or another call for the shard runs. Pages that come meanwhile wait. An error or a panic is logged.
type Idler interface {
	Idle(ctx context.Context, s Shard, asOf time.Time) error
}

// unwanted reports whether the handler leaves out the record that was cut out last.
func (c *collector) unwanted() (leave bool) {
	chooser, ok := c.r.handler.(Chooser)
	if !ok {
		return false
	}
	defer c.recovered()
	return !chooser.Wants(c.r.shard, &c.next)
}

// weigh returns what the next record counts in a batch.
func (c *collector) weigh() (size int) {
	size = len(c.next.Data) + len(c.next.PartitionKey)
	if w, ok := c.r.handler.(Weigher); ok {
		defer c.recovered()
		size = w.Weigh(&c.next)
	}
	return size
}

// recovered ends a panic of the handler's over the next record. It is to be deferred.
func (c *collector) recovered() {
	if value := recover(); value != nil && !c.panicked {
		c.panicked = true
		_ = c.r.panicked(value, zap.String("record", c.next.SequenceNumber))
	}
}

// pass makes the next record one that is done, as soon as all before it are. It returns false if too much is in the air.
func (c *collector) pass() bool {
	at := c.next.position()
	if len(c.lanes) > 1 {
		ticket, ok := c.r.progress.deliver(at)
		if !ok {
			return false
		}
		c.r.progress.settle([]checkpoint.Ticket{ticket})
	} else if p := c.lanes[0].latest(); p != nil {
		p.passed = at
	} else {
		c.r.progress.reach(at)
	}
	c.kept = false
	return true
}

// doneThrough returns up to when a page tells what came in; zero: it does not.
func (p *page) doneThrough() time.Time {
	if p.end || p.asOf.IsZero() { // at the end there is another call
		return time.Time{}
	}
	return p.asOf.Add(-time.Duration(p.lag) * time.Millisecond)
}

// latest returns the parcel of a lane that was filled last and is not done; nil: there is none.
func (l *lane) latest() *parcel {
	if n := len(l.queue); n > 0 {
		return l.queue[n-1]
	}
	return l.busy
}

// idles tells the handler that there is nothing to do, if it wants to know.
func (c *collector) idles() {
	idler, ok := c.r.handler.(Idler)
	if !ok || c.asOf.IsZero() || c.inAir > 0 || c.r.handling.Err() != nil {
		return
	}
	if err := c.r.safely(func(ctx context.Context) error { return idler.Idle(ctx, c.r.shard, c.asOf) }); err != nil {
		c.r.log.Warn("the handler's Idle failed", zap.Error(err))
	}
}
