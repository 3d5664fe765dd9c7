package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start runs the program until the test ends, and returns its URL.
func start(t *testing.T, args ...string) string {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	out, in := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := run(ctx, args, in, io.Discard)
		_ = in.CloseWithError(io.EOF) // the one who reads sees the end
		ended <- err
	}()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "http") {
			return lines.Text()
		}
	}
	t.Fatal("no URL is printed")
	return ""
}

func clientsOf(t *testing.T, url string, transport *http.Transport) (*kinesis.Client, *dynamodb.Client) {
	t.Cleanup(transport.CloseIdleConnections)
	nobody, client := credentials.NewStaticCredentialsProvider("any", "any", ""), &http.Client{Transport: transport}
	return kinesis.New(kinesis.Options{Region: "us-east-1", BaseEndpoint: &url, Credentials: nobody, HTTPClient: client}),
		dynamodb.New(dynamodb.Options{Region: "us-east-1", BaseEndpoint: &url, Credentials: nobody, HTTPClient: client})
}

// wantStream checks that the server has the stream and answers for tables too.
func wantStream(t *testing.T, k *kinesis.Client, d *dynamodb.Client, name string, shards int32) {
	t.Helper()
	out, err := k.DescribeStreamSummary(t.Context(), &kinesis.DescribeStreamSummaryInput{StreamName: &name})
	if err != nil {
		t.Fatal(err)
	}
	if got := *out.StreamDescriptionSummary.OpenShardCount; got != shards {
		t.Errorf("%d shards", got)
	}
	if _, err := d.ListTables(t.Context(), &dynamodb.ListTablesInput{}); err != nil {
		t.Error(err)
	}
}

func TestStreamsAreThereFromTheStart(t *testing.T) {
	url := start(t, "-addr", "127.0.0.1:0", "-stream", "orders=3", "-stream", "events=1", "-region", "eu-central-1", "-account", "210987654321")
	k, d := clientsOf(t, url, new(http.Transport))
	wantStream(t, k, d, "orders", 3)
	wantStream(t, k, d, "events", 1)
	name := "orders"
	out, err := k.DescribeStreamSummary(t.Context(), &kinesis.DescribeStreamSummaryInput{StreamName: &name})
	if err != nil {
		t.Fatal(err)
	}
	if got := *out.StreamDescriptionSummary.StreamARN; got != "arn:aws:kinesis:eu-central-1:210987654321:stream/orders" {
		t.Errorf("ARN %s", got)
	}
}

func TestWithoutAHostItListensOnLoopback(t *testing.T) {
	url := start(t, "-addr", ":0")
	host, _, err := net.SplitHostPort(strings.TrimPrefix(url, "http://"))
	if err != nil || !net.ParseIP(host).IsLoopback() {
		t.Errorf("listens at %s", url)
	}
	s, err := parse(nil, io.Discard)
	if err != nil || s.addr != "127.0.0.1:4567" {
		t.Errorf("would listen at %s: %v", s.addr, err)
	}
}

func TestClientsTrustTheCertificateItWrites(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ca.pem")
	url := start(t, "-addr", "127.0.0.1:0", "-tls", "-cert", file, "-stream", "orders=1")
	pem, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		t.Fatalf("no certificate in %s", pem)
	}
	k, d := clientsOf(t, url, &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}})
	wantStream(t, k, d, "orders", 1)
}

func TestLimitsAreInForceIfAskedFor(t *testing.T) {
	url := start(t, "-addr", "127.0.0.1:0", "-limits", "0.001", "-stream", "orders=1")
	k, _ := clientsOf(t, url, new(http.Transport))
	name, key := "orders", "k"
	once := func(o *kinesis.Options) { o.RetryMaxAttempts = 1 }
	for range 100 {
		_, err := k.PutRecord(t.Context(), &kinesis.PutRecordInput{StreamName: &name, PartitionKey: &key, Data: []byte("x")}, once)
		if err != nil {
			return
		}
	}
	t.Error("nothing was refused")
}

func TestMistakesInTheCommandLineAreNamed(t *testing.T) {
	for args, want := range map[string]string{
		"-cert x":            "-cert needs -tls",
		"-stream orders":     "name=shards",
		"-stream orders=0":   "name=shards",
		"-limits -1":         "-limits",
		"-transition -1s":    "-transition",
		"-addr nowhere":      "-addr",
		"-account 12":        "twelve digits",
		"serve":              "no arguments",
		"-unknown":           "not defined",
		"-cert x -limits -1": "-limits must not be negative",
	} {
		var said strings.Builder
		err := run(t.Context(), strings.Fields(args), io.Discard, &said)
		var usage usageError
		if !errors.As(err, &usage) || !strings.Contains(said.String(), want) {
			t.Errorf("%s: %v, said %q", args, err, said.String())
		}
	}
}

func TestAPortThatIsTakenIsAnError(t *testing.T) {
	url := start(t, "-addr", "127.0.0.1:0")
	err := run(t.Context(), []string{"-addr", strings.TrimPrefix(url, "http://")}, io.Discard, io.Discard)
	var usage usageError
	if err == nil || errors.As(err, &usage) {
		t.Errorf("got %v", err)
	}
}

func TestAStreamThatCannotBeIsAnError(t *testing.T) {
	err := run(t.Context(), []string{"-addr", "127.0.0.1:0", "-stream", "a b=1"}, io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "a b") {
		t.Errorf("got %v", err)
	}
}
