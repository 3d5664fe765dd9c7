package kinesistest_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/penstock-go/penstock/kinesistest"
)

// A replyLog keeps the replies that pass, by operation.
type replyLog struct {
	next    http.RoundTripper
	replies map[string][][]byte
}

func (r *replyLog) RoundTrip(request *http.Request) (*http.Response, error) {
	reply, err := r.next.RoundTrip(request)
	if err != nil || reply.StatusCode != http.StatusOK {
		return reply, err
	}
	body, err := io.ReadAll(reply.Body)
	if err != nil {
		return nil, err
	}
	_, operation, _ := strings.Cut(request.Header.Get("X-Amz-Target"), ".")
	r.replies[operation] = append(r.replies[operation], body)
	reply.Body = io.NopCloser(bytes.NewReader(body))
	return reply, nil
}

// compare checks that no reply has what the SDK's model of it has not, and that the operations are those it is told.
func (r *replyLog) compare(t *testing.T, service string, operations int) {
	t.Helper()
	seen := 0
	for _, s := range snapshots(t, service, "response") {
		for _, body := range r.replies[s.operation] {
			if len(body) == 0 {
				continue
			}
			var got, known any
			must(t, json.Unmarshal(body, &got))
			must(t, json.Unmarshal(s.body, &known))
			for _, strange := range shapeOf(s.operation, got, known) {
				t.Errorf("the model does not know: %s", strange)
			}
		}
		if len(r.replies[s.operation]) > 0 {
			seen++
		}
	}
	if seen != operations || seen != len(r.replies) {
		t.Errorf("%d operations have a model, %d were called, want %d", seen, len(r.replies), operations)
	}
}

func TestRepliesOfKinesisHaveTheShapeOfTheSDKsModel(t *testing.T) {
	srv := kinesistest.New()
	defer srv.Close()
	rec := &replyLog{srv.HTTPClient().Transport, make(map[string][][]byte)}
	c := kinesis.New(srv.Kinesis().Options(), func(o *kinesis.Options) { o.HTTPClient = &http.Client{Transport: rec} })
	r := &rig{Client: c, t: t, srv: srv, stream: aws.String("orders")}
	_, err := c.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: r.stream, ShardCount: aws.Int32(2)})
	must(t, err)
	r.fill(10)
	r.put("k", "one more")
	arn := r.register("reader")
	must(t, r.split(0, "1"))
	r.get(r.iterator(shardID(0), types.ShardIteratorTypeTrimHorizon))
	r.shards(nil)
	_, err = c.DescribeStream(t.Context(), &kinesis.DescribeStreamInput{StreamName: r.stream})
	must(t, err)
	_, err = c.DescribeStreamConsumer(t.Context(), &kinesis.DescribeStreamConsumerInput{ConsumerARN: arn})
	must(t, err)
	out, err := c.DescribeStreamSummary(t.Context(), &kinesis.DescribeStreamSummaryInput{StreamName: r.stream})
	must(t, err)
	_, err = c.ListStreamConsumers(t.Context(), &kinesis.ListStreamConsumersInput{StreamARN: out.StreamDescriptionSummary.StreamARN})
	must(t, err)
	_, err = c.ListStreams(t.Context(), &kinesis.ListStreamsInput{})
	must(t, err)
	_, err = c.AddTagsToStream(t.Context(), &kinesis.AddTagsToStreamInput{StreamName: r.stream, Tags: map[string]string{"a": "b"}})
	must(t, err)
	_, err = c.ListTagsForStream(t.Context(), &kinesis.ListTagsForStreamInput{StreamName: r.stream})
	must(t, err)
	_, err = c.UpdateShardCount(t.Context(), &kinesis.UpdateShardCountInput{
		StreamName: r.stream, TargetShardCount: aws.Int32(4), ScalingType: types.ScalingTypeUniformScaling,
	})
	must(t, err)
	rec.compare(t, "kinesis", 16)
}

