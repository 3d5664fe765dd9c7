package consumer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"go.uber.org/zap"

	"github.com/penstock-go/penstock/checkpoint"
	"github.com/penstock-go/penstock/internal/owned"
	"github.com/penstock-go/penstock/internal/retry"
	"github.com/penstock-go/penstock/internal/shards"
	"github.com/penstock-go/penstock/leases"
)

// stream is a stream that Run has found.
type stream struct {
	asked Stream        // as it is configured, with defaults
	id    shards.Stream // how requests name it
	arn   string
	made  time.Time // another stream of the name was made at another time; zero: the service does not tell
	key   string    // what the keys of its leases begin with: empty where the application reads one stream
	start Start

	retention atomic.Int64    // a time.Duration, as the service last said; 0: it did not
	outlived  map[string]bool // shards whose first records were gone when the stream was found

	fanOut      bool
	consumer    string // name of the enhanced fan-out consumer
	consumerARN string

	ended     sync.Map                    // ids of shards; see finish
	doubted   atomic.Bool                 // see doubt
	lookAfter atomic.Int64                // when to look again at the earliest, in nanoseconds of Unix time
	lookPause time.Duration               // before that; used by tend alone
	outdated  atomic.Bool                 // there are leases of one of the same name that was made later; see heed
	youngest  int64                       // when that was, in Unix seconds; guarded by Consumer.mu
	orphaned  atomic.Pointer[StreamError] // why the configured consumer cannot be used any more; nil: it can
}

const (
	// startAttempts is how often a call is made while Run starts, before it fails: with startDelay, within four seconds. What has
	// started once goes on trying.
	startAttempts = 5
	// statePoll is the time between two looks at a stream or consumer that is being created.
	statePoll = time.Second
	// createWorkers is how many leases are created at once.
	createWorkers = 16
)

var startDelay = retry.Policy{Initial: 250 * time.Millisecond, Max: 5 * time.Second}

