package kinesistest_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/penstock-go/penstock/kinesistest"
)

// namesNoStream lists the operations that are about no stream, or about one that need not be there.
var namesNoStream = map[string]bool{
	"CreateStream": true, "DescribeAccountSettings": true, "DescribeLimits": true, "GetRecords": true, "ListStreams": true,
	"UpdateAccountSettings": true,
}

func TestEveryOperationOnAStreamTakesItsARN(t *testing.T) {
	for operation, doc := range goodRequests() {
		if doc["StreamName"] != "orders" {
			continue
		}
		delete(doc, "StreamName")
		r := newTarget(t)
		doc["StreamARN"] = *r.arn()
		body, err := json.Marshal(doc)
		must(t, err)
		w := r.ask("Kinesis_20131202."+operation, jsonType, body)
		if want := refusals[operation]; w.status != http.StatusOK && (want == "" || !bytes.Contains(w.body, []byte(want))) {
			t.Errorf("%s: status %d, %s", operation, w.status, w.body)
		}
	}
}

func TestNoOperationFindsAStreamThatIsNotThere(t *testing.T) {
	r := newTarget(t)
	for operation, doc := range goodRequests() {
		if namesNoStream[operation] {
			continue
		}
		body, err := json.Marshal(doc)
		must(t, err)
		body = bytes.ReplaceAll(body, []byte("orders"), []byte("nobody"))
		w := r.ask("Kinesis_20131202."+operation, jsonType, body)
		if w.status != http.StatusBadRequest || !bytes.Contains(w.body, []byte(`"ResourceNotFoundException"`)) {
			t.Errorf("%s: status %d, %s", operation, w.status, w.body)
		}
	}
}

// A dry run says whether the request would have succeeded, and does nothing: what it asks about is as if it had not been asked.
func TestADryRunDoesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1, kinesistest.WithLimits(kinesistest.Limits{Shards: 1}))
		dry, arn := aws.Bool(true), r.register("reader")
		it := r.iterator(shardID(0), types.ShardIteratorTypeTrimHorizon)
		for range 20 { // more than any rate allows
			_, err := r.PutRecord(t.Context(), &kinesis.PutRecordInput{StreamName: r.stream, PartitionKey: aws.String("k"), Data: make([]byte, 1<<19), DryRun: dry})
			wantCode(t, err, "DryRunOperationException")
			_, err = r.PutRecords(t.Context(), &kinesis.PutRecordsInput{StreamName: r.stream, DryRun: dry, Records: []types.PutRecordsRequestEntry{
				{PartitionKey: aws.String("k"), Data: make([]byte, 1<<19)},
			}})
			wantCode(t, err, "DryRunOperationException")
			_, err = r.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: it, DryRun: dry})
			wantCode(t, err, "DryRunOperationException")
			_, err = r.GetShardIterator(t.Context(), &kinesis.GetShardIteratorInput{
				StreamName: r.stream, ShardId: aws.String(shardID(0)), ShardIteratorType: types.ShardIteratorTypeLatest, DryRun: dry,
			})
			wantCode(t, err, "DryRunOperationException")
			_, err = r.SubscribeToShard(t.Context(), &kinesis.SubscribeToShardInput{
				ConsumerARN: arn, ShardId: aws.String(shardID(0)), StartingPosition: &fromLatest, DryRun: dry,
			}, ownProtocol)
			wantCode(t, err, "DryRunOperationException")
		}
		if got := r.get(it).Records; len(got) != 0 {
			t.Errorf("%d records were stored", len(got))
		}
		r.put("k", "real")
		es, err := r.subscribe(arn, shardID(0), fromLatest)
		must(t, err)
		must(t, es.Close())
	})
}
