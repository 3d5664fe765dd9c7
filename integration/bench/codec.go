package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/penstock-go/penstock/internal/wire"
	"github.com/penstock-go/penstock/kinesistest"
)

// canned is a transport without a network: it takes the request in, and gives the same reply each time.
type canned struct {
	status      int
	contentType string
	body        []byte
}

func (c *canned) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return nil, err
		}
	}
	return &http.Response{StatusCode: c.status, Request: r, ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{"Content-Type": {c.contentType}},
		Body: io.NopCloser(bytes.NewReader(c.body)), ContentLength: int64(len(c.body))}, nil
}

// replay is the HTTP client that keeps the last reply of a real server.
type replay struct {
	next *http.Client
	kept canned
}

func (r *replay) Do(req *http.Request) (*http.Response, error) {
	resp, err := r.next.Do(req) //nolint:gosec // the client goes to the server in this process, whatever the address
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	r.kept = canned{status: resp.StatusCode, contentType: resp.Header.Get("Content-Type"), body: body}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

func stubClient(transport http.RoundTripper) *kinesis.Client {
	return kinesis.New(kinesis.Options{Region: "us-east-1", BaseEndpoint: aws.String("http://kinesis.invalid"), HTTPClient: &http.Client{Transport: transport},
		Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""), Retryer: aws.NopRetryer{}})
}

// codec measures one call, over and over, as the SDK makes it or with our protocol. The reply is that of a real server to such a
// call, recorded before.
func codec(ctx context.Context, t *task) (result, error) {
	srv := kinesistest.New()
	defer func() { _ = srv.Close() }() // what went wrong shows in the calls
	recorder := &replay{next: srv.HTTPClient()}
	live := kinesis.New(srv.Kinesis().Options(), func(o *kinesis.Options) { o.HTTPClient = recorder })
	if err := createStream(ctx, live, t); err != nil {
		return result{}, err
	}
	var choice *wire.Choice
	operation, theirs := strings.CutSuffix(t.Kind, "-sdk")
	if !theirs {
		choice = wire.NewChoice(wire.CBOR, nil)
	}
	var call func(*kinesis.Client) error
	switch operation {
	case "put":
		call = putCall(ctx, t, choice)
	case "get":
		if err := fill(ctx, live, t); err != nil {
			return result{}, err
		}
		it, err := live.GetShardIterator(ctx, &kinesis.GetShardIteratorInput{StreamName: &t.Stream, ShardId: aws.String("shardId-000000000000"),
			ShardIteratorType: types.ShardIteratorTypeTrimHorizon})
		if err != nil {
			return result{}, err
		}
		call = getCall(ctx, t, choice, it.ShardIterator)
	default:
		return eventCodec(ctx, t, choice, live, recorder)
	}
	if err := call(live); err != nil {
		return result{}, err
	}
	c := stubClient(&recorder.kept)
	return repeat(t, func() error { return call(c) })
}

// repeat makes a call once to warm up, and then for as long as the task says.
func repeat(t *task, call func() error) (result, error) {
	if err := call(); err != nil {
		return result{}, err
	}
	m, err := startMeter(t.Profile)
	if err != nil {
		return result{}, err
	}
	calls := 0
	for start := cpuTime(); cpuTime()-start < t.Long || calls == 0; calls++ {
		if err := call(); err != nil {
			return result{}, err
		}
	}
	return m.stop(calls*t.Records, int64(calls)*int64(t.Records)*int64(t.Size)), nil
}

func putCall(ctx context.Context, t *task, choice *wire.Choice) func(*kinesis.Client) error {
	in := &kinesis.PutRecordsInput{StreamName: &t.Stream}
	data := filler(t.Size)
	for i := range t.Records {
		in.Records = append(in.Records, types.PutRecordsRequestEntry{Data: data, PartitionKey: aws.String(keyOf(i))})
	}
	return func(c *kinesis.Client) error {
		out, err := maybeOurs(choice, func(options ...func(*kinesis.Options)) (*kinesis.PutRecordsOutput, error) {
			return c.PutRecords(ctx, in, options...)
		})
		if err == nil && len(out.Records) != t.Records {
			err = fmt.Errorf("bench: %d results", len(out.Records))
		}
		return err
	}
}

