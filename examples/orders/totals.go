package orders

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"sync"

	"github.com/penstock-go/penstock/consumer"
)

// Order is what a record of the stream holds, as JSON.
type Order struct {
	Customer string
	Cents    int64
}

// Totals is a handler that adds up the orders of each customer, and writes each new total as a line.
type Totals struct {
	Out io.Writer

	mu  sync.Mutex // guards sum
	sum map[string]int64
}

// Handle adds the orders of a batch. One that cannot be read is an error: those before it are done.
func (t *Totals) Handle(_ context.Context, b *consumer.Batch) error {
	for i, r := range b.Records {
		var o Order
		if err := json.Unmarshal(r.Data, &o); err != nil || o.Customer == "" {
			return fmt.Errorf("record %s/%d is not an order", r.SequenceNumber, r.SubSequence)
		}
		fmt.Fprintf(t.Out, "%s owes %d cents\n", o.Customer, t.add(o))
		b.Ack(i + 1)
	}
	return nil
}

func (t *Totals) add(o Order) int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.sum == nil {
		t.sum = make(map[string]int64)
	}
	t.sum[o.Customer] += o.Cents
	return t.sum[o.Customer]
}

// Of returns what a customer owes.
func (t *Totals) Of(customer string) int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.sum[customer]
}
