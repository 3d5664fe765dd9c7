//go:build unix

package integration

import (
	"bufio"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/penstock-go/penstock/leases"
	"github.com/penstock-go/penstock/leases/dynamo"
)

const idleLeases = 1000

// BenchmarkIdleWorker says which part of a core a worker takes that holds a thousand leases and has nothing to read: it renews each every
// 3.3 seconds, and reads the table. The table is served by another process.
func BenchmarkIdleWorker(b *testing.B) {
	client := dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(emulator(b)), Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
	})
	store, err := dynamo.New(dynamo.Config{API: client, Table: "idle"})
	if err != nil {
		b.Fatal(err)
	}
	if err := store.Prepare(b.Context()); err != nil {
		b.Fatal(err)
	}
	for i := range idleLeases {
		if _, err := store.Create(b.Context(), leases.Lease{Key: fmt.Sprintf("shardId-%012d", i)}); err != nil {
			b.Fatal(err)
		}
	}
	held := make(chan struct{}, idleLeases)
	worker, err := leases.New(leases.Config{Store: store, Worker: "idle", Work: func(h *leases.Held) {
		held <- struct{}{}
		<-h.Draining()
	}})
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(b.Context())
	done := make(chan error, 1)
	go func() { done <- worker.Run(ctx) }()
	for range idleLeases {
		<-held
	}
	const turn = 10 * time.Second
	b.ResetTimer()
	used := processorTime(b)
	for range b.N {
		time.Sleep(turn)
	}
	used = processorTime(b) - used
	b.ReportMetric(100*used.Seconds()/(float64(b.N)*turn.Seconds()), "%core")
	stop()
	if err := <-done; err != nil {
		b.Error(err)
	}
}

func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// emulator serves kinesistest in a process of its own and returns its URL.
func emulator(b *testing.B) string {
	b.Helper()
	program := filepath.Join(b.TempDir(), "kinesistest")
	if out, err := exec.Command("go", "build", "-o", program, "../kinesistest/cmd/kinesistest").CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	cmd := exec.Command(program, "-addr", "127.0.0.1:0")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait() // its status after a signal says nothing
	})
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		if line := lines.Text(); strings.HasPrefix(line, "http") {
			return line
		}
	}
	b.Fatal("the emulator said no address")
	return ""
}
