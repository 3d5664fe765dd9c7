package conformance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"
)

// A place is a server and what it is asked by.
type place struct {
	Kinesis  *kinesis.Client
	DynamoDB *dynamodb.Client

	t      *testing.T
	server string
	url    string
	http   *http.Client
	ctx    context.Context // of the rule being tried
	names  int             // streams and tables so far
}

// An obstacle ends a rule: the outcome is that.
type obstacle string

func stop(format string, args ...any) { panic(obstacle(fmt.Sprintf(format, args...))) }

// need ends the rule if a call on the way to its point fails.
func need[T any](out T, err error) T {
	if err != nil {
		stop("%s", called(err))
	}
	return out
}

// called names an error in a word or two.
func called(err error) string {
	var api smithy.APIError
	switch {
	case err == nil:
		return "accepts it"
	case errors.Is(err, context.DeadlineExceeded):
		return "does not answer"
	case errors.As(err, &api) && api.ErrorCode() != "UnknownError":
		return api.ErrorCode()
	}
	var reply interface{ HTTPStatusCode() int }
	if errors.As(err, &reply) && reply.HTTPStatusCode() != http.StatusOK && reply.HTTPStatusCode() != 0 {
		return fmt.Sprint("HTTP status ", reply.HTTPStatusCode())
	}
	return "an answer that the SDK cannot read" // no answer of the service, or a connection that broke
}

// refuses is the outcome of a call that must fail with one of the codes.
func refuses(err error, codes ...string) string {
	got := called(err)
	for _, code := range codes {
		if got == code {
			return ""
		}
	}
	return got
}

// unless is the outcome of a condition.
func unless(holds bool, instead string, args ...any) string {
	if holds {
		return ""
	}
	return fmt.Sprintf(instead, args...)
}

// name returns a name that no stream and no table has.
func (p *place) name() *string {
	p.names++
	return aws.String(fmt.Sprintf("conformance-%d", p.names))
}

// stateTime is how long a state may take to come: much less than a rule, so that it is the state that is missed and not an answer.
const stateTime = 5 * time.Second

// until asks until the answer is yes.
func (p *place) until(what string, ask func() bool) {
	ticker, late := time.NewTicker(20*time.Millisecond), time.After(stateTime)
	defer ticker.Stop()
	for !ask() {
		select {
		case <-ticker.C:
		case <-late:
			stop("never %s", what)
		}
	}
}

// stream creates a stream and waits for it.
func (p *place) stream(shards int32) *string {
	name := p.name()
	need(p.Kinesis.CreateStream(p.ctx, &kinesis.CreateStreamInput{StreamName: name, ShardCount: &shards}))
	p.untilActive(name)
	return name
}

func (p *place) untilActive(stream *string) {
	p.until("ACTIVE", func() bool { return p.summary(stream).StreamStatus == types.StreamStatusActive })
}

func (p *place) summary(stream *string) *types.StreamDescriptionSummary {
	return need(p.Kinesis.DescribeStreamSummary(p.ctx, &kinesis.DescribeStreamSummaryInput{StreamName: stream})).StreamDescriptionSummary
}

// shards lists the stream's shards, those of the filter if there is one.
func (p *place) shards(stream *string, filter *types.ShardFilter) []types.Shard {
	return need(p.Kinesis.ListShards(p.ctx, &kinesis.ListShardsInput{StreamName: stream, ShardFilter: filter})).Shards
}

// put stores a record.
func (p *place) put(stream *string, key, data string) *kinesis.PutRecordOutput {
	return need(p.Kinesis.PutRecord(p.ctx, &kinesis.PutRecordInput{StreamName: stream, PartitionKey: &key, Data: []byte(data)}))
}

// iterator asks for a shard iterator of a kind that needs nothing more.
func (p *place) iterator(stream, shard *string, kind types.ShardIteratorType) *string {
	return need(p.Kinesis.GetShardIterator(p.ctx, &kinesis.GetShardIteratorInput{
		StreamName: stream, ShardId: shard, ShardIteratorType: kind,
	})).ShardIterator
}

