package producer

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"go.uber.org/zap"

	"github.com/penstock-go/penstock/internal/retry"
	"github.com/penstock-go/penstock/internal/shards"
)

var (
	// errNotTiling: the listing was taken while shards were split or merged.
	errNotTiling = errors.New("producer: the listed shards do not cover the hash space")
	// listingBackoff is the schedule of listings that fail.
	listingBackoff = retry.Policy{Initial: 200 * time.Millisecond, Max: 10 * time.Second}
)

const (
	// holdTime is how long records wait, at most, for the stream's shards to become known; then they go without. A short TTL makes it
	// shorter, so that every record is tried before it expires.
	holdTime    = 5 * time.Second
	holdsPerTTL = 4
	// deniedPause is how long the producer keeps from asking after it was denied an answer, or told that the shards do not matter.
	deniedPause = 5 * time.Minute
	// refreshDelay is the longest delay before the shards are listed again, jittered: many producers see a reshard in the same moment.
	refreshDelay = 200 * time.Millisecond
	kib          = 1 << 10
)

// facts is what the stream is described as. They are believed until records show otherwise.
type facts struct {
	known     bool
	auto      bool // the service places records as it likes
	maxRecord int
}

// firstRoute is the one before anything is known.
func (p *Producer) firstRoute() *route {
	if p.cfg.DisableAggregation {
		return newPlain(p.packing(facts{maxRecord: maxRecordBytes}), nil)
	}
	return newHolding(p.packing(facts{maxRecord: maxRecordBytes}))
}

func (p *Producer) packing(f facts) packing {
	aggregate := !p.cfg.DisableAggregation && !f.auto
	return packing{aggregate: aggregate, wrap: aggregate, maxRecord: f.maxRecord, maxRecords: p.cfg.MaxAggregateRecords, alone: p.cfg.AggregateBelow,
		maxBytes: min(p.cfg.MaxAggregateBytes, f.maxRecord-len(aggregateKey))}
}

// discover is the goroutine that finds out about the stream, and again whenever a record was stored in a shard that is not known; with AUTO
// record distribution, of which shards tell nothing, now and then. The old route serves meanwhile.
func (p *Producer) discover() {
	d := &discovery{p: p}
	for d.untilKnown() {
		if d.facts.auto {
			if !d.pause(deniedPause) {
				return
			}
			d.facts.known = false
			continue
		}
		select {
		case <-p.idle:
			continue
		case <-p.stale:
		case <-p.alarm:
		case <-p.life.Done():
			return
		}
		d.failClosed()
		if retry.Sleep(p.life, p.jitter.Spread(refreshDelay)) != nil {
			return
		}
	}
}

// refresh asks for another listing of the shards. It never blocks.
func (p *Producer) refresh() {
	select {
	case p.stale <- struct{}{}:
	default:
	}
}

// askIfSilent asks for a listing at once, so that it is there when the first record after a pause has lingered. It never blocks.
func (p *Producer) askIfSilent(now moment) {
	if len(p.route.Load().shards) == 0 || !p.collector.silent(now) {
		return
	}
	select {
	case p.idle <- struct{}{}:
	default:
	}
}

// discovery is the state of the discover goroutine.
type discovery struct {
	p        *Producer
	facts    facts
	degraded error // why, as it was said last; nil if records are aggregated

	// After records went where they do not belong: the listing by which they did not, and until when it is not believed.
	doubted    []shards.Shard
	doubtUntil moment
}

// untilKnown asks until it has an answer; false if the producer ended first.
func (d *discovery) untilKnown() bool {
	p := d.p
	schedule := listingBackoff.Start(p.jitter)
	for {
		d.failClosed()
		began := p.now()
		next, err := d.ask(began)
		if err == nil {
			d.learn(next, began)
			return true
		}
		pause := schedule.Next()
		if d.cope(err, began) {
			pause = deniedPause
		}
		if !d.pause(pause) {
			return false
		}
	}
}

// pause waits, but not beyond the moment when records must not be held any longer.
func (d *discovery) pause(pause time.Duration) bool {
	p := d.p
	if p.route.Load().mode == holding {
		pause = min(pause, max(p.holdTime()-p.now(), 0))
	}
	alarm := p.alarm
	if len(p.route.Load().shards) == 0 {
		alarm = nil // there is nothing that must not be believed
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-alarm:
	case <-p.life.Done():
		return false
	}
	return true
}

func (p *Producer) holdTime() moment { return min(holdTime, p.cfg.TTL/holdsPerTTL) }

// ask makes the route of what the service says.
func (d *discovery) ask(began moment) (*route, error) {
	p := d.p
	ctx, cancel := context.WithTimeout(p.life, p.cfg.RequestTimeout)
	defer cancel()
	if !d.facts.known {
		if err := d.describe(ctx); err != nil {
			return nil, err
		}
	}
	old, packing := p.route.Load(), p.packing(d.facts)
	if d.facts.auto {
		return newPlain(packing, old), nil
	}
	listing, err := shards.List(ctx, oneAttempt{p.cfg.Kinesis}, p.stream, &types.ShardFilter{Type: types.ShardFilterTypeAtLatest})
	if err != nil {
		return nil, err
	}
	open := shards.Open(listing.Shards)
	if !shards.Tile(open) {
		return nil, errNotTiling
	}
	if d.doubts(open) {
		return nil, ErrMisplaced
	}
	next := newPlain(packing, old)
	if packing.aggregate {
		next = newSharded(packing, open, old)
	}
	next.know(open, began, old, p.cfg.ShardRatePercent)
	return next, nil
}

