package dynamodb

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// provisionedTable makes a database with a table of 5 read and 2 write units.
func provisionedTable(t *testing.T, limits Throttling) (*DB, *sdk.Client) {
	t.Helper()
	db := New(Options{AccountID: "1", Region: "r"})
	db.Throttle(limits)
	t.Cleanup(db.Close)
	c := clientOf(db)
	in := onDemandTable("app")
	in.BillingMode, in.ProvisionedThroughput = types.BillingModeProvisioned, provisioned(5, 2)
	must[*sdk.CreateTableOutput](t)(c.CreateTable(t.Context(), in))
	return db, c
}

func tryPut(t *testing.T, c *sdk.Client) error {
	t.Helper()
	_, err := c.PutItem(t.Context(), &sdk.PutItemInput{TableName: aws.String("app"), Item: keyOf("x")})
	return err
}

// passing returns how many puts pass until one is refused with code.
func passing(t *testing.T, c *sdk.Client, code string) int {
	t.Helper()
	for n := 0; ; n++ {
		if err := tryPut(t, c); err != nil {
			refused(t, err, code, "")
			return n
		}
	}
}

const exceeded = "ProvisionedThroughputExceededException"

func TestProvisionedTableTakesItsRateAndFiveMinutesOfUnusedCapacity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := provisionedTable(t, Throttling{Provisioned: true})
		same(t, passing(t, c, exceeded), 2)
		time.Sleep(time.Second)
		same(t, passing(t, c, exceeded), 2)
		time.Sleep(time.Minute)
		same(t, passing(t, c, exceeded), 120)
		time.Sleep(time.Hour)
		same(t, passing(t, c, exceeded), 600)
	})
}

func TestDebtIsPaidBeforeTheNextRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, c := provisionedTable(t, Throttling{})
		put(t, c, "app", sized(40<<10))
		db.Throttle(Throttling{Provisioned: true})
		read := func() error {
			_, err := c.GetItem(t.Context(), &sdk.GetItemInput{TableName: aws.String("app"), Key: keyOf("x"), ConsistentRead: aws.Bool(true)})
			return err
		}
		if err := read(); err != nil { // takes 10 units of 5
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		refused(t, read(), exceeded, "")
		time.Sleep(time.Second)
		if err := read(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestThrottlingIsSwitchedOnAndOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, c := provisionedTable(t, Throttling{})
		for range 100 {
			if err := tryPut(t, c); err != nil {
				t.Fatal(err)
			}
		}
		db.Throttle(Throttling{Provisioned: true})
		same(t, passing(t, c, exceeded), 2)
		db.Throttle(Throttling{})
		if err := tryPut(t, c); err != nil {
			t.Fatal(err)
		}
	})
}

func TestOnDemandTableThrottlesWhenItIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := New(Options{AccountID: "1", Region: "r"})
		defer db.Close()
		c := clientOf(db)
		createTable(t, c, "app")
		db.Throttle(Throttling{OnDemandWrites: 3})
		same(t, passing(t, c, "ThrottlingException"), 3)
		db.Throttle(Throttling{OnDemandWrites: 3, OnDemandCode: "RequestLimitExceeded"})
		same(t, passing(t, c, "RequestLimitExceeded"), 0)
		time.Sleep(time.Second)
		same(t, passing(t, c, "RequestLimitExceeded"), 3)
		db.Throttle(Throttling{OnDemandReads: 1})
		get(t, c, "app", keyOf("x")) // half a unit
		get(t, c, "app", keyOf("x"))
		_, err := c.Scan(t.Context(), &sdk.ScanInput{TableName: aws.String("app")})
		refused(t, err, "ThrottlingException", "")
		_, err = c.TransactWriteItems(t.Context(), &sdk.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{increment("app", "y")}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.TransactGetItems(t.Context(), &sdk.TransactGetItemsInput{
			TransactItems: []types.TransactGetItem{{Get: &types.Get{TableName: aws.String("app"), Key: keyOf("x")}}},
		})
		same(t, codes(t, err), []string{"ThrottlingError"})
	})
}

