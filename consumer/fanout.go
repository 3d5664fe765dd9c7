package consumer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/penstock-go/penstock/internal/retry"
	"github.com/penstock-go/penstock/internal/wire"
)

const (
	// silence is how long a subscription may go without an event. The service sends an empty one every few seconds; a connection
	// that died without a word would otherwise be waited on until the lease ends.
	silence = 35 * time.Second
	// subscribeInterval keeps within the one SubscribeToShard call a second that the service allows for a consumer and shard.
	subscribeInterval = time.Second
)

// errLapsed is the end that the service puts to every subscription after five minutes. It never means that the shard has ended.
var errLapsed = errors.New("consumer: the subscription ended")

// fanOut reads a shard with SubscribeToShard.
//
// An event is taken from the subscription only when there is room for it, so that a slow handler makes the service wait. If that takes
// longer than the five minutes of a subscription, a new one is opened behind the last event that was taken.
type fanOut struct {
	r    *reader
	mark bookmark
	due  time.Time // no SubscribeToShard before
	sub  *subscription
}

// subscription is an open event stream, with the context that it lives in. Its events may have lain in buffers ever since it was opened.
type subscription struct {
	*wire.Subscription
	cancel context.CancelFunc
	opened time.Time
}

func newFanOut(r *reader, from cursor) *fanOut { return &fanOut{r: r, mark: newBookmark(from)} }

func (f *fanOut) close() {
	if f.sub == nil {
		return
	}
	f.sub.Close()
	f.sub.cancel()
	f.sub = nil
}

func (f *fanOut) fetch(ctx context.Context) (page, error) {
	for {
		if f.sub == nil {
			if err := f.subscribe(ctx); err != nil {
				return f.failed(ctx, err)
			}
		}
		got, err := f.receive(ctx)
		if err == nil {
			return got, nil
		}
		f.close()
		if !errors.Is(err, errLapsed) {
			return f.failed(ctx, err)
		}
	}
}

// subscribe opens a subscription at the bookmark. It lives no longer than ctx.
func (f *fanOut) subscribe(ctx context.Context) error {
	if err := retry.Sleep(ctx, time.Until(f.due)); err != nil {
		return err
	}
	f.due = time.Now().Add(subscribeInterval)
	f.mark.wake(f.r.stream.unreadAtMost())
	sequence, at := f.mark.open.params()
	ctx, cancel := context.WithCancel(ctx)
	tooLong := time.AfterFunc(callTimeout, cancel)
	defer tooLong.Stop()
	stream, err := wire.Subscribe(ctx, f.r.c.protocol, f.r.c.cfg.Kinesis, &kinesis.SubscribeToShardInput{
		ConsumerARN: &f.r.stream.consumerARN, ShardId: &f.r.shard.ID,
		StartingPosition: &types.StartingPosition{Type: f.mark.open.kind, SequenceNumber: sequence, Timestamp: at},
	}, once)
	if err != nil {
		cancel()
		return f.r.refused(&f.mark, fmt.Errorf("consumer: subscribe: %w", err))
	}
	f.sub = &subscription{Subscription: stream, cancel: cancel, opened: time.Now()}
	return nil
}

// receive takes the next event. The error is [errLapsed] where the subscription came to its ordinary end.
func (f *fanOut) receive(ctx context.Context) (page, error) {
	waiting, stream := time.Now(), f.sub.Subscription
	var silent atomic.Bool
	watchdog := time.AfterFunc(silence, func() {
		silent.Store(true)
		stream.Close()
	})
	event, err := stream.Next()
	watchdog.Stop()
	switch {
	case err == nil:
		return f.take(ctx, event, time.Since(waiting))
	case ctx.Err() != nil:
		return page{}, ctx.Err()
	case silent.Load():
		return page{}, ErrSilent
	case errors.Is(err, io.EOF):
		return page{}, errLapsed
	}
	return page{}, fmt.Errorf("consumer: subscription: %w", err)
}

// take makes a page of an event, once there is room for it, and moves the bookmark behind it.
func (f *fanOut) take(ctx context.Context, event *types.SubscribeToShardEvent, took time.Duration) (page, error) {
	if err := sound(event.Records); err != nil {
		return page{}, err
	}
	got := page{records: event.Records, lag: aws.ToInt64(event.MillisBehindLatest), took: took, asOf: asOf(took)}
	got.bytes, got.memory = weigh(got.records)
	reserved, err := f.r.c.budget.reserve(ctx, got.memory+f.r.shape.apart(got.records))
	if err != nil {
		return page{}, err
	}
	got.reserved = reserved
	if missing := f.mark.pass(got.records, f.sub.opened); missing != "" {
		f.r.trimmed(missing, nil)
	}
	if event.ContinuationSequenceNumber == nil {
		f.close()
		last, err := f.r.ending(ctx, got, event.ChildShards)
		if err != nil {
			f.r.c.budget.release(reserved)
		}
		return last, err
	}
	f.mark.proceed(*event.ContinuationSequenceNumber) // it moves on where events carry no records, too
	return got, nil
}

// The service sends an event every few seconds; one that came after such a wait has not lain in the SDK's buffers.
const (
	waited = 5 * time.Millisecond
	travel = time.Second // of an event, at most
)

// asOf returns what an event tells the state of: that of a moment ago, or of nobody knows when.
func asOf(took time.Duration) time.Time {
	if took < waited {
		return time.Time{}
	}
	return time.Now().Add(-travel)
}

func (f *fanOut) failed(ctx context.Context, err error) (page, error) {
	if retry.Classify(err) == retry.NotFound {
		return f.r.vanished(ctx, err)
	}
	return page{}, err
}
