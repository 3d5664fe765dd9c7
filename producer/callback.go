package producer

import (
	"bytes"
	"fmt"
	"runtime"
	"strconv"
	"sync"

	"go.uber.org/zap"
)

// callbackWorkers is how many goroutines run done functions. One that blocks holds up its share; when all of them do, the buffer
// fills and Put waits.
const callbackWorkers = 4

// finished is records that share their fate, on their way to their done functions.
type finished struct {
	records  []record
	attempts []Attempt // of their entry; a record's own past comes before
	landed   landing   // where they are stored
	counted  bool      // they are an aggregate's records, numbered from 0
	reason   error     // why they were given up, or nil
	broken   bool      // their keys are in broken until they have been told
	entry    *entry    // that is stored; nil if they were given up
}

// callbacks runs the done functions. Its queue is bounded by Config.MaxBufferedRecords: a record keeps its place in the buffer
// until its done has returned.
type callbacks struct {
	buffer *buffer
	broken *broken
	hooks  *Hooks
	log    *zap.Logger

	mu      sync.Mutex // guards the fields below
	changed sync.Cond
	queue   []finished
	closed  bool
	workers map[uint64]bool // by goroutine number
}

func newCallbacks(b *buffer, k *broken, hooks *Hooks, log *zap.Logger) *callbacks {
	c := &callbacks{buffer: b, broken: k, hooks: hooks, log: log, workers: make(map[uint64]bool)}
	c.changed.L = &c.mu
	return c
}

// push hands over records that have their result.
func (c *callbacks) push(fs ...finished) {
	if len(fs) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queue = append(c.queue, fs...)
	c.changed.Broadcast()
}

// close lets the workers return when the queue is empty.
func (c *callbacks) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.changed.Broadcast()
}

// run is one worker.
func (c *callbacks) run() {
	self := goroutineNumber()
	if self != 0 {
		c.mu.Lock()
		c.workers[self] = true
		c.mu.Unlock()
	}
	for {
		f, ok := c.next()
		if !ok {
			return
		}
		c.tell(&f)
	}
}

func (c *callbacks) next() (finished, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.queue) == 0 && !c.closed {
		c.changed.Wait()
	}
	if len(c.queue) == 0 {
		return finished{}, false
	}
	f := c.queue[0]
	c.queue[0] = finished{} // what it refers to must not live as long as the array
	c.queue = c.queue[1:]
	return f, true
}

// tell gives the bytes back, runs done for each record, and then gives their places back.
func (c *callbacks) tell(f *finished) {
	bytes := 0
	for i := range f.records {
		bytes += int(f.records[i].size)
	}
	c.buffer.giveBytes(bytes)
	if f.entry != nil {
		f.entry.payBack()
	}
	for i := range f.records {
		c.done(f, i)
	}
	if f.broken {
		c.broken.told(f.records)
	}
	c.hooks.userRecordsDone(f, bytes)
	c.buffer.finish(f.records)
	if f.entry != nil {
		f.entry.reuse()
	}
}

func (c *callbacks) done(f *finished, i int) {
	r := &f.records[i]
	if r.done == nil {
		return
	}
	result := Result{Attempts: history(r.past, f.attempts)}
	if f.reason != nil {
		result.Err = failedError(f.reason, result.Attempts, r.past != nil && r.past.maybe)
	} else {
		result.ShardID, result.SequenceNumber = f.landed.shard, f.landed.sequenceNumber
	}
	if f.counted {
		result.SubSequence = uint64(i)
	}
	defer func() {
		if v := recover(); v != nil {
			// The value is the user's and may hold record data: the hook gets it, the log its type.
			c.log.Error("a done function panicked", zap.String("type", fmt.Sprintf("%T", v)), zap.Stack("stack"))
			c.hooks.panicked(v)
		}
	}()
	r.done(result)
}

// inside reports whether the caller is a done function, on the goroutine that it was called on.
func (c *callbacks) inside() bool {
	self := goroutineNumber()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.workers[self]
}

// goroutineNumber reads the number of the calling goroutine from the head of its stack trace, "goroutine 7 [running]:". It takes about
// a microsecond, and is asked for only by calls that are about to wait. Goroutine numbers are not used twice. Should the head ever
// look different, the answer is 0: then no goroutine is taken for a worker.
func goroutineNumber() uint64 {
	var head [32]byte
	fields := bytes.Fields(head[:runtime.Stack(head[:], false)])
	if len(fields) < 2 {
		return 0
	}
	number, err := strconv.ParseUint(string(fields[1]), 10, 64)
	if err != nil {
		return 0
	}
	return number
}
