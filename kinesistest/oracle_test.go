package kinesistest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/google/go-cmp/cmp"

	"github.com/penstock-go/penstock/kinesistest"
	"github.com/penstock-go/penstock/kinesistest/oracle"
)

func TestWithoutTheOptionThereIsNoOracle(t *testing.T) {
	if log := newRig(t, 1).srv.Oracle(); log != nil {
		t.Error("there is one")
	}
}

func TestTheOracleKnowsWhatWasStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1, kinesistest.WithOracle(0))
		out, err := r.srv.As("writer").Kinesis().PutRecord(t.Context(), &kinesis.PutRecordInput{
			StreamName: r.stream, PartitionKey: aws.String("k"), ExplicitHashKey: aws.String("5"), Data: []byte("data"),
		})
		must(t, err)
		r.srv.Inject(kinesistest.Fault{Operation: "PutRecord", Count: 1, Do: kinesistest.Throttle()})
		if r.try(t.Context(), "refused") == nil {
			t.Error("the fault did not fire")
		}
		r.fill(2)
		records := r.srv.Oracle().History().Records
		if len(records) != 3 {
			t.Fatalf("%d records", len(records))
		}
		if diff := cmp.Diff(oracle.Record{
			Index: 2, // the stream's creation is the first entry
			Place: oracle.Place{Stream: "orders", Shard: shardID(0), SequenceNumber: *out.SequenceNumber},
			Key:   oracle.DigestOf("k"), ExplicitHashKey: "5", Size: 5, Data: oracle.DigestOf("data"), Caller: "writer", Arrival: time.Now(),
		}, records[0]); diff != "" {
			t.Error(diff)
		}
		if records[2].Key != oracle.DigestOf("key-1") || records[2].Data != oracle.DigestOf("1") || records[2].Caller != "" {
			t.Errorf("got %+v", records[2])
		}
	})
}

func TestTheOracleKnowsTheFamilyOfShards(t *testing.T) {
	r := newRig(t, 2, kinesistest.WithOracle(0))
	_, err := r.MergeShards(t.Context(), &kinesis.MergeShardsInput{
		StreamName: r.stream, ShardToMerge: aws.String(shardID(0)), AdjacentShardToMerge: aws.String(shardID(1)),
	})
	must(t, err)
	_, err = r.SplitShard(t.Context(), &kinesis.SplitShardInput{
		StreamName: r.stream, ShardToSplit: aws.String(shardID(2)), NewStartingHashKey: aws.String("100"),
	})
	must(t, err)
	var got []string
	for _, e := range r.srv.Oracle().History().Reshards {
		line := fmt.Sprint(len(e.Parents), ":")
		for _, c := range e.Children {
			line += fmt.Sprintf(" %s(%s %s)", c.ID[18:], strings.TrimPrefix(c.Parent, "shardId-"), strings.TrimPrefix(c.AdjacentParent, "shardId-"))
		}
		got = append(got, line)
	}
	want := []string{"0: 00( ) 01( )", "2: 02(000000000000 000000000001)", "1: 03(000000000002 ) 04(000000000002 )"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	last := r.srv.Oracle().History().Reshards[2].Children
	if last[0].StartingHashKey != "0" || last[0].EndingHashKey != "99" || last[1].StartingHashKey != "100" {
		t.Errorf("got %+v", last)
	}
}

func TestTheOracleKnowsWhatWasRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1, kinesistest.WithOracle(0))
		first, last := r.put("k", "1"), r.put("k", "2")
		next := r.get(r.iterator(shardID(0), types.ShardIteratorTypeTrimHorizon)).NextShardIterator
		r.get(next)
		arn := r.register("reader")
		es, err := subscribeWith(t.Context(), r.srv.As("worker-1").Kinesis(), arn, shardID(0), fromHorizon)
		must(t, err)
		event(es)
		start := time.Now()
		time.Sleep(time.Second)
		must(t, es.Close())
		synctest.Wait()

		h := r.srv.Oracle().History()
		for i := range h.Reads {
			h.Reads[i].Index, h.Reads[i].At = 0, time.Time{}
		}
		whole := oracle.Read{
			Stream: "orders", Shard: shardID(0), First: *first.SequenceNumber, Last: *last.SequenceNumber, Records: 2,
		}
		subscribed := whole
		subscribed.Consumer, subscribed.Caller = *arn, "worker-1"
		if diff := cmp.Diff([]oracle.Read{whole, {Stream: "orders", Shard: shardID(0)}, subscribed}, h.Reads); diff != "" {
			t.Error(diff)
		}
		subs := h.Subscriptions
		if len(subs) != 2 || subs[0].Ended || !subs[1].Ended || !subs[0].At.Equal(start) || subs[1].At.Sub(start) != time.Second ||
			subs[1].Consumer != *arn || subs[1].Caller != "worker-1" || subs[1].Shard != shardID(0) {
			t.Errorf("got %+v", subs)
		}
	})
}

// ownedBy is a lease's row with an owner.
func ownedBy(owner string) map[string]dynamotypes.AttributeValue {
	row := leaseKey("s")
	row["leaseOwner"] = &dynamotypes.AttributeValueMemberS{Value: owner}
	row["leaseCounter"] = &dynamotypes.AttributeValueMemberN{Value: "7"}
	row["childShardIds"] = &dynamotypes.AttributeValueMemberSS{Value: []string{"x"}}
	return row
}

