package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/penstock-go/penstock/aggregation"
	"github.com/penstock-go/penstock/kinesistest"
)

// place is where a server listens.
type place struct{ URL, CertFile string }

// serve is the server's role: it prints its place and serves until its input ends, which its starter holds open.
func serve(certFile string) error {
	srv := kinesistest.New()
	url, err := srv.ListenTLS("127.0.0.1:0")
	if err != nil {
		return err
	}
	if err := os.WriteFile(certFile, srv.CertificatePEM(), 0o600); err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(place{URL: url, CertFile: certFile}); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return errors.Join(err, srv.Close())
}

// client returns a client of the server at a place.
func client(at place) (*kinesis.Client, error) {
	pem, err := os.ReadFile(at.CertFile)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("bench: no certificate in " + at.CertFile)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true}
	return kinesis.New(kinesis.Options{
		Region: kinesistest.DefaultRegion, BaseEndpoint: aws.String(at.URL), HTTPClient: &http.Client{Transport: transport},
		Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
	}), nil
}

// createStream makes a stream of so many shards and waits for it.
func createStream(ctx context.Context, c *kinesis.Client, t *task) error {
	if _, err := c.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: &t.Stream, ShardCount: aws.Int32(int32(t.Shards))}); err != nil {
		return err
	}
	return kinesis.NewStreamExistsWaiter(c).Wait(ctx, &kinesis.DescribeStreamInput{StreamName: &t.Stream}, time.Minute)
}

// fill puts the task's records into its stream, plainly or in aggregates of some 50 KB.
func fill(ctx context.Context, c *kinesis.Client, t *task) error {
	var entries []types.PutRecordsRequestEntry
	bytes := 0
	flush := func() error {
		if len(entries) == 0 {
			return nil
		}
		out, err := c.PutRecords(ctx, &kinesis.PutRecordsInput{StreamName: &t.Stream, Records: entries})
		if err == nil && aws.ToInt32(out.FailedRecordCount) > 0 {
			err = errors.New("bench: records were refused")
		}
		entries, bytes = entries[:0], 0
		return err
	}
	add := func(key string, data []byte) error {
		entries = append(entries, types.PutRecordsRequestEntry{Data: data, PartitionKey: &key})
		if bytes += len(data) + len(key); len(entries) < 500 && bytes < 4<<20 {
			return nil
		}
		return flush()
	}
	var packed aggregation.Encoder
	data := filler(t.Size)
	for i := range t.Records {
		key := keyOf(i)
		if !t.Aggregated {
			if err := add(key, data); err != nil {
				return err
			}
			continue
		}
		if err := packed.Add(key, "", data); err != nil {
			return err
		}
		if packed.Size() > 50_000 || i == t.Records-1 {
			if err := add(key, packed.AppendTo(nil)); err != nil {
				return err
			}
			packed.Reset()
		}
	}
	return flush()
}

// keyOf is the partition key of a record: one of a thousand.
func keyOf(i int) string { return fmt.Sprintf("customer-%03d", i%1000) }