func getCall(ctx context.Context, t *task, choice *wire.Choice, iterator *string) func(*kinesis.Client) error {
	return func(c *kinesis.Client) error {
		out, err := maybeOurs(choice, func(options ...func(*kinesis.Options)) (*kinesis.GetRecordsOutput, error) {
			return c.GetRecords(ctx, &kinesis.GetRecordsInput{ShardIterator: iterator}, options...)
		})
		if err == nil && (len(out.Records) != t.Records || len(out.Records[0].Data) != t.Size) {
			err = fmt.Errorf("bench: %d records", len(out.Records))
		}
		return err
	}
}

// maybeOurs makes a call in our protocol, or as the SDK does where there is no choice.
func maybeOurs[Out any](choice *wire.Choice, call func(options ...func(*kinesis.Options)) (Out, error)) (Out, error) {
	if choice == nil {
		return call()
	}
	return wire.Call(choice, func(protocol func(*kinesis.Options)) (Out, error) { return call(protocol) })
}

// eventCodec measures the events of a subscription. They are what a real server sends to a subscriber whose shard has ended, so that
// the stream ends by itself.
func eventCodec(ctx context.Context, t *task, choice *wire.Choice, live *kinesis.Client, recorder *replay) (result, error) {
	if err := fill(ctx, live, t); err != nil {
		return result{}, err
	}
	in, err := endedShard(ctx, live, t)
	if err != nil {
		return result{}, err
	}
	read := func(c *kinesis.Client) error { return readEvents(ctx, c, choice, in, t.Records) }
	if err := read(live); err != nil {
		return result{}, err
	}
	c := stubClient(&recorder.kept)
	return repeat(t, func() error { return read(c) })
}

// endedShard registers a consumer and splits the shard, so that a subscription to it comes to an end.
func endedShard(ctx context.Context, c *kinesis.Client, t *task) (*kinesis.SubscribeToShardInput, error) {
	summary, err := c.DescribeStreamSummary(ctx, &kinesis.DescribeStreamSummaryInput{StreamName: &t.Stream})
	if err != nil {
		return nil, err
	}
	consumer, err := c.RegisterStreamConsumer(ctx, &kinesis.RegisterStreamConsumerInput{StreamARN: summary.StreamDescriptionSummary.StreamARN, ConsumerName: aws.String("bench")})
	if err != nil {
		return nil, err
	}
	shard := aws.String("shardId-000000000000")
	_, err = c.SplitShard(ctx, &kinesis.SplitShardInput{StreamName: &t.Stream, ShardToSplit: shard, NewStartingHashKey: aws.String("170141183460469231731687303715884105728")})
	return &kinesis.SubscribeToShardInput{ConsumerARN: consumer.Consumer.ConsumerARN, ShardId: shard,
		StartingPosition: &types.StartingPosition{Type: types.ShardIteratorTypeTrimHorizon}}, err
}

// readEvents reads a subscription to its end.
func readEvents(ctx context.Context, c *kinesis.Client, choice *wire.Choice, in *kinesis.SubscribeToShardInput, want int) error {
	records := 0
	if choice == nil {
		out, err := c.SubscribeToShard(ctx, in)
		if err != nil {
			return err
		}
		for event := range out.GetStream().Events() {
			if e, ok := event.(*types.SubscribeToShardEventStreamMemberSubscribeToShardEvent); ok {
				records += len(e.Value.Records)
			}
		}
		if err := out.GetStream().Close(); err != nil {
			return err
		}
	} else {
		sub, err := wire.Subscribe(ctx, choice, c, in)
		if err != nil {
			return err
		}
		defer sub.Close()
		for {
			event, err := sub.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return err
			}
			records += len(event.Records)
		}
	}
	if records != want {
		return fmt.Errorf("bench: %d records in the events, want %d", records, want)
	}
	return nil
}
