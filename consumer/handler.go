package consumer

import (
	"context"
	"errors"
	"math"
	"sync"
	"time"

	"github.com/penstock-go/penstock/checkpoint"
)

// Handler does the user's work with the records of shards.
//
// Handle is called with one batch of a shard at a time, in stream order, and from different goroutines for different shards. If it
// returns nil, the whole batch is done and may be checkpointed. If it returns an error or panics, it is called again, after a delay,
// with the records from the first one on that was not acknowledged ([Batch.Ack]), for as long as the worker holds the shard's lease, or as
// often as [Failure] says.
//
// A handler that wants whole Kinesis records, other batches, or records of different keys handled side by side implements [Shaper]
// besides.
//
// The context ends when the worker loses the lease or stops trusting it, or when the time for a soft shutdown or a handoff is over. A
// handler must return soon after: until then its shard is given to nobody. What it returns is then of no account, and nil counts no more
// than an error: records that it has not acknowledged ([Batch.Ack]) are handled again. [context.Cause] tells why: an error that is
// leases.ErrLost, after which no checkpoint can be written, or leases.ErrStopped.
type Handler interface {
	Handle(ctx context.Context, b *Batch) error
}

// HandlerFunc is a function that is a [Handler].
type HandlerFunc func(ctx context.Context, b *Batch) error

// Handle calls f.
func (f HandlerFunc) Handle(ctx context.Context, b *Batch) error { return f(ctx, b) }

// Shard names a shard to a handler.
type Shard struct {
	Stream string // the stream's name
	ARN    string // the stream's ARN; empty in shards made for tests
	// StreamID is "<account>:<stream>:<creation epoch>" where the application reads several streams, as in its leases; else empty.
	StreamID string
	ID       string   // the shard's id, unique within the stream
	Parents  []string // ids of the shards it came from: none, one (split) or two (merge)
	// StartingHashKey and EndingHashKey are the inclusive ends of the shard's part of the hash space, in decimal; both are empty
	// where the lease does not tell.
	StartingHashKey, EndingHashKey string
	// Token is the fencing token of the lease under which the shard is read: of two workers that hold one shard's lease, the later
	// has the larger token. A sink that refuses smaller tokens than it has seen is safe from a handler that outlives its lease. A lease that
	// was deleted and is created again begins at 1, as does that of a stream which was deleted and made anew: whoever does either must
	// have the sink forget the tokens that it has seen, unless it keeps them by StreamID and the stream is another. 0 in shards made
	// for tests.
	Token int64
}

// Record is one record as its producer put it: a member of an aggregate, or a whole Kinesis record.
type Record struct {
	// PartitionKey is empty where the producer gave none, which streams with automatic record distribution allow.
	PartitionKey string
	// ExplicitHashKey is known of members of aggregates alone; the service does not return it for plain records.
	ExplicitHashKey string
	// SequenceNumber is that of the Kinesis record; the members of an aggregate share it.
	SequenceNumber string
	// SubSequence is the place in the aggregate, from 0; 0 for a plain record. With SequenceNumber it is unique in the shard.
	SubSequence uint64
	// Aggregated tells a member of an aggregate from a plain record.
	Aggregated bool
	// Malformed marks a Kinesis record that has the checksum of an aggregate but cannot be taken apart. It is handed on whole, where no
	// dead-letter sink takes it.
	Malformed bool

	whole bool // it is a raw record that may be an aggregate, so that to be done with it is to be done with all its members

	// ApproximateArrival is when the service took the Kinesis record, to the millisecond.
	ApproximateArrival time.Time
	// Data is valid until Handle returns. It is part of a larger buffer that is shared with other records and counted in
	// [Config.MaxBufferedBytes]: a handler that keeps it must keep a copy.
	Data []byte
}

// Batch is what a [Handler] is called with: some records of one shard, in stream order.
type Batch struct {
	Shard Shard
	// Records is not empty. The slice is the handler's: it may reorder it, cut it and keep it. For how long Data is valid see [Record].
	Records []Record
	// MillisBehindLatest is how far the page that the records came with is behind the tip of the shard, in milliseconds.
	MillisBehindLatest int64
	// Attempt is 1 for the first call with these records, and counts on when a batch is retried.
	Attempt int

	size int // of Records, as delivered

	mu     sync.Mutex // guards what follows; never held across a call
	acked  int
	held   int  // the first record that is held; -1: none
	sealed bool // Handle has returned: what is acknowledged now comes too late

	note  func(acked int)                            // told each rise of acked, under mu; may be nil
	hold  func(n int) (release func())               // nil: Hold is a no-op
	write func(ctx context.Context, acked int) error // nil: Checkpoint is a no-op
}

