package consumer

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"golang.org/x/sync/semaphore"

	"github.com/penstock-go/penstock/aggregation"
	"github.com/penstock-go/penstock/checkpoint"
	"github.com/penstock-go/penstock/internal/retry"
	"github.com/penstock-go/penstock/internal/shards"
)

// source is where the records of one shard come from: a [poller] or a [fanOut]. It is used by one goroutine.
type source interface {
	// fetch returns the next page. After an error it may be called again and goes on where it was; nothing is left out. It
	// returns soon after ctx has ended.
	fetch(ctx context.Context) (page, error)
	// close gives back what is held open. No fetch may follow.
	close()
}

// page is what one reply or one event brought.
type page struct {
	records  []types.Record
	lag      int64 // milliseconds behind the tip of the shard
	bytes    int
	took     time.Duration
	asOf     time.Time      // what came in before that is in it, or in a page before it; zero: not known
	memory   int64          // what it takes up, but for what its records are taken apart to
	reserved int64          // of the budget; whoever has handled the page releases it
	end      bool           // the shard has no more records
	children []shards.Shard // at the end: who comes after
}

// recordOverhead is what a fetched record costs beside its data, key and sequence number: the SDK's struct, what its pointers lead to,
// and what stands around them in the reply, of which the data is a part.
const recordOverhead = 300

// weigh returns the bytes of data and keys, and what the records take up in memory. Keys stand there twice: in the reply and as strings.
func weigh(records []types.Record) (bytes int, memory int64) {
	for i := range records {
		r := &records[i]
		key := len(aws.ToString(r.PartitionKey))
		bytes += len(r.Data) + key
		memory += int64(key+len(aws.ToString(r.SequenceNumber))) + recordOverhead
	}
	return bytes, memory + int64(bytes)
}

// What a user record takes up in a batch: the [Record], and a second one for the handler; with several lanes what keeps track of it,
// too.
const (
	userOverhead = 2 * int64(unsafe.Sizeof(Record{}))
	laneOverhead = 8 + (1+trackedPerInAir)*int64(unsafe.Sizeof(checkpoint.Position{})+8)
)

// user returns what a user record takes up in a batch.
func (s Shape) user() int64 {
	if s.Concurrency > 1 {
		return userOverhead + laneOverhead
	}
	return userOverhead
}

// maxTables is how much is reserved for the key tables of an aggregate that is being taken apart, at most.
const maxTables = 1 << 20

// room returns what is to be reserved for the largest usual reply, before it is known what comes.
func (s Shape) room() int64 {
	return maxReplyMemory + int64(s.inAir())*s.user() + maxTables
}

// apart returns what the records will take up, at most, taken apart as far as batches need it.
func (s Shape) apart(records []types.Record) int64 {
	users, largest := len(records), 0
	for i := range records {
		if data := records[i].Data; !s.Raw && bytes.HasPrefix(data, []byte(aggregation.Magic)) {
			users, largest = s.inAir(), max(largest, len(data))
		}
	}
	return int64(min(users, s.inAir()))*s.user() + int64(min(largest, maxTables))
}

// sound returns an error if the records cannot be told apart or are not in order, as the service promises: out of order some would be taken
// for ones that are done.
func sound(records []types.Record) error {
	var last checkpoint.Position
	for i := range records {
		at, err := checkpoint.At(aws.ToString(records[i].SequenceNumber), 0)
		if err != nil {
			return fmt.Errorf("%w: a record without a sequence number", ErrReply)
		}
		if at.Compare(last) < 0 {
			return fmt.Errorf("%w: records that are not in order", ErrReply)
		}
		last = at
	}
	return nil
}

// budget is the worker's memory for records that are fetched and not handled: a semaphore of bytes, first come, first served.
//
// It is tight while somebody has waited for tightAfter or longer: then batches that wait for more records are to be handled, so that what
// they keep becomes free. (That somebody waits for a moment is usual: every call reserves room for the largest reply.)
type budget struct {
	free  *semaphore.Weighted
	size  int64
	taken atomic.Int64

	mu      sync.Mutex // guards what follows
	starved int        // how many have waited for long
	tight   chan struct{}
}

// tightAfter is how long a wait for memory may be before it counts.
const tightAfter = time.Second

func newBudget(size int) *budget {
	return &budget{free: semaphore.NewWeighted(int64(size)), size: int64(size), tight: make(chan struct{})}
}

