package consumer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"go.uber.org/zap"

	"github.com/penstock-go/penstock/checkpoint"
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
	// rereadAfter is how long a shard may not have been read for it to be read on behind the last record without another look at that. If
	// the record is gone, so may be others. The shortest retention is a day.
	rereadAfter = time.Hour
)

// NearRetention warns that records of a shard will soon leave the stream without having been handled.
type NearRetention struct {
	Shard     Shard
	Lag       time.Duration // of what is done, behind the tip
	Retention time.Duration // of the stream
}

// tend looks after what nobody else does, until ctx ends: the lag of shards against the retention of their streams, and whether that has
// changed.
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
		for _, r := range c.roll.Load().all() {
			r.checkRetention()
		}
	}
}

// refreshRetention asks the service how long the streams keep their records. What it does not tell now stays as it was.
func (c *Consumer) refreshRetention(ctx context.Context) {
	for _, s := range c.allStreams() {
		ctx, cancel := context.WithTimeout(ctx, callTimeout)
		in := &kinesis.DescribeStreamSummaryInput{StreamName: s.id.NameParam(), StreamARN: s.id.ARNParam()}
		out, err := c.cfg.Kinesis.DescribeStreamSummary(ctx, in, once)
		cancel()
		if err != nil {
			c.cfg.Logger.Debug("the stream's retention could not be asked for", zap.String("stream", s.id.Name()), zap.Error(err))
			continue
		}
		s.keeps(out.StreamDescriptionSummary.RetentionPeriodHours)
	}
}

// keeps notes a stream's retention.
func (s *stream) keeps(hours *int32) {
	if hours != nil && *hours > 0 {
		s.retention.Store(int64(time.Duration(*hours) * time.Hour))
	}
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

// errOverslept is why records are missing where a lease still stood at the time of its first listing.
var errOverslept = errors.New("the application was away for longer than the stream keeps records")

// overslept notes that a lease stands at a time from which the stream has no records any more. With the first record that is left it
// is reported that there may have been others: a shard in which nothing has ever come in, so that its lease stays at its time, is no case
// for that.
func (r *reader) overslept(since time.Time) {
	retention := time.Duration(r.stream.retention.Load())
	if r.held.Lease().Checkpoint != checkpoint.Latest || since.IsZero() || retention == 0 || time.Since(since) < retention {
		return
	}
	r.asleep = &TrimmedError{Shard: r.shard, Position: checkpoint.Latest, Cause: fmt.Errorf("since %v: %w", since.UTC().Format(time.RFC3339), errOverslept)}
}

// awake reports what overslept has noted.
func (r *reader) awake() {
	if r.asleep == nil {
		return
	}
	r.c.cfg.Hooks.trimmed(r.asleep)
	r.log.Error("records may have left the stream before they were read; going on with the oldest", zap.Error(r.asleep))
	r.asleep = nil
}
