package leases_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/penstock-go/penstock/internal/retry"
	"github.com/penstock-go/penstock/leases"
)

// link is a worker's way to the table: it takes time, fails, and loses replies, as it is told.
type link struct {
	table leases.Store

	mu       sync.Mutex // guards the fields below
	rng      *rand.Rand
	dead     bool
	latency  time.Duration
	failing  float64 // share of the calls that fail without effect
	replies  float64 // share of the writes whose reply is lost
	writes   int
	dropNext func(leases.Write) bool
}

var (
	errCut   = errors.New("link: cut")
	errFail  = errors.New("link: failed")
	errReply = errors.New("link: reply lost")
)

func newLink(table leases.Store, seed uint64) *link {
	return &link{table: table, rng: rand.New(rand.NewPCG(seed, 7)), latency: 10 * time.Millisecond}
}

func (l *link) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dead = true
}

// weather sets how bad the link is.
func (l *link) weather(latency time.Duration, failing, replies float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.latency, l.failing, l.replies = latency, failing, replies
}

// travel is the way of a request to the table.
func (l *link) travel(ctx context.Context) error {
	l.mu.Lock()
	dead, fails, pause := l.dead, l.rng.Float64() < l.failing, l.latency/2+time.Duration(l.rng.Int64N(int64(l.latency)+1))
	l.mu.Unlock()
	if dead {
		return errCut
	}
	if fails {
		return errFail
	}
	return sleep(ctx, pause)
}

// reply is the way back of a write's answer.
func (l *link) reply(w leases.Write) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead {
		return errCut
	}
	if l.rng.Float64() < l.replies {
		return errReply
	}
	if l.dropNext != nil && l.dropNext(w) {
		l.dropNext = nil
		return errReply
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	return retry.Sleep(ctx, d)
}

func (l *link) Prepare(ctx context.Context) error { return l.table.Prepare(ctx) }

func (l *link) Scan(ctx context.Context) (leases.Snapshot, error) {
	if err := l.travel(ctx); err != nil {
		return leases.Snapshot{}, err
	}
	return l.table.Scan(ctx)
}

func (l *link) Get(ctx context.Context, key string) (leases.Lease, error) {
	if err := l.travel(ctx); err != nil {
		return leases.Lease{}, err
	}
	return l.table.Get(ctx, key)
}

func (l *link) KeysOf(ctx context.Context, worker string) ([]string, error) {
	if err := l.travel(ctx); err != nil {
		return nil, err
	}
	return l.table.KeysOf(ctx, worker)
}

func (l *link) Create(ctx context.Context, row leases.Lease) (bool, error) {
	if err := l.travel(ctx); err != nil {
		return false, err
	}
	return l.table.Create(ctx, row)
}

func (l *link) Check(ctx context.Context) error {
	if err := l.travel(ctx); err != nil {
		return err
	}
	return l.table.Check(ctx)
}

func (l *link) ScanPart(ctx context.Context, part, parts int) (leases.Snapshot, error) {
	if err := l.travel(ctx); err != nil {
		return leases.Snapshot{}, err
	}
	return l.table.ScanPart(ctx, part, parts)
}

func (l *link) Delete(ctx context.Context, w leases.Write) error {
	if err := l.travel(ctx); err != nil {
		return err
	}
	return l.table.Delete(ctx, w)
}

func (l *link) Beat(ctx context.Context, w leases.Worker) error {
	if err := l.travel(ctx); err != nil {
		return err
	}
	return l.table.Beat(ctx, w)
}

func (l *link) Worker(ctx context.Context, id string) (leases.Worker, error) {
	if err := l.travel(ctx); err != nil {
		return leases.Worker{}, err
	}
	return l.table.Worker(ctx, id)
}

func (l *link) Retire(ctx context.Context, id string, asRead time.Time) error {
	if err := l.travel(ctx); err != nil {
		return err
	}
	return l.table.Retire(ctx, id, asRead)
}

func (l *link) Leader(ctx context.Context) (leases.Leader, error) {
	if err := l.travel(ctx); err != nil {
		return leases.Leader{}, err
	}
	return l.table.Leader(ctx)
}

func (l *link) Depose(ctx context.Context, leader leases.Leader) error {
	if err := l.travel(ctx); err != nil {
		return err
	}
	return l.table.Depose(ctx, leader)
}

func (l *link) Write(ctx context.Context, w leases.Write) (leases.Lease, error) {
	if err := l.travel(ctx); err != nil {
		return leases.Lease{}, err
	}
	l.count(1)
	row, err := l.table.Write(ctx, w)
	if lost := l.reply(w); lost != nil {
		return leases.Lease{}, lost
	}
	return row, l.blur(err)
}

// Renew loses the replies to all renewals of a call or to none.
func (l *link) Renew(ctx context.Context, renewals []leases.Write) ([]leases.Renewed, error) {
	table, can := l.table.(leases.Renewer)
	if !can {
		return nil, errors.ErrUnsupported
	}
	if err := l.travel(ctx); err != nil {
		return nil, err
	}
	l.count(len(renewals))
	results, err := table.Renew(ctx, renewals)
	for i := range results {
		if lost := l.reply(renewals[i]); lost != nil {
			return nil, lost
		}
		results[i].Err = l.blur(results[i].Err)
	}
	return results, err
}

func (l *link) count(writes int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.writes += writes
}

// blur takes the row out of a conflict now and then, as a store does that does not know it.
func (l *link) blur(err error) error {
	if conflict := (*leases.ConflictError)(nil); errors.As(err, &conflict) && l.coin() {
		return &leases.ConflictError{Key: conflict.Key}
	}
	return err
}

func (l *link) writesSoFar() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.writes
}

// loseReply makes the link lose the reply of the next write that satisfies which, after it has taken effect.
func (l *link) loseReply(which func(leases.Write) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dropNext = which
}

func (l *link) coin() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rng.IntN(2) == 0
}
