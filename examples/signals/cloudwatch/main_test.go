package main

import (
	"context"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/penstock-go/penstock/kinesistest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// serve starts a server with a stream of one record, and makes the SDK's configuration lead to it.
func serve(t *testing.T, data string) *kinesistest.Server {
	t.Helper()
	srv := kinesistest.New()
	t.Cleanup(func() { must(t, srv.Close()) })
	url, err := srv.Listen("127.0.0.1:0")
	must(t, err)
	for name, value := range map[string]string{"AWS_ENDPOINT_URL": url, "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s"} {
		t.Setenv(name, value)
	}
	_, err = srv.Kinesis().CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: aws.String("orders"), ShardCount: aws.Int32(1)})
	must(t, err)
	_, err = srv.Kinesis().PutRecord(t.Context(), &kinesis.PutRecordInput{StreamName: aws.String("orders"), PartitionKey: aws.String("k"), Data: []byte(data)})
	must(t, err)
	return srv
}

func TestTheWorkerPutsItsMetricsWhenItEnds(t *testing.T) {
	srv := serve(t, "data")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	// The worker is ended once it reads the shard.
	logger := zap.NewExample(zap.Hooks(func(e zapcore.Entry) error {
		if e.Message == "shard reading" {
			stop()
		}
		return nil
	}))
	must(t, run(ctx, "orders", "billing", logger))
	metrics := srv.Metrics()
	for _, name := range []string{"CurrentLeases", "RecordProcessor.initialize.Time", "ExpiredLeases"} {
		if !slices.ContainsFunc(metrics, func(m kinesistest.Metric) bool { return m.Namespace == "billing" && m.Name == name }) {
			t.Errorf("no %s among %+v", name, metrics)
		}
	}
}
