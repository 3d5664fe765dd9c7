package producer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/penstock-go/penstock/internal/owned"
	"github.com/penstock-go/penstock/internal/retry"
	"github.com/penstock-go/penstock/internal/shards"
	"github.com/penstock-go/penstock/internal/wire"
)

// Producer puts records into one stream. Its methods may be called by many goroutines at once. It is made by [New] and must be
// closed.
type Producer struct {
	cfg       Config
	stream    shards.Stream
	start     time.Time
	failLater bool
	jitter    *retry.Jitter
	life      *lifetime
	protocol  *wire.Choice
	group     owned.Group

	keys      *keyHashes
	buffer    *buffer
	route     atomic.Pointer[route]
	collector collector
	requests  chan []*entry // to the senders; as many places as there are slots
	callbacks *callbacks
	broken    *broken
	lingerEnd atomic.Int64  // a moment: when the open aggregates of all lanes end; never if all are empty
	nextSweep moment        // of the collect goroutine alone
	nextWatch moment        // likewise
	wake      chan struct{} // of the collect goroutine
	stale     chan struct{} // of the discover goroutine: the shards have changed
	idle      chan struct{} // likewise: or the whole stream may have, while nobody put anything
	alarm     chan struct{} // of the discover goroutine, too: what it knows must not be believed, because
	doubt     atomic.Bool   // records go where they do not belong, or
	gone      atomic.Bool   // the stream does not exist
	abandoned atomic.Bool   // Close gave records up
}

// New makes a producer and starts its goroutines. It does no I/O: whether the stream can be reached, the results tell. The error joins
// a [*ConfigError] for each fault of the configuration.
func New(cfg Config) (*Producer, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	stream, err := shards.ParseStream(cfg.Stream)
	if err != nil {
		return nil, &ConfigError{Field: "Stream", Reason: err.Error()}
	}
	p := &Producer{cfg: cfg, stream: stream, start: time.Now(), failLater: cfg.OnOrderedFailure == FailLater,
		jitter: retry.RandomJitter(), keys: new(keyHashes), life: newLifetime(),
		buffer: newBuffer(cfg.MaxBufferedBytes, cfg.MaxBufferedRecords), broken: newBroken(),
		requests: make(chan []*entry, cfg.MaxInFlight), wake: make(chan struct{}, 1), stale: make(chan struct{}, 1), idle: make(chan struct{}, 1), alarm: make(chan struct{}, 1),
		nextSweep: cfg.TTL}
	p.protocol = wire.NewChoice(wire.Protocol(cfg.Protocol), p.fellBack)
	p.callbacks = newCallbacks(p.buffer, p.broken, &p.cfg.Hooks, cfg.Logger)
	p.lingerEnd.Store(int64(never))
	p.route.Store(p.firstRoute())
	p.collector = collector{ordered: cfg.Ordered, linger: cfg.Linger, ttl: cfg.TTL, maxRecords: cfg.MaxRequestRecords,
		maxBytes: cfg.MaxRequestBytes, signal: p.signal, now: p.now, buffer: p.buffer, route: p.route.Load(), sendBy: never, orphans: make(map[*entry]bool),
		slots: cfg.MaxInFlight}
	p.run()
	return p, nil
}

func (p *Producer) run() {
	p.group.Go("collect", p.collect)
	p.group.Go("discover", p.discover)
	for range p.cfg.MaxInFlight {
		p.group.Go("send", p.send)
	}
	for range callbackWorkers {
		p.group.Go("callback", p.callbacks.run)
	}
}

func (p *Producer) now() moment { return time.Since(p.start) }

// signal wakes the collect goroutine. It never blocks, so that it may be called with a lock held.
func (p *Producer) signal() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// hurry ends the linger time now.
func (p *Producer) hurry() {
	p.lingerEnd.Store(0)
	p.signal()
}

// Put takes a record in. It does no I/O, but waits while the buffer is full, until ctx ends; then it returns the context's cause. Who
// waits longest is served first. Inside a done function it does not wait, but returns [ErrInCallback].
//
// If Put returns nil, done runs exactly once, on one of the producer's own goroutines, and the record counts as buffered until
// done has returned. If it returns an error, the record was not taken and done does not run. done may be nil; it should be quick.
// r.Data is copied.
func (p *Producer) Put(ctx context.Context, r Record, done func(Result)) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("producer: put: %w", context.Cause(ctx))
	}
	var rec record
	if err := p.admit(&rec, &r); err != nil {
		return err
	}
	gen, err := p.buffer.tryReserve(int(rec.size), rec.share)
	if errors.Is(err, ErrBufferFull) {
		gen, err = p.waitForRoom(ctx, int(rec.size), rec.share)
	}
	if err != nil {
		return err
	}
	rec.gen, rec.done = gen, done
	return p.enter(&rec, &r)
}

// waitForRoom is apart from Put to keep that small: it runs only if the buffer is full.
func (p *Producer) waitForRoom(ctx context.Context, size int, s *share) (*generation, error) {
	if p.callbacks.inside() {
		return nil, ErrInCallback
	}
	gen, err := p.buffer.reserve(ctx, size, s, p.hurry)
	if err != nil && ctx.Err() != nil {
		return nil, fmt.Errorf("producer: put: %w", err)
	}
	return gen, err
}

