package kinesistest_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"log"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/penstock-go/penstock/kinesistest"
)

// A shard that takes a hundredth of what the service's does: ten records a second.
func ExampleWithLimits() {
	srv := kinesistest.New(kinesistest.WithLimits(kinesistest.Limits{Shards: 0.01}))
	defer srv.Close()
	client, ctx := srv.Kinesis(), context.Background()

	stream := aws.String("orders")
	if _, err := client.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: stream, ShardCount: aws.Int32(1)}); err != nil {
		log.Fatal(err)
	}
	entry := types.PutRecordsRequestEntry{PartitionKey: aws.String("customer-7"), Data: []byte("two books")}
	in := &kinesis.PutRecordsInput{StreamName: stream}
	for range 12 {
		in.Records = append(in.Records, entry)
	}
	out, err := client.PutRecords(ctx, in)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(*out.FailedRecordCount, "failed")
	fmt.Println(*out.Records[11].ErrorCode)
	fmt.Println(*out.Records[11].ErrorMessage)
	// Output:
	// 2 failed
	// ProvisionedThroughputExceededException
	// Rate exceeded for shard shardId-000000000000 in stream orders under account 123456789012.
}

// A server with TLS, and a client that trusts it.
func ExampleServer_ListenTLS() {
	srv := kinesistest.New()
	defer srv.Close()
	url, err := srv.ListenTLS("127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: srv.CertPool()}, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	client := kinesis.New(srv.Kinesis().Options(), func(o *kinesis.Options) {
		o.BaseEndpoint, o.HTTPClient = &url, &http.Client{Transport: transport}
	})
	out, err := client.ListStreams(context.Background(), &kinesis.ListStreamsInput{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(out.StreamNames), "streams")
	// Output: 0 streams
}

// A key of KMS that is disabled while a stream is encrypted by it.
func ExampleServer_SetKeyState() {
	srv := kinesistest.New()
	defer srv.Close()
	client, ctx := srv.Kinesis(), context.Background()

	stream := aws.String("orders")
	if _, err := client.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: stream, ShardCount: aws.Int32(1)}); err != nil {
		log.Fatal(err)
	}
	if _, err := client.StartStreamEncryption(ctx, &kinesis.StartStreamEncryptionInput{
		StreamName: stream, EncryptionType: types.EncryptionTypeKms, KeyId: aws.String("alias/orders"),
	}); err != nil {
		log.Fatal(err)
	}
	put := &kinesis.PutRecordInput{StreamName: stream, PartitionKey: aws.String("customer-7"), Data: []byte("two books")}

	srv.SetKeyState("alias/orders", kinesistest.KeyDisabled)
	_, err := client.PutRecord(ctx, put)
	fmt.Println(err != nil)
	srv.SetKeyState("alias/orders", kinesistest.KeyWorks)
	_, err = client.PutRecord(ctx, put)
	fmt.Println(err != nil)
	// Output:
	// true
	// false
}
