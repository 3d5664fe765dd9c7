package consumer

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/penstock-go/penstock/leases"
)

// childless is a lease table in which children have no lease that can be read, or none that can be created.
type childless struct {
	leases.Store
	get, create error
}

func (c childless) Get(ctx context.Context, key string) (leases.Lease, error) {
	if c.get != nil && key != shardID(0) && key != shardID(1) {
		return leases.Lease{}, c.get
	}
	return c.Store.Get(ctx, key)
}

func (c childless) Create(ctx context.Context, l leases.Lease) (bool, error) {
	if c.create != nil && l.Checkpoint.Sentinel() && len(l.Parents) > 0 {
		return false, c.create
	}
	return c.Store.Create(ctx, l)
}

func damaged(shard int) error {
	return &leases.DamagedError{Key: shardID(shard), Attribute: "leaseCounter", Problem: "is missing"}
}

func TestAWorkerStopsAtOnceAlthoughTheEndOfAShardCannotBeWritten(t *testing.T) {
	bubble(t, 1, func(w *world) {
		cfg := w.config()
		cfg.Leases = childless{Store: w.store, create: errors.New("PutItem is denied")}
		run := w.start(cfg)
		w.putPlain(keys(5)...)
		w.awaitAll()
		w.split(0)
		time.Sleep(time.Minute)
		began := time.Now()
		run.mustEnd()
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("Run returned after %v", took)
		}
		if row := w.lease(shardID(0)); row.Owner != "" || row.Ended() {
			t.Errorf("the lease is not released: %+v", row)
		}

		w.start(w.config()) // whoever has it next comes to the end again
		w.putPlain(keys(5)...)
		w.awaitAll()
		w.verify()
		w.verifyLineage()
	})
}

// Somebody may mend the child's row, or delete it: then the audit finds that it is missing. Its parents have ended in either case.
func TestADamagedLeaseOfAChildDoesNotHoldUpTheEndOfItsParents(t *testing.T) {
	for name, change := range map[string]func(w *world){
		"split":  func(w *world) { w.split(0) },
		"merged": func(w *world) { w.merge(0) },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 2, func(w *world) {
				cfg := w.config()
				cfg.Leases = childless{Store: w.store, get: damaged(2)}
				run := w.start(cfg)
				w.putPlain(keys(5)...)
				w.awaitAll()
				change(w)
				w.await("the shard ended", func() bool { return w.lease(shardID(0)).Ended() })
				run.mustEnd()
			})
		})
	}
}