// reserve waits for n bytes, or for the whole budget if n is more, and returns how many it got. The error is that of ctx.
func (b *budget) reserve(ctx context.Context, n int64) (int64, error) {
	n = min(n, b.size)
	if b.free.TryAcquire(n) {
		b.taken.Add(n)
		return n, nil
	}
	long := time.AfterFunc(tightAfter, func() { b.starve(1) })
	err := b.free.Acquire(ctx, n)
	if !long.Stop() {
		b.starve(-1)
	}
	if err != nil {
		return 0, err
	}
	b.taken.Add(n)
	return n, nil
}

// starve counts one more, or one less, who has waited for long.
func (b *budget) starve(change int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	before := b.starved
	b.starved += change
	switch {
	case before <= 0 && b.starved > 0:
		close(b.tight)
	case before > 0 && b.starved <= 0:
		b.tight = make(chan struct{})
	}
}

// tightened returns a channel that is closed when the budget is tight.
func (b *budget) tightened() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.tight
}

func (b *budget) isTight() bool {
	select {
	case <-b.tightened():
		return true
	default:
		return false
	}
}

func (b *budget) release(n int64) {
	b.free.Release(n)
	b.taken.Add(-n)
}

// used returns how much is reserved.
func (b *budget) used() int64 { return b.taken.Load() }

// cursor is a place at which an iterator or a subscription can be opened.
type cursor struct {
	kind     types.ShardIteratorType
	sequence string    // for AT_SEQUENCE_NUMBER and AFTER_SEQUENCE_NUMBER
	at       time.Time // for AT_TIMESTAMP
	latest   bool      // at is the time that LATEST was
}

// cursorFor returns where reading begins for a lease that stands at p. LATEST is never asked of the service: what came in between
// the listing of the shards and the opening of an iterator, or while an iterator expired, would be left out. It is the time at which
// the shards were listed.
func cursorFor(p checkpoint.Position, startAt time.Time) cursor {
	switch {
	case !p.Sentinel():
		return cursor{kind: types.ShardIteratorTypeAtSequenceNumber, sequence: p.SequenceNumber()}
	case startAt.IsZero() || p == checkpoint.TrimHorizon:
		return cursor{kind: types.ShardIteratorTypeTrimHorizon}
	default:
		return cursor{kind: types.ShardIteratorTypeAtTimestamp, at: startAt, latest: p == checkpoint.Latest}
	}
}

// params returns the cursor as the fields of a request.
func (c cursor) params() (sequence *string, at *time.Time) {
	if c.sequence != "" {
		sequence = &c.sequence
	}
	if !c.at.IsZero() {
		at = &c.at
	}
	return sequence, at
}

// bookmark is how far a source has come, and so where it opens again.
type bookmark struct {
	origin  cursor    // where the source began
	open    cursor    // where an iterator or a subscription that is opened now begins
	awaited string    // the number that the next record has, unless it has been trimmed; empty: that of any
	last    string    // sequence number of the last record fetched; empty before the first
	at      time.Time // when the service was last asked for what comes next
	ahead   time.Time // since when the service says that LATEST is still to come; zero: it does not
}

func newBookmark(at cursor) bookmark {
	b := bookmark{origin: at}
	b.turn(at)
	return b
}

// turn moves the bookmark to a place from which records come that were not asked for so far.
func (b *bookmark) turn(to cursor) {
	b.open, b.awaited = to, ""
	if to.kind == types.ShardIteratorTypeAtSequenceNumber {
		b.awaited = to.sequence
	}
}

// pass moves the bookmark behind records that were asked for at a time. It returns the number of a record that is missing though it was asked for,
// and so has been trimmed, and with it perhaps others that follow it; empty: there is none.
func (b *bookmark) pass(records []types.Record, asked time.Time) (missing string) {
	b.at = asked
	if len(records) == 0 {
		return ""
	}
	if first := aws.ToString(records[0].SequenceNumber); b.awaited != "" && !sameNumber(first, b.awaited) {
		missing = b.awaited
	}
	b.last = aws.ToString(records[len(records)-1].SequenceNumber)
	b.turn(cursor{kind: types.ShardIteratorTypeAfterSequenceNumber, sequence: b.last})
	return missing
}

// proceed moves the bookmark behind a number up to which there are no more records. It need not be that of a record.
func (b *bookmark) proceed(number string) {
	b.open = cursor{kind: types.ShardIteratorTypeAfterSequenceNumber, sequence: number}
}

// wake moves the bookmark from behind the last record to the record itself, if nothing was asked for in so long that what came in meanwhile may
// have been trimmed: then the record itself has been, too. What was delivered is dropped by its number.
func (b *bookmark) wake(unreadAtMost time.Duration) {
	if b.last != "" && b.open.kind == types.ShardIteratorTypeAfterSequenceNumber && time.Since(b.at) > unreadAtMost {
		b.turn(cursor{kind: types.ShardIteratorTypeAtSequenceNumber, sequence: b.last})
	}
}

