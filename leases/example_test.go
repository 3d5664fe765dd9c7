package leases_test

import (
	"context"
	"fmt"
	"time"

	"github.com/penstock-go/penstock/checkpoint"
	"github.com/penstock-go/penstock/leases"
)

// One worker in one process: it takes the only lease, writes a checkpoint, and gives the lease back when it is told to stop.
func ExampleNew() {
	store := leases.NewMemory()
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	if _, err := store.Create(ctx, leases.Lease{Key: "shardId-000000000000"}); err != nil {
		fmt.Println(err)
		return
	}
	coordinator, err := leases.New(leases.Config{
		Store:  store,
		Worker: "host-1.example/4711",
		Work: func(h *leases.Held) {
			position, _ := checkpoint.At("49590338271490256608559692538361571095921575989136588898", 0)
			if err := h.Checkpoint(h.Context(), position); err != nil {
				fmt.Println(err)
			}
			stop() // as a signal would
			<-h.Draining()
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("run:", coordinator.Run(ctx))
	l, _ := store.Get(context.Background(), "shardId-000000000000")
	fmt.Printf("owner %q, checkpoint %v\n", l.Owner, l.Checkpoint)
	// Output:
	// run: <nil>
	// owner "", checkpoint 49590338271490256608559692538361571095921575989136588898
}
