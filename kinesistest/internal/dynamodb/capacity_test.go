package dynamodb

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// sized returns an item of exactly size bytes whose key is x.
func sized(size int) item {
	return item{"pk": str("x"), "d": str(strings.Repeat("d", size-len("pkxd")))}
}

func TestWritesCostAUnitForEachKilobyteOfTheLargerItem(t *testing.T) {
	c := newClient(t, Options{})
	createTable(t, c, "app")
	for _, test := range []struct {
		size int
		want float64
	}{{10, 1}, {1024, 1}, {1025, 2}, {3 << 10, 3}, {100, 3}, {100, 1}} {
		out := must[*sdk.PutItemOutput](t)(c.PutItem(t.Context(), &sdk.PutItemInput{
			TableName: aws.String("app"), Item: sized(test.size), ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
		}))
		same(t, *out.ConsumedCapacity.CapacityUnits, test.want)
	}
	put(t, c, "app", sized(5000))
	deleteItem := func() float64 {
		return *must[*sdk.DeleteItemOutput](t)(c.DeleteItem(t.Context(), &sdk.DeleteItemInput{
			TableName: aws.String("app"), Key: item{"pk": str("x")}, ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
		})).ConsumedCapacity.CapacityUnits
	}
	same(t, []float64{deleteItem(), deleteItem()}, []float64{5, 1})
}

func TestReadsCostAUnitForEachFourKilobytesAndHalfOfThatWithoutConsistency(t *testing.T) {
	c := newClient(t, Options{})
	createTable(t, c, "app")
	read := func(consistent bool) float64 {
		return *must[*sdk.GetItemOutput](t)(c.GetItem(t.Context(), &sdk.GetItemInput{
			TableName: aws.String("app"), Key: item{"pk": str("x")}, ConsistentRead: &consistent,
			ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
		})).ConsumedCapacity.CapacityUnits
	}
	same(t, []float64{read(true), read(false)}, []float64{1, 0.5})
	put(t, c, "app", sized(4096))
	same(t, []float64{read(true), read(false)}, []float64{1, 0.5})
	put(t, c, "app", sized(4097))
	same(t, []float64{read(true), read(false)}, []float64{2, 1})
}

func TestScanCostsTheSumOfWhatItReads(t *testing.T) {
	c := newClient(t, Options{})
	createTable(t, c, "app")
	scan := func(consistent bool) float64 {
		return *must[*sdk.ScanOutput](t)(c.Scan(t.Context(), &sdk.ScanInput{
			TableName: aws.String("app"), ConsistentRead: &consistent, ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
			FilterExpression: aws.String("attribute_not_exists(pk)"),
		})).ConsumedCapacity.CapacityUnits
	}
	same(t, []float64{scan(true), scan(false)}, []float64{1, 0.5})
	fill(t, c, "app", 1000)
	// A thousand items of nine to eleven bytes.
	same(t, []float64{scan(true), scan(false)}, []float64{3, 1.5})
}

func TestIndexesCostTheirOwnWrites(t *testing.T) {
	c := newClient(t, Options{})
	indexed(t, c)
	write := func(it item) map[string]float64 {
		t.Helper()
		it["pk"] = str("a")
		out := must[*sdk.PutItemOutput](t)(c.PutItem(t.Context(), &sdk.PutItemInput{
			TableName: aws.String("app"), Item: it, ReturnConsumedCapacity: types.ReturnConsumedCapacityIndexes,
		})).ConsumedCapacity
		units := map[string]float64{"table": *out.Table.CapacityUnits, "sum": *out.CapacityUnits}
		for name, x := range out.GlobalSecondaryIndexes {
			units[name] = *x.CapacityUnits
		}
		return units
	}
	big := strings.Repeat("x", 1500)
	for _, test := range []struct {
		what string
		it   item
		want map[string]float64
	}{
		{"no index key", item{"more": str("1")}, map[string]float64{"table": 1, "sum": 1}},
		{"appears", item{"owner": str("me"), "rank": num("1")}, map[string]float64{"table": 1, "all": 1, "keys": 1, "some": 1, "sum": 4}},
		{"nothing changes", item{"owner": str("me"), "rank": num("1")}, map[string]float64{"table": 1, "sum": 1}},
		{"a change that one index copies", item{"owner": str("me"), "rank": num("1"), "more": str(big)},
			map[string]float64{"table": 2, "all": 2, "sum": 4}},
		{"another key of one index", item{"owner": str("me"), "rank": num("2"), "more": str(big)},
			map[string]float64{"table": 2, "all": 2, "some": 2, "sum": 6}},
		{"another key of all", item{"owner": str("you"), "rank": num("2"), "more": str(big)},
			map[string]float64{"table": 2, "all": 4, "keys": 2, "some": 2, "sum": 10}},
		{"disappears", item{"rank": num("2")}, map[string]float64{"table": 2, "all": 2, "keys": 1, "some": 1, "sum": 6}},
	} {
		t.Log(test.what)
		same(t, write(test.it), test.want)
	}
}

func TestQueryOfAnIndexCostsTheIndex(t *testing.T) {
	c := newClient(t, Options{})
	indexed(t, c)
	put(t, c, "app", item{"pk": str("a"), "owner": str("me"), "more": str(strings.Repeat("x", 9000))})
	query := func(index, detail string) *types.ConsumedCapacity {
		return must[*sdk.QueryOutput](t)(c.Query(t.Context(), &sdk.QueryInput{
			TableName: aws.String("app"), IndexName: &index, KeyConditionExpression: aws.String("#o = :me"),
			ExpressionAttributeNames: map[string]string{"#o": "owner"}, ExpressionAttributeValues: item{":me": str("me")},
			ReturnConsumedCapacity: types.ReturnConsumedCapacity(detail),
		})).ConsumedCapacity
	}
	same(t, *query("keys", "TOTAL").CapacityUnits, 0.5)
	all := query("all", "INDEXES")
	same(t, []float64{*all.CapacityUnits, *all.Table.CapacityUnits, *all.GlobalSecondaryIndexes["all"].CapacityUnits}, []float64{1.5, 0, 1.5})
	if query("all", "NONE") != nil {
		t.Fatal("capacity was reported though nobody asked")
	}
}
