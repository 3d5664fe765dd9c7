package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/penstock-go/penstock/consumer"
)

// fleet is the consumers of a run. They share nothing but the stream and the lease table, as if each were a process.
type fleet struct {
	place *place
	tally *tally
	dir   string // of the journals
	order atomic.Uint64
	runs  sync.WaitGroup // the members' Run calls

	mu      sync.Mutex // guards the fields below
	members []*member
	pauses  map[string]*pause // by shard
}

// member is one consumer with its journal.
type member struct {
	name    string
	journal *journal
	cancel  context.CancelFunc
	result  chan error    // what Run returned; buffered
	busy    chan struct{} // closed at the first page
	first   sync.Once     // closes busy
}

// pause is the time in which nobody reads a shard whose reader was stopped.
type pause struct {
	reader string // who was stopped
	from   time.Time
	length time.Duration // 0 while it lasts
}

func newFleet(p *place, t *tally) (*fleet, error) {
	dir, err := os.MkdirTemp("", p.stream)
	if err != nil {
		return nil, err
	}
	return &fleet{place: p, tally: t, dir: dir, pauses: make(map[string]*pause)}, nil
}

// start adds a consumer and lets it run.
func (f *fleet) start(ctx context.Context) error {
	journal, err := newJournal(f.dir)
	if err != nil {
		return err
	}
	f.mu.Lock()
	m := &member{name: fmt.Sprintf("%s-%d", f.place.stream, len(f.members)+1), journal: journal, result: make(chan error, 1), busy: make(chan struct{})}
	f.members = append(f.members, m)
	f.mu.Unlock()
	cfg := consumer.Config{
		Application: f.place.table,
		Streams:     []consumer.Stream{{Name: f.place.stream, FanOut: f.place.fanOut}},
		Kinesis:     f.place.kinesis,
		DynamoDB:    f.place.dynamodb,
		WorkerID:    m.name,
		Handler:     consumer.HandlerFunc(func(_ context.Context, b *consumer.Batch) error { return f.handle(m, b) }),
		Hooks:       consumer.Hooks{Fetched: func(page consumer.Fetched) { f.fetched(m, page) }},
	}
	if f.place.json {
		cfg.Protocol = consumer.JSON
	}
	c, err := consumer.New(cfg)
	if err != nil {
		return err
	}
	// The members end by their own cancel, after the lines are through, and not with the first signal that ends the sending.
	ctx, m.cancel = context.WithCancel(context.WithoutCancel(ctx))
	f.runs.Go(func() { m.result <- c.Run(ctx) })
	return nil
}

// handle writes a batch down. An error makes the consumer deliver the batch again.
func (f *fleet) handle(m *member, b *consumer.Batch) error {
	for _, r := range b.Records {
		index, _, err := decodeLine(r.Data)
		if err != nil {
			return err
		}
		if err := m.journal.append(func() uint64 { return f.order.Add(1) }, r.PartitionKey, r.Data); err != nil {
			return err
		}
		f.tally.note(r.PartitionKey, index)
	}
	return nil
}

// fetched is told of each page that a member read, also of empty ones.
func (f *fleet) fetched(m *member, page consumer.Fetched) {
	m.first.Do(func() { close(m.busy) })
	f.endPause(m, page.Shard.ID)
}

// untilBusy waits until every member reads a shard.
func (f *fleet) untilBusy(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	f.mu.Lock()
	members := f.members
	f.mu.Unlock()
	for _, m := range members {
		select {
		case <-m.busy:
		case err := <-m.result:
			m.result <- err
			return fmt.Errorf("%s ended before it read a shard: %w", m.name, err)
		case <-ctx.Done():
			return fmt.Errorf("%s reads no shard: %w", m.name, ctx.Err())
		}
	}
	return nil
}

// stopFirst stops the first member as a deploy would, waits until its Run has returned, and starts the clock of its shards.
func (f *fleet) stopFirst(ctx context.Context) error {
	f.mu.Lock()
	m := f.members[0]
	f.mu.Unlock()
	if err := f.untilReadsOpen(ctx, m); err != nil {
		return err
	}
	f.beginPauses(m)
	return m.stop(ctx)
}

func (m *member) stop(ctx context.Context) error {
	m.cancel()
	select {
	case err := <-m.result:
		m.result <- err // stays there for whoever asks again
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%s does not stop: %w", m.name, ctx.Err())
	}
}

// stopAll stops every member and returns the first error.
func (f *fleet) stopAll(ctx context.Context) error {
	f.mu.Lock()
	members := f.members
	f.mu.Unlock()
	for _, m := range members {
		m.cancel()
	}
	for _, m := range members {
		if err := m.stop(ctx); err != nil {
			return err
		}
	}
	return nil
}

// failed returns the error of a member whose Run has ended, or nil.
func (f *fleet) failed() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, m := range f.members {
		select {
		case err := <-m.result:
			m.result <- err
			if err != nil {
				return fmt.Errorf("%s: %w", m.name, err)
			}
		default:
		}
	}
	return nil
}

func (f *fleet) journals() (all []*journal) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, m := range f.members {
		all = append(all, m.journal)
	}
	return all
}

// close waits for the members, which must have been stopped, and removes the journals.
func (f *fleet) close() error {
	f.runs.Wait()
	var faults []error
	for _, j := range f.journals() {
		faults = append(faults, j.close())
	}
	return errors.Join(append(faults, os.RemoveAll(f.dir))...)
}