// read reads from an iterator until there are n records, or the shard ends.
func (p *place) read(iterator *string, n int) (records []types.Record) {
	p.until("delivers them all", func() bool {
		out := need(p.Kinesis.GetRecords(p.ctx, &kinesis.GetRecordsInput{ShardIterator: iterator}))
		records, iterator = append(records, out.Records...), out.NextShardIterator
		return len(records) >= n || iterator == nil
	})
	return records
}

func data(records []types.Record) string {
	all := make([]string, len(records))
	for i := range records {
		all[i] = string(records[i].Data)
	}
	return strings.Join(all, " ")
}

// post sends a request by hand and returns the reply's status and body.
func (p *place) post(target, contentType string, body []byte) (*http.Response, string) {
	r := need(http.NewRequestWithContext(p.ctx, http.MethodPost, p.url+"/", strings.NewReader(string(body))))
	r.Header.Set("X-Amz-Target", target)
	r.Header.Set("Content-Type", contentType)
	// Nobody checks the signature, but some want to see one.
	r.Header.Set("X-Amz-Date", "20260101T000000Z")
	service := "kinesis"
	if strings.HasPrefix(target, "DynamoDB") {
		service = "dynamodb"
	}
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=123456789012/20260101/us-east-1/"+service+"/aws4_request, "+
		"SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature=0000000000000000000000000000000000000000000000000000000000000000")
	reply := need(p.http.Do(r))
	defer reply.Body.Close()
	return reply, string(need(io.ReadAll(reply.Body)))
}

// table creates a table with the partition key "id" and, if it has a name, a sort key, and waits for it.
func (p *place) table(sort string) *string {
	name := p.name()
	need(p.DynamoDB.CreateTable(p.ctx, tableInput(name, sort)))
	p.untilTableActive(name)
	return name
}

func tableInput(name *string, sort string) *dynamodb.CreateTableInput {
	in := &dynamodb.CreateTableInput{
		TableName: name, BillingMode: dbtypes.BillingModePayPerRequest,
		AttributeDefinitions: []dbtypes.AttributeDefinition{{AttributeName: aws.String("id"), AttributeType: "S"}},
		KeySchema:            []dbtypes.KeySchemaElement{{AttributeName: aws.String("id"), KeyType: "HASH"}},
	}
	if sort != "" {
		in.AttributeDefinitions = append(in.AttributeDefinitions, dbtypes.AttributeDefinition{AttributeName: &sort, AttributeType: "N"})
		in.KeySchema = append(in.KeySchema, dbtypes.KeySchemaElement{AttributeName: &sort, KeyType: "RANGE"})
	}
	return in
}

func (p *place) describe(table *string) *dbtypes.TableDescription {
	return need(p.DynamoDB.DescribeTable(p.ctx, &dynamodb.DescribeTableInput{TableName: table})).Table
}

func (p *place) untilTableActive(table *string) {
	p.until("ACTIVE", func() bool { return p.describe(table).TableStatus == dbtypes.TableStatusActive })
}

type item = map[string]dbtypes.AttributeValue

func str(text string) dbtypes.AttributeValue   { return &dbtypes.AttributeValueMemberS{Value: text} }
func num(number string) dbtypes.AttributeValue { return &dbtypes.AttributeValueMemberN{Value: number} }

// number returns the number of an attribute, "none" if there is none.
func number(i item, name string) string {
	if v, is := i[name].(*dbtypes.AttributeValueMemberN); is {
		return v.Value
	}
	return "none"
}

// store puts an item.
func (p *place) store(table *string, i item) {
	need(p.DynamoDB.PutItem(p.ctx, &dynamodb.PutItemInput{TableName: table, Item: i}))
}

// load gets the item with an id, nil if there is none.
func (p *place) load(table *string, id string) item {
	return need(p.DynamoDB.GetItem(p.ctx, &dynamodb.GetItemInput{
		TableName: table, Key: item{"id": str(id)}, ConsistentRead: aws.Bool(true),
	})).Item
}
