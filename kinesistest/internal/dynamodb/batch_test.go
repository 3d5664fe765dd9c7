package dynamodb

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/attribute"
)

func putRequest(it item) types.WriteRequest {
	return types.WriteRequest{PutRequest: &types.PutRequest{Item: it}}
}

func deleteRequest(key item) types.WriteRequest {
	return types.WriteRequest{DeleteRequest: &types.DeleteRequest{Key: key}}
}

func TestBatchWritesAndReadsSeveralTables(t *testing.T) {
	c := newClient(t, Options{})
	createTable(t, c, "one")
	createTable(t, c, "two", sortKey(types.ScalarAttributeTypeN))
	put(t, c, "one", item{"pk": str("old")})
	written := must[*sdk.BatchWriteItemOutput](t)(c.BatchWriteItem(t.Context(), &sdk.BatchWriteItemInput{
		RequestItems: map[string][]types.WriteRequest{
			"one": {putRequest(item{"pk": str("a"), "v": num("1"), "w": num("2")}), deleteRequest(item{"pk": str("old")})},
			"two": {putRequest(item{"pk": str("a"), "sk": num("1")}), putRequest(item{"pk": str("a"), "sk": num("2")})},
		},
		ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
	}))
	same(t, len(written.UnprocessedItems), 0)
	same(t, *written.ConsumedCapacity[0].TableName, "one")
	same(t, *written.ConsumedCapacity[0].CapacityUnits, 2.0)

	read := must[*sdk.BatchGetItemOutput](t)(c.BatchGetItem(t.Context(), &sdk.BatchGetItemInput{
		RequestItems: map[string]types.KeysAndAttributes{
			"one": {Keys: []item{{"pk": str("a")}, {"pk": str("old")}}, ProjectionExpression: aws.String("#v"),
				ExpressionAttributeNames: map[string]string{"#v": "v"}, ConsistentRead: aws.Bool(true)},
			"two": {Keys: []item{{"pk": str("a"), "sk": num("2")}, {"pk": str("a"), "sk": num("3")}}},
		},
		ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
	}))
	same(t, read.Responses, map[string][]item{"one": {{"v": num("1")}}, "two": {{"pk": str("a"), "sk": num("2")}}})
	same(t, len(read.UnprocessedKeys), 0)
	same(t, *read.ConsumedCapacity[0].CapacityUnits, 2.0)
	same(t, *read.ConsumedCapacity[1].CapacityUnits, 1.0)
}

func TestBatchGetHandsBackWhatDoesNotFit(t *testing.T) {
	db := New(Options{})
	c := clientOf(db)
	createTable(t, c, "app")
	app := db.lookup("app")
	big := attribute.String(strings.Repeat("x", 390<<10))
	var keys []item
	for i := range 45 {
		key := fmt.Sprintf("k%02d", i)
		it := attribute.Item{"pk": attribute.String(key), "d": big}
		_, err := app.write(signature{}, app.schema.key(it), func(attribute.Item) (attribute.Item, error) { return it, nil })
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, item{"pk": str(key)})
	}
	request := map[string]types.KeysAndAttributes{"app": {Keys: keys, ProjectionExpression: aws.String("pk")}}
	var got []string
	rounds := 0
	for ; len(request) > 0; rounds++ {
		out := must[*sdk.BatchGetItemOutput](t)(c.BatchGetItem(t.Context(), &sdk.BatchGetItemInput{RequestItems: request}))
		got = append(got, texts(out.Responses["app"], "pk")...)
		request = out.UnprocessedKeys
	}
	slices.Sort(got)
	same(t, len(slices.Compact(got)), 45)
	same(t, rounds, 2)
}

func TestWrongBatchWritesNothing(t *testing.T) {
	c := newClient(t, Options{})
	createLeaseTable(t, c)
	addOwnerIndex(t, c)
	good := putRequest(item{"leaseKey": str("good")})
	many := make([]types.WriteRequest, 26)
	for i := range many {
		many[i] = putRequest(item{"leaseKey": str(fmt.Sprint(i))})
	}
	for want, requests := range map[string][]types.WriteRequest{
		"Provided list of item keys contains duplicates":                                                               {good, deleteRequest(item{"leaseKey": str("good")})},
		"Too many items requested for the BatchWriteItem call":                                                         many,
		"One or more parameter values were invalid: Missing the key leaseKey in the item":                              {good, putRequest(item{"x": str("y")})},
		"The provided key element does not match the schema":                                                           {good, deleteRequest(item{"x": str("y")})},
		"The batch write request list for a table cannot be null or empty":                                             {},
		"Item size has exceeded the maximum allowed size":                                                              {good, putRequest(item{"leaseKey": str("x"), "d": str(strings.Repeat("x", 400<<10))})},
		"Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes": {good, {}},
		"One or more parameter values were invalid: Type mismatch for Index Key leaseOwner Expected: S Actual: N IndexName: LeaseOwnerToLeaseKeyIndex": {
			good, putRequest(item{"leaseKey": str("x"), "leaseOwner": num("1")}),
		},
	} {
		_, err := c.BatchWriteItem(t.Context(), &sdk.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{"app": requests}})
		refused(t, err, "ValidationException", want)
		same(t, *describe(t, c, "app").ItemCount, int64(0))
	}
	_, err := c.BatchWriteItem(t.Context(), &sdk.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{}})
	refused(t, err, "ValidationException", "1 validation error detected: Value '{}' at 'requestItems' failed to satisfy constraint: "+
		"Member must have length greater than or equal to 1")
}

func TestWrongBatchGetIsRefused(t *testing.T) {
	c := newClient(t, Options{})
	createTable(t, c, "app")
	many := make([]item, 101)
	for i := range many {
		many[i] = item{"pk": str(fmt.Sprint(i))}
	}
	for want, keys := range map[string]types.KeysAndAttributes{
		"Provided list of item keys contains duplicates":     {Keys: []item{{"pk": str("a")}, {"pk": str("a")}}},
		"Too many items requested for the BatchGetItem call": {Keys: many},
		"The provided key element does not match the schema": {Keys: []item{{"x": str("a")}}},
		`Invalid ProjectionExpression: Syntax error; token: "<EOF>", near: ","`: {
			Keys: []item{{"pk": str("a")}}, ProjectionExpression: aws.String("a,"),
		},
		"One or more parameter values were invalid: Duplicate value in attribute name: a": {
			Keys: []item{{"pk": str("a")}}, AttributesToGet: []string{"a", "a"},
		},
	} {
		_, err := c.BatchGetItem(t.Context(), &sdk.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{"app": keys}})
		refused(t, err, "ValidationException", want)
	}
}
