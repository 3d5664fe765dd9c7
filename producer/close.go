package producer

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// closeGrace is how long Close waits, once it has given up, for calls and done functions that it has no power over.
const closeGrace = 5 * time.Second

// Flush waits until the done of every record that was put before the call has returned. What lingers is sent at once, and what is
// put during the call does not prolong it. When ctx ends, Flush returns its cause; the records are on their way all the same. Inside
// a done function it returns [ErrInCallback].
func (p *Producer) Flush(ctx context.Context) error {
	if p.callbacks.inside() {
		return ErrInCallback
	}
	generations := p.buffer.seal()
	p.hurry()
	for _, g := range generations {
		select {
		case <-g.done:
		case <-ctx.Done():
			return fmt.Errorf("producer: flush: %w", context.Cause(ctx))
		}
	}
	return nil
}

// Close refuses further records, those of Puts that wait for room included, flushes, and ends the producer. When ctx ends before that is
// done, requests in flight are cancelled, records without a result get one that matches [ErrClosed], and Close returns an error
// that matches ErrClosed and the context's cause. It returns within about 5 seconds of the end of ctx, also if a done function or the client does not
// return; then the error says so.
//
// Close may be called again, also at the same time; the first ctx that ends counts. Inside a done function it returns [ErrInCallback].
func (p *Producer) Close(ctx context.Context) error {
	if p.callbacks.inside() {
		return ErrInCallback
	}
	p.buffer.close()
	p.buffer.seal()
	p.hurry()
	running := p.group.Wait(ctx)
	if running == nil {
		return nil
	}
	p.giveUp()
	// The caller's context has ended, and what is left to do must still be waited for.
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeGrace)
	defer cancel()
	running = p.group.Wait(grace)
	switch {
	case running != nil:
		return fmt.Errorf("%w, but still running: %s: %w", ErrClosed, strings.Join(running, ", "), context.Cause(ctx))
	case p.abandoned.Load():
		return fmt.Errorf("%w before every record was stored: %w", ErrClosed, context.Cause(ctx))
	}
	return nil
}

// giveUp lets every record without a result fail.
func (p *Producer) giveUp() {
	c := &p.collector
	c.mu.Lock()
	c.dead = true
	c.mu.Unlock()
	p.life.end()
	p.signal()
}

func (p *Producer) isDead() bool {
	p.collector.mu.Lock()
	defer p.collector.mu.Unlock()
	return p.collector.dead
}
