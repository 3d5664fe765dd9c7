package producer

import (
	"context"
	"errors"
	"net"
	"slices"
	"time"

	"github.com/penstock-go/penstock/internal/retry"
)

// backoff is the schedule of one entry's attempts. It begins well above a round trip, since a shard's rate is counted by the second.
var backoff = retry.Policy{Initial: 100 * time.Millisecond, Max: 5 * time.Second}

// misplacedForDoubt is after how many entries that were stored where they do not belong the producer stops to trust its listing.
const misplacedForDoubt = 3

// failure is why an attempt did not store an entry.
type failure struct {
	code      string
	kind      error // of a passing failure: ErrUnreachable, ErrThrottled or ErrUnavailable
	permanent error // of a lasting one: the reason to give the records up at once
	unknown   bool  // the entry may have been stored all the same
	whole     bool  // the whole request failed so
}

func (f *failure) sentinel() error {
	if f.permanent != nil {
		return f.permanent
	}
	return f.kind
}

// wholeFailure reads the error of a call.
func wholeFailure(err error) *failure {
	f := classify(err)
	f.whole = true
	return f
}

// classify tells what an error of the service or of the way to it means for a record.
func classify(err error) *failure {
	code := retry.Code(err)
	var op *net.OpError
	// Asked first, since a connection that cannot be made ends as a rule with the request's own timeout.
	if errors.As(err, &op) && op.Op == "dial" {
		return &failure{code: CodeUnreachable, kind: ErrUnreachable}
	}
	if code == "" && errors.Is(err, context.DeadlineExceeded) {
		return &failure{code: CodeTimeout, kind: ErrUnavailable, unknown: true}
	}
	if code == "" && errors.Is(err, context.Canceled) {
		return &failure{code: CodeCanceled, kind: ErrUnavailable, unknown: true}
	}
	switch retry.Classify(err) {
	case retry.Throttled:
		return &failure{code: code, kind: ErrThrottled}
	case retry.Busy, retry.Expired:
		return &failure{code: code, kind: ErrUnavailable}
	case retry.Unreachable:
		return &failure{code: CodeUnreachable, kind: ErrUnreachable}
	case retry.Denied:
		return &failure{code: code, permanent: ErrAccessDenied}
	case retry.NotFound:
		return &failure{code: code, permanent: ErrStreamNotFound}
	case retry.Encryption:
		return &failure{code: code, permanent: ErrEncryption}
	case retry.Invalid:
		return &failure{code: code, permanent: ErrRejected}
	case retry.Transient, retry.Canceled:
	}
	if code == "" {
		code = CodeConnection
	}
	return &failure{code: code, kind: ErrUnavailable, unknown: true}
}

// settlement is what is done about a request once its outcomes are known. It is filled in under collector.mu and carried out
// after, since callbacks and hooks must not be called with a lock held.
type settlement struct {
	stored  []finished
	givenUp []*entry
	reasons []error // of givenUp
	retried []Retried
	strayed []WrongShard
	refresh bool // the shards have changed
	heard   bool // the stream is the one that is listed
	doubt   bool // the service does not go by hash keys
	gone    bool // the stream does not exist
}

// settle decides, for each entry of a request that has come back, whether it is stored, tried again or given up.
func (p *Producer) settle(request []*entry, outcomes []outcome, start, took moment) {
	seen := p.observe(request, outcomes, start, took)
	s := settlement{stored: make([]finished, 0, len(request))}
	firsts := make([]Attempt, len(request)) // of entries without one before, in one piece of memory
	c := &p.collector
	c.mu.Lock()
	c.slots++
	now := start + took
	halved := p.halve(request, outcomes)
	for i, e := range request {
		o := &outcomes[i]
		attempt := Attempt{Start: p.start.Add(start), Duration: took}
		if e.attempts == nil {
			e.attempts = firsts[i : i : i+1]
		}
		if o.failure == nil {
			o.landed.at = now
			if e.budget != nil {
				e.budget.stored(e, now)
			}
			p.settleStored(&s, e, o.landed, attempt)
			continue
		}
		attempt.Code, attempt.Unknown, attempt.kind = o.failure.code, o.failure.unknown, o.failure.kind
		if e.note(attempt); !halved {
			p.settleFailed(&s, e, o.failure, start, now)
		}
	}
	if s.heard {
		c.heard(start)
	}
	c.mu.Unlock()
	p.signal()
	p.cfg.Hooks.observed(seen)
	p.carryOut(&s)
}

// halve puts a request that was rejected as a whole, though not each of its entries can be the cause, back as two. It needs
// collector.mu.
func (p *Producer) halve(request []*entry, outcomes []outcome) bool {
	f := outcomes[0].failure
	if f == nil || !f.whole || !errors.Is(f.permanent, ErrRejected) || len(request) == 1 || p.collector.dead {
		return false
	}
	middle := len(request) / 2
	p.collector.halves = append(p.collector.halves, slices.Clone(request[middle:]), slices.Clone(request[:middle]))
	return true
}

