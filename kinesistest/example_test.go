package kinesistest_test

import (
	"context"
	"fmt"
	"log"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/penstock-go/penstock/kinesistest"
)

// A server in the process of the test, and the SDK's own client without a socket.
func Example() {
	srv := kinesistest.New()
	defer srv.Close()
	client, ctx := srv.Kinesis(), context.Background()

	stream := aws.String("orders")
	if _, err := client.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: stream, ShardCount: aws.Int32(1)}); err != nil {
		log.Fatal(err)
	}
	put, err := client.PutRecord(ctx, &kinesis.PutRecordInput{
		StreamName: stream, PartitionKey: aws.String("customer-7"), Data: []byte("two books"),
	})
	if err != nil {
		log.Fatal(err)
	}
	it, err := client.GetShardIterator(ctx, &kinesis.GetShardIteratorInput{
		StreamName: stream, ShardId: put.ShardId, ShardIteratorType: types.ShardIteratorTypeTrimHorizon,
	})
	if err != nil {
		log.Fatal(err)
	}
	out, err := client.GetRecords(ctx, &kinesis.GetRecordsInput{ShardIterator: it.ShardIterator})
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range out.Records {
		fmt.Printf("%s: %s\n", *r.PartitionKey, r.Data)
	}
	// Output: customer-7: two books
}

// A server for other processes, or for a client that needs an endpoint.
func ExampleServer_Listen() {
	srv := kinesistest.New(kinesistest.WithRegion("eu-central-1"))
	defer srv.Close()
	url, err := srv.Listen("127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(url[:len("http://127.0.0.1:")])
	// Output: http://127.0.0.1:
}

// A client with options of its own.
func ExampleServer_HTTPClient() {
	srv := kinesistest.New()
	defer srv.Close()
	client := kinesis.New(srv.Kinesis().Options(), func(o *kinesis.Options) {
		o.RetryMaxAttempts = 1
		o.HTTPClient = srv.HTTPClient()
	})
	out, err := client.ListStreams(context.Background(), &kinesis.ListStreamsInput{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(out.StreamNames), "streams")
	// Output: 0 streams
}
