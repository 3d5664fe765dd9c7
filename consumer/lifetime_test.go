package consumer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/penstock-go/penstock/checkpoint"
)

// witness is a handler that implements everything there is, and keeps an account of it.
type witness struct {
	HandlerFunc
	mu    sync.Mutex
	calls []string
	fails map[string]int // how often a call fails, or panics if the number is negative
	from  map[string]checkpoint.Position
}

func (h *witness) note(call string, s Shard) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls = append(h.calls, s.ID[len(s.ID)-1:]+" "+call)
	switch n := h.fails[call]; {
	case n > 0:
		h.fails[call]--
		return errHandler
	case n < 0:
		h.fails[call]++
		panic(call)
	}
	return nil
}

func (h *witness) story() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.calls)
}

func (h *witness) Start(_ context.Context, s Shard) error    { return h.note("start", s) }
func (h *witness) ShardEnd(_ context.Context, s Shard) error { return h.note("end", s) }
func (h *witness) Drain(_ context.Context, s Shard) error    { return h.note("drain", s) }
func (h *witness) LeaseLost(s Shard)                         { _ = h.note("lost", s) }

func (h *witness) StartFrom(_ context.Context, s Shard) (checkpoint.Position, bool, error) {
	at, known := h.from[s.ID]
	return at, known, h.note("from", s)
}

func (h *witness) Handle(ctx context.Context, b *Batch) error {
	if err := h.HandlerFunc(ctx, b); err != nil {
		return err
	}
	return h.note("handle", b.Shard)
}

func TestHandlersAreToldOfTheLifeOfTheirShard(t *testing.T) {
	bubble(t, 1, func(w *world) {
		w.putPlain("a")
		cfg := w.config()
		h := &witness{HandlerFunc: cfg.Handler.Handle, fails: map[string]int{"start": 1, "from": -1, "end": 2, "drain": -1}}
		cfg.Handler = h
		var started, failed, stopped int
		var mu sync.Mutex
		cfg.Hooks.Started = func(s Started) {
			mu.Lock()
			defer mu.Unlock()
			if started++; s.Err != nil {
				failed++
			}
		}
		var last []State
		cfg.Hooks.Stopped = func(s Stopped) {
			mu.Lock()
			defer mu.Unlock()
			stopped++
			last = append(last, s.State)
		}
		run := w.start(cfg)
		w.awaitAll()
		w.split(0)
		w.await("the end", func() bool { return w.seen.has(shardID(0) + " ended") })
		w.putPlain("b")
		w.awaitAll()
		run.mustEnd()
		want := []string{"0 start", "0 start", "0 from", "0 start", "0 from", "0 handle", "0 end", "0 end", "0 end"}
		got := h.story()
		if len(got) < len(want) || !slices.Equal(got[:len(want)], want) {
			t.Fatalf("calls\n%v, want\n%v", got, want)
		}
		rest := slices.Sorted(slices.Values(got[len(want):]))
		if want := []string{"1 drain", "1 from", "1 handle", "1 start", "2 drain", "2 from", "2 start"}; !slices.Equal(rest, want) &&
			!slices.Equal(rest, []string{"1 drain", "1 from", "1 start", "2 drain", "2 from", "2 handle", "2 start"}) {
			t.Errorf("then %v", rest)
		}
		if started != 5 || failed != 2 || stopped != 5 || !slices.Equal(last, []State{Ended, Ended, Ended, Released, Released}) {
			t.Errorf("hooks saw %d beginnings, %d of them failed, and the ends %v", started, failed, last)
		}
	})
}

func TestALostLeaseIsTold(t *testing.T) {
	bubble(t, 1, func(w *world) {
		w.putPlain("a")
		net := &island{Store: w.store}
		cfg := w.config()
		cfg.Leases = net
		h := &witness{HandlerFunc: cfg.Handler.Handle}
		cfg.Handler = h
		run := w.start(cfg)
		w.awaitAll()
		net.sever()
		w.await("the loss", func() bool { return slices.Contains(h.story(), "0 lost") })
		run.mustEnd()
		if slices.Contains(h.story(), "0 drain") {
			t.Errorf("%v", h.story())
		}
	})
}

