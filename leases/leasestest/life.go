package leasestest

import (
	"context"
	"testing"
	"time"

	"github.com/penstock-go/penstock/internal/owned"
	"github.com/penstock-go/penstock/leases"
)

// life lets a worker find leases, write checkpoints and leave.
func life(t *testing.T, store leases.Store) {
	create(t, store, leases.Lease{Key: "shardId-1"})
	create(t, store, leases.Lease{Key: "shardId-2"})
	done := position(t, "5", 0)
	reached := make(chan error, 2)
	c, err := leases.New(leases.Config{Store: store, Worker: "worker-1", Work: func(h *leases.Held) {
		reached <- h.Checkpoint(h.Context(), done)
		<-h.Draining()
	}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	returned := make(chan error, 1)
	var group owned.Group
	group.Go("worker", func() { returned <- c.Run(ctx) })
	defer group.Wait(ctx)
	for range 2 {
		if err := <-reached; err != nil {
			t.Errorf("Checkpoint: %v", err)
		}
	}
	stop()
	if err := <-returned; err != nil {
		t.Errorf("Run: %v", err)
	}
	for _, key := range []string{"shardId-1", "shardId-2"} {
		if row := read(t, store, key); row.Checkpoint != done || row.Holder() != "" {
			t.Errorf("after Run: %+v", row)
		}
	}
}
