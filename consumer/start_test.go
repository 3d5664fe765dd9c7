package consumer

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/penstock-go/penstock/leases"
)

var errBusy = errors.New("the table is busy")

// shy is a lease table that fails the first calls of each kind that a start makes.
type shy struct {
	leases.Store
	fails int

	mu    sync.Mutex // guards calls
	calls map[string]int
}

func (s *shy) call(op string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[op]++
	if s.calls[op] <= s.fails {
		return errBusy
	}
	return nil
}

func (s *shy) Scan(ctx context.Context) (leases.Snapshot, error) {
	if err := s.call("Scan"); err != nil {
		return leases.Snapshot{}, err
	}
	return s.Store.Scan(ctx)
}

func (s *shy) Create(ctx context.Context, l leases.Lease) (bool, error) {
	if err := s.call("Create " + l.Key); err != nil {
		return false, err
	}
	return s.Store.Create(ctx, l)
}

func TestAStartOutlastsAFewFailuresOfTheLeaseTable(t *testing.T) {
	bubble(t, 2, func(w *world) {
		cfg := w.config()
		cfg.Leases = &shy{Store: w.store, fails: startAttempts - 1, calls: make(map[string]int)}
		run := w.start(cfg)
		w.putPlain(keys(10)...)
		w.awaitAll()
		run.mustEnd()
	})
}

func TestAStartFailsWhereTheLeaseTableDoesNothingButFail(t *testing.T) {
	bubble(t, 2, func(w *world) {
		cfg := w.config()
		cfg.Leases = &shy{Store: w.store, fails: 1000, calls: make(map[string]int)}
		began := time.Now()
		if err := <-w.start(cfg).done; !errors.Is(err, errBusy) || time.Since(began) > 5*time.Second {
			t.Errorf("Run returned %v after %v", err, time.Since(began))
		}
	})
}
