package consumer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/penstock-go/penstock/checkpoint"
	"github.com/penstock-go/penstock/leases"
)

// progress is how far the handler is done with a shard, and how far that is written down. Batches are handled one after the other,
// and each is done from its first record on, so that a single mark is enough.
//
// The mark is set by the goroutine that handles, or by any that acknowledges for it; it is written by that one ([Batch.Checkpoint], and
// when the shard is given up) and by the one that runs on the interval.
type progress struct {
	r       *reader
	writing chan struct{} // capacity 1: a lock that is held across I/O. Of two writers the later one writes the later mark

	mu      sync.Mutex // guards what follows; held for assignments only
	done    mark
	written mark
}

// mark names the last user record that is done. It is not parsed before it is written.
type mark struct {
	sequence string
	sub      uint64
}

func newProgress(r *reader) *progress { return &progress{r: r, writing: make(chan struct{}, 1)} }

// reach notes that everything up to the record is done.
func (p *progress) reach(last *Record) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done = mark{sequence: last.SequenceNumber, sub: last.SubSequence}
}

// unwritten returns the mark, and false if it is written down already.
func (p *progress) unwritten() (mark, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.done, p.done != p.written
}

func (p *progress) wrote(m mark) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.written = m
}

// flush writes the mark down if that is not done yet. It is tried until it has succeeded, ctx has ended, or the lease is lost.
func (p *progress) flush(ctx context.Context) error {
	select {
	case p.writing <- struct{}{}:
		defer func() { <-p.writing }()
	case <-ctx.Done():
		return fmt.Errorf("consumer: checkpoint: %w", ctx.Err())
	}
	m, ok := p.unwritten()
	if !ok {
		return nil
	}
	last := Record{SequenceNumber: m.sequence, SubSequence: m.sub}
	position, err := last.position()
	if err != nil {
		return fmt.Errorf("consumer: checkpoint: %w", err)
	}
	if err := p.r.write(ctx, position); err != nil {
		return err
	}
	p.wrote(m)
	return nil
}

// run flushes on every interval until ctx ends. writes is the context of the writes, which goes on longer: one that is under way
// when reading stops is not to be torn off, since its outcome would have to be found out.
func (p *progress) run(ctx, writes context.Context, interval time.Duration) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			_ = p.flush(writes) // reported; the next one writes what this one could not
		case <-ctx.Done():
			return
		}
	}
}

// anchor writes down that reading goes on with the record, whatever happens before it is done. Until then a lease that began at a
// time says no more than that time, which a Java worker does not look at.
func (r *reader) anchor(ctx context.Context, first *Record) error {
	position, err := checkpoint.At(first.SequenceNumber, checkpoint.Inclusive)
	if err != nil {
		return fmt.Errorf("consumer: checkpoint: %w", err)
	}
	return r.write(ctx, position)
}

// write writes a checkpoint and reports it.
func (r *reader) write(ctx context.Context, p checkpoint.Position) error {
	started := time.Now()
	err := r.held.Checkpoint(ctx, p)
	r.c.cfg.Hooks.checkpointed(Checkpointed{Shard: r.shard, Position: p, Duration: time.Since(started), Err: err})
	if err == nil {
		return nil
	}
	if !errors.Is(err, leases.ErrLost) { // that one the leases report
		r.log.Warn("writing the checkpoint failed", zap.Stringer("position", p), zap.Error(err))
	}
	return fmt.Errorf("consumer: checkpoint: %w", err)
}
