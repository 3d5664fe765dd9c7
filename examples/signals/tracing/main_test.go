package main

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"go.uber.org/goleak"

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

// output is what the worker prints; it ends the worker when it has printed the span of a batch.
type output struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
	stop func()
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if bytes.HasPrefix(b, []byte("span process orders")) {
		o.stop()
	}
	return o.text.Write(b)
}

func TestTheWorkerPrintsItsSpansAndItsMetrics(t *testing.T) {
	serve(t, `{"n":1,"traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}`)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out := &output{stop: stop}
	must(t, run(ctx, "orders", "billing", &printer{to: out}, &printer{to: out}))
	for _, want := range []string{"span process orders ", " 1 links\n", "metric penstock.consumer.records [{record}]", "metric penstock.leases.acquired "} {
		if !strings.Contains(out.text.String(), want) {
			t.Errorf("no %q in\n%s", want, out.text.String())
		}
	}
}
