package kinesistest_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/penstock-go/penstock/kinesistest"
)

// A fault with each of these criteria must hurt the first call and spare the second.
func TestFaultsOfKinesisChooseTheirRequests(t *testing.T) {
	r := newRig(t, 2)
	other := aws.String("other")
	_, err := r.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: other, ShardCount: aws.Int32(1)})
	must(t, err)
	arn, iterators := r.register("reader"), []*string{
		r.iterator(shardID(0), types.ShardIteratorTypeLatest), r.iterator(shardID(1), types.ShardIteratorTypeLatest),
	}
	get := func(it *string) error {
		_, err := r.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: it})
		return err
	}
	list := func(stream *string) error {
		_, err := r.ListShards(t.Context(), &kinesis.ListShardsInput{StreamName: stream})
		return err
	}
	for name, test := range map[string]struct {
		fault         kinesistest.Fault
		hurt, another func() error
	}{
		"operation": {kinesistest.Fault{Operation: "ListShards"}, func() error { return list(other) }, func() error { return get(iterators[0]) }},
		"stream":    {kinesistest.Fault{Stream: "other"}, func() error { return list(other) }, func() error { return list(r.stream) }},
		"stream of an iterator": {
			kinesistest.Fault{Stream: "orders"}, func() error { return get(iterators[0]) }, func() error { return list(other) },
		},
		"stream of a consumer": {kinesistest.Fault{Stream: "orders"}, func() error {
			_, err := r.DescribeStreamConsumer(t.Context(), &kinesis.DescribeStreamConsumerInput{ConsumerARN: arn})
			return err
		}, func() error { return list(other) }},
		"shard of an iterator": {
			kinesistest.Fault{Shard: shardID(1)}, func() error { return get(iterators[1]) }, func() error { return get(iterators[0]) },
		},
		"caller": {kinesistest.Fault{Caller: "worker-1"}, func() error {
			_, err := r.srv.As("worker-1").Kinesis().ListStreams(t.Context(), &kinesis.ListStreamsInput{})
			return err
		}, func() error { return list(other) }},
		"service": {kinesistest.Fault{Service: kinesistest.Kinesis}, func() error { return list(other) }, func() error {
			_, err := r.srv.DynamoDB().ListTables(t.Context(), &dynamodb.ListTablesInput{})
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			test.fault.Do = kinesistest.Fail(400, "AccessDeniedException", "")
			in := r.srv.Inject(test.fault)
			defer in.Remove()
			wantCode(t, test.hurt(), "AccessDeniedException")
			must(t, test.another())
			wantFired(t, in, 1)
		})
	}
}

func leaseKey(shard string) map[string]dynamotypes.AttributeValue {
	return map[string]dynamotypes.AttributeValue{"leaseKey": &dynamotypes.AttributeValueMemberS{Value: shard}}
}

// leaseTable makes a table of leases and returns the client of a caller.
func leaseTable(t *testing.T, srv *kinesistest.Server, caller string) *dynamodb.Client {
	t.Helper()
	c := dynamodb.New(srv.As(caller).DynamoDB().Options(), func(o *dynamodb.Options) { o.Retryer = aws.NopRetryer{} })
	_, err := c.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: aws.String("app"), BillingMode: dynamotypes.BillingModePayPerRequest,
		KeySchema:            []dynamotypes.KeySchemaElement{{AttributeName: aws.String("leaseKey"), KeyType: dynamotypes.KeyTypeHash}},
		AttributeDefinitions: []dynamotypes.AttributeDefinition{{AttributeName: aws.String("leaseKey"), AttributeType: dynamotypes.ScalarAttributeTypeS}},
	})
	must(t, err)
	return c
}

// itemCalls are the ways to name an item.
var itemCalls = map[string]func(ctx context.Context, c *dynamodb.Client, key string) error{
	"GetItem": func(ctx context.Context, c *dynamodb.Client, key string) error {
		_, err := c.GetItem(ctx, &dynamodb.GetItemInput{TableName: aws.String("app"), Key: leaseKey(key)})
		return err
	},
	"PutItem": func(ctx context.Context, c *dynamodb.Client, key string) error {
		_, err := c.PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String("app"), Item: leaseKey(key)})
		return err
	},
	"UpdateItem": func(ctx context.Context, c *dynamodb.Client, key string) error {
		_, err := c.UpdateItem(ctx, &dynamodb.UpdateItemInput{TableName: aws.String("app"), Key: leaseKey(key)})
		return err
	},
	"BatchGetItem": func(ctx context.Context, c *dynamodb.Client, key string) error {
		_, err := c.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]dynamotypes.KeysAndAttributes{
			"app": {Keys: []map[string]dynamotypes.AttributeValue{leaseKey("more"), leaseKey(key)}},
		}})
		return err
	},
	"BatchWriteItem": func(ctx context.Context, c *dynamodb.Client, key string) error {
		_, err := c.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]dynamotypes.WriteRequest{
			"app": {{DeleteRequest: &dynamotypes.DeleteRequest{Key: leaseKey(key)}}},
		}})
		return err
	},
	"BatchExecuteStatement": func(ctx context.Context, c *dynamodb.Client, key string) error {
		var statements []dynamotypes.BatchStatementRequest
		for _, key := range []string{"more", key} {
			statements = append(statements, dynamotypes.BatchStatementRequest{
				Statement:  aws.String(`UPDATE "app" SET "n" = ? WHERE "leaseKey" = ?`),
				Parameters: []dynamotypes.AttributeValue{&dynamotypes.AttributeValueMemberN{Value: "1"}, leaseKey(key)["leaseKey"]},
			})
		}
		_, err := c.BatchExecuteStatement(ctx, &dynamodb.BatchExecuteStatementInput{Statements: statements})
		return err
	},
}

func TestFaultsOfDynamoDBChooseTheirRequests(t *testing.T) {
	srv := kinesistest.New()
	defer srv.Close()
	c := leaseTable(t, srv, "worker-1")
	for name, call := range itemCalls {
		for _, f := range []kinesistest.Fault{
			{Table: "app", Key: "shard-1"}, {Key: "shard-1"}, {Operation: name, Caller: "worker-1", Key: "shard-1"},
		} {
			t.Run(fmt.Sprint(name, f.Table, f.Operation), func(t *testing.T) {
				f.Do = kinesistest.Throttle()
				in := srv.Inject(f)
				defer in.Remove()
				wantCode(t, call(t.Context(), c, "shard-1"), "ProvisionedThroughputExceededException")
				must(t, call(t.Context(), c, "shard-2"))
				wantFired(t, in, 1)
			})
		}
	}
}

func TestACorruptReplyOfDynamoDBFailsItsChecksum(t *testing.T) {
	srv := kinesistest.New()
	defer srv.Close()
	c := leaseTable(t, srv, "")
	in := srv.Inject(kinesistest.Fault{Service: kinesistest.DynamoDB, Table: "app", Do: kinesistest.Corrupt(0)})
	if err := itemCalls["PutItem"](t.Context(), c, "shard-1"); err == nil {
		t.Error("the client did not notice")
	}
	wantFired(t, in, 1)
	in.Remove()
	out, err := c.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String("app"), Key: leaseKey("shard-1")})
	if must(t, err); len(out.Item) != 1 {
		t.Error("the item was not stored")
	}
}