func TestTheOracleKnowsEveryChangeOfARow(t *testing.T) {
	srv := kinesistest.New(kinesistest.WithOracle(0))
	defer srv.Close()
	c := leaseTable(t, srv, "worker-1")
	table := aws.String("app")
	_, err := c.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: table, Item: ownedBy("a")})
	must(t, err)
	_, err = c.PutItem(t.Context(), &dynamodb.PutItemInput{
		TableName: table, Item: ownedBy("thief"), ConditionExpression: aws.String("attribute_not_exists(leaseKey)"),
	})
	wantCode(t, err, "ConditionalCheckFailedException")
	_, err = c.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName: table, Key: leaseKey("s"), UpdateExpression: aws.String("SET leaseOwner = :b REMOVE childShardIds, leaseCounter"),
		ExpressionAttributeValues: map[string]dynamotypes.AttributeValue{":b": &dynamotypes.AttributeValueMemberS{Value: "b"}},
	})
	must(t, err)
	_, err = c.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{TransactItems: []dynamotypes.TransactWriteItem{
		{Delete: &dynamotypes.Delete{TableName: table, Key: leaseKey("s")}},
	}})
	must(t, err)
	_, err = srv.DynamoDB().DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: table, Key: leaseKey("s")})
	must(t, err) // of what is not there: no change
	_, err = srv.DynamoDB().BatchWriteItem(t.Context(), &dynamodb.BatchWriteItemInput{RequestItems: map[string][]dynamotypes.WriteRequest{
		"app": {{PutRequest: &dynamotypes.PutRequest{Item: leaseKey("t")}}},
	}})
	must(t, err)

	_, err = c.BatchExecuteStatement(t.Context(), &dynamodb.BatchExecuteStatementInput{Statements: []dynamotypes.BatchStatementRequest{
		{Statement: aws.String(`UPDATE app SET leaseOwner = 'a' WHERE leaseKey = 't' AND leaseOwner IS MISSING`)},
		{Statement: aws.String(`UPDATE app SET leaseOwner = 'a' WHERE leaseKey = 's'`)}, // which is not there: no change
	}})
	must(t, err)

	writes := srv.Oracle().History().RowWrites
	for i := range writes {
		if time.Since(writes[i].At) > time.Minute {
			t.Errorf("write %d at %s", i, writes[i].At)
		}
		writes[i].At = time.Time{}
	}
	a := oracle.Row{"leaseKey": "s", "leaseOwner": "a", "leaseCounter": "7", "childShardIds": `{"SS":["x"]}`}
	b := oracle.Row{"leaseKey": "s", "leaseOwner": "b"}
	if diff := cmp.Diff([]oracle.RowWrite{
		{Index: 1, Table: "app", Key: "s", Caller: "worker-1", After: a},
		{Index: 2, Table: "app", Key: "s", Caller: "worker-1", Before: a, After: b},
		{Index: 3, Table: "app", Key: "s", Caller: "worker-1", Before: b},
		{Index: 4, Table: "app", Key: "t", After: oracle.Row{"leaseKey": "t"}},
		{Index: 5, Table: "app", Key: "t", Caller: "worker-1", Before: oracle.Row{"leaseKey": "t"}, After: oracle.Row{"leaseKey": "t", "leaseOwner": "a"}},
	}, writes); diff != "" {
		t.Error(diff)
	}
}

func TestADumpReadsBackAndTellsNoSecrets(t *testing.T) {
	r := newRig(t, 1, kinesistest.WithOracle(0))
	r.put("secret-key", "secret-data")
	r.get(r.iterator(shardID(0), types.ShardIteratorTypeTrimHorizon))
	var dump bytes.Buffer
	must(t, r.srv.Oracle().WriteJSON(&dump))
	if strings.Contains(dump.String(), "secret") {
		t.Errorf("the dump is %s", &dump)
	}
	var back oracle.History
	must(t, json.Unmarshal(dump.Bytes(), &back))
	// What is read back has no location that cmp would have to agree about.
	if diff := cmp.Diff(r.srv.Oracle().History(), back, cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) })); diff != "" {
		t.Error(diff)
	}
	if len(back.Records) != 1 || len(back.Reads) != 1 {
		t.Errorf("got %+v", back)
	}
}

func TestABoundedOracleKeepsTheNewest(t *testing.T) {
	r := newRig(t, 1, kinesistest.WithOracle(3))
	var want []string
	for i := range 20 {
		want = append(want, *r.put("k", fmt.Sprint(i)).SequenceNumber)
		h := r.srv.Oracle().History()
		var got []string
		for _, rec := range h.Records {
			got = append(got, rec.SequenceNumber)
		}
		if !slices.Equal(got, want[max(0, len(want)-3):]) || h.Forgotten != (oracle.Forgotten{Records: max(0, i-2)}) || len(h.Reshards) != 1 {
			t.Fatalf("after %d records: %d kept, %+v forgotten, %d reshards", i+1, len(got), h.Forgotten, len(h.Reshards))
		}
	}
}

func TestTheOracleKeepsTheOrderOfAShardUnderLoad(t *testing.T) {
	r := newRig(t, 4, kinesistest.WithOracle(0))
	var writers sync.WaitGroup
	for range 4 {
		writers.Go(func() { r.fill(1000) })
	}
	writers.Wait()
	h := r.srv.Oracle().History()
	last := make(map[string]string)
	for _, rec := range h.Records {
		if rec.SequenceNumber <= last[rec.Shard] { // all have one length
			t.Fatalf("%s comes after %s", rec.SequenceNumber, last[rec.Shard])
		}
		last[rec.Shard] = rec.SequenceNumber
	}
	if len(h.Records) != 4000 {
		t.Errorf("%d records", len(h.Records))
	}
}
