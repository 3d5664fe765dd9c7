package kinesislambda_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"

	"github.com/aws/aws-lambda-go/events"

	"github.com/penstock-go/penstock/consumer"
	"github.com/penstock-go/penstock/kinesislambda"
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
