package oracle_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/penstock-go/penstock/kinesistest"
	"github.com/penstock-go/penstock/kinesistest/oracle"
)

const (
	failover = 10 * time.Second
	shard0   = "shardId-000000000000"
)

// A world is a server with a stream, a table of leases, and what the one consumer, "app", says that it did.
type world struct {
	t      *testing.T
	srv    *kinesistest.Server
	stream *string
	report oracle.Report
}

// inWorld runs a test in a world of its own, in virtual time.
func inWorld(t *testing.T, test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		srv := kinesistest.New(kinesistest.WithOracle(0))
		defer srv.Close()
		w := &world{t: t, srv: srv, stream: aws.String("orders")}
		w.report.Consumers = []oracle.Consumer{{Name: "app", Table: "app", FailoverTime: failover}}
		w.report.Contents = make(map[oracle.Place][]oracle.UserRecord)
		_, err := srv.Kinesis().CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: w.stream, ShardCount: aws.Int32(1)})
		must(t, err)
		_, err = srv.DynamoDB().CreateTable(t.Context(), &dynamodb.CreateTableInput{
			TableName: aws.String("app"), BillingMode: dynamotypes.BillingModePayPerRequest,
			KeySchema:            []dynamotypes.KeySchemaElement{{AttributeName: aws.String("leaseKey"), KeyType: dynamotypes.KeyTypeHash}},
			AttributeDefinitions: []dynamotypes.AttributeDefinition{{AttributeName: aws.String("leaseKey"), AttributeType: dynamotypes.ScalarAttributeTypeS}},
		})
		must(t, err)
		time.Sleep(time.Minute)
		test(w)
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// put stores a record.
func (w *world) put(key, data string) oracle.Place {
	w.t.Helper()
	out, err := w.srv.Kinesis().PutRecord(w.t.Context(), &kinesis.PutRecordInput{StreamName: w.stream, PartitionKey: &key, Data: []byte(data)})
	must(w.t, err)
	return oracle.Place{Stream: *w.stream, Shard: *out.ShardId, SequenceNumber: *out.SequenceNumber}
}

// split splits the first shard.
func (w *world) split() {
	w.t.Helper()
	_, err := w.srv.Kinesis().SplitShard(w.t.Context(), &kinesis.SplitShardInput{
		StreamName: w.stream, ShardToSplit: aws.String(shard0), NewStartingHashKey: aws.String("100000000000000000000000000000000000000"),
	})
	must(w.t, err)
}

// handle reports positions as handled by a worker just now.
func (w *world) handle(worker string, places ...oracle.Place) {
	for _, p := range places {
		w.report.Handled = append(w.report.Handled, oracle.Handled{Consumer: "app", Worker: worker, Place: p, At: time.Now()})
	}
}

// handleSub reports user records of an aggregate as handled by nobody in particular.
func (w *world) handleSub(p oracle.Place, subs ...int64) {
	for _, s := range subs {
		w.report.Handled = append(w.report.Handled, oracle.Handled{Consumer: "app", Place: p, SubSequence: s, At: time.Now()})
	}
}

// row replaces the lease of the first shard, on behalf of a caller; the attributes come in pairs, counters as numbers.
func (w *world) row(caller string, attributes ...string) {
	w.t.Helper()
	item := map[string]dynamotypes.AttributeValue{"leaseKey": &dynamotypes.AttributeValueMemberS{Value: shard0}}
	for pair := range slices.Chunk(attributes, 2) {
		switch pair[0] {
		case "leaseCounter", "checkpointSubSequenceNumber":
			item[pair[0]] = &dynamotypes.AttributeValueMemberN{Value: pair[1]}
		default:
			item[pair[0]] = &dynamotypes.AttributeValueMemberS{Value: pair[1]}
		}
	}
	_, err := w.srv.As(caller).DynamoDB().PutItem(w.t.Context(), &dynamodb.PutItemInput{TableName: aws.String("app"), Item: item})
	must(w.t, err)
}

// checkpoint writes a checkpoint into the lease, which "a" holds.
func (w *world) checkpoint(sequence string, sub int) {
	w.t.Helper()
	w.row("a", "leaseOwner", "a", "checkpoint", sequence, "checkpointSubSequenceNumber", fmt.Sprint(sub))
}

// judge returns the verdicts.
func (w *world) judge() oracle.Verdicts { return oracle.Check(w.srv.Oracle().History(), w.report) }

// want checks that there are verdicts of exactly these kinds, in this order.
func (w *world) want(kinds ...oracle.Kind) oracle.Verdicts {
	w.t.Helper()
	verdicts := w.judge()
	got := make([]oracle.Kind, len(verdicts))
	for i, v := range verdicts {
		got[i] = v.Kind
		if v.Consumer != "app" {
			w.t.Errorf("verdict about consumer %q", v.Consumer)
		}
	}
	if !slices.Equal(got, kinds) {
		w.t.Fatalf("verdicts %q, want %q\n%s", got, kinds, verdicts)
	}
	return verdicts
}