func TestStartFromMovesTheBeginningEitherWay(t *testing.T) {
	bubble(t, 1, func(w *world) {
		number := w.putAggregate("a", 4)
		w.putPlain("a", "a")
		run := w.start(w.config())
		w.awaitAll()
		run.mustEnd()
		at := w.lease(shardID(0)).Checkpoint
		handledFrom := func(from checkpoint.Position) []string {
			before := w.seen.count()
			cfg := w.config()
			cfg.Handler = &witness{HandlerFunc: cfg.Handler.Handle, from: map[string]checkpoint.Position{shardID(0): from}}
			run := w.start(cfg)
			time.Sleep(30 * time.Second)
			run.mustEnd()
			return w.seen.data()[before:]
		}
		behind, err := checkpoint.At(number, 1)
		w.must(err)
		if got := handledFrom(behind); !slices.Equal(got, []string{"000003", "000004", "000005", "000006"}) {
			t.Errorf("from behind the lease: %v", got)
		}
		if now := w.lease(shardID(0)).Checkpoint; now != at {
			t.Errorf("the lease went from %v to %v", at, now)
		}
		if got := handledFrom(checkpoint.TrimHorizon); len(got) != 6 {
			t.Errorf("from the beginning: %v", got)
		}
		ahead := w.putRaw("a", w.data())
		w.putPlain("a")
		if got := handledFrom(w.position(ahead)); !slices.Equal(got, []string{"000008"}) {
			t.Errorf("from before the lease: %v", got)
		}
		if now := w.lease(shardID(0)).Checkpoint; now.Compare(w.position(ahead)) <= 0 {
			t.Errorf("the lease stands at %v", now)
		}
		if got := handledFrom(checkpoint.Latest); len(got) != 0 {
			t.Errorf("LATEST, which is refused: %v", got)
		}
	})
}

func TestAShardThatItsHandlerHasDoneIsEndedWithoutAnotherCall(t *testing.T) {
	bubble(t, 1, func(w *world) {
		w.putPlain(keys(5)...)
		w.split(0)
		before := w.put
		w.putPlain(keys(5)...)
		cfg := w.config()
		cfg.Handler = &witness{HandlerFunc: cfg.Handler.Handle, from: map[string]checkpoint.Position{shardID(0): checkpoint.ShardEnd}}
		run := w.start(cfg)
		w.await("the children's records", func() bool { return w.seen.count() == w.put-before })
		run.mustEnd()
		if !w.lease(shardID(0)).Ended() {
			t.Error("the shard is not at its end")
		}
	})
}

// misshapen is a handler whose Shape panics.
type misshapen struct{ HandlerFunc }

func (misshapen) Shape() Shape { panic("no shape") }

func TestAPanicWhileAHandlerIsMadeIsTriedAgain(t *testing.T) {
	bubble(t, 1, func(w *world) {
		cfg := w.config()
		shared := cfg.Handler
		made := 0
		cfg.Handler, cfg.NewHandler = nil, func(Shard) (Handler, error) {
			switch made++; made {
			case 1:
				panic("no handler")
			case 2:
				return misshapen{}, nil
			}
			return shared, nil
		}
		var failed []error
		cfg.Hooks.Started = func(s Started) {
			if s.Err != nil {
				failed = append(failed, s.Err)
			}
		}
		w.putPlain("a")
		run := w.start(cfg)
		w.awaitAll()
		run.mustEnd()
		if len(failed) != 2 || !errors.Is(failed[0], ErrPanic) || !errors.Is(failed[1], ErrPanic) {
			t.Errorf("the hook saw %v", failed)
		}
	})
}

// lateEnder is a handler whose ShardEnd does nothing but wait until it may end, or has to.
type lateEnder struct {
	HandlerFunc
	ends *gate
}

