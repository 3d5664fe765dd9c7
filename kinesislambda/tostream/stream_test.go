package tostream

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"go.uber.org/goleak"

	"github.com/penstock-go/penstock/kinesislambda"
	"github.com/penstock-go/penstock/kinesistest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func record() *kinesislambda.InvocationRecord {
	return &kinesislambda.InvocationRecord{
		RequestContext: kinesislambda.RequestContext{RequestID: "7"}, Payload: `{"Records":[]}`,
		KinesisBatchInfo: kinesislambda.KinesisBatchInfo{ShardID: "shardId-000000000003"},
	}
}

func TestMessagesAreRecordsOfTheStream(t *testing.T) {
	for _, stream := range []string{"failed", "arn:aws:kinesis:us-east-1:123456789012:stream/failed"} {
		for _, payload := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				got := put(t, stream, payload)
				var r kinesislambda.InvocationRecord
				if err := json.Unmarshal(got.Data, &r); err != nil || r.RequestContext.RequestID != "7" || (r.Payload != "") != payload {
					t.Errorf("%v: %s", err, got.Data)
				}
				if aws.ToString(got.PartitionKey) != "shardId-000000000003" {
					t.Errorf("key %s", aws.ToString(got.PartitionKey))
				}
			})
		}
	}
}

// put delivers a message and returns the record that the stream has then.
func put(t *testing.T, stream string, payload bool) types.Record {
	t.Helper()
	server := kinesistest.New()
	defer server.Close()
	client := server.Kinesis()
	if _, err := client.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: aws.String("failed"), ShardCount: aws.Int32(1)}); err != nil {
		t.Fatal(err)
	}
	d, err := New(Config{Kinesis: client, Stream: stream, Payload: payload})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Deliver(t.Context(), record()); err != nil {
		t.Fatal(err)
	}
	iterator, err := client.GetShardIterator(t.Context(), &kinesis.GetShardIteratorInput{
		StreamName: aws.String("failed"), ShardId: aws.String("shardId-000000000000"), ShardIteratorType: types.ShardIteratorTypeTrimHorizon,
	})
	if err != nil {
		t.Fatal(err)
	}
	out, err := client.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: iterator.ShardIterator})
	if err != nil || len(out.Records) != 1 {
		t.Fatalf("%v, %d records", err, len(out.Records))
	}
	return out.Records[0]
}

func TestAFailureToPutIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := kinesistest.New()
		defer server.Close()
		d, err := New(Config{Kinesis: server.Kinesis(), Stream: "missing"})
		if err != nil {
			t.Fatal(err)
		}
		var missing *types.ResourceNotFoundException
		if err := d.Deliver(t.Context(), record()); !errors.As(err, &missing) {
			t.Error(err)
		}
	})
}

func TestNewNamesEveryFault(t *testing.T) {
	_, err := New(Config{})
	if !errors.Is(err, kinesislambda.ErrConfig) || !strings.Contains(err.Error(), "Config.Kinesis") || !strings.Contains(err.Error(), "Config.Stream") {
		t.Error(err)
	}
}
