package cloudwatch

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"go.uber.org/zap"

	"github.com/penstock-go/penstock/internal/owned"
	"github.com/penstock-go/penstock/internal/retry"
	"github.com/penstock-go/penstock/metrics/internal/catalog"
)

// maxData is how many metrics a request has: the service takes 1,000 in one megabyte, and one with all dimensions is below a kilobyte.
const maxData = 1000

// Metrics collects and puts the metrics of a process. Its methods may be called by any goroutine. It is made by [New] and must be closed.
type Metrics struct {
	cfg       Config
	store     *store
	state     catalog.State
	consuming atomic.Bool

	group  owned.Group
	life   context.Context // ends with Close
	end    context.CancelFunc
	right  chan struct{} // of capacity one: the right to put
	failed atomic.Int64
	done   atomic.Int64
}

// New makes metrics and starts the goroutine that puts them. The error lists what is wrong with the configuration.
func New(cfg Config) (*Metrics, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	m := &Metrics{cfg: cfg, store: newStore(cfg.MaxSeries), right: make(chan struct{}, 1)}
	m.life, m.end = context.WithCancel(context.Background())
	m.group.Go("report", m.report)
	return m, nil
}

// Stats tells how the metrics themselves fare.
type Stats struct {
	Buffered       int   // series that wait to be put
	Dropped        int64 // values for which there was no room
	Requests       int64 // requests that were made
	FailedRequests int64 // those of them that failed; their values were put back
}

// Stats returns what happened since New.
func (m *Metrics) Stats() Stats {
	buffered, dropped := m.store.size()
	return Stats{Buffered: buffered, Dropped: dropped, Requests: m.done.Load(), FailedRequests: m.failed.Load()}
}

// Close ends the goroutine and puts what is left, for as long as ctx allows. Hooks may go on being called; what they say is not put any
// more. The error is that of the last put.
func (m *Metrics) Close(ctx context.Context) error {
	m.end()
	if left := m.group.Wait(ctx); left != nil {
		return fmt.Errorf("cloudwatch: close: %w", context.Cause(ctx))
	}
	return m.Flush(ctx)
}

// Flush puts what there is, now.
func (m *Metrics) Flush(ctx context.Context) error {
	select {
	case m.right <- struct{}{}:
		defer func() { <-m.right }()
	case <-ctx.Done():
		return fmt.Errorf("cloudwatch: flush: %w", context.Cause(ctx))
	}
	m.standing()
	all := m.store.take()
	keys := make([]series, 0, len(all))
	for of := range all {
		keys = append(keys, of)
	}
	slices.SortFunc(keys, series.compare)
	now := time.Now()
	var refused error
	for part := range slices.Chunk(keys, maxData) {
		err := m.put(ctx, part, all, now)
		if err != nil {
			m.failed.Add(1)
		}
		switch {
		case err != nil && retry.Classify(err) == retry.Invalid: // the same request would be refused for ever
			m.store.drop(part, all)
			m.cfg.Logger.Error("metrics were refused and are dropped", zap.String("code", retry.Code(err)), zap.Int("series", len(part)))
			refused = fmt.Errorf("%w: %w", errNotPut, err)
		case err != nil:
			m.cfg.Logger.Warn("metrics could not be put; they are kept for the next time", zap.String("code", retry.Code(err)), zap.Int("series", len(all)))
			m.store.giveBack(all) // this part and those after it
			return fmt.Errorf("%w: %w", errNotPut, err)
		}
		for _, of := range part {
			delete(all, of)
		}
	}
	return refused
}

// put makes one request.
func (m *Metrics) put(ctx context.Context, part []series, all map[series]*statistics, now time.Time) error {
	in := &cloudwatch.PutMetricDataInput{Namespace: &m.cfg.Namespace, MetricData: make([]types.MetricDatum, len(part))}
	for i, of := range part {
		s := all[of]
		in.MetricData[i] = types.MetricDatum{
			MetricName: aws.String(of.name), Unit: of.unit, Timestamp: &now, Dimensions: of.dimensions(),
			StatisticValues: &types.StatisticSet{SampleCount: &s.count, Sum: &s.sum, Minimum: &s.low, Maximum: &s.high},
		}
	}
	ctx, cancel := context.WithTimeout(ctx, m.cfg.Timeout)
	defer cancel()
	m.done.Add(1)
	_, err := m.cfg.Client.PutMetricData(ctx, in, func(o *cloudwatch.Options) { o.Retryer = aws.NopRetryer{} })
	return err
}

func (s series) dimensions() (all []types.Dimension) {
	stream := "StreamName" // the KPL's
	if s.operation != "" {
		stream = "StreamId"
	}
	for _, d := range [...]struct{ name, value string }{
		{"Operation", s.operation}, {"ErrorCode", s.code}, {stream, s.stream}, {"ShardId", s.shard}, {"WorkerIdentifier", s.worker},
	} {
		if d.value != "" {
			all = append(all, types.Dimension{Name: aws.String(d.name), Value: aws.String(d.value)})
		}
	}
	return all
}

func (s series) compare(o series) int {
	return cmp.Or(cmp.Compare(s.operation, o.operation), cmp.Compare(s.stream, o.stream), cmp.Compare(s.shard, o.shard),
		cmp.Compare(s.name, o.name), cmp.Compare(s.code, o.code), cmp.Compare(s.worker, o.worker))
}

// report is the goroutine.
func (m *Metrics) report() {
	tick := time.NewTicker(m.cfg.Interval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			_ = m.Flush(m.life) // logged and counted; the next interval tries again
		case <-m.life.Done():
			return
		}
	}
}
