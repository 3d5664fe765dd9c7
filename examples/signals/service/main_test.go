package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
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

func TestTheServiceStoresWhatItIsSentAndCountsIt(t *testing.T) {
	srv := kinesistest.New()
	defer srv.Close()
	url, err := srv.Listen("127.0.0.1:0")
	must(t, err)
	for name, value := range map[string]string{"AWS_ENDPOINT_URL": url, "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s"} {
		t.Setenv(name, value)
	}
	_, err = srv.Kinesis().CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: aws.String("orders"), ShardCount: aws.Int32(1)})
	must(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, listener, "orders") }()
	base := "http://" + listener.Addr().String()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

	ask := func(method, path, body string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), method, base+path, strings.NewReader(body))
		must(t, err)
		res, err := client.Do(req)
		must(t, err)
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		must(t, err)
		return res.StatusCode, string(text)
	}
	if code, text := ask("POST", "/put?key=customer-7", `{"n":1}`); code != 200 || !strings.HasPrefix(text, "shardId-000000000000 ") {
		t.Errorf("status %d: %s", code, text)
	}
	if code, text := ask("POST", "/put", `{"n":1}`); code != 400 || !strings.Contains(text, "key") {
		t.Errorf("status %d: %s", code, text)
	}
	_, text := ask("GET", "/metrics", "")
	for _, line := range []string{`penstock_producer_records_total{result="stored",stream="orders"} 1`, `penstock_producer_buffered_records{stream="orders"} 0`} {
		if !strings.Contains(text, line) {
			t.Errorf("no %s in\n%s", line, text)
		}
	}
	stop()
	must(t, <-ended)
}
