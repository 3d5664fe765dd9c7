package consumer_test

import (
	"context"
	"fmt"
	"log"

	"github.com/penstock-go/penstock/consumer"
	"github.com/penstock-go/penstock/leases"
)

// A record that cannot be handled is found by halves, tried three times and put aside; the others are handled.
func ExampleFailure() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	server := serve(ctx)
	defer server.Close()

	c, err := consumer.New(consumer.Config{
		Application: "billing",
		Streams:     []consumer.Stream{{Name: "orders"}},
		Kinesis:     server.Kinesis(),
		Leases:      leases.NewMemory(),
		Handler: consumer.HandlerFunc(func(_ context.Context, b *consumer.Batch) error {
			for _, r := range b.Records {
				if string(r.Data) == "two" {
					return fmt.Errorf("what is that")
				}
			}
			for _, r := range b.Records {
				fmt.Printf("handled %s\n", r.Data)
				if string(r.Data) == "three" {
					stop()
				}
			}
			return nil
		}),
		Failure: consumer.Failure{
			MaxAttempts: 3,
			Bisect:      true,
			Then:        consumer.SendToDeadLetter,
			// consumer.NewFileSink and consumer.NewStreamSink are others.
			DeadLetter: consumer.DeadLetterFunc(func(_ context.Context, f consumer.Failed) error {
				fmt.Printf("put aside %s: %v: %v\n", f.Records[0].Data, f.Reason, f.Cause)
				return nil
			}),
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := c.Run(ctx); err != nil {
		log.Fatal(err)
	}
	// Output:
	// handled one
	// put aside two: attempts exhausted: what is that
	// handled three
}