func TestRepliesOfDynamoDBHaveTheShapeOfTheSDKsModel(t *testing.T) {
	withTable(t, func(t *testing.T, r *tableRig) {
		rec := &replyLog{r.srv.HTTPClient().Transport, make(map[string][][]byte)}
		c := dynamodb.New(r.Options(), func(o *dynamodb.Options) { o.HTTPClient = &http.Client{Transport: rec} })
		r.Client = c
		must(t, r.put("shard-0"))
		r.count(true)
		key := map[string]dbtypes.AttributeValue{"leaseKey": text("shard-0")}
		names, values := map[string]string{"#n": "n"}, map[string]dbtypes.AttributeValue{":v": text("v")}
		_, err := c.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
			TableName: r.table, Key: key, UpdateExpression: aws.String("SET #n = :v"), ExpressionAttributeNames: names,
			ExpressionAttributeValues: values, ReturnValues: dbtypes.ReturnValueAllNew, ReturnConsumedCapacity: dbtypes.ReturnConsumedCapacityIndexes,
		})
		must(t, err)
		_, err = c.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: r.table, Key: key})
		must(t, err)
		_, err = c.Query(t.Context(), &dynamodb.QueryInput{
			TableName: r.table, KeyConditionExpression: aws.String("leaseKey = :v"), ExpressionAttributeValues: values, Limit: aws.Int32(1),
		})
		must(t, err)
		_, err = c.BatchGetItem(t.Context(), &dynamodb.BatchGetItemInput{
			RequestItems: map[string]dbtypes.KeysAndAttributes{*r.table: {Keys: []map[string]dbtypes.AttributeValue{key}}},
		})
		must(t, err)
		update := `UPDATE "` + *r.table + `" SET n = 'v' WHERE leaseKey = 'shard-0' `
		_, err = c.BatchExecuteStatement(t.Context(), &dynamodb.BatchExecuteStatementInput{
			Statements: []dbtypes.BatchStatementRequest{{Statement: aws.String(update + "RETURNING ALL NEW *")}, {
				Statement:                           aws.String(`UPDATE none SET n = 'v' WHERE leaseKey = 'shard-0'`),
				ReturnValuesOnConditionCheckFailure: dbtypes.ReturnValuesOnConditionCheckFailureAllOld,
			}},
			ReturnConsumedCapacity: dbtypes.ReturnConsumedCapacityIndexes,
		})
		must(t, err)
		_, err = c.BatchExecuteStatement(t.Context(), &dynamodb.BatchExecuteStatementInput{Statements: []dbtypes.BatchStatementRequest{{
			Statement:                           aws.String(update + "AND n = 'w'"),
			ReturnValuesOnConditionCheckFailure: dbtypes.ReturnValuesOnConditionCheckFailureAllOld,
		}}})
		must(t, err)
		_, err = c.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{
			TransactItems:          []dbtypes.TransactWriteItem{{Delete: &dbtypes.Delete{TableName: r.table, Key: key}}},
			ReturnConsumedCapacity: dbtypes.ReturnConsumedCapacityTotal,
		})
		must(t, err)
		table, err := c.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: r.table})
		must(t, err)
		_, err = c.ListTagsOfResource(t.Context(), &dynamodb.ListTagsOfResourceInput{ResourceArn: table.Table.TableArn})
		must(t, err)
		_, err = c.DescribeTimeToLive(t.Context(), &dynamodb.DescribeTimeToLiveInput{TableName: r.table})
		must(t, err)
		_, err = c.DescribeContinuousBackups(t.Context(), &dynamodb.DescribeContinuousBackupsInput{TableName: r.table})
		must(t, err)
		_, err = c.ListTables(t.Context(), &dynamodb.ListTablesInput{})
		must(t, err)
		_, err = c.DeleteTable(t.Context(), &dynamodb.DeleteTableInput{TableName: r.table})
		must(t, err)
		rec.compare(t, "dynamodb", 14)
	})
}