func TestWriteWaitsForItsIndex(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, c := provisionedTable(t, Throttling{})
		must[*sdk.UpdateTableOutput](t)(c.UpdateTable(t.Context(), &sdk.UpdateTableInput{
			TableName: aws.String("app"), AttributeDefinitions: []types.AttributeDefinition{definition("owner", types.ScalarAttributeTypeS)},
			GlobalSecondaryIndexUpdates: []types.GlobalSecondaryIndexUpdate{{Create: &types.CreateGlobalSecondaryIndexAction{
				IndexName: aws.String("byOwner"), KeySchema: keySchema("owner"), ProvisionedThroughput: provisioned(1, 1),
				Projection: &types.Projection{ProjectionType: types.ProjectionTypeAll},
			}}},
		}))
		db.Throttle(Throttling{Provisioned: true})
		put(t, c, "app", item{"pk": str("a"), "owner": str("me")})
		_, err := c.PutItem(t.Context(), &sdk.PutItemInput{TableName: aws.String("app"), Item: item{"pk": str("b"), "owner": str("me")}})
		refused(t, err, exceeded, "")
		if err := tryPut(t, c); err != nil { // not in the index
			t.Fatal(err)
		}
	})
}

func TestBatchHandsBackWhatIsThrottled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := provisionedTable(t, Throttling{Provisioned: true})
		var writes []types.WriteRequest
		keys := types.KeysAndAttributes{ConsistentRead: aws.Bool(true)}
		for i := range 10 {
			key := keyOf(fmt.Sprint(i))
			writes = append(writes, types.WriteRequest{PutRequest: &types.PutRequest{Item: key}})
			keys.Keys = append(keys.Keys, key)
		}
		in := &sdk.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{"app": writes}}
		out := must[*sdk.BatchWriteItemOutput](t)(c.BatchWriteItem(t.Context(), in))
		same(t, len(out.UnprocessedItems["app"]), 8)
		in.RequestItems = out.UnprocessedItems
		_, err := c.BatchWriteItem(t.Context(), in)
		refused(t, err, exceeded, "")
		time.Sleep(4 * time.Second)
		same(t, len(must[*sdk.BatchWriteItemOutput](t)(c.BatchWriteItem(t.Context(), in)).UnprocessedItems), 0)

		read := &sdk.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{"app": keys}}
		got := must[*sdk.BatchGetItemOutput](t)(c.BatchGetItem(t.Context(), read))
		same(t, len(got.Responses["app"]), 5)
		same(t, len(got.UnprocessedKeys["app"].Keys), 5)
		_, err = c.BatchGetItem(t.Context(), read)
		refused(t, err, exceeded, "")
	})
}

func TestConsumedUnitsAreCounted(t *testing.T) {
	db := New(Options{AccountID: "1", Region: "r"})
	defer db.Close()
	c := clientOf(db)
	createLeaseTable(t, c)
	addOwnerIndex(t, c)
	put(t, c, "app", item{"leaseKey": str("a"), "leaseOwner": str("me")}) // table and index
	put(t, c, "app", item{"leaseKey": str("b")})
	_, err := c.DeleteItem(t.Context(), &sdk.DeleteItemInput{
		TableName: aws.String("app"), Key: item{"leaseKey": str("a")}, ConditionExpression: aws.String("attribute_exists(x)"),
	})
	refused(t, err, "ConditionalCheckFailedException", "") // costs a write too
	get(t, c, "app", item{"leaseKey": str("a")})
	ownedBy(t, c, "me")
	reads, writes := db.Consumed("app")
	same(t, []float64{reads, writes}, []float64{1, 4})
	reads, writes = db.Consumed("none")
	same(t, []float64{reads, writes}, []float64{0, 0})
}
