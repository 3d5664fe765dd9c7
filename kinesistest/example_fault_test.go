package kinesistest_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/penstock-go/penstock/kinesistest"
	"github.com/penstock-go/penstock/kinesistest/oracle"
)

// newStream makes a stream of one shard, which the examples start from.
func newStream(client *kinesis.Client, name string) {
	_, err := client.CreateStream(context.Background(), &kinesis.CreateStreamInput{StreamName: &name, ShardCount: aws.Int32(1)})
	if err != nil {
		log.Fatal(err)
	}
}

// A reply that is lost after the service has acted: the SDK's client sends the record again, and the stream holds it twice.
func ExampleServer_Inject() {
	srv := kinesistest.New()
	defer srv.Close()
	client, ctx := srv.Kinesis(), context.Background()
	newStream(client, "orders")

	lost := srv.Inject(kinesistest.Fault{Operation: "PutRecord", Count: 1, Do: kinesistest.DropReply()})
	put, err := client.PutRecord(ctx, &kinesis.PutRecordInput{
		StreamName: aws.String("orders"), PartitionKey: aws.String("customer-7"), Data: []byte("two books"),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	it, err := client.GetShardIterator(ctx, &kinesis.GetShardIteratorInput{
		StreamName: aws.String("orders"), ShardId: put.ShardId, ShardIteratorType: types.ShardIteratorTypeTrimHorizon,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	out, err := client.GetRecords(ctx, &kinesis.GetRecordsInput{ShardIterator: it.ShardIterator})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(lost.Fired(), "reply lost,", len(out.Records), "records stored")
	// Output: 1 reply lost, 2 records stored
}

// Some ways to say what shall go wrong.
func ExampleFault() {
	srv := kinesistest.New()
	defer srv.Close()
	for _, f := range []kinesistest.Fault{
		// One in ten requests to DynamoDB is throttled, the same ones in every run.
		{Service: kinesistest.DynamoDB, Probability: 0.1, Seed: 42, Do: kinesistest.Throttle()},
		// The third renewal of one lease by one worker succeeds, but its reply is lost.
		{Operation: "UpdateItem", Caller: "worker-1", Key: "shardId-000000000000", Skip: 2, Count: 1, Do: kinesistest.DropReply()},
		// Half of the records for one shard are refused, the others are stored.
		{Operation: "PutRecords", Shard: "shardId-000000000001", Do: kinesistest.RefuseRecords("InternalFailure", 0.5)},
		// Every subscription falls silent after ten events.
		{Operation: "SubscribeToShard", Do: kinesistest.Silence(10)},
		// Reads are slow.
		{Operation: "GetRecords", Do: kinesistest.Delay(0, 900*time.Millisecond)},
	} {
		defer srv.Inject(f).Remove()
	}
}

// A worker that the network cuts off, for example to see that it stops handling records.
func ExampleServer_Partition() {
	srv := kinesistest.New()
	defer srv.Close()
	client := srv.As("worker-1").Kinesis()

	heal := srv.Partition("worker-1")
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	_, err := client.ListStreams(ctx, &kinesis.ListStreamsInput{})
	fmt.Println("cut off:", err != nil)

	heal()
	_, err = client.ListStreams(context.Background(), &kinesis.ListStreamsInput{})
	fmt.Println("healed:", err == nil)
	// Output:
	// cut off: true
	// healed: true
}

// A program that handled the second of two records and not the first.
func ExampleWithOracle() {
	srv := kinesistest.New(kinesistest.WithOracle(0))
	defer srv.Close()
	client := srv.Kinesis()
	newStream(client, "orders")
	report := oracle.Report{Consumers: []oracle.Consumer{{Name: "billing"}}}
	for i := range 2 {
		out, err := client.PutRecord(context.Background(), &kinesis.PutRecordInput{
			StreamName: aws.String("orders"), PartitionKey: aws.String("customer-7"), Data: []byte{byte(i)},
		})
		if err != nil {
			fmt.Println(err)
			return
		}
		if i == 1 { // a real test would add this in the program's handler
			report.Handled = append(report.Handled, oracle.Handled{
				Consumer: "billing", Place: oracle.Place{Stream: "orders", Shard: *out.ShardId, SequenceNumber: *out.SequenceNumber},
			})
		}
	}
	verdicts := oracle.Check(srv.Oracle().History(), report)
	for _, v := range verdicts {
		fmt.Println(v.Kind, "in", v.Shard)
	}
	// Output: lost in shardId-000000000000
}