// prepareStream finds a stream and everything that reading it takes, all but its leases.
func (c *Consumer) prepareStream(ctx context.Context, s Stream) (*stream, error) {
	id, err := s.identify()
	if err != nil {
		return nil, err
	}
	found := &stream{asked: s, id: id, start: s.Start, fanOut: s.FanOut, consumer: s.ConsumerName, consumerARN: s.ConsumerARN}
	facts, err := c.awaitStream(ctx, id)
	if err != nil {
		return nil, err
	}
	found.arn, found.made = aws.ToString(facts.StreamARN), madeAt(facts)
	found.keeps(facts.RetentionPeriodHours)
	if c.cfg.MultiStream {
		if found.key, err = leasePrefix(id.Name(), facts); err != nil {
			return nil, err
		}
	}
	if found.fanOut {
		if err := c.findConsumer(ctx, found, s.PollAtLimit); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// findConsumer finds the enhanced fan-out consumer that the stream is read by, or registers it.
func (c *Consumer) findConsumer(ctx context.Context, s *stream, pollAtLimit bool) (err error) {
	if s.consumerARN != "" {
		return c.awaitConsumer(ctx, s)
	}
	s.consumerARN, err = c.register(ctx, s)
	if pollAtLimit && errors.Is(err, ErrConsumerLimit) {
		s.fanOut = false
		c.cfg.Logger.Warn("no room for another enhanced fan-out consumer; the stream is polled", zap.String("stream", s.id.Name()), zap.Error(err))
		c.cfg.Hooks.polledInstead(s.id.Name(), err)
		return nil
	}
	return err
}

// awaitConsumer waits until the consumer of the configured ARN can be used.
func (c *Consumer) awaitConsumer(ctx context.Context, s *stream) error {
	op := "DescribeStreamConsumer"
	if !strings.HasPrefix(s.consumerARN, s.arn+"/consumer/") {
		return &StreamError{Stream: s.id.Name(), Op: op, Kind: ErrConsumerNotFound, Cause: fmt.Errorf("%s is not of this stream", s.consumerARN)}
	}
	for {
		_, status, err := c.describeConsumer(ctx, s)
		var failed *StreamError
		switch {
		case errors.As(err, &failed) && errors.Is(err, ErrStreamNotFound):
			return &StreamError{Stream: s.id.Name(), Op: op, Kind: ErrConsumerNotFound, Cause: failed.Cause}
		case err != nil:
			return err
		case status == types.ConsumerStatusActive:
			return nil
		}
		if err := retry.Sleep(ctx, statePoll); err != nil {
			return fmt.Errorf("consumer: waiting for consumer %s: %w", s.consumerARN, err)
		}
	}
}

// leasePrefix names a stream as the KCL does where leases of several share a table: one that is deleted and created again is not
// the same.
func leasePrefix(name string, facts *types.StreamDescriptionSummary) (string, error) {
	arn := strings.SplitN(aws.ToString(facts.StreamARN), ":", 6)
	if len(arn) != 6 || arn[4] == "" || facts.StreamCreationTimestamp == nil {
		return "", &StreamError{Stream: name, Op: "DescribeStreamSummary", Cause: fmt.Errorf("%w: no account or no time of creation", ErrReply)}
	}
	return fmt.Sprintf("%s:%s:%d", arn[4], name, facts.StreamCreationTimestamp.Unix()), nil
}

// awaitStream returns what the service knows of a stream, once it is there to be read.
func (c *Consumer) awaitStream(ctx context.Context, id shards.Stream) (*types.StreamDescriptionSummary, error) {
	in := &kinesis.DescribeStreamSummaryInput{StreamName: id.NameParam(), StreamARN: id.ARNParam()}
	for {
		out, err := begin(ctx, c, id.Name(), "DescribeStreamSummary", func(ctx context.Context) (*kinesis.DescribeStreamSummaryOutput, error) {
			return c.cfg.Kinesis.DescribeStreamSummary(ctx, in, once)
		})
		if err != nil {
			return nil, err
		}
		switch facts := out.StreamDescriptionSummary; facts.StreamStatus {
		case types.StreamStatusCreating:
			c.cfg.Logger.Info("the stream is being created; waiting", zap.String("stream", id.Name()))
			if err := retry.Sleep(ctx, statePoll); err != nil {
				return nil, fmt.Errorf("consumer: waiting for stream %s: %w", id.Name(), err)
			}
		case types.StreamStatusDeleting:
			return nil, &StreamError{Stream: id.Name(), Op: "DescribeStreamSummary", Kind: ErrStreamNotFound, Cause: errors.New("it is being deleted")}
		case types.StreamStatusActive, types.StreamStatusUpdating:
			return facts, nil
		default:
			return facts, nil // a status of later days: let the reads find out
		}
	}
}

// register returns the ARN of the stream's enhanced fan-out consumer once it can be used. It is registered unless it is there.
func (c *Consumer) register(ctx context.Context, s *stream) (string, error) {
	for {
		arn, status, err := c.describeConsumer(ctx, s)
		switch {
		case err != nil && errors.Is(err, ErrStreamNotFound):
			err = c.registerConsumer(ctx, s)
		case err == nil && status == types.ConsumerStatusActive:
			return arn, nil
		}
		if err != nil {
			return "", err
		}
		// It is being created, by this worker or another one; or deleted, and will be registered anew.
		if err := retry.Sleep(ctx, statePoll); err != nil {
			return "", fmt.Errorf("consumer: waiting for consumer %s of stream %s: %w", s.consumer, s.id.Name(), err)
		}
	}
}

func (c *Consumer) describeConsumer(ctx context.Context, s *stream) (arn string, _ types.ConsumerStatus, _ error) {
	in := &kinesis.DescribeStreamConsumerInput{StreamARN: &s.arn, ConsumerName: &s.consumer}
	if s.consumerARN != "" {
		in = &kinesis.DescribeStreamConsumerInput{ConsumerARN: &s.consumerARN}
	}
	out, err := begin(ctx, c, s.id.Name(), "DescribeStreamConsumer", func(ctx context.Context) (*kinesis.DescribeStreamConsumerOutput, error) {
		return c.cfg.Kinesis.DescribeStreamConsumer(ctx, in, once)
	})
	if err != nil {
		return "", "", err
	}
	return aws.ToString(out.ConsumerDescription.ConsumerARN), out.ConsumerDescription.ConsumerStatus, nil
}

// registerConsumer asks for the registration. Another worker may have been quicker, which is as good.
func (c *Consumer) registerConsumer(ctx context.Context, s *stream) error {
	in := &kinesis.RegisterStreamConsumerInput{StreamARN: &s.arn, ConsumerName: &s.consumer}
	_, err := begin(ctx, c, s.id.Name(), "RegisterStreamConsumer", func(ctx context.Context) (*kinesis.RegisterStreamConsumerOutput, error) {
		out, err := c.cfg.Kinesis.RegisterStreamConsumer(ctx, in, once)
		if err != nil && retry.Classify(err) == retry.Busy {
			return nil, nil // it is registered
		}
		return out, err
	})
	var full *types.LimitExceededException // also said of too many calls, but those have been tried again
	var failed *StreamError
	if errors.As(err, &full) && errors.As(err, &failed) {
		failed.Kind = ErrConsumerLimit
	}
	return err
}

// begin makes a call of Kinesis that Run needs to start.
func begin[T any](ctx context.Context, c *Consumer, stream, op string, call func(context.Context) (T, error)) (T, error) {
	out, err := persist(ctx, c, op, func(ctx context.Context) (T, error) {
		tried, cancel := context.WithTimeout(ctx, callTimeout)
		defer cancel()
		return call(tried)
	}, zap.String("stream", stream))
	if err != nil {
		return out, streamError(stream, op, err)
	}
	return out, nil
}

// persist makes a call that Run needs to start, of Kinesis or of the lease table: again while that may help, and not for ever.
func persist[T any](ctx context.Context, c *Consumer, op string, call func(context.Context) (T, error), about ...zap.Field) (T, error) {
	delay := startDelay.Start(c.jitter)
	for attempt := 1; ; attempt++ {
		out, err := call(ctx)
		if err == nil || attempt == startAttempts || retry.Classify(err).Permanent() || ctx.Err() != nil {
			return out, err
		}
		c.cfg.Logger.Warn("a call failed; trying again", append(about, zap.String("operation", op), zap.Error(err))...)
		if delay.Wait(ctx) != nil {
			return out, err
		}
	}
}

// streamError says what kind of failure it was.
func streamError(stream, op string, cause error) error {
	e := &StreamError{Stream: stream, Op: op, Cause: cause}
	// The SDK wraps a failed dial like a reply without a status, so the class does not tell.
	if dial := (*net.OpError)(nil); errors.As(cause, &dial) && dial.Op == "dial" {
		e.Kind = ErrUnreachable
		return e
	}
	switch retry.Classify(cause) {
	case retry.NotFound:
		e.Kind = ErrStreamNotFound
	case retry.Denied:
		e.Kind = ErrAccessDenied
	case retry.Unreachable:
		e.Kind = ErrUnreachable
	case retry.Transient, retry.Throttled, retry.Busy, retry.Encryption, retry.Invalid, retry.Expired, retry.Canceled:
	}
	return e
}

// sync creates the leases that the stream lacks. All workers do so when they start; the first one's rows stand.
func (c *Consumer) sync(ctx context.Context, s *stream) error {
	began := time.Now()
	listed, created, err := c.createMissing(ctx, s)
	c.cfg.Hooks.synced(Synced{Stream: s.id.Name(), Shards: listed, Created: created, Duration: time.Since(began), Err: err})
	return err
}

func (c *Consumer) createMissing(ctx context.Context, s *stream) (listed, created int, _ error) {
	// First the shards, then the leases: what another worker has created since the listing is found. Everything that is retained is listed,
	// since only the whole lineage tells what was read before.
	all, err := c.listToStart(ctx, s, nil)
	if err != nil {
		return 0, 0, err
	}
	listing, start, err := c.beginnings(ctx, s, all)
	if err != nil {
		return 0, 0, err
	}
	snapshot, err := persist(ctx, c, "Scan", func(ctx context.Context) (leases.Snapshot, error) {
		began := time.Now()
		snapshot, err := c.store.Scan(ctx)
		c.cfg.Hooks.storeCalled(leases.Called{Op: "Scan", Err: err}, began)
		return snapshot, err
	})
	if err != nil {
		return 0, 0, fmt.Errorf("consumer: read the leases: %w", err)
	}
	s.outlived = outlived(all.Shards, snapshot.Leases, s.key)
	missing := leases.Missing(listing, snapshot, s.key, start)
	c.cfg.Logger.Info("stream found", zap.String("stream", s.id.Name()), zap.Int("shards", len(listing)), zap.Int("leases created", len(missing)))
	return len(listing), len(missing), c.create(ctx, missing)
}

func (c *Consumer) listToStart(ctx context.Context, s *stream, filter *types.ShardFilter) (shards.Listing, error) {
	return begin(ctx, c, s.id.Name(), "ListShards", func(ctx context.Context) (shards.Listing, error) { return c.list(ctx, s, filter) })
}

// beginnings returns those of all shards among which reading begins, with all that descend from them.
func (c *Consumer) beginnings(ctx context.Context, s *stream, all shards.Listing) ([]shards.Shard, leases.Start, error) {
	switch s.start.kind {
	case fromLatest:
		return all.Shards, leases.Start{Position: checkpoint.Latest, At: latestAt(all)}, nil
	case fromTime:
		then, err := c.listToStart(ctx, s, &types.ShardFilter{Type: types.ShardFilterTypeAtTimestamp, Timestamp: &s.start.at})
		if err != nil {
			return nil, leases.Start{}, err
		}
		return withDescendants(then.Shards, all.Shards), leases.Start{Position: checkpoint.AtTimestamp, At: s.start.at}, nil
	case fromTrimHorizon:
	}
	return all.Shards, leases.Start{Position: checkpoint.TrimHorizon}, nil
}

// latestAt returns the time that LATEST means: that of the listing by the service's clock, which is shown in whole seconds, less one.
// A record that comes in twice is better than one that never does.
func latestAt(listing shards.Listing) time.Time {
	at := listing.ServiceTime
	if at.IsZero() {
		at = time.Now() // the server does not tell
	}
	return at.Add(-time.Second).Truncate(time.Millisecond)
}

// withDescendants returns the shards and, of all, those that come after them.
func withDescendants(some, all []shards.Shard) []shards.Shard {
	family := append([]shards.Shard(nil), some...)
	known := make(map[string]bool, len(all))
	for _, s := range some {
		known[s.ID] = true
	}
	for i := 0; i < len(family); i++ {
		for _, child := range shards.Children(all, family[i].ID) {
			if !known[child.ID] {
				known[child.ID] = true
				family = append(family, child)
			}
		}
	}
	return family
}

// create creates leases that are not there yet, a few at a time.
func (c *Consumer) create(ctx context.Context, rows []leases.Lease) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan leases.Lease)
	var workers owned.Group
	for range min(createWorkers, len(rows)) {
		workers.Go("create leases", func() {
			for row := range next {
				if err := c.createOne(ctx, row); err != nil {
					cancel(fmt.Errorf("consumer: create lease %s: %w", row.Key, err))
				}
			}
		})
	}
	for _, row := range rows {
		select {
		case next <- row:
		case <-ctx.Done():
		}
	}
	close(next)
	workers.Wait(context.WithoutCancel(ctx)) // they end with next
	return context.Cause(ctx)
}

func (c *Consumer) createOne(ctx context.Context, row leases.Lease) error {
	_, err := persist(ctx, c, "Create", func(ctx context.Context) (bool, error) {
		began := time.Now()
		created, err := c.store.Create(ctx, row)
		c.cfg.Hooks.storeCalled(leases.Called{Op: "Create", For: "sync", Key: row.Key, Created: created, Err: err}, began)
		return created, err
	})
	return err
}

// singleAttempts makes the walker of package shards use the SDK as the rest of the consumer does.
type singleAttempts struct{ api KinesisAPI }

func (s singleAttempts) ListShards(ctx context.Context, in *kinesis.ListShardsInput, _ ...func(*kinesis.Options)) (*kinesis.ListShardsOutput, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return s.api.ListShards(ctx, in, once)
}

// list makes one walk over the stream's shards.
func (c *Consumer) list(ctx context.Context, s *stream, filter *types.ShardFilter) (shards.Listing, error) {
	return shards.List(ctx, singleAttempts{c.cfg.Kinesis}, s.id, filter)
}
