package consumer

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/penstock-go/penstock/internal/retry"
	"github.com/penstock-go/penstock/internal/wire"
)

const (
	// minCallInterval keeps a reader within the five GetRecords calls a second that the service allows for a shard.
	minCallInterval = 200 * time.Millisecond
	// maxReplyRecords and maxReplyBytes bound a GetRecords reply, by the service's documentation.
	maxReplyRecords = 10_000
	maxReplyBytes   = 10 << 20
	// maxReplyMemory is what the largest usual reply takes up: it is reserved before the call, since what will come is not known.
	maxReplyMemory = maxReplyBytes + maxReplyRecords*recordOverhead
	// readRate is how many bytes a second all readers of a shard together may read, by the service's documentation.
	readRate = 2 << 20
	// callTimeout is when a call is given up. A reply of 10 MiB needs 3 Mbit/s to be in time.
	callTimeout = 30 * time.Second
)

// poller reads a shard with GetRecords.
//
// An iterator lives for five minutes. When it has expired, or any reply was lost, a new one is opened behind the last record that
// was fetched; before the first record, where reading began.
type poller struct {
	r        *reader
	mark     bookmark
	iterator *string       // nil: to be opened
	due      time.Time     // no call before
	pause    time.Duration // the last one at the tip; 0: the shard was behind
	// throttled: the service has refused a call for its rate. From then on the reader keeps to the rate of the shard; before, it
	// does not, since a burst may be free.
	throttled bool
}

func newPoller(r *reader, from cursor) *poller { return &poller{r: r, mark: newBookmark(from)} }

func (p *poller) close() {}

func (p *poller) fetch(ctx context.Context) (page, error) {
	if err := retry.Sleep(ctx, time.Until(p.due)); err != nil {
		return page{}, err
	}
	if p.iterator == nil {
		if err := p.openIterator(ctx); err != nil {
			return p.failed(ctx, err)
		}
	}
	reserved, err := p.r.c.budget.reserve(ctx, p.r.shape.room())
	if err != nil {
		return page{}, err
	}
	got, err := p.getRecords(ctx)
	if err != nil {
		p.r.c.budget.release(reserved)
		return page{}, err
	}
	// A reply can be larger than what is reserved if the whole budget is; then the bound is the reply.
	got.reserved = min(reserved, got.memory+p.r.shape.apart(got.records))
	p.r.c.budget.release(reserved - got.reserved)
	return got, nil
}

func (p *poller) openIterator(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	p.mark.wake(p.r.stream.unreadAtMost())
	sequence, at := p.mark.open.params()
	stream := p.r.stream.id
	in := &kinesis.GetShardIteratorInput{
		StreamName: stream.NameParam(), StreamARN: stream.ARNParam(), ShardId: &p.r.shard.ID,
		ShardIteratorType: p.mark.open.kind, StartingSequenceNumber: sequence, Timestamp: at,
	}
	out, err := wire.Call(p.r.c.protocol, func(protocol func(*kinesis.Options)) (*kinesis.GetShardIteratorOutput, error) {
		return p.r.c.cfg.Kinesis.GetShardIterator(ctx, in, once, protocol)
	})
	if err != nil {
		return p.r.refused(&p.mark, fmt.Errorf("consumer: open an iterator: %w", err))
	}
	p.iterator = out.ShardIterator
	return nil
}

// getRecords makes the call and reads the reply, all but what is reserved for it.
func (p *poller) getRecords(ctx context.Context) (page, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	started := time.Now()
	p.due = started.Add(minCallInterval)
	in := &kinesis.GetRecordsInput{ShardIterator: p.iterator, StreamARN: p.r.stream.id.ARNParam()}
	out, err := wire.Call(p.r.c.protocol, func(protocol func(*kinesis.Options)) (*kinesis.GetRecordsOutput, error) {
		return p.r.c.cfg.Kinesis.GetRecords(ctx, in, once, protocol)
	})
	if err != nil {
		return p.failed(ctx, fmt.Errorf("consumer: read records: %w", err))
	}
	if err := sound(out.Records); err != nil {
		return page{}, err
	}
	if missing := p.mark.pass(out.Records, started); missing != "" {
		p.r.trimmed(missing, nil)
	}
	p.iterator = out.NextShardIterator
	got := page{records: out.Records, lag: aws.ToInt64(out.MillisBehindLatest), took: time.Since(started), asOf: started}
	got.bytes, got.memory = weigh(got.records)
	p.rest(started, &got)
	if p.iterator == nil {
		return p.r.ending(ctx, got, out.ChildShards)
	}
	return got, nil
}

// rest says when the next call may be made after one that brought a page.
func (p *poller) rest(started time.Time, got *page) {
	cfg := &p.r.c.cfg
	switch {
	case !atTip(*got):
		p.pause = 0
	case len(got.records) > 0 || p.pause == 0:
		p.pause = cfg.PollInterval
	default:
		p.pause = min(2*p.pause, cfg.MaxPollInterval)
	}
	pause := max(p.pause, minCallInterval)
	if p.throttled {
		pause = max(pause, time.Duration(got.bytes)*time.Second/readRate)
	}
	p.due = started.Add(pause)
}

// atTip reports whether nothing more can be there to read now. An empty page is no sign of it: the service may return one
// anywhere. Nor is a lag of 0 with a full page: some servers always say 0.
func atTip(p page) bool {
	return p.lag == 0 && len(p.records) < maxReplyRecords && p.bytes < maxReplyBytes/2
}

func (p *poller) failed(ctx context.Context, err error) (page, error) {
	switch retry.Classify(err) {
	case retry.Expired, retry.Invalid:
		p.iterator = nil // open a new one at the bookmark
	case retry.NotFound:
		return p.r.vanished(ctx, err)
	case retry.Throttled:
		p.throttled = true
	case retry.Transient, retry.Unreachable, retry.Denied, retry.Busy, retry.Encryption, retry.Canceled:
	}
	return page{}, err
}
