package consumer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/penstock-go/penstock/checkpoint"
	"github.com/penstock-go/penstock/internal/owned"
	"github.com/penstock-go/penstock/internal/retry"
	"github.com/penstock-go/penstock/internal/shards"
	"github.com/penstock-go/penstock/leases"
)

// State is how far a shard's life in this worker has come. The package documentation has the picture.
type State uint8

const (
	// Waiting: the shard's parents are not read to their ends yet.
	Waiting State = iota
	// Opening: the handler and the source are made.
	Opening
	// Reading: records are fetched and handled.
	Reading
	// Draining: the lease is to be given up. Nothing more is fetched, and the handler finishes the batch it has.
	Draining
	// Ended: every record is handled, SHARD_END is written, and the children have leases.
	Ended
	// Released: what was done is written down, and the lease is let go.
	Released
	// Lost: the lease is another worker's, or must be thought so. Nothing is written any more.
	Lost
)

// String returns the state in one word.
func (s State) String() string {
	return [...]string{"waiting", "opening", "reading", "draining", "ended", "released", "lost"}[s]
}

// leadsTo is the transition function: whether a shard's life may go from s to next.
func (s State) leadsTo(next State) bool {
	switch s {
	case Waiting:
		return next == Opening || next == Draining || next == Lost
	case Opening:
		return next == Reading || next == Draining || next == Lost
	case Reading:
		return next == Draining || next == Ended || next == Lost
	case Draining: // the last page may have been the shard's last
		return next == Ended || next == Released || next == Lost
	case Ended, Released, Lost:
	}
	return false
}

// reader is one shard's life in this worker: from the moment its lease is held until it is not. Its methods run in the goroutine that
// the lease's coordinator calls work in, where nothing else is said.
type reader struct {
	c      *Consumer
	held   *leases.Held
	stream *stream
	shard  Shard
	log    *zap.Logger

	handling context.Context // the handler's: the lease is held and trusted
	reading  context.Context // ends when fetching must stop: the lease is to be given up, or is lost
	stop     context.CancelFunc
	helpers  owned.Group     // what runs beside; its goroutines end with reading
	writes   context.Context // for checkpoints: they end by themselves when the lease is lost, and must not be torn off before

	handler  Handler
	shape    Shape
	unpack   *unpacker
	progress *progress
	adrift   bool // the lease names a time and no record yet
	vigil    vigil

	vital  *vital
	warned time.Time // when it was last said that records are near the stream's retention; used by tend alone

	mu        sync.Mutex // guards what follows
	state     State
	cancelled time.Time // when the handler's context has ended; zero: it has not
}

// work is one holding of a lease. It returns when the shard has ended, when the lease is to be given up, or when it is lost.
func (c *Consumer) work(held *leases.Held) {
	r := c.newReader(held)
	if r == nil {
		return // the stream has been removed: let another worker have it
	}
	roll, key := c.roll.Load(), held.Lease().Key
	roll.add(key, r)
	defer roll.remove(key)
	defer r.quiet()
	if c.streamOf(r.shard.StreamID) != r.stream || r.stream.outdated.Load() {
		return // it was removed, or found to be another, before this life was on the roll
	}
	deaf := context.AfterFunc(r.handling, r.ignored)
	defer deaf()
	r.helpers.Go("watch "+r.shard.ID, r.watch)
	if err := r.live(); err != nil {
		r.leave(err)
	}
}

// ignored notes when the handler's context has ended.
func (r *reader) ignored() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cancelled = time.Now()
}

// is returns the state.
func (r *reader) is() State {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state
}

// quiet ends all that runs beside this goroutine.
func (r *reader) quiet() {
	r.stop()
	r.helpers.Wait(r.writes) // a context without end: they all end with r.reading
}

func (c *Consumer) newReader(held *leases.Held) *reader {
	lease := held.Lease()
	s := c.streamOf(lease.Stream)
	if s == nil {
		return nil
	}
	r := &reader{c: c, vital: newVital(max(silence, c.cfg.MaxPollInterval+callTimeout)), held: held, stream: s, vigil: vigil{since: time.Now()}, shard: Shard{
		Stream: s.id.Name(), ARN: s.arn, StreamID: lease.Stream, ID: lease.ShardID, Parents: lease.Parents,
		StartingHashKey: lease.StartingHashKey, EndingHashKey: lease.EndingHashKey, Token: held.Token(),
	}}
	r.log = c.cfg.Logger.With(zap.String("stream", r.shard.Stream), zap.String("shard", r.shard.ID))
	r.handling = held.Context()
	r.reading, r.stop = context.WithCancel(held.Context())
	r.writes = context.WithoutCancel(held.Context())
	r.progress = newProgress(r, lease.Checkpoint)
	return r
}

// watch stops the reading as soon as the lease is to be given up, also while the handler is busy. It runs in a goroutine of its own.
func (r *reader) watch() {
	select {
	case <-r.held.Draining():
		r.drain()
	case <-r.reading.Done():
	}
	if r.isLost() {
		r.enter(Lost)
	}
}

// drain stops the reading. The handler finishes what it has, and the life ends.
func (r *reader) drain() {
	r.enter(Draining)
	r.stop()
}