// refuse moves the bookmark to where reading can begin after the service has called the present place invalid. It reports whether
// records may be lost by that.
//
// A place behind a number is refused when it is the very end of a closed shard. To read the last record once more instead is always
// right: what was delivered is dropped by its number, and the end comes in the ordinary way. A place at a record is refused when the
// stream is not the one that the number is of; then all there is must be read. So it must where LATEST is a time that, for the service,
// does not come: it told a wrong one once, or its clock was put back, and what comes in meanwhile is told apart from what is older by nothing.
func (b *bookmark) refuse() (lost bool) {
	switch {
	case b.open.kind == types.ShardIteratorTypeAfterSequenceNumber && b.last != "":
		b.turn(cursor{kind: types.ShardIteratorTypeAtSequenceNumber, sequence: b.last})
	case b.open.kind == types.ShardIteratorTypeAfterSequenceNumber:
		b.turn(b.origin)
	case b.open.kind == types.ShardIteratorTypeAtSequenceNumber:
		b.turn(cursor{kind: types.ShardIteratorTypeTrimHorizon})
		return true
	case b.open.latest && b.ahead.IsZero():
		b.ahead = time.Now()
	case b.open.latest && time.Since(b.ahead) > aheadAtMost:
		b.turn(cursor{kind: types.ShardIteratorTypeTrimHorizon})
	}
	return false
}

// aheadAtMost is how far the clocks of the service's parts are taken to differ: for as long a time in the future may be that of LATEST.
const aheadAtMost = time.Minute

// sameNumber compares sequence numbers, of which a lease keeps none of the leading zeros.
func sameNumber(a, b string) bool { return strings.TrimLeft(a, "0") == strings.TrimLeft(b, "0") }

// once is the option that every call is made with: the SDK makes one attempt, and retries are ours.
func once(o *kinesis.Options) { o.Retryer = aws.NopRetryer{} }

// Delays after failures. A shard is tried for as long as its lease is held.
var (
	transientDelay = retry.Policy{Initial: 200 * time.Millisecond, Max: 5 * time.Second}
	// The service's documentation asks for a second between the calls of a throttled reader, and for five after a full reply.
	throttleDelay = retry.Policy{Initial: 2 * time.Second, Max: 10 * time.Second}
	// What an operator has to mend is asked about seldom, but soon enough after it was mended.
	permanentDelay = retry.Policy{Initial: 2 * time.Second, Max: 30 * time.Second}
)

// busyDelay is how long a refused subscription rests. The service refuses it until five seconds after the last holder's subscription
// began, by its documentation. How much of that has passed nobody can tell, so it is asked again a little less often than the service
// allows.
const busyDelay = subscribeInterval + 100*time.Millisecond

// delays are the schedules of one shard.
type delays struct{ transient, throttle, permanent *retry.Schedule }

func newDelays(j *retry.Jitter) delays {
	return delays{transient: transientDelay.Start(j), throttle: throttleDelay.Start(j), permanent: permanentDelay.Start(j)}
}

func (d delays) reset() {
	d.transient.Reset()
	d.throttle.Reset()
	d.permanent.Reset()
}

// after returns how long to wait after a failure of that class.
func (d delays) after(class retry.Class) time.Duration {
	switch class {
	case retry.Expired:
		return 0 // the source opens again at its bookmark
	case retry.Busy:
		return busyDelay
	case retry.Throttled:
		return d.throttle.Next()
	case retry.Denied, retry.NotFound, retry.Encryption, retry.Invalid:
		return d.permanent.Next()
	case retry.Transient, retry.Unreachable, retry.Canceled:
		return d.transient.Next()
	}
	return d.transient.Next()
}

// feed runs a source ahead of the handler: while one page is handled, the next one is fetched, and no more than that.
type feed struct {
	r     *reader
	from  source
	pages chan page // unbuffered: the page in the sender's hand is the one fetched ahead
}

// run fetches pages until the shard has ended or ctx does, and closes pages.
func (f *feed) run(ctx context.Context) {
	defer close(f.pages)
	defer f.from.close()
	wait := newDelays(f.r.c.jitter)
	for {
		p, err := f.from.fetch(ctx)
		if ctx.Err() != nil {
			f.r.c.budget.release(p.reserved)
			return
		}
		if err != nil {
			f.r.fetchFailed(err)
			if retry.Sleep(ctx, wait.after(retry.Classify(err))) != nil {
				return
			}
			continue
		}
		wait.reset()
		f.r.fetched(p)
		select {
		case f.pages <- p:
		case <-ctx.Done():
			f.r.c.budget.release(p.reserved)
			return
		}
		if p.end {
			return
		}
	}
}
