package kinesistest_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/penstock-go/penstock/kinesistest"
)

// A tableRig is a server with one client and one table of leases.
type tableRig struct {
	*dynamodb.Client
	t     *testing.T
	srv   *kinesistest.Server
	table *string
}

// withTable runs a test in a bubble with a table whose partition key is leaseKey.
func withTable(t *testing.T, test func(t *testing.T, r *tableRig), opts ...kinesistest.Option) {
	synctest.Test(t, func(t *testing.T) {
		srv := kinesistest.New(opts...)
		defer srv.Close()
		once := func(o *dynamodb.Options) { o.Retryer = aws.NopRetryer{} }
		r := &tableRig{dynamodb.New(srv.DynamoDB().Options(), once), t, srv, aws.String("leases")}
		_, err := r.CreateTable(t.Context(), &dynamodb.CreateTableInput{
			TableName: r.table, BillingMode: types.BillingModePayPerRequest,
			AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("leaseKey"), AttributeType: "S"}},
			KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("leaseKey"), KeyType: "HASH"}},
		})
		must(t, err)
		test(t, r)
	})
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func (r *tableRig) put(key string) error {
	_, err := r.PutItem(r.t.Context(), &dynamodb.PutItemInput{
		TableName: r.table, Item: map[string]types.AttributeValue{"leaseKey": text(key), "leaseOwner": text("worker")},
	})
	return err
}

// count returns how many items a scan sees.
func (r *tableRig) count(consistent bool) int {
	r.t.Helper()
	out, err := r.Scan(r.t.Context(), &dynamodb.ScanInput{TableName: r.table, ConsistentRead: &consistent})
	must(r.t, err)
	return int(out.Count)
}

func TestReadsLagIfTheyAreToldTo(t *testing.T) {
	withTable(t, func(t *testing.T, r *tableRig) {
		must(t, r.put("shard-0"))
		if stale, fresh := r.count(false), r.count(true); stale != 0 || fresh != 1 {
			t.Errorf("sees %d, and consistently %d", stale, fresh)
		}
		time.Sleep(2 * time.Second)
		if got := r.count(false); got != 1 {
			t.Errorf("sees %d in the end", got)
		}
	}, kinesistest.WithReadLag(2*time.Second))
}

func TestAnAddedIndexIsCreatingWhileItIsFilled(t *testing.T) {
	withTable(t, func(t *testing.T, r *tableRig) {
		time.Sleep(time.Minute) // the table is ACTIVE
		must(t, r.put("shard-0"))
		_, err := r.UpdateTable(t.Context(), &dynamodb.UpdateTableInput{
			TableName: r.table, AttributeDefinitions: []types.AttributeDefinition{
				{AttributeName: aws.String("leaseKey"), AttributeType: "S"}, {AttributeName: aws.String("leaseOwner"), AttributeType: "S"},
			},
			GlobalSecondaryIndexUpdates: []types.GlobalSecondaryIndexUpdate{{Create: &types.CreateGlobalSecondaryIndexAction{
				IndexName: aws.String("by-owner"), Projection: &types.Projection{ProjectionType: types.ProjectionTypeAll},
				KeySchema: []types.KeySchemaElement{{AttributeName: aws.String("leaseOwner"), KeyType: "HASH"}},
			}}},
		})
		must(t, err)
		index := func() types.GlobalSecondaryIndexDescription {
			out, err := r.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: r.table})
			must(t, err)
			return out.Table.GlobalSecondaryIndexes[0]
		}
		query := func() (*dynamodb.QueryOutput, error) {
			return r.Query(t.Context(), &dynamodb.QueryInput{
				TableName: r.table, IndexName: aws.String("by-owner"), KeyConditionExpression: aws.String("leaseOwner = :w"),
				ExpressionAttributeValues: map[string]types.AttributeValue{":w": text("worker")},
			})
		}
		time.Sleep(2 * time.Minute)
		if got := index(); got.IndexStatus != types.IndexStatusCreating || !aws.ToBool(got.Backfilling) {
			t.Errorf("%s, filled: %v", got.IndexStatus, got.Backfilling)
		}
		_, err = query()
		wantCode(t, err, "ValidationException")
		time.Sleep(time.Hour)
		if got := index().IndexStatus; got != types.IndexStatusActive {
			t.Errorf("in the end it is %s", got)
		}
		out, err := query()
		must(t, err)
		if out.Count != 1 {
			t.Errorf("finds %d", out.Count)
		}
	}, kinesistest.WithTransitionTime(time.Minute), kinesistest.WithBackfillTime(time.Hour))
}

func TestTablesThrottleIfTheyAreToldTo(t *testing.T) {
	withTable(t, func(t *testing.T, r *tableRig) {
		for i := range 50 {
			must(t, r.put(fmt.Sprint(i)))
		}
		if _, writes := r.srv.ConsumedCapacity("leases"); writes != 50 {
			t.Errorf("%v write units", writes)
		}
		r.srv.SetTableLimits(kinesistest.TableLimits{OnDemandWrites: 10})
		passed := 0
		var err error
		for ; err == nil; passed++ {
			err = r.put("again")
		}
		wantCode(t, err, "ThrottlingException")
		if passed != 11 {
			t.Errorf("%d passed", passed-1)
		}
		time.Sleep(time.Second)
		must(t, r.put("later"))
		r.srv.SetTableLimits(kinesistest.TableLimits{})
		for range 50 {
			must(t, r.put("unlimited"))
		}
	})
}

func TestItemsExpireWithADelayIfTheyAreToldTo(t *testing.T) {
	withTable(t, func(t *testing.T, r *tableRig) {
		_, err := r.UpdateTimeToLive(t.Context(), &dynamodb.UpdateTimeToLiveInput{
			TableName: r.table, TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: aws.String("until"), Enabled: aws.Bool(true)},
		})
		must(t, err)
		_, err = r.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: r.table, Item: map[string]types.AttributeValue{
			"leaseKey": text("shard-0"), "until": &types.AttributeValueMemberN{Value: fmt.Sprint(time.Now().Add(time.Minute).Unix())},
		}})
		must(t, err)
		time.Sleep(time.Hour)
		if got := r.count(true); got != 1 {
			t.Errorf("%d items before the delay is over", got)
		}
		time.Sleep(24 * time.Hour)
		if got := r.count(true); got != 0 {
			t.Errorf("%d items after it", got)
		}
	}, kinesistest.WithExpiryDelay(24*time.Hour))
}