// settleStored needs collector.mu.
func (p *Producer) settleStored(s *settlement, e *entry, landed landing, attempt Attempt) {
	c := &p.collector
	route := c.route
	if e.landed = landed; landed.shard == e.expected && !e.doubtful { // as nearly always
		s.heard = true
		e.note(attempt)
		s.stored = append(s.stored, e.finish(landed))
		c.leave(e)
		return
	}
	_, known := route.spans[landed.shard]
	s.refresh = s.refresh || len(route.shards) > 0 && !known
	if !e.doubtful && route.misplaces(e, landed.shard) {
		c.misplaced++
		s.doubt = s.doubt || c.misplaced == misplacedForDoubt
	}
	switch route.judge(e, landed.shard) {
	case arrived:
		e.note(attempt)
		s.stored = append(s.stored, e.finish(landed))
		c.leave(e)
	case unclear:
		attempt.Code, attempt.Unknown = CodeUnknownShard, true
		e.note(attempt)
		c.parked = append(c.parked, e)
		s.refresh = s.refresh || e.doubtful
	case strayed:
		attempt.Code, attempt.Unknown = CodeWrongShard, true
		e.note(attempt)
		s.strayed = append(s.strayed, WrongShard{Expected: e.expected, Actual: landed.shard, UserRecords: len(e.records)})
		s.refresh = s.refresh || landed.at > route.loaded
		p.tryAgain(s, e, landed.at)
	}
}

// finish makes the result of an entry that is stored.
func (e *entry) finish(landed landing) finished {
	return finished{records: e.records, attempts: e.attempts, landed: landed, counted: e.aggregated, entry: e}
}

// settleFailed needs collector.mu.
func (p *Producer) settleFailed(s *settlement, e *entry, f *failure, start, now moment) {
	if e.budget != nil && errors.Is(f.kind, ErrThrottled) && !f.whole {
		e.budget.throttled(e, start, now)
	}
	if f.permanent != nil {
		s.gone = s.gone || errors.Is(f.permanent, ErrStreamNotFound)
		s.giveUp(e, f.permanent)
		return
	}
	p.tryAgain(s, e, now)
}

func (s *settlement) giveUp(e *entry, reason error) {
	s.givenUp = append(s.givenUp, e)
	s.reasons = append(s.reasons, reason)
}

// tryAgain lets an entry wait for its next attempt, if it may have one. Expiry is left to the next sweep, which treats each record
// by its own. It needs collector.mu.
func (p *Producer) tryAgain(s *settlement, e *entry, now moment) {
	switch {
	case p.collector.dead:
		s.giveUp(e, ErrClosed)
		return
	case p.cfg.FailIfThrottled && errors.Is(e.attempts[len(e.attempts)-1].kind, ErrThrottled):
		s.giveUp(e, ErrThrottled)
		return
	case p.cfg.MaxAttempts > 0 && e.tries >= p.cfg.MaxAttempts:
		s.giveUp(e, ErrTooManyAttempts)
		return
	}
	if e.schedule == nil {
		e.schedule = backoff.Start(p.jitter)
	}
	delay := e.schedule.Next()
	e.due = now + delay
	p.collector.delay(e)
	s.retried = append(s.retried, Retried{ShardID: e.expected, UserRecords: len(e.records),
		Attempt: e.attempts[len(e.attempts)-1], Delay: delay})
}

// carryOut tells the hooks and then delivers results, so that who waits for a result finds it counted.
func (p *Producer) carryOut(s *settlement) {
	for _, r := range s.retried {
		p.cfg.Hooks.retried(r)
	}
	for _, w := range s.strayed {
		p.cfg.Hooks.wrongShard(w)
	}
	p.callbacks.push(s.stored...)
	for i, e := range s.givenUp {
		p.fail(e, &doom{all: s.reasons[i], later: p.failLater})
	}
	switch {
	case s.doubt:
		p.distrust(&p.doubt)
	case s.gone:
		p.distrust(&p.gone)
	case s.refresh:
		p.refresh()
	}
}

// rejudge decides about the entries that were stored in shards that were not known then, by a listing that began at the given
// moment. Those that were stored later wait for the next one.
func (p *Producer) rejudge(listed moment) {
	var s settlement
	c := &p.collector
	c.mu.Lock()
	parked := c.parked
	c.parked = nil
	for _, e := range parked {
		last := &e.attempts[len(e.attempts)-1]
		verdict := c.route.judge(e, e.landed.shard)
		switch {
		case verdict == arrived:
			last.Code, last.Unknown = "", false
			s.stored = append(s.stored, e.finish(e.landed))
			c.leave(e)
		case e.landed.at > listed:
			c.parked = append(c.parked, e)
			s.refresh = true
		default:
			last.Code = CodeWrongShard
			s.strayed = append(s.strayed, WrongShard{Expected: e.expected, Actual: e.landed.shard, UserRecords: len(e.records)})
			p.tryAgain(&s, e, p.now())
		}
	}
	c.mu.Unlock()
	p.signal()
	p.carryOut(&s)
}
