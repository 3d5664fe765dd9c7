package producer

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
)

// buffer is the room for records: so many bytes, so many records. Put reserves before it takes a record in; the bytes come back before the
// record's done runs, its place after. Who must wait is served in the order of arrival.
//
// It also counts what is outstanding, by generations, so that Flush can wait for the records put before it and for no others.
type buffer struct {
	mu      sync.Mutex // guards the fields below
	bytes   int        // free
	records int        // free
	waiters []*waiter  // in order of arrival; the first does not fit
	closed  bool
	current *generation
	sealed  []*generation // ended by a flush, with records outstanding; oldest first

	accepted int           // records that have a place
	received int64         // and all that ever had
	drained  chan struct{} // closed when it is closed and no record has a place

	size    int      // bytes when empty
	crowded []*share // somebody waits for them
}

// How much of the buffer one shard of several may have, in terms of what is free: so there is always some room for the other shards, however
// many have their share. A shard that its budget holds back has nothing from more.
const (
	sharesOfFree     = 8
	heldSharesOfFree = 1
)

// share is what the records of one shard have of the buffer. It is guarded by buffer.mu.
type share struct {
	bytes, records int
	held           bool
	waiters        []chan struct{} // closed when it is worth asking again
}

// generation is the records accepted between two flushes.
type generation struct {
	outstanding int           // guarded by buffer.mu
	done        chan struct{} // closed when it is sealed and nothing is outstanding
	flushed     atomic.Bool   // somebody waits: its records must not linger
}

type waiter struct {
	size  int
	share *share
	ready chan struct{} // closed when granted or refused
	gen   *generation   // nil: refused. Written before ready is closed.
}

func newGeneration() *generation { return &generation{done: make(chan struct{})} }

func newBuffer(bytes, records int) *buffer {
	return &buffer{bytes: bytes, records: records, size: bytes, current: newGeneration(), drained: make(chan struct{})}
}

// tryReserve takes room for one record of so many bytes, if there is some and nobody waits for it.
func (b *buffer) tryReserve(size int, s *share) (*generation, error) {
	if size > b.size {
		return nil, ErrLargerThanBuffer
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.closed:
		return nil, ErrClosed
	case len(b.waiters) > 0 || !b.fits(size) || b.hasEnough(s, size):
		return nil, ErrBufferFull
	}
	return b.take(size, s), nil
}

// hasEnough reports whether a shard must wait for its own records to leave. It needs mu.
func (b *buffer) hasEnough(s *share, size int) bool {
	if s == nil || s.records == 0 {
		return false
	}
	most := sharesOfFree
	if s.held {
		most = heldSharesOfFree
	}
	return s.bytes+size > most*b.bytes || s.records+1 > most*b.records
}

// await waits until a shard may have room for one more record; whether there is any is another question.
func (b *buffer) await(ctx context.Context, size int, s *share, hurry func()) error {
	for {
		b.mu.Lock()
		if b.closed || !b.hasEnough(s, size) {
			b.mu.Unlock()
			return nil
		}
		again := make(chan struct{})
		if len(s.waiters) == 0 {
			b.crowded = append(b.crowded, s)
		}
		s.waiters = append(s.waiters, again)
		b.mu.Unlock()
		hurry()
		select {
		case <-again:
		case <-ctx.Done():
			return context.Cause(ctx) // again is closed with the others
		}
	}
}

// hold marks a shard as held back, or not any more.
func (b *buffer) hold(s *share, held bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s.held = held
	b.grant()
}

func (s *share) wake() {
	for _, w := range s.waiters {
		close(w)
	}
	s.waiters = nil
}

// reserve takes room for one record and waits for it until ctx ends. hurry is called, without a lock, if it has to wait.
func (b *buffer) reserve(ctx context.Context, size int, s *share, hurry func()) (*generation, error) {
	if err := b.await(ctx, size, s, hurry); err != nil {
		return nil, err
	}
	w, gen, err := b.enter(size, s)
	if w == nil {
		return gen, err
	}
	hurry()
	select {
	case <-w.ready:
	case <-ctx.Done():
		if b.leave(w) {
			return nil, context.Cause(ctx)
		}
		<-w.ready // granted or refused in the same moment
	}
	if w.gen == nil {
		return nil, ErrClosed
	}
	return w.gen, nil
}

