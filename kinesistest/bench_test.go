package kinesistest_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/penstock-go/penstock/kinesistest"
)

// The benchmarks show what a call costs with and without the SDK's client around the emulator: "client" includes both,
// "server" is a ready request to the handler, "sdk" is the client with a canned reply.

// A discard is a response writer without a client.
type discard struct {
	header http.Header
	body   []byte
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) WriteHeader(int)             {}
func (d *discard) Write(b []byte) (int, error) { d.body = append(d.body[:0], b...); return len(b), nil }

func (d *discard) TakeBody(b []byte, free func()) {
	d.body = b
	free()
}

// rawRequest makes a request of the wire protocol.
func rawRequest(ctx context.Context, operation, contentType string, body []byte) *http.Request {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://localhost/", bytes.NewReader(body))
	if err != nil {
		panic(err)
	}
	r.Header.Set("X-Amz-Target", "Kinesis_20131202."+operation)
	r.Header.Set("Content-Type", contentType)
	return r
}

// canned answers every request with the same body.
type canned []byte

func (c canned) Do(r *http.Request) (*http.Response, error) {
	_, _ = io.Copy(io.Discard, r.Body)
	return &http.Response{
		StatusCode: http.StatusOK, ContentLength: int64(len(c)), Body: io.NopCloser(bytes.NewReader(c)),
		Header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}}, Request: r,
	}, nil
}

func cannedClient(body []byte) *kinesis.Client {
	return kinesis.New(kinesis.Options{
		Region: "us-east-1", BaseEndpoint: aws.String("http://localhost"), HTTPClient: canned(body),
		Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
	})
}

func putInput(stream *string) *kinesis.PutRecordsInput {
	in := &kinesis.PutRecordsInput{StreamName: stream}
	for i := range 500 {
		in.Records = append(in.Records, types.PutRecordsRequestEntry{
			Data: bytes.Repeat([]byte{byte(i)}, 1024), PartitionKey: aws.String(fmt.Sprint("key-", i)),
		})
	}
	return in
}

// putBody is putInput as a JSON document.
func putBody(stream string) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, `{"StreamName":%q,"Records":[`, stream)
	for i, e := range putInput(nil).Records {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"Data":%q,"PartitionKey":%q}`, base64.StdEncoding.EncodeToString(e.Data), *e.PartitionKey)
	}
	b.WriteString("]}")
	return []byte(b.String())
}

// freshStream replaces the stream now and then, so that a benchmark does not fill the memory.
func freshStream(b *testing.B, r *rig, i int) {
	if i%200 != 199 {
		return
	}
	b.StopTimer()
	_, err := r.DeleteStream(b.Context(), &kinesis.DeleteStreamInput{StreamName: r.stream})
	must(b, err)
	_, err = r.CreateStream(b.Context(), &kinesis.CreateStreamInput{StreamName: r.stream, ShardCount: aws.Int32(4)})
	must(b, err)
	b.StartTimer()
}

func BenchmarkPutRecords500x1KB(b *testing.B) {
	b.Run("client", func(b *testing.B) {
		r := newRig(b, 4)
		in := putInput(r.stream)
		b.SetBytes(500 * 1024)
		for i := range b.N {
			freshStream(b, r, i)
			if _, err := r.PutRecords(b.Context(), in); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("server", func(b *testing.B) {
		r := newRig(b, 4)
		body := putBody(*r.stream)
		b.SetBytes(500 * 1024)
		b.ReportAllocs()
		for i := range b.N {
			freshStream(b, r, i)
			serve(b, r.srv, rawRequest(b.Context(), "PutRecords", "application/x-amz-json-1.1", body))
		}
	})
	b.Run("sdk", func(b *testing.B) {
		r := newRig(b, 4)
		reply := serve(b, r.srv, rawRequest(b.Context(), "PutRecords", "application/x-amz-json-1.1", putBody(*r.stream)))
		client, in := cannedClient(bytes.Clone(reply)), putInput(r.stream)
		b.SetBytes(500 * 1024)
		for b.Loop() {
			if _, err := client.PutRecords(b.Context(), in); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// serve calls the handler and returns the reply's body, which is valid until the next call.
func serve(b testing.TB, srv *kinesistest.Server, r *http.Request) []byte {
	w := &discard{header: make(http.Header)}
	srv.ServeHTTP(w, r)
	if bytes.Contains(w.body[:min(len(w.body), 200)], []byte("__type")) {
		b.Fatalf("%s", w.body)
	}
	return w.body
}

func BenchmarkGetRecords10000x1KB(b *testing.B) {
	r := newRig(b, 1)
	in := putInput(r.stream)
	for range 20 {
		_, err := r.PutRecords(b.Context(), in)
		must(b, err)
	}
	it := r.iterator(shardID(0), types.ShardIteratorTypeTrimHorizon)
	body := fmt.Appendf(nil, `{"ShardIterator":%q}`, *it)
	const payload = 10000 * 1024
	b.Run("client", func(b *testing.B) {
		b.SetBytes(payload)
		for b.Loop() {
			if out := r.get(it); len(out.Records) != 10000 {
				b.Fatal(len(out.Records))
			}
		}
	})
	b.Run("server", func(b *testing.B) {
		b.SetBytes(payload)
		b.ReportAllocs()
		for b.Loop() {
			serve(b, r.srv, rawRequest(b.Context(), "GetRecords", "application/x-amz-json-1.1", body))
		}
	})
	b.Run("sdk", func(b *testing.B) {
		reply := bytes.Clone(serve(b, r.srv, rawRequest(b.Context(), "GetRecords", "application/x-amz-json-1.1", body)))
		client := cannedClient(reply)
		b.SetBytes(payload)
		for b.Loop() {
			if _, err := client.GetRecords(b.Context(), &kinesis.GetRecordsInput{ShardIterator: it}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
