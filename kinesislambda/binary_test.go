package kinesislambda_test

import (
	"bytes"
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/penstock-go/penstock/checkpoint"
	"github.com/penstock-go/penstock/consumer"
	"github.com/penstock-go/penstock/kinesislambda"
	"github.com/penstock-go/penstock/kinesislambda/lambdatest"
	"github.com/penstock-go/penstock/kinesistest"
	"github.com/penstock-go/penstock/leases"
)

// build compiles a function as it would be for Lambda.
func build(t *testing.T, pkg string) string {
	t.Helper()
	bootstrap := filepath.Join(t.TempDir(), "bootstrap")
	cmd := exec.Command("go", "build", "-tags", "lambda.norpc", "-o", bootstrap, pkg)
	cmd.Env = append(cmd.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return bootstrap
}

// safeBuffer takes the log of several processes.
type safeBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// A compiled function is fed from a stream through the runtime API: it panics, exits, hangs, fails and reports failures, and everything else
// gets done.
func TestACompiledFunctionIsFedFromAStream(t *testing.T) {
	server := kinesistest.New()
	defer server.Close()
	client := server.Kinesis()
	if _, err := client.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: aws.String("orders"), ShardCount: aws.Int32(1)}); err != nil {
		t.Fatal(err)
	}
	var last checkpoint.Position
	for _, text := range []string{"a", "panic", "b", "exit", "c", "fail", "d", "report", "e", "hang", "f"} {
		in := &kinesis.PutRecordInput{StreamName: aws.String("orders"), PartitionKey: aws.String("key"), Data: []byte(text)}
		out, err := client.PutRecord(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		if last, err = checkpoint.At(*out.SequenceNumber, 0); err != nil {
			t.Fatal(err)
		}
	}
	var log safeBuffer
	fn, err := lambdatest.Start(lambdatest.Config{Bootstrap: build(t, "./testdata/function"), Log: &log, Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer fn.Close()
	run(t, server, fn, last)
	if err := fn.Close(); err != nil { // and all that it wrote is there
		t.Fatal(err)
	}
	for _, text := range []string{"a", "b", "c", "d", "e", "report of", "f of"} {
		if !strings.Contains(log.String(), text) {
			t.Errorf("%s was not done\n%s", text, log.String())
		}
	}
}

// run feeds the function until the last record is done.
func run(t *testing.T, server *kinesistest.Server, fn *lambdatest.Function, last checkpoint.Position) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	var failed []string
	h, err := kinesislambda.Handler(fn, kinesislambda.Mapping{
		BatchSize: 3, BisectBatchOnFunctionError: true, ReportBatchItemFailures: true, MaximumRetryAttempts: kinesislambda.NoRetries, Timeout: 5 * time.Second,
		OnFailure: kinesislambda.DestinationFunc(func(_ context.Context, r *kinesislambda.InvocationRecord) error {
			failed = append(failed, r.Payload)
			return nil
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	c, err := consumer.New(consumer.Config{
		Application: "billing", Streams: []consumer.Stream{{Name: "orders"}}, Kinesis: server.Kinesis(), Leases: leases.NewMemory(), Handler: h,
		CheckpointInterval: 100 * time.Millisecond,
		Hooks: consumer.Hooks{Checkpointed: func(e consumer.Checkpointed) {
			if e.Err == nil && e.Position.Compare(last) >= 0 {
				stop()
			}
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if len(failed) != 4 { // panic, exit, hang, fail; "report" alone succeeds
		t.Errorf("%d messages: %s", len(failed), failed)
	}
}
