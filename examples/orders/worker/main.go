package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/penstock-go/penstock/aggregation"
	"github.com/penstock-go/penstock/checkpoint"
	"github.com/penstock-go/penstock/consumer"
	"github.com/penstock-go/penstock/examples/orders"
	"github.com/penstock-go/penstock/kinesislambda"
	"github.com/penstock-go/penstock/kinesislambda/lambdatest"
	"github.com/penstock-go/penstock/kinesistest"
	"github.com/penstock-go/penstock/leases"
)

const stream = "orders"

func main() {
	function := flag.String("function", "", "path of a compiled Lambda function to feed in place of the handler")
	flag.Parse()
	if err := run(context.Background(), *function, os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, function string, out io.Writer) error {
	server := kinesistest.New()
	defer func() { _ = server.Close() }() // it has nothing that is kept
	last, err := fill(ctx, server.Kinesis())
	if err != nil {
		return err
	}
	handler := consumer.Handler(&orders.Totals{Out: out})
	if function != "" {
		fn, err := lambdatest.Start(lambdatest.Config{Bootstrap: function, Log: out})
		if err != nil {
			return err
		}
		defer func() { _ = fn.Close() }() // never fails
		handler, err = kinesislambda.Handler(fn, kinesislambda.Mapping{BatchSize: 10, ReportBatchItemFailures: true})
		if err != nil {
			return err
		}
	}
	return work(ctx, server.Kinesis(), handler, last)
}

// work runs a worker until the record is done.
func work(ctx context.Context, client *kinesis.Client, handler consumer.Handler, last checkpoint.Position) error {
	ctx, stop := context.WithTimeout(ctx, time.Minute)
	defer stop()
	c, err := consumer.New(consumer.Config{
		Application: "billing", Streams: []consumer.Stream{{Name: stream}}, Kinesis: client, Leases: leases.NewMemory(), Handler: handler,
		CheckpointInterval: 200 * time.Millisecond,
		Hooks: consumer.Hooks{Checkpointed: func(e consumer.Checkpointed) {
			if e.Err == nil && e.Position.Compare(last) >= 0 {
				stop()
			}
		}},
	})
	if err != nil {
		return err
	}
	return c.Run(ctx)
}

// fill makes a stream with four orders: two plain records, and two in an aggregate. It returns where the last of them is.
func fill(ctx context.Context, client *kinesis.Client) (last checkpoint.Position, err error) {
	if _, err = client.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: aws.String(stream), ShardCount: aws.Int32(1)}); err != nil {
		return last, err
	}
	var both aggregation.Encoder
	for _, cents := range []int{30, 12} {
		if err := both.Add("bob", "", fmt.Appendf(nil, `{"Customer":"bob","Cents":%d}`, cents)); err != nil {
			return last, err
		}
	}
	for _, data := range [][]byte{[]byte(`{"Customer":"ann","Cents":150}`), both.AppendTo(nil), []byte(`{"Customer":"ann","Cents":50}`)} {
		out, err := client.PutRecord(ctx, &kinesis.PutRecordInput{StreamName: aws.String(stream), PartitionKey: aws.String("key"), Data: data})
		if err != nil {
			return last, err
		}
		if last, err = checkpoint.At(*out.SequenceNumber, 0); err != nil {
			return last, err
		}
	}
	return last, nil
}