// BatchOption changes what [NewBatch] makes.
type BatchOption func(*Batch)

// WithCheckpoint makes [Batch.Checkpoint] call f with the number of acknowledged records.
func WithCheckpoint(f func(ctx context.Context, acked int) error) BatchOption {
	return func(b *Batch) { b.write = f }
}

// WithMillisBehindLatest sets the field of the same name.
func WithMillisBehindLatest(ms int64) BatchOption {
	return func(b *Batch) { b.MillisBehindLatest = ms }
}

// WithAttempt sets the field of the same name.
func WithAttempt(n int) BatchOption { return func(b *Batch) { b.Attempt = n } }

// NewBatch makes a batch for tests of handlers and for adapters that call handlers from elsewhere. It takes over rs. Without options
// its Attempt is 1 and its Checkpoint does nothing.
func NewBatch(s Shard, rs []Record, opts ...BatchOption) *Batch {
	b := &Batch{Shard: s, Records: rs, Attempt: 1, size: len(rs), held: -1}
	for _, opt := range opts {
		opt(b)
	}
	return b
}

// Ack says that the first n records, as they were delivered, are done: should the handler fail, it is not called with them again, and
// the library may checkpoint them at any time from now on. A smaller n than before changes nothing; one larger than the batch means
// all of it. Ack may be called from any goroutine, but has no effect once Handle has returned.
func (b *Batch) Ack(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n = min(n, b.size)
	if b.sealed || n <= b.acked {
		return
	}
	b.acked = n
	if b.note != nil {
		b.note(n)
	}
}

// Acked returns how many records are acknowledged.
func (b *Batch) Acked() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.acked
}

// Hold keeps the shard's position before the n-th record, counted from 0 and as delivered, though that record and what follows in the batch
// will be done: what they began is not finished, such as a window of time that is still open. Batches that follow are handled meanwhile. When
// release is called, from any goroutine, all that the shard's handler held up to and including this batch may be checkpointed (with
// several lanes, what it held of this batch's lane). Until then a worker that takes over begins with the first held record.
//
// Hold must be called before any record from n on is acknowledged, and while Handle runs; if Handle fails without having acknowledged the
// record n, the call counts for nothing. A shard does not end while anything is held.
func (b *Batch) Hold(n int) (release func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.sealed || b.hold == nil || n >= b.size || n < b.acked {
		return func() {}
	}
	if b.held < 0 || n < b.held {
		b.held = n
	}
	return b.hold(n)
}

// Checkpoint writes down, now, how far the shard is done: earlier batches and what is acknowledged of this one. It returns once that is
// written; if nothing is new, at once. After the lease is lost the error is one of package leases (ErrLost), and nothing was
// written. The library checkpoints by itself every [Config.CheckpointInterval], so that most handlers need no call.
func (b *Batch) Checkpoint(ctx context.Context) error {
	if b.write == nil {
		return nil
	}
	return b.write(ctx, b.Acked())
}

// seal ends the time in which Ack and Hold count, and returns what was acknowledged and the first record held.
func (b *Batch) seal() (acked, held int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sealed = true
	return b.acked, b.held
}

// errNoHandler reports a NewHandler that returned neither a handler nor an error.
var errNoHandler = errors.New("consumer: Config.NewHandler returned a nil Handler without an error")

// position returns where a reader stands once r is done. Pages are checked to have sequence numbers that are numbers.
func (r *Record) position() checkpoint.Position {
	at, _ := checkpoint.At(r.SequenceNumber, r.lastMember())
	return at
}

// before returns where a reader stands that has done all but r and what comes after it.
func (r *Record) before() checkpoint.Position {
	at, _ := checkpoint.At(r.SequenceNumber, int64(r.SubSequence)-1) // an index into a record of at most 10 MiB
	return at
}

// lastMember returns the sub-sequence number of what is done with r.
func (r *Record) lastMember() int64 {
	if r.whole {
		return math.MaxInt64
	}
	return int64(r.SubSequence) // an index into a record of at most 10 MiB
}
