package kinesislambda_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/penstock-go/penstock/consumer"
	"github.com/penstock-go/penstock/kinesislambda"
	"github.com/penstock-go/penstock/kinesistest"
	"github.com/penstock-go/penstock/leases"
)

// A function's main is lambda.Start(kinesislambda.Wrap(handler)). In a test it is called like any function.
func ExampleWrap() {
	handler := consumer.HandlerFunc(func(_ context.Context, b *consumer.Batch) error {
		for i, r := range b.Records {
			if string(r.Data) == "poison" {
				return fmt.Errorf("record %d cannot be handled", i)
			}
			fmt.Printf("%s: %s\n", r.PartitionKey, r.Data)
			b.Ack(i + 1)
		}
		return nil
	})
	fn := kinesislambda.Wrap(handler)

	var event events.KinesisEvent
	for i, text := range []string{"one", "two", "poison"} {
		number := fmt.Sprint(101 + i)
		event.Records = append(event.Records, events.KinesisEventRecord{
			EventID:        "shardId-000000000000:" + number,
			EventSourceArn: "arn:aws:kinesis:us-east-1:123456789012:stream/orders",
			Kinesis:        events.KinesisRecord{SequenceNumber: number, PartitionKey: "customer-7", Data: []byte(text)},
		})
	}
	answer, err := fn(context.Background(), event)
	if err != nil {
		log.Fatal(err)
	}
	text, _ := json.Marshal(answer)
	fmt.Println(string(text))
	// Output:
	// customer-7: one
	// customer-7: two
	// {"batchItemFailures":[{"itemIdentifier":"103"}]}
}

// A function that counts the orders of every two minutes, and writes the count down when the window closes.
func ExampleWrapWindow() {
	fn := kinesislambda.WrapWindow(kinesislambda.WindowHandlerFunc(
		func(_ context.Context, b *consumer.Batch, w *kinesislambda.Window) error {
			if w.Final {
				fmt.Printf("orders: %s\n", w.State["orders"])
				return nil
			}
			var n int
			if count, ok := w.State["orders"]; ok {
				if err := json.Unmarshal(count, &n); err != nil {
					return err
				}
			}
			count, err := json.Marshal(n + len(b.Records))
			w.State["orders"] = count
			return err
		}))
	answer, err := fn(context.Background(), kinesislambda.WindowEvent{
		State:                  kinesislambda.State{"orders": json.RawMessage("41")},
		IsFinalInvokeForWindow: true,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(answer.BatchItemFailures))
	// Output:
	// orders: 41
	// 0
}

// A Lambda function, unchanged, in a worker. What it cannot do in three attempts goes to a destination; the bad record is found by halves.
func ExampleHandler() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	server := kinesistest.New() // in place of a real account
	defer server.Close()
	client := server.Kinesis()
	if _, err := client.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: aws.String("orders"), ShardCount: aws.Int32(1)}); err != nil {
		log.Fatal(err)
	}
	for _, text := range []string{"poison", "one", "two"} {
		in := &kinesis.PutRecordInput{StreamName: aws.String("orders"), PartitionKey: aws.String("customer-7"), Data: []byte(text)}
		if _, err := client.PutRecord(ctx, in); err != nil {
			log.Fatal(err)
		}
	}

	function := func(_ context.Context, e events.KinesisEvent) error {
		for _, r := range e.Records {
			if string(r.Kinesis.Data) == "poison" {
				return fmt.Errorf("this cannot be handled")
			}
		}
		for _, r := range e.Records {
			fmt.Printf("handled: %s\n", r.Kinesis.Data)
		}
		stop()
		return nil
	}
	handler, err := kinesislambda.Handler(function, kinesislambda.Mapping{
		MaximumRetryAttempts:       2,
		BisectBatchOnFunctionError: true,
		OnFailure: kinesislambda.DestinationFunc(func(_ context.Context, r *kinesislambda.InvocationRecord) error {
			fmt.Printf("passed over: %d record, %s\n", r.KinesisBatchInfo.BatchSize, r.RequestContext.Condition)
			return nil
		}),
	})
	if err != nil {
		log.Fatal(err)
	}
	c, err := consumer.New(consumer.Config{
		Application: "billing", Streams: []consumer.Stream{{Name: "orders"}}, Kinesis: client, Leases: leases.NewMemory(), Handler: handler,
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := c.Run(ctx); err != nil {
		log.Fatal(err)
	}
	// Output:
	// passed over: 1 record, RetryAttemptsExhausted
	// handled: one
	// handled: two
}