// TryPut is Put without waiting: if there is no room, or others wait for it, it returns [ErrBufferFull].
func (p *Producer) TryPut(r Record, done func(Result)) error {
	var rec record
	if err := p.admit(&rec, &r); err != nil {
		return err
	}
	gen, err := p.buffer.tryReserve(int(rec.size), rec.share)
	if err != nil {
		return err
	}
	rec.gen, rec.done = gen, done
	return p.enter(&rec, &r)
}

// admit judges a record before there is room for it.
func (p *Producer) admit(rec *record, r *Record) error {
	if err := p.keys.check(rec, r); err != nil {
		return err
	}
	route := p.route.Load()
	if len(route.budgets) > 1 {
		rec.share = &route.budgets[route.shard(rec.hash)].share
	}
	return route.checkSize(r)
}

// checkSize refuses a record that is larger than the stream takes, as far as that is known.
func (p *packing) checkSize(r *Record) error {
	if len(r.Data)+len(r.PartitionKey)+len(r.ExplicitHashKey)+mostEnvelope <= p.maxRecord {
		return nil // as nearly always, whatever the data is
	}
	if n := wireSize(r, p.wrap); n > p.maxRecord {
		return &SizeError{Bytes: n, Max: p.maxRecord}
	}
	return nil
}

// enter puts a record with a place in the buffer into its lane. On an error it gives the place back.
func (p *Producer) enter(rec *record, r *Record) error {
	rec.expires = p.now() + p.cfg.TTL
	l := p.lock(rec)
	err := p.refuse(l, r)
	if err == nil {
		p.add(l, rec, r)
	}
	l.mu.Unlock()
	if err != nil {
		p.buffer.cancel(rec)
		return err
	}
	switch {
	case rec.gen.flushed.Load():
		p.hurry() // a Flush or Close that waits for this record must not wait for its company
	case p.lingerEnd.Load() == int64(never):
		now := rec.expires - p.cfg.TTL
		if p.lingerEnd.CompareAndSwap(int64(never), int64(now+p.cfg.Linger)) {
			p.signal()
			p.askIfSilent(now)
		}
	}
	return nil
}

// refuse asks again what may have changed while the record waited for room. The caller holds the lane's lock.
func (p *Producer) refuse(l *lane, r *Record) error {
	if err := l.packing.checkSize(r); err != nil {
		return err
	}
	if p.broken.holds(r.PartitionKey) {
		return ErrEarlierFailed
	}
	return nil
}

// add copies a record into its lane, whose lock the caller holds.
func (p *Producer) add(l *lane, rec *record, r *Record) {
	c := &p.collector
	open := &l.open
	if !l.packing.fitsAlone(r) {
		if p.cfg.Ordered {
			c.enqueue(l, open.seal())
		}
		c.enqueue(l, newSingle(rec, r, l.packing.wrap))
		return
	}
	if open.encoder != nil && !l.packing.accepts(open.encoder, r) {
		c.enqueue(l, open.seal())
	}
	open.add(rec, r)
	if open.encoder.Len() == l.packing.maxRecords {
		c.enqueue(l, open.seal())
	}
}

// PutSync puts records and waits for their results, which it returns in the order of rs: also those of records that were refused. A
// record that was not stored has an Err that is not nil; the error returned is nil if all were stored, and else that of the first
// which was not. When ctx ends, records without a result get its cause and [ErrOutcomeUnknown]; they may still be stored.
//
// A single record waits for company like any other, up to Config.Linger.
func (p *Producer) PutSync(ctx context.Context, rs ...Record) ([]Result, error) {
	if p.callbacks.inside() {
		return nil, ErrInCallback
	}
	w := &awaited{results: make([]Result, len(rs)), known: make([]bool, len(rs)), missing: len(rs), done: make(chan struct{})}
	for i, r := range rs {
		if err := p.Put(ctx, r, func(result Result) { w.set(i, result) }); err != nil {
			w.set(i, Result{Err: err})
		}
	}
	if len(rs) == 0 {
		return nil, nil
	}
	select {
	case <-w.done:
	case <-ctx.Done():
	}
	return w.take(ctx)
}

// awaited is the results that a PutSync waits for.
type awaited struct {
	mu      sync.Mutex // guards the fields below
	results []Result
	known   []bool
	missing int
	done    chan struct{} // closed when none is missing
}

func (w *awaited) set(i int, r Result) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.results[i], w.known[i] = r, true
	if w.missing--; w.missing == 0 {
		close(w.done)
	}
}

// take returns a copy, since results may come in later.
func (w *awaited) take(ctx context.Context) ([]Result, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	results := append([]Result(nil), w.results...)
	var first error
	failed := 0
	for i := range results {
		if !w.known[i] {
			results[i].Err = fmt.Errorf("%w: %w", ErrOutcomeUnknown, context.Cause(ctx))
		}
		if err := results[i].Err; err != nil {
			if failed++; first == nil {
				first = err
			}
		}
	}
	if first != nil {
		first = fmt.Errorf("producer: %d of %d records not stored: %w", failed, len(results), first)
	}
	return results, first
}
