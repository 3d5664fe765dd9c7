package kinesistest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/schemas"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/transport/http/protocol/awsjson"

	"github.com/penstock-go/penstock/kinesistest"
)

// A rig is a server with one client and one stream, which most tests start from.
type rig struct {
	*kinesis.Client
	t      testing.TB
	srv    *kinesistest.Server
	stream *string
}

// newRig makes a rig whose stream has the given number of shards.
func newRig(t testing.TB, shards int32, opts ...kinesistest.Option) *rig {
	t.Helper()
	srv := kinesistest.New(opts...)
	t.Cleanup(func() { must(t, srv.Close()) })
	// One attempt: an error is what a test wants to see, at once.
	once := kinesis.New(srv.Kinesis().Options(), func(o *kinesis.Options) { o.Retryer = aws.NopRetryer{} })
	r := &rig{Client: once, t: t, srv: srv, stream: aws.String("orders")}
	_, err := r.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: r.stream, ShardCount: &shards})
	must(t, err)
	return r
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantCode checks that err is the service's error with the given code.
func wantCode(t testing.TB, err error, code string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != code {
		t.Fatalf("got error %v, want %s", err, code)
	}
}

// put stores one record and returns where.
func (r *rig) put(key, data string) *kinesis.PutRecordOutput {
	r.t.Helper()
	out, err := r.PutRecord(r.ctx(), &kinesis.PutRecordInput{StreamName: r.stream, PartitionKey: &key, Data: []byte(data)})
	must(r.t, err)
	return out
}

// ctx is the test's context; cleanups run after that ends, so a fresh one is used then.
func (r *rig) ctx() context.Context { return r.t.Context() }

// fill stores n records with different keys, data "0" to "n-1", and returns the shard of each.
func (r *rig) fill(n int) []string {
	r.t.Helper()
	shards := make([]string, 0, n)
	for len(shards) < n {
		var in kinesis.PutRecordsInput
		in.StreamName = r.stream
		for i := len(shards); i < n && len(in.Records) < 500; i++ {
			in.Records = append(in.Records, types.PutRecordsRequestEntry{
				Data: []byte(fmt.Sprint(i)), PartitionKey: aws.String(fmt.Sprint("key-", i)),
			})
		}
		out, err := r.PutRecords(r.ctx(), &in)
		must(r.t, err)
		if *out.FailedRecordCount != 0 || len(out.Records) != len(in.Records) {
			r.t.Fatalf("%d records failed, %d of %d have results", *out.FailedRecordCount, len(out.Records), len(in.Records))
		}
		for _, e := range out.Records {
			shards = append(shards, *e.ShardId)
		}
	}
	return shards
}

// iterator returns an iterator for the shard.
func (r *rig) iterator(shard string, kind types.ShardIteratorType) *string {
	r.t.Helper()
	out, err := r.GetShardIterator(r.ctx(), &kinesis.GetShardIteratorInput{
		StreamName: r.stream, ShardId: &shard, ShardIteratorType: kind,
	})
	must(r.t, err)
	return out.ShardIterator
}

// iteratorAt returns an iterator for a sequence number of the shard, or the error.
func (r *rig) iteratorAt(shard string, kind types.ShardIteratorType, sequence string) (*string, error) {
	out, err := r.GetShardIterator(r.ctx(), &kinesis.GetShardIteratorInput{
		StreamName: r.stream, ShardId: &shard, ShardIteratorType: kind, StartingSequenceNumber: &sequence,
	})
	if err != nil {
		return nil, err
	}
	return out.ShardIterator, nil
}

// get reads once.
func (r *rig) get(it *string) *kinesis.GetRecordsOutput {
	r.t.Helper()
	out, err := r.GetRecords(r.ctx(), &kinesis.GetRecordsInput{ShardIterator: it})
	must(r.t, err)
	return out
}

// data returns the payloads of records as strings.
func data(records []types.Record) []string {
	out := make([]string, len(records))
	for i, rec := range records {
		out[i] = string(rec.Data)
	}
	return out
}

// shards lists all shards of the stream that the filter chooses; nil is no filter.
func (r *rig) shards(filter *types.ShardFilter) []types.Shard {
	r.t.Helper()
	out, err := r.ListShards(r.ctx(), &kinesis.ListShardsInput{StreamName: r.stream, ShardFilter: filter})
	must(r.t, err)
	return out.Shards
}

// ids returns the numbers of the shards, without the prefix and the zeros.
func ids(shards []types.Shard) []int {
	out := make([]int, len(shards))
	for i, s := range shards {
		_, err := fmt.Sscanf(*s.ShardId, "shardId-%d", &out[i])
		if err != nil {
			panic(err)
		}
	}
	return out
}

// arn is the stream's.
func (r *rig) arn() *string {
	return aws.String("arn:aws:kinesis:us-east-1:123456789012:stream/" + *r.stream)
}

// register registers a consumer and returns its ARN.
func (r *rig) register(name string) *string {
	r.t.Helper()
	out, err := r.RegisterStreamConsumer(r.ctx(), &kinesis.RegisterStreamConsumerInput{StreamARN: r.arn(), ConsumerName: &name})
	must(r.t, err)
	return out.Consumer.ConsumerARN
}

// A protocol value keeps the decoder of a stream in itself, so each subscription gets its own: sharing the client's is a data
// race between two of them.
func ownProtocol(o *kinesis.Options) { o.Protocol = awsjson.New11(schemas.Kinesis_20131202) }

// subscribe opens a subscription that is closed with the test.
func (r *rig) subscribe(arn *string, shard string, pos types.StartingPosition) (*kinesis.SubscribeToShardEventStream, error) {
	return subscribeWith(r.ctx(), r.Client, arn, shard, pos)
}

func subscribeWith(ctx context.Context, c *kinesis.Client, arn *string, shard string, pos types.StartingPosition) (*kinesis.SubscribeToShardEventStream, error) {
	out, err := c.SubscribeToShard(ctx, &kinesis.SubscribeToShardInput{
		ConsumerARN: arn, ShardId: &shard, StartingPosition: &pos,
	}, ownProtocol)
	if err != nil {
		return nil, err
	}
	return out.GetStream(), nil
}

// event waits for the next event. ok is false at the end of the stream.
func event(es *kinesis.SubscribeToShardEventStream) (ev types.SubscribeToShardEvent, ok bool) {
	e, ok := <-es.Events()
	if !ok {
		return ev, false
	}
	return e.(*types.SubscribeToShardEventStreamMemberSubscribeToShardEvent).Value, true
}

func shardID(n int) string { return fmt.Sprintf("shardId-%012d", n) }

// refused checks that a raw request in JSON is refused with the code.
func (r *rig) refused(operation, body, code string) {
	r.t.Helper()
	status, _, reply := r.send(operation, jsonType, []byte(body))
	var fault struct {
		Type string `json:"__type"`
	}
	must(r.t, json.Unmarshal(reply, &fault))
	if status != http.StatusBadRequest || fault.Type != code {
		r.t.Errorf("%s %s: status %d, %s, want %s", operation, body, status, reply, code)
	}
}