// enter takes room at once, or returns a place in the queue.
func (b *buffer) enter(size int, s *share) (*waiter, *generation, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, nil, ErrClosed
	}
	if len(b.waiters) == 0 && b.fits(size) {
		return nil, b.take(size, s), nil
	}
	w := &waiter{size: size, share: s, ready: make(chan struct{})}
	b.waiters = append(b.waiters, w)
	return w, nil, nil
}

// leave takes w out of the queue; false if it is not there any more.
func (b *buffer) leave(w *waiter) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := slices.Index(b.waiters, w)
	if i < 0 {
		return false
	}
	b.waiters = slices.Delete(b.waiters, i, i+1)
	b.grant() // those behind w may fit where w did not
	return true
}

func (b *buffer) fits(size int) bool { return b.records > 0 && size <= b.bytes }

// take needs mu.
func (b *buffer) take(size int, s *share) *generation {
	if s != nil {
		s.bytes += size
		s.records++
	}
	b.bytes -= size
	b.records--
	b.accepted++
	b.received++
	b.current.outstanding++
	return b.current
}

// leaves takes a record off its shard's share. It needs mu.
func (s *share) leaves(size int) {
	if s != nil {
		s.bytes -= size
		s.records--
	}
}

// grant serves waiters, in order, as long as the first one fits. It needs mu.
func (b *buffer) grant() {
	for len(b.waiters) > 0 && b.fits(b.waiters[0].size) {
		w := b.waiters[0]
		b.waiters = b.waiters[1:]
		w.gen = b.take(w.size, w.share)
		close(w.ready)
	}
	if len(b.crowded) == 0 {
		return
	}
	b.crowded = slices.DeleteFunc(b.crowded, func(s *share) bool {
		enough := b.hasEnough(s, 0)
		if !enough {
			s.wake()
		}
		return !enough
	})
}

// lend takes bytes for a request without waiting: requests must go on while the buffer is full. Until they are given back it may be overdrawn, and
// Put waits.
func (b *buffer) lend(size int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.bytes -= size
}

// giveBytes gives back the bytes of records whose done is about to run, or of a request.
func (b *buffer) giveBytes(size int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.bytes += size
	b.grant()
}

// finish gives back the places of records whose done has returned.
func (b *buffer) finish(records []record) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.records += len(records)
	for i := range records {
		records[i].share.leaves(int(records[i].size))
		b.forget(records[i].gen)
	}
	b.grant()
}

// cancel gives back what a record had reserved that was then not taken in.
func (b *buffer) cancel(r *record) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.bytes += int(r.size)
	b.records++
	b.received--
	r.share.leaves(int(r.size))
	b.forget(r.gen)
	b.grant()
}

// forget takes one record off the counts. It needs mu.
func (b *buffer) forget(gen *generation) {
	if b.accepted--; b.closed && b.accepted == 0 {
		close(b.drained)
	}
	gen.outstanding--
	if gen.outstanding > 0 || gen == b.current {
		return
	}
	close(gen.done)
	b.sealed = slices.DeleteFunc(b.sealed, func(g *generation) bool { return g == gen })
}

// seal ends the current generation and returns all that have records outstanding.
func (b *buffer) seal() []*generation {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.current.outstanding > 0 {
		b.current.flushed.Store(true)
		b.sealed = append(b.sealed, b.current)
		b.current = newGeneration()
	}
	return slices.Clone(b.sealed)
}

// close refuses everybody from now on, those who wait included.
func (b *buffer) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return
	}
	b.closed = true
	if b.accepted == 0 {
		close(b.drained)
	}
	for _, w := range b.waiters {
		close(w.ready)
	}
	b.waiters = nil
	for _, s := range b.crowded {
		s.wake()
	}
	b.crowded = nil
}

// empty reports whether no record has a place.
func (b *buffer) empty() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.accepted == 0
}