// enter moves the shard's life on. What does not lead there is ignored: the watch and the reading both see a lease end, in
// any order. It may be called from any goroutine.
func (r *reader) enter(next State) {
	r.mu.Lock()
	from := r.state
	ok := from.leadsTo(next)
	if ok {
		r.state = next
	}
	r.mu.Unlock()
	if ok {
		r.log.Debug("shard "+next.String(), zap.Stringer("from", from))
		r.c.cfg.Hooks.stateChanged(r.shard, from, next)
	}
}

// errGivenUp is why a life ends before the shard does.
var errGivenUp = errors.New("consumer: the lease is to be given up")

// live reads the shard to its end. An error means that it stopped before.
func (r *reader) live() error {
	if err := r.held.AwaitParents(r.reading); err != nil {
		return fmt.Errorf("consumer: %w", err)
	}
	r.enter(Opening)
	from, err := r.open()
	if err != nil {
		return err
	}
	r.enter(Reading)
	f := &feed{r: r, from: from, pages: make(chan page)}
	r.helpers.Go("fetch "+r.shard.ID, func() { f.run(r.reading) })
	r.helpers.Go("checkpoint "+r.shard.ID, func() { r.progress.run(r.reading, r.writes, r.c.cfg.CheckpointInterval) })
	last, err := newCollector(r).run(f.pages)
	if err != nil {
		return err
	}
	if err := r.shardEnded(); err != nil {
		return err
	}
	return r.finish(last.children)
}

// open makes the handler and the source.
func (r *reader) open() (source, error) {
	own, known, err := r.begin()
	if err != nil {
		return nil, err
	}
	position := r.held.Lease().Checkpoint
	r.adrift = position == checkpoint.Latest || position == checkpoint.AtTimestamp
	from := cursorFor(own, time.Time{})
	if !known || own == checkpoint.ShardEnd { // a shard that is done is read to its end all the same, to learn who comes after it
		if from, err = r.beginning(); err != nil {
			return nil, err
		}
	}
	if known {
		position = own
	}
	r.keepVigilFrom(position, from)
	r.unpack = newUnpacker(r, position)
	r.progress.begin(position, r.shape.Concurrency, trackedPerInAir*r.shape.inAir())
	if r.stream.fanOut {
		return newFanOut(r, from), nil
	}
	return newPoller(r, from), nil
}

// beginning returns where reading begins. A Java worker leaves a lease at LATEST without the time that this was; then it is now, and is
// written down before anything is read.
func (r *reader) beginning() (cursor, error) {
	lease := r.held.Lease()
	if !lease.StartAt.IsZero() || lease.Checkpoint != checkpoint.Latest && lease.Checkpoint != checkpoint.AtTimestamp {
		return cursorFor(lease.Checkpoint, lease.StartAt), nil
	}
	at := r.stream.start.at // of a Java worker's AT_TIMESTAMP, which has it from its own configuration
	if lease.Checkpoint == checkpoint.Latest {
		listing, err := r.listing(r.reading)
		if err != nil {
			return cursor{}, err
		}
		at = latestAt(listing)
	}
	if at.IsZero() {
		return cursorFor(checkpoint.TrimHorizon, at), nil
	}
	if err := r.held.PinStart(r.writes, at); err != nil {
		return cursor{}, fmt.Errorf("consumer: %w", err)
	}
	return cursorFor(lease.Checkpoint, r.held.Lease().StartAt), nil
}

// listing lists the stream's shards, however often that has to be tried.
func (r *reader) listing(ctx context.Context) (shards.Listing, error) {
	wait := newDelays(r.c.jitter)
	for {
		listing, err := r.c.list(ctx, r.stream, nil)
		if err == nil {
			return listing, nil
		}
		r.fetchFailed(err)
		if retry.Sleep(ctx, wait.after(retry.Classify(err))) != nil {
			return shards.Listing{}, errGivenUp
		}
	}
}

// finish writes down that the shard has ended, after its children have leases. What is done needs no checkpoint of its own: SHARD_END
// says it all.
func (r *reader) finish(children []shards.Shard) error {
	if err := r.awaitCoParents(children); err != nil {
		return err
	}
	rows := make([]leases.Lease, len(children))
	for i, child := range children {
		rows[i] = leases.ForShard(r.stream.key, child, checkpoint.TrimHorizon)
	}
	r.quiet() // a checkpoint after the end would fail
	r.stream.finish(r.shard.ID)
	if err := r.held.End(r.writes, rows); err != nil {
		return fmt.Errorf("consumer: end of shard: %w", err)
	}
	r.enter(Ended)
	return nil
}

// anchored makes sure that the lease names a record before the first one is handled.
func (r *reader) anchored(first *Record) bool {
	if err := r.anchor(r.writes, first); err != nil {
		return false
	}
	r.adrift = false
	return true
}

func (r *reader) isLost() bool { return errors.Is(context.Cause(r.handling), leases.ErrLost) }

// leave ends a life before the shard's end: what is done is written down, unless the lease is lost.
func (r *reader) leave(why error) {
	r.stop()
	if !r.isLost() {
		r.enter(Draining)
		r.drained()
	}
	if r.isLost() || r.progress.flush(r.writes) != nil {
		r.lost()
		return
	}
	r.enter(Released)
	r.log.Debug("shard given up", zap.NamedError("why", why))
}
