package dynamo_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go/document"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/penstock-go/penstock/checkpoint"
	"github.com/penstock-go/penstock/kinesistest"
	"github.com/penstock-go/penstock/leases"
	"github.com/penstock-go/penstock/leases/dynamo"
	"github.com/penstock-go/penstock/leases/internal/seal"
	"github.com/penstock-go/penstock/leases/leasestest"
)

const table = "orders-reader"

// server starts an emulator for one test.
func server(t *testing.T, opts ...kinesistest.Option) *dynamodb.Client {
	t.Helper()
	s := kinesistest.New(opts...)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s.DynamoDB()
}

func open(t *testing.T, api dynamo.API) *dynamo.Store {
	t.Helper()
	store, err := dynamo.New(dynamo.Config{API: api, Table: table})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func prepared(t *testing.T, api dynamo.API) *dynamo.Store {
	t.Helper()
	store := open(t, api)
	if err := store.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	return store
}

func TestConformance(t *testing.T) {
	leasestest.Run(t, func(t *testing.T) leases.Store { return open(t, server(t)) })
}

func TestConformanceWithSmallPagesAndBareConflicts(t *testing.T) {
	leasestest.Run(t, func(t *testing.T) leases.Store { return open(t, austere{server(t)}) })
}

// austere is a server that pages after seven rows and does not send the row with a failed condition.
type austere struct{ *dynamodb.Client }

func (a austere) BatchExecuteStatement(ctx context.Context, in *dynamodb.BatchExecuteStatementInput, opts ...func(*dynamodb.Options)) (*dynamodb.BatchExecuteStatementOutput, error) {
	out, err := a.Client.BatchExecuteStatement(ctx, in, opts...)
	if err != nil {
		return nil, err
	}
	for i := range out.Responses {
		if e := out.Responses[i].Error; e != nil {
			e.Item = nil
		}
	}
	return out, nil
}

func (a austere) Scan(ctx context.Context, in *dynamodb.ScanInput, opts ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error) {
	in.Limit = aws.Int32(7)
	return a.Client.Scan(ctx, in, opts...)
}

func (a austere) Query(ctx context.Context, in *dynamodb.QueryInput, opts ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	in.Limit = aws.Int32(7)
	return a.Client.Query(ctx, in, opts...)
}

func (a austere) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	out, err := a.Client.UpdateItem(ctx, in, opts...)
	if failed := (*types.ConditionalCheckFailedException)(nil); errors.As(err, &failed) {
		failed.Item = nil
	}
	return out, err
}

