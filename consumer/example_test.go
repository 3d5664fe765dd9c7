package consumer_test

import (
	"context"
	"fmt"
	"log"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/penstock-go/penstock/consumer"
	"github.com/penstock-go/penstock/kinesistest"
	"github.com/penstock-go/penstock/leases"
)

// serve starts an emulator with a stream and a few records in it.
func serve(ctx context.Context) *kinesistest.Server {
	server := kinesistest.New()
	client := server.Kinesis()
	_, err := client.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: aws.String("orders"), ShardCount: aws.Int32(1)})
	if err != nil {
		log.Fatal(err)
	}
	for _, text := range []string{"one", "two", "three"} {
		_, err := client.PutRecord(ctx, &kinesis.PutRecordInput{StreamName: aws.String("orders"), PartitionKey: aws.String("customer-7"), Data: []byte(text)})
		if err != nil {
			log.Fatal(err)
		}
	}
	return server
}

// A worker that prints what comes, until it has seen three records.
func Example() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	server := serve(ctx) // in place of a real account
	defer server.Close()

	seen := 0
	c, err := consumer.New(consumer.Config{
		Application: "billing",
		Streams:     []consumer.Stream{{Name: "orders"}},
		Kinesis:     server.Kinesis(),
		DynamoDB:    server.DynamoDB(),
		Handler: consumer.HandlerFunc(func(_ context.Context, b *consumer.Batch) error {
			for _, r := range b.Records {
				fmt.Printf("%s: %s\n", r.PartitionKey, r.Data)
			}
			if seen += len(b.Records); seen == 3 {
				stop()
			}
			return nil
		}),
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := c.Run(ctx); err != nil {
		log.Fatal(err)
	}
	// Output:
	// customer-7: one
	// customer-7: two
	// customer-7: three
}

// A handler that fails is called again with what it did not acknowledge. This one runs in a single process, with its leases in
// memory.
func ExampleBatch_Ack() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	server := serve(ctx)
	defer server.Close()

	failed := false
	c, err := consumer.New(consumer.Config{
		Application: "billing",
		Streams:     []consumer.Stream{{Name: "orders"}},
		Kinesis:     server.Kinesis(),
		Leases:      leases.NewMemory(),
		Handler: consumer.HandlerFunc(func(_ context.Context, b *consumer.Batch) error {
			for i, r := range b.Records {
				if string(r.Data) == "two" && !failed {
					failed = true
					return fmt.Errorf("the database is away")
				}
				fmt.Printf("%s\n", r.Data)
				b.Ack(i + 1)
			}
			stop()
			return nil
		}),
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := c.Run(ctx); err != nil {
		log.Fatal(err)
	}
	// Output:
	// one
	// two
	// three
}

// Handlers are tested without a consumer.
func ExampleNewBatch() {
	handler := consumer.HandlerFunc(func(_ context.Context, b *consumer.Batch) error {
		b.Ack(1)
		return fmt.Errorf("no room for the rest")
	})
	b := consumer.NewBatch(consumer.Shard{ID: "shardId-000000000000"}, []consumer.Record{{Data: []byte("one")}, {Data: []byte("two")}})
	err := handler.Handle(context.Background(), b)
	fmt.Println(err, b.Acked())
	// Output: no room for the rest 1
}
