package consumer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"go.uber.org/zap"

	"github.com/penstock-go/penstock/checkpoint"
	"github.com/penstock-go/penstock/internal/shards"
	"github.com/penstock-go/penstock/leases"
)

const (
	// tendInterval is the time between two looks at the lags.
	tendInterval = 10 * time.Second
	// retentionInterval is the time between two questions to the service how long a stream keeps its records.
	retentionInterval = time.Hour
	// retentionRepeat is the time between two warnings about the same shard.
	retentionRepeat = time.Hour
	// retentionShare is from which share of the retention on a lag is reported, in percent: at a retention of a day, five hours remain.
	retentionShare = 80
	// leastRetention is the service's shortest, and what streams have unless told otherwise.
	leastRetention = 24 * time.Hour
	// retentionMargin is how much sooner than at its retention a record may leave the stream, by our clock.
	retentionMargin = time.Hour
)

// NearRetention warns that records of a shard will soon leave the stream without having been handled.
type NearRetention struct {
	Shard     Shard
	Lag       time.Duration // of what is done, behind the tip
	Retention time.Duration // of the stream
}

// tend looks after what nobody else does, until ctx ends: the lag of shards against the retention of their streams, whether that has
// changed, and whether the streams are still those that were found.
func (c *Consumer) tend(ctx context.Context) {
	every := time.NewTicker(tendInterval)
	defer every.Stop()
	refreshed := time.Now()
	for {
		select {
		case <-every.C:
		case <-ctx.Done():
			return
		}
		if time.Since(refreshed) >= retentionInterval {
			refreshed = time.Now()
			c.refreshRetention(ctx)
		}
		c.settle(ctx)
		for _, r := range c.roll.Load().all() {
			r.checkRetention()
		}
	}
}

// refreshRetention asks the service how long the streams keep their records. What it does not tell now stays as it was.
func (c *Consumer) refreshRetention(ctx context.Context) {
	for _, s := range c.allStreams() {
		if _, err := c.isAsFound(ctx, s); err != nil {
			c.cfg.Logger.Debug("the stream's retention could not be asked for", zap.String("stream", s.id.Name()), zap.Error(err))
		}
	}
}

// keeps notes a stream's retention.
func (s *stream) keeps(hours *int32) {
	if hours != nil && *hours > 0 {
		s.retention.Store(int64(time.Duration(*hours) * time.Hour))
	}
}

// unreadAtMost is for how long a shard may go unread without losing anything: what came in meanwhile is still there.
func (s *stream) unreadAtMost() time.Duration {
	return cmp.Or(time.Duration(s.retention.Load()), leastRetention) - retentionMargin
}

// checkRetention warns if the shard's lag is near the stream's retention.
func (r *reader) checkRetention() {
	retention := time.Duration(r.stream.retention.Load())
	lag, _ := r.vital.read()
	lag = max(lag, r.vital.unread()) // also where no page has ever come
	if retention == 0 || lag < retention*retentionShare/100 {
		r.warned = time.Time{}
		return
	}
	if !r.warned.IsZero() && time.Since(r.warned) < retentionRepeat {
		return
	}
	r.warned = time.Now()
	r.log.Error("records will leave the stream before they are handled", zap.Duration("lag", lag), zap.Duration("retention", retention))
	r.c.cfg.Hooks.nearRetention(NearRetention{Shard: r.shard, Lag: lag, Retention: retention})
}

// Why records may be missing in a shard of which none has been read.
var (
	errOverslept = errors.New("nothing is known to have been read for longer than the stream keeps records")
	errOutlived  = errors.New("the shard is older than the stream keeps records, and its parents have left the stream while the application was away")
)

// vigil watches over a shard of which no record has been read. There no number shows that records have left the stream, but the time
// that has passed may: with the first record that is left it is reported that there may have been others. A shard in which nothing has ever
// come in is no case for that. It is used by the goroutine that fetches.
type vigil struct {
	position checkpoint.Position // where the shard is read from
	since    time.Time           // up to when all that came in has been read; zero: it is over, or a number shows what is missing
	lost     error               // why records may be missing; nil: they are not
}

// keepVigilFrom says where the shard is read from. LATEST may be long ago. Otherwise the vigil begins with this life; of what a child had
// lost before, the table told when the stream was found.
func (r *reader) keepVigilFrom(position checkpoint.Position, from cursor) {
	v := &r.vigil
	v.position = position
	switch {
	case from.kind == types.ShardIteratorTypeAtSequenceNumber:
		v.since = time.Time{}
	case from.latest:
		v.since = from.at
	case r.held.Lease().Checkpoint == checkpoint.TrimHorizon && r.stream.outlived[r.shard.ID]:
		v.lost = errOutlived
	}
}

// outlived returns the shards, by id, that became older than the stream keeps records while the application was away, and of which it has
// read nothing. Parents leave the stream when they have been closed for that long, and their child is as old as that. That their leases
// stand at SHARD_END says that this application has read them, so that it is to have all of the child; and that they are still in the table,
// that nobody was there to delete them when their shards left the stream.
func outlived(listed []shards.Shard, rows []leases.Lease, stream string) map[string]bool {
	there, ended, found := make(map[string]bool), make(map[string]bool), make(map[string]bool)
	for _, s := range listed {
		there[s.ID] = true
	}
	for i := range rows {
		if row := &rows[i]; row.Stream == stream && row.Ended() {
			ended[row.ShardID] = true
		}
	}
	for i := range rows {
		row := &rows[i]
		if row.Stream == stream && row.Checkpoint == checkpoint.TrimHorizon && there[row.ShardID] &&
			!slices.ContainsFunc(row.Parents, func(id string) bool { return there[id] }) &&
			slices.ContainsFunc(row.Parents, func(id string) bool { return ended[id] }) {
			found[row.ShardID] = true
		}
	}
	return found
}

// keepVigil notes a page.
func (r *reader) keepVigil(p page) {
	v := &r.vigil
	if v.since.IsZero() {
		return
	}
	retention := time.Duration(r.stream.retention.Load())
	if retention > 0 && time.Since(v.since) >= retention {
		v.lost = fmt.Errorf("since %v: %w", v.since.UTC().Format(time.RFC3339), errOverslept)
	}
	if len(p.records) == 0 {
		if read := p.asOf.Add(-time.Duration(p.lag) * time.Millisecond); read.After(v.since) {
			v.since = read
		}
		return
	}
	v.since = time.Time{}
	if v.lost != nil {
		err := &TrimmedError{Shard: r.shard, Position: v.position, Cause: v.lost}
		r.c.cfg.Hooks.trimmed(err)
		r.log.Error("records may have left the stream before they were read; going on with the oldest", zap.Error(err))
	}
}
