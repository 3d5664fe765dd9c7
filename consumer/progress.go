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

// progress is how far the handler is done with a shard, and how far that is written down. In one lane, batches are handled one after the
// other, and each is done from its first record on, so that a single mark is enough; with several lanes a tracker finds the mark.
//
// It is moved by the goroutines that handle, or by any that acknowledges for them; it is written by those ([Batch.Checkpoint]), by
// the one that runs on the interval, and when the shard is given up.
type progress struct {
	r        *reader
	writing  chan struct{} // capacity 1: a lock that is held across I/O. Of two writers the later one writes the later mark
	released chan struct{} // capacity 1: a hold was released

	mu      sync.Mutex // guards what follows; held for assignments only
	reached checkpoint.Position
	tracker *checkpoint.Tracker // nil: one lane
	holds   []hold              // of each lane
	written checkpoint.Position
}

// hold is what a handler does not want written down yet: from the first record of a lane that it holds to the last.
type hold struct {
	open   bool
	before checkpoint.Position // no checkpoint may be behind this
	last   *claim              // of the latest call that holds something
}

// claim is up to where one call of the handler holds: its last record, or, once it has failed, the last one that it got done. What a later
// call holds is behind that.
type claim struct{ through checkpoint.Position } // guarded by progress.mu

// newProgress returns the progress of a shard whose lease says written.
func newProgress(r *reader, written checkpoint.Position) *progress {
	return &progress{r: r, writing: make(chan struct{}, 1), released: make(chan struct{}, 1), written: written}
}

// begin says where reading begins and how many user records may be in the air. It is called before any of them is.
func (p *progress) begin(at checkpoint.Position, lanes, inAir int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reached, p.holds = at, make([]hold, lanes)
	if lanes > 1 {
		p.tracker = checkpoint.NewTracker(at, inAir)
	}
}

// deliver notes that a record is in the air. It returns false if there is room for no more; that ends when the oldest is done.
func (p *progress) deliver(at checkpoint.Position) (checkpoint.Ticket, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	ticket, err := p.tracker.Deliver(at)
	return ticket, err == nil
}

// reach notes that everything up to a record is done, where there is one lane.
func (p *progress) reach(at checkpoint.Position) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reached = at
}

// settle notes that some records are done, where there are several lanes.
func (p *progress) settle(tickets []checkpoint.Ticket) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, t := range tickets {
		p.tracker.Ack(t)
	}
	p.reached = p.tracker.Position()
}

// unwritten returns up to where everything is done and not held back, and false if that is written down already. A lease that
// stands further on than where its handler let it begin is not moved back.
func (p *progress) unwritten() (checkpoint.Position, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := p.reached
	for i := range p.holds {
		if h := &p.holds[i]; h.open && h.before.Compare(at) < 0 {
			at = h.before
		}
	}
	return at, !at.Sentinel() && at.Compare(p.written) > 0
}

func (p *progress) wrote(at checkpoint.Position) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.written = at
}

// hold keeps the mark before a record of a lane until what is held is released through the claim of a call, which goes to its last record.
func (p *progress) hold(lane int, c *claim, before, last checkpoint.Position) {
	p.mu.Lock()
	defer p.mu.Unlock()
	h := &p.holds[lane]
	if !h.open || before.Compare(h.before) < 0 {
		h.open, h.before = true, before
	}
	h.last, c.through = c, last
}

// held returns what a lane holds now.
func (p *progress) held(lane int) hold {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.holds[lane]
}

// unhold takes back what the call with the claim has held since its lane held only what earlier says: the records were not done after all.
func (p *progress) unhold(lane int, c *claim, earlier hold) {
	p.mu.Lock()
	defer p.mu.Unlock()
	h := &p.holds[lane]
	h.last, c.through = earlier.last, checkpoint.Position{}
	h.open = h.open && earlier.open && h.before.Compare(earlier.last.through) < 0
	notify(p.released)
}

// cut ends a claim at the last record that its call got done before it failed. What the call holds behind that counts for nothing.
func (p *progress) cut(lane int, c *claim, done checkpoint.Position) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c.through = done
	if h := &p.holds[lane]; h.last == c && h.before.Compare(done) >= 0 {
		h.open = false
	}
	notify(p.released)
}

// release lets go of what a lane holds, up to where the claim goes under which the record behind before is held.
func (p *progress) release(lane int, c *claim, before checkpoint.Position) {
	p.mu.Lock()
	defer p.mu.Unlock()
	h := &p.holds[lane]
	switch {
	case !h.open || before.Compare(c.through) >= 0: // was released, or taken back
	case c == h.last:
		h.open = false
	case c.through.Compare(h.before) > 0:
		h.before = c.through
	}
	notify(p.released)
}

// awaitReleases waits until nothing is held.
func (p *progress) awaitReleases(ctx context.Context) error {
	for {
		if !p.holding() {
			return nil
		}
		select {
		case <-p.released:
		case <-ctx.Done():
			return errGivenUp
		}
	}
}

func (p *progress) holding() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.holds {
		if p.holds[i].open {
			return true
		}
	}
	return false
}

// flush writes the mark down if that is not done yet. It is tried until it has succeeded, ctx has ended, or the lease is lost.
func (p *progress) flush(ctx context.Context) error {
	select {
	case p.writing <- struct{}{}:
		defer func() { <-p.writing }()
	case <-ctx.Done():
		return fmt.Errorf("consumer: checkpoint: %w", ctx.Err())
	}
	at, ok := p.unwritten()
	if !ok {
		return nil
	}
	if err := p.r.write(ctx, at); err != nil {
		return err
	}
	p.wrote(at)
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
	return r.write(ctx, first.before())
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

// notify wakes the one who waits for ch, or leaves word.
func notify(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}