func (h lateEnder) ShardEnd(ctx context.Context, _ Shard) error {
	_ = h.ends.pass(ctx)
	return nil
}

func TestAShardDoesNotEndByAShardEndWhoseContextHasEnded(t *testing.T) {
	bubble(t, 1, func(w *world) {
		cfg := w.config()
		h := lateEnder{HandlerFunc: cfg.Handler.Handle, ends: newGate()}
		cfg.Handler = h
		cfg.ShutdownTimeout = 2 * time.Second
		w.putPlain("a")
		w.split(0)
		run := w.start(cfg)
		w.await("ShardEnd", func() bool { return h.ends.waiting.Load() == 1 })
		run.mustEnd()
		if row := w.lease(shardID(0)); row.Ended() || row.Checkpoint.Sentinel() {
			t.Errorf("the lease stands at %v", row.Checkpoint)
		}
		close(h.ends.open)
		run = w.start(cfg)
		w.await("the end", func() bool { return w.seen.has(shardID(0) + " ended") })
		run.mustEnd()
		w.verify()
	})
}

// database is a user's: it keeps output and position together, and refuses who is fenced off.
type database struct {
	mu     sync.Mutex
	rows   []string
	at     map[string]checkpoint.Position
	tokens map[string]int64
}

var errFenced = errors.New("a later holder has written")

// commit is a transaction.
func (d *database) commit(b *Batch) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if b.Shard.Token < d.tokens[b.Shard.ID] {
		return errFenced
	}
	d.tokens[b.Shard.ID] = b.Shard.Token
	for _, r := range b.Records {
		at, err := checkpoint.At(r.SequenceNumber, int64(r.SubSequence))
		if err != nil {
			return fmt.Errorf("position: %w", err)
		}
		d.rows, d.at[b.Shard.ID] = append(d.rows, string(r.Data)), at
	}
	return nil
}

// exactly is a handler over such a database.
type exactly struct {
	*database
	before func(*Batch)
}

func (h exactly) Handle(_ context.Context, b *Batch) error {
	h.before(b)
	return h.commit(b)
}

func (h exactly) StartFrom(_ context.Context, s Shard) (checkpoint.Position, bool, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tokens[s.ID] = max(h.tokens[s.ID], s.Token) // from here on the holder before is fenced off
	at, known := h.at[s.ID]
	return at, known, nil
}

func TestOutputAndPositionInOneTransactionAreWrittenExactlyOnce(t *testing.T) {
	bubble(t, 1, func(w *world) {
		w.putAggregate("a", 10)
		w.putPlain(keys(10)...)
		db := &database{at: make(map[string]checkpoint.Position), tokens: make(map[string]int64)}
		net := &island{Store: w.store}
		deaf := newGate()
		cfg := w.config()
		cfg.MaxBatchRecords, cfg.Leases, cfg.CheckpointInterval = 3, net, time.Hour
		batches := 0
		cfg.Handler = exactly{db, func(*Batch) {
			if batches++; batches == 4 { // a zombie that wakes up when another worker has long taken over
				net.sever()
				_ = deaf.pass(w.Context())
			}
		}}
		zombie := w.start(cfg)
		w.await("the zombie", func() bool { return deaf.waiting.Load() == 1 })
		cfg = w.config()
		cfg.MaxBatchRecords = 3
		cfg.Handler = exactly{db, func(*Batch) {}}
		other := w.start(cfg)
		rows := func() []string {
			db.mu.Lock()
			defer db.mu.Unlock()
			return slices.Clone(db.rows)
		}
		w.await("all rows", func() bool { return len(rows()) == w.put })
		close(deaf.open)
		time.Sleep(time.Minute)
		other.mustEnd()
		zombie.mustEnd()
		for i, row := range rows() {
			if row != fmt.Sprintf("%06d", i+1) {
				t.Fatalf("rows %v", rows())
			}
		}
		if len(rows()) != w.put {
			t.Errorf("%d rows", len(rows()))
		}
	})
}