func text(s string) types.AttributeValue     { return &types.AttributeValueMemberS{Value: s} }
func number(n string) types.AttributeValue   { return &types.AttributeValueMemberN{Value: n} }
func set(all ...string) types.AttributeValue { return &types.AttributeValueMemberSS{Value: all} }
func put(t *testing.T, api *dynamodb.Client, row map[string]types.AttributeValue) {
	t.Helper()
	if _, err := api.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String(table), Item: row}); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, api *dynamodb.Client, key string) map[string]types.AttributeValue {
	t.Helper()
	out, err := api.GetItem(t.Context(), &dynamodb.GetItemInput{
		TableName: aws.String(table), ConsistentRead: aws.Bool(true), Key: map[string]types.AttributeValue{"leaseKey": text(key)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.Item
}

// The names and types are those of the Java library 3.5, so they are spelled out here once more.
func TestARowIsCreatedInTheLayoutOfTheKCL(t *testing.T) {
	api := server(t)
	store := prepared(t, api)
	p, err := checkpoint.At("4959", 2)
	if err != nil {
		t.Fatal(err)
	}
	l := leases.Lease{
		Key: "123456789012:orders:1700000000:shardId-000000000003", Stream: "123456789012:orders:1700000000", ShardID: "shardId-000000000003",
		Owner: "w", CheckpointOwner: "v", Counter: 7, Checkpoint: p, StartAt: time.UnixMilli(1_700_000_000_123), OwnerSwitches: 1,
		Parents: []string{"shardId-000000000001"}, Children: []string{"shardId-000000000005", "shardId-000000000006"},
		StartingHashKey: "0", EndingHashKey: "99", ThroughputKBps: 1.5,
	}
	if _, err := store.Create(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	want := map[string]types.AttributeValue{
		"leaseKey": text(l.Key), "entityType": text("LEASE"), "leaseOwner": text("w"), "checkpointOwner": text("v"), "leaseCounter": number("7"),
		"checkpoint": text("4959"), "checkpointSubSequenceNumber": number("2"), "ownerSwitchesSinceCheckpoint": number("1"),
		"parentShardId": set("shardId-000000000001"), "childShardIds": set("shardId-000000000005", "shardId-000000000006"),
		"startingHashKey": text("0"), "endingHashKey": text("99"), "streamName": text("123456789012:orders:1700000000"),
		"shardId": text("shardId-000000000003"), "throughputKBps": number("1.5"), "startAt": number("1700000000123"),
	}
	expectRow(t, get(t, api, l.Key), want)

	if _, err := store.Create(t.Context(), leases.Lease{Key: "shardId-000000000009", ShardID: "shardId-000000000009"}); err != nil {
		t.Fatal(err)
	}
	expectRow(t, get(t, api, "shardId-000000000009"), map[string]types.AttributeValue{
		"leaseKey": text("shardId-000000000009"), "entityType": text("LEASE"), "leaseCounter": number("0"), "checkpoint": text("TRIM_HORIZON"),
		"checkpointSubSequenceNumber": number("0"), "ownerSwitchesSinceCheckpoint": number("0"),
	})
}

func expectRow(t *testing.T, got, want map[string]types.AttributeValue) {
	t.Helper()
	names := slices.Sorted(maps.Keys(got))
	if expected := slices.Sorted(maps.Keys(want)); !slices.Equal(names, expected) {
		t.Fatalf("attributes %v, want %v", names, expected)
	}
	for name, value := range want {
		if !equal(got[name], value) {
			t.Errorf("%s = %#v, want %#v", name, got[name], value)
		}
	}
}

// equal compares two values; sets of strings come in any order.
func equal(a, b types.AttributeValue) bool {
	return cmp.Diff(a, b, cmpopts.IgnoreTypes(document.NoSerde{}), cmpopts.EquateEmpty(),
		cmp.Transformer("sorted", func(s types.AttributeValueMemberSS) []string { return slices.Sorted(slices.Values(s.Value)) })) == ""
}

func TestWritesKeepUnknownAttributesAndDropAPreparedCheckpoint(t *testing.T) {
	api := server(t)
	store := prepared(t, api)
	put(t, api, map[string]types.AttributeValue{
		"leaseKey": text("shardId-1"), "leaseCounter": number("3"), "checkpoint": text("LATEST"), "leaseOwner": text("java"),
		"pendingCheckpoint": text("5"), "pendingCheckpointSubSequenceNumber": number("0"),
		"pendingCheckpointState": &types.AttributeValueMemberB{Value: []byte("x")}, "somethingNew": text("keep me"),
	})
	p, err := checkpoint.At("6", 0)
	if err != nil {
		t.Fatal(err)
	}
	w := leases.NewWrite(seal.Cut(), "shardId-1", leases.Condition{Counter: leases.Exactly[int64](3)},
		leases.Change{NextCounter: true, Checkpoint: leases.Exactly(p)})
	if _, err := store.Write(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	expectRow(t, get(t, api, "shardId-1"), map[string]types.AttributeValue{
		"leaseKey": text("shardId-1"), "leaseCounter": number("4"), "checkpoint": text("6"), "checkpointSubSequenceNumber": number("0"),
		"ownerSwitchesSinceCheckpoint": number("0"), "leaseOwner": text("java"), "somethingNew": text("keep me"),
	})
}

func TestForeignRowsAreSkippedAndDamagedOnesReported(t *testing.T) {
	api := server(t)
	store := prepared(t, api)
	good := func(key string, extra map[string]types.AttributeValue) map[string]types.AttributeValue {
		row := map[string]types.AttributeValue{"leaseKey": text(key), "leaseCounter": number("0"), "checkpoint": text("TRIM_HORIZON")}
		maps.Copy(row, extra)
		return row
	}
	put(t, api, good("shardId-good", nil))
	put(t, api, good("shardId-half-range", map[string]types.AttributeValue{"startingHashKey": text("5")}))
	put(t, api, map[string]types.AttributeValue{"leaseKey": text("Leader"), "entityType": text("LEADER"), "leaseDuration": text("120000")})
	put(t, api, map[string]types.AttributeValue{"leaseKey": text("worker-7"), "entityType": text("WORKER_METRIC_STATS"), "lut": number("1")})
	damaged := map[string]map[string]types.AttributeValue{
		"leaseCounter":                 {"leaseKey": text("d1"), "checkpoint": text("LATEST")},
		"checkpoint":                   {"leaseKey": text("d2"), "leaseCounter": number("1")},
		"leaseOwner":                   good("d3", map[string]types.AttributeValue{"leaseOwner": set("a", "b"), "checkpoint": text("LATEST")}),
		"parentShardId":                good("d4", map[string]types.AttributeValue{"parentShardId": text("shardId-0")}),
		"startingHashKey":              good("d5", map[string]types.AttributeValue{"startingHashKey": text("9"), "endingHashKey": text("8")}),
		"startAt":                      good("d6", map[string]types.AttributeValue{"startAt": text("yesterday")}),
		"throughputKBps":               good("d7", map[string]types.AttributeValue{"throughputKBps": text("fast")}),
		"ownerSwitchesSinceCheckpoint": good("d8", map[string]types.AttributeValue{"ownerSwitchesSinceCheckpoint": number("1.5")}),
	}
	for attribute, row := range damaged {
		if attribute == "leaseOwner" {
			continue // the index key: the service itself refuses other types
		}
		put(t, api, row)
	}
	put(t, api, good("d9", map[string]types.AttributeValue{"checkpoint": text("secret-looking-text")}))

	s, err := store.Scan(t.Context())
	if err != nil || len(s.Leases) != 2 {
		t.Errorf("Scan = %+v, %v", s.Leases, err)
	}
	reported := map[string]string{}
	for _, d := range s.Damaged {
		reported[d.Key] = d.Attribute
		if !errors.Is(&d, leases.ErrDamaged) || strings.Contains(d.Error(), "secret") || strings.Contains(d.Error(), "yesterday") {
			t.Errorf("damage is told as %v", &d)
		}
	}
	want := map[string]string{"d1": "leaseCounter", "d2": "checkpoint", "d4": "parentShardId", "d5": "startingHashKey", "d6": "startAt",
		"d7": "throughputKBps", "d8": "ownerSwitchesSinceCheckpoint", "d9": "checkpoint"}
	if !maps.Equal(reported, want) {
		t.Errorf("damaged: %v", reported)
	}
	if _, err := store.Get(t.Context(), "d6"); !errors.Is(err, leases.ErrDamaged) {
		t.Errorf("Get of a damaged row: %v", err)
	}
	if _, err := store.Get(t.Context(), "Leader"); !errors.Is(err, leases.ErrNotFound) {
		t.Errorf("Get of another kind of row: %v", err)
	}
}

func TestAFleetSharesADynamoDBTable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := server(t, kinesistest.WithTransitionTime(3*time.Second))
		store := prepared(t, api)
		for _, key := range []string{"shardId-1", "shardId-2", "shardId-3", "shardId-4"} {
			if _, err := store.Create(t.Context(), leases.Lease{Key: key}); err != nil {
				t.Fatal(err)
			}
		}
		put(t, api, map[string]types.AttributeValue{"leaseKey": text("shardId-damaged")})
		ctx, stop := context.WithCancel(t.Context())
		returned := make(chan error, 2)
		run := func(name string) {
			c, err := leases.New(leases.Config{Store: store, Worker: name, Work: func(h *leases.Held) { <-h.Draining() },
				Hooks: leases.Hooks{Scanned: func(s leases.Snapshot, _ leases.Planned) {
					if len(s.Damaged) != 1 || s.Damaged[0].Key != "shardId-damaged" {
						t.Errorf("damaged: %v", s.Damaged)
					}
				}}})
			if err != nil {
				t.Fatal(err)
			}
			go func() { returned <- c.Run(ctx) }()
		}
		run("one")
		time.Sleep(10 * time.Second)
		run("two")
		time.Sleep(10 * time.Second)
		for _, name := range []string{"one", "two"} {
			if keys, err := store.KeysOf(t.Context(), name); err != nil || len(keys) != 2 {
				t.Errorf("%s has %v, %v", name, keys, err)
			}
		}
		stop()
		for range 2 {
			if err := <-returned; err != nil {
				t.Error(err)
			}
		}
	})
}
