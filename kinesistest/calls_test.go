package kinesistest_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	kinesistypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/google/go-cmp/cmp"

	"github.com/penstock-go/penstock/kinesistest"
)

const (
	streamARN = "arn:aws:kinesis:us-east-1:123456789012:stream/orders"
	tableARN  = "arn:aws:dynamodb:us-east-1:123456789012:table/leases"
)

func TestTheCallLogSpeaksTheWordsOfIAM(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1, kinesistest.WithCallLog(100))
		c, db := r.srv.As("app").Kinesis(), r.srv.As("app").DynamoDB()
		ctx := t.Context()
		_, err := c.PutRecords(ctx, &kinesis.PutRecordsInput{StreamName: r.stream, Records: []kinesistypes.PutRecordsRequestEntry{{PartitionKey: aws.String("k"), Data: []byte("d")}}})
		must(t, err)
		it, err := c.GetShardIterator(ctx, &kinesis.GetShardIteratorInput{StreamARN: aws.String(streamARN), ShardId: aws.String(shardID(0)), ShardIteratorType: kinesistypes.ShardIteratorTypeTrimHorizon})
		must(t, err)
		_, err = c.GetRecords(ctx, &kinesis.GetRecordsInput{ShardIterator: it.ShardIterator})
		must(t, err)
		made, err := c.RegisterStreamConsumer(ctx, &kinesis.RegisterStreamConsumerInput{StreamARN: aws.String(streamARN), ConsumerName: aws.String("app")})
		must(t, err)
		_, err = c.DescribeStreamConsumer(ctx, &kinesis.DescribeStreamConsumerInput{StreamARN: aws.String(streamARN), ConsumerName: aws.String("app")})
		must(t, err)
		sub, err := c.SubscribeToShard(ctx, &kinesis.SubscribeToShardInput{ConsumerARN: made.Consumer.ConsumerARN, ShardId: aws.String(shardID(0)), StartingPosition: &kinesistypes.StartingPosition{Type: kinesistypes.ShardIteratorTypeLatest}})
		must(t, err)
		sub.GetStream().Close()
		_, err = db.Query(ctx, &dynamodb.QueryInput{TableName: aws.String("leases"), IndexName: aws.String("owners"), KeyConditionExpression: aws.String("a = b")})
		if err == nil {
			t.Error("there is no such table")
		}
		_, err = db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []dynamotypes.TransactWriteItem{{Delete: &dynamotypes.Delete{TableName: aws.String("leases"), Key: map[string]dynamotypes.AttributeValue{}}}}})
		if err == nil {
			t.Error("there is no such table")
		}
		_, err = db.BatchExecuteStatement(ctx, &dynamodb.BatchExecuteStatementInput{Statements: []dynamotypes.BatchStatementRequest{
			{Statement: aws.String("UPDATE leases REMOVE x WHERE leaseKey = 'a'")}, {Statement: aws.String("UPDATE leases REMOVE x WHERE leaseKey = 'b'")},
		}})
		must(t, err) // each statement is refused by itself
		must(t, put(t, r.srv.As("app").CloudWatch(), datum("m", 1)))
		var got []string
		for _, call := range r.srv.Calls() {
			if call.Caller == "app" {
				got = append(got, fmt.Sprint(call.Action, " ", strings.Join(call.Resources, ","), " ", call.Status))
			}
		}
		want := []string{
			"kinesis:PutRecords " + streamARN + " 200", "kinesis:GetShardIterator " + streamARN + " 200", "kinesis:GetRecords " + streamARN + " 200",
			"kinesis:RegisterStreamConsumer " + streamARN + " 200", "kinesis:DescribeStreamConsumer " + streamARN + "/consumer/app 200",
			"kinesis:SubscribeToShard " + *made.Consumer.ConsumerARN + " 200", "dynamodb:Query " + tableARN + "/index/owners 400",
			"dynamodb:TransactWriteItems " + tableARN + " 400", "dynamodb:PartiQLUpdate " + tableARN + " 200", "cloudwatch:PutMetricData * 200",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

// The protocol is none of the log's business: what it says must be the same in each.
func TestTheCallLogReadsEveryProtocolOfCloudWatch(t *testing.T) {
	for name, protocol := range protocols {
		t.Run(name, func(t *testing.T) {
			srv := kinesistest.New(kinesistest.WithCallLog(1))
			defer srv.Close()
			must(t, put(t, cloudwatch.New(srv.CloudWatch().Options(), protocol), datum("m", 1)))
			if calls := srv.Calls(); len(calls) != 1 || calls[0].Action != "cloudwatch:PutMetricData" || calls[0].KeyID != "kinesistest" {
				t.Errorf("got %+v", calls)
			}
		})
	}
}

func TestTheCallLogKeepsTheNewestCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1, kinesistest.WithCallLog(3))
		for range 10 {
			time.Sleep(time.Second)
			_, err := r.srv.Kinesis().ListShards(t.Context(), &kinesis.ListShardsInput{StreamName: r.stream})
			must(t, err)
		}
		calls := r.srv.Calls()
		if len(calls) != 3 || !calls[2].At.Equal(time.Now()) || !calls[0].At.Equal(time.Now().Add(-2*time.Second)) {
			t.Errorf("got %+v", calls)
		}
	})
}

func TestACallWhoseConnectionBreaksHasNoStatus(t *testing.T) {
	r := newRig(t, 1, kinesistest.WithCallLog(10))
	r.srv.Inject(kinesistest.Fault{Operation: "ListShards", Count: 1, Do: kinesistest.DropReply()})
	c := kinesis.New(r.srv.Kinesis().Options(), func(o *kinesis.Options) { o.Retryer = aws.NopRetryer{} })
	if _, err := c.ListShards(t.Context(), &kinesis.ListShardsInput{StreamName: r.stream}); err == nil {
		t.Fatal("the fault did not fire")
	}
	if calls := r.srv.Calls(); calls[len(calls)-1].Status != 0 {
		t.Errorf("got %+v", calls[len(calls)-1])
	}
}

// Whatever a body holds, it reaches its service, and the log holds none of it.
func TestRequestsThatNobodyUnderstandsAreLoggedToo(t *testing.T) {
	srv := kinesistest.New(kinesistest.WithCallLog(10))
	defer srv.Close()
	for target, want := range map[string]string{
		"Kinesis_20131202.PutRecords":       "kinesis:PutRecords",
		"DynamoDB_20120810.UpdateItem":      "dynamodb:UpdateItem",
		"GraniteServiceVersion20100801.Put": "cloudwatch:Put",
	} {
		for _, body := range []string{"", "{", "[1", `{"StreamName":5}`, `{"TableName":{}}`, "\xff\x00secret"} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://localhost/", strings.NewReader(body))
			must(t, err)
			req.Header.Set("X-Amz-Target", target)
			req.Header.Set("Content-Type", "application/x-amz-json-1.1")
			res, err := srv.HTTPClient().Do(req)
			must(t, err)
			if _, err := io.Copy(io.Discard, res.Body); err != nil {
				t.Error(err)
			}
			res.Body.Close()
			calls := srv.Calls()
			if last := calls[len(calls)-1]; last.Action != want || last.Status != res.StatusCode || strings.Contains(fmt.Sprint(last), "secret") {
				t.Errorf("%q: got %+v, status %d", body, last, res.StatusCode)
			}
		}
	}
}

func TestWithoutTheOptionThereIsNoCallLog(t *testing.T) {
	if calls := newRig(t, 1).srv.Calls(); calls != nil {
		t.Errorf("got %v", calls)
	}
}