// describe asks what the stream takes.
func (d *discovery) describe(ctx context.Context) error {
	p := d.p
	out, err := p.cfg.Kinesis.DescribeStreamSummary(ctx,
		&kinesis.DescribeStreamSummaryInput{StreamName: p.stream.NameParam(), StreamARN: p.stream.ARNParam()}, singleAttempt)
	if err != nil {
		return err
	}
	d.facts = facts{known: true, maxRecord: maxRecordBytes}
	summary := out.StreamDescriptionSummary
	if summary == nil {
		return nil
	}
	d.facts.auto = summary.RecordDistributionStrategy == types.RecordDistributionStrategyAuto
	if n := int(aws.ToInt32(summary.MaxRecordSizeInKiB)); n > 0 {
		d.facts.maxRecord = min(n*kib, maxRecordBytes)
	}
	return nil
}

// learn makes an answer count.
func (d *discovery) learn(next *route, began moment) {
	p := d.p
	p.install(next)
	p.rejudge(began)
	if d.facts.auto {
		d.sayDegraded(ErrAutoDistribution)
		return
	}
	if d.degraded != nil {
		p.cfg.Logger.Info("the stream's shards are known again", zap.String("stream", p.stream.Name()))
		d.degraded = nil
	}
	if len(next.shards) > 0 {
		p.cfg.Hooks.shardMapLoaded(ShardMapLoaded{Shards: len(next.shards), Duration: p.now() - began})
	}
}

// cope decides how to go on without an answer, and whether the service will not give one. Records then go on their own, which
// needs no knowledge and is always safe.
func (d *discovery) cope(err error, began moment) (denied bool) {
	p := d.p
	class := retry.Transient
	switch {
	case errors.Is(err, ErrMisplaced):
		class = retry.Denied
	case !errors.Is(err, errNotTiling):
		class = retry.Classify(err)
	}
	if p.life.Err() != nil {
		return false
	}
	mode := p.route.Load().mode
	denied = class == retry.Denied
	giveUp := denied || mode == holding && (class == retry.NotFound || p.now() >= p.holdTime())
	if !giveUp || mode == plain {
		return denied
	}
	d.goPlain(began)
	d.sayDegraded(classify(err).sentinel())
	return denied
}

// goPlain sends records on their own from now on.
func (d *discovery) goPlain(began moment) {
	p := d.p
	f := d.facts
	if !f.known {
		f.maxRecord = cmp.Or(f.maxRecord, maxRecordBytes)
	}
	p.install(newPlain(p.packing(f), p.route.Load()))
	p.rejudge(began)
}

// failClosed stops aggregating if the listing must not be believed any more, and makes the stream be described anew:
//   - several records were stored where they do not belong, and the listing has not changed. Record distribution may have been switched to AUTO;
//   - the stream does not exist. When there is one of its name again, its shards may have the same names and other ranges.
func (d *discovery) failClosed() {
	p := d.p
	gone, doubt := p.gone.Swap(false), p.doubt.Swap(false)
	if len(p.route.Load().shards) == 0 || !gone && !doubt {
		return
	}
	why := ErrStreamNotFound
	if doubt {
		d.doubted, d.doubtUntil = p.route.Load().shards, p.now()+deniedPause
		why = ErrMisplaced
	}
	d.facts.known = false
	d.goPlain(p.now())
	d.sayDegraded(why)
}

// distrust tells the discover goroutine not to believe its listing. It never blocks.
func (p *Producer) distrust(flag *atomic.Bool) {
	flag.Store(true)
	select {
	case p.alarm <- struct{}{}:
	default:
	}
}

// doubts reports whether the service, though it says that it goes by hash keys and that the shards are as they were, did otherwise a
// short time ago.
func (d *discovery) doubts(open []shards.Shard) bool {
	if d.p.now() >= d.doubtUntil {
		d.doubted = nil
	}
	return d.doubted != nil && slices.EqualFunc(open, d.doubted, func(a, b shards.Shard) bool { return a.ID == b.ID && a.Range == b.Range })
}

func (d *discovery) sayDegraded(why error) {
	told := d.degraded != nil && !errors.Is(why, ErrAutoDistribution) || errors.Is(d.degraded, why)
	if told || d.p.cfg.DisableAggregation {
		return
	}
	d.degraded = why
	d.p.cfg.Logger.Warn("records are sent without aggregation", zap.String("stream", d.p.stream.Name()), zap.Error(why))
	d.p.cfg.Hooks.degraded(why)
}

// oneAttempt is the client with its own retries switched off.
type oneAttempt struct{ api KinesisAPI }

// ListShards makes one attempt.
func (o oneAttempt) ListShards(ctx context.Context, in *kinesis.ListShardsInput, opts ...func(*kinesis.Options)) (*kinesis.ListShardsOutput, error) {
	return o.api.ListShards(ctx, in, append(opts, singleAttempt)...)
}

func singleAttempt(o *kinesis.Options) { o.Retryer = aws.NopRetryer{} }
