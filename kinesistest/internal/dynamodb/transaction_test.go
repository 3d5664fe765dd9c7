package dynamodb

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func putIfAbsent(table, key string) types.TransactWriteItem {
	return types.TransactWriteItem{Put: &types.Put{
		TableName: &table, Item: item{"pk": str(key)}, ConditionExpression: aws.String("attribute_not_exists(pk)"),
	}}
}

func deletion(table, key string) types.TransactWriteItem {
	return types.TransactWriteItem{Delete: &types.Delete{TableName: &table, Key: item{"pk": str(key)}}}
}

func ownedByMe(table, key string) types.TransactWriteItem {
	return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName: &table, Key: item{"pk": str(key)}, ConditionExpression: aws.String("ownerName = :me"),
		ExpressionAttributeValues:           item{":me": str("me")},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}}
}

func increment(table, key string) types.TransactWriteItem {
	return types.TransactWriteItem{Update: &types.Update{
		TableName: &table, Key: item{"pk": str(key)}, UpdateExpression: aws.String("ADD n :one"),
		ExpressionAttributeValues: item{":one": num("1")},
	}}
}

func transact(t *testing.T, c *sdk.Client, items ...types.TransactWriteItem) error {
	t.Helper()
	_, err := c.TransactWriteItems(t.Context(), &sdk.TransactWriteItemsInput{TransactItems: items})
	return err
}

// codes returns the codes of a cancelled transaction's reasons.
func codes(t *testing.T, err error) []string {
	t.Helper()
	var canceled *types.TransactionCanceledException
	if !errors.As(err, &canceled) {
		t.Fatalf("got %v, want a cancelled transaction", err)
	}
	var codes []string
	for _, r := range canceled.CancellationReasons {
		codes = append(codes, aws.ToString(r.Code))
	}
	return codes
}

func TestRowsMoveBetweenTablesInOneTransaction(t *testing.T) {
	c := newClient(t, Options{})
	createTable(t, c, "old")
	createTable(t, c, "new")
	put(t, c, "old", item{"pk": str("Leader"), "ownerName": str("me")})
	put(t, c, "old", item{"pk": str("row")})
	if err := transact(t, c, ownedByMe("old", "Leader"), putIfAbsent("new", "row"), deletion("old", "row"), increment("new", "moves")); err != nil {
		t.Fatal(err)
	}
	same(t, get(t, c, "old", item{"pk": str("row")}), item(nil))
	same(t, get(t, c, "new", item{"pk": str("row")}), item{"pk": str("row")})
	same(t, get(t, c, "new", item{"pk": str("moves")}), item{"pk": str("moves"), "n": num("1")})
}

func TestCancelledTransactionWritesNothingAndSaysWhy(t *testing.T) {
	c := newClient(t, Options{})
	createTable(t, c, "old")
	createTable(t, c, "new")
	leader := item{"pk": str("Leader"), "ownerName": str("other")}
	put(t, c, "old", leader)
	put(t, c, "old", item{"pk": str("row"), "n": str("no number")})
	err := transact(t, c, putIfAbsent("new", "row"), ownedByMe("old", "Leader"), increment("old", "row"))
	same(t, codes(t, err), []string{"None", "ConditionalCheckFailed", "ValidationError"})
	var canceled *types.TransactionCanceledException
	errors.As(err, &canceled)
	same(t, canceled.CancellationReasons[1].Item, leader)
	same(t, *canceled.CancellationReasons[1].Message, "The conditional request failed")
	refused(t, err, "TransactionCanceledException",
		"Transaction cancelled, please refer cancellation reasons for specific reasons [None, ConditionalCheckFailed, ValidationError]")
	same(t, get(t, c, "new", item{"pk": str("row")}), item(nil))
}

func TestRepeatedTransactionIsDoneOnceWithinTenMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, Options{})
		createTable(t, c, "app")
		in := &sdk.TransactWriteItemsInput{
			ClientRequestToken: aws.String("token"), TransactItems: []types.TransactWriteItem{increment("app", "x")},
			ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
		}
		first := must[*sdk.TransactWriteItemsOutput](t)(c.TransactWriteItems(t.Context(), in))
		second := must[*sdk.TransactWriteItemsOutput](t)(c.TransactWriteItems(t.Context(), in))
		same(t, *first.ConsumedCapacity[0].WriteCapacityUnits, 2.0)
		same(t, *second.ConsumedCapacity[0].ReadCapacityUnits, 2.0)
		same(t, get(t, c, "app", item{"pk": str("x")})["n"], num("1"))

		other := *in
		other.TransactItems = []types.TransactWriteItem{increment("app", "y")}
		_, err := c.TransactWriteItems(t.Context(), &other)
		refused(t, err, "IdempotentParameterMismatchException", "")

		time.Sleep(tokenWindow)
		must[*sdk.TransactWriteItemsOutput](t)(c.TransactWriteItems(t.Context(), in))
		same(t, get(t, c, "app", item{"pk": str("x")})["n"], num("2"))
	})
}

func TestCancelledTransactionFreesItsToken(t *testing.T) {
	c := newClient(t, Options{})
	createTable(t, c, "app")
	put(t, c, "app", item{"pk": str("x")})
	in := &sdk.TransactWriteItemsInput{
		ClientRequestToken: aws.String("token"), TransactItems: []types.TransactWriteItem{putIfAbsent("app", "x")},
	}
	_, err := c.TransactWriteItems(t.Context(), in)
	same(t, codes(t, err), []string{"ConditionalCheckFailed"})
	must[*sdk.DeleteItemOutput](t)(c.DeleteItem(t.Context(), &sdk.DeleteItemInput{TableName: aws.String("app"), Key: item{"pk": str("x")}}))
	must[*sdk.TransactWriteItemsOutput](t)(c.TransactWriteItems(t.Context(), in))
}

func TestWrongTransactionIsRefusedAsAWhole(t *testing.T) {
	c := newClient(t, Options{})
	createTable(t, c, "app")
	var many []types.TransactWriteItem
	for i := range maxTransactItems + 1 {
		many = append(many, increment("app", fmt.Sprint(i)))
	}
	for _, test := range []struct {
		code, message string
		items         []types.TransactWriteItem
	}{
		{"ValidationException", "Transaction request cannot include multiple operations on one item",
			[]types.TransactWriteItem{increment("app", "x"), deletion("app", "x")}},
		{"ValidationException", "TransactItems can only contain one of Check, Put, Update or Delete",
			[]types.TransactWriteItem{{Put: putIfAbsent("app", "x").Put, Delete: deletion("app", "x").Delete}}},
		{"ValidationException", "TransactItems can only contain one of Check, Put, Update or Delete", []types.TransactWriteItem{{}}},
		{"ValidationException", "1 validation error detected: Value '[101 items]' at 'transactItems' failed to satisfy constraint: " +
			"Member must have length less than or equal to 100", many},
		{"ResourceNotFoundException", "Requested resource not found", []types.TransactWriteItem{increment("app", "x"), deletion("none", "x")}},
		{"ValidationException", "The provided key element does not match the schema", []types.TransactWriteItem{
			increment("app", "x"), {Delete: &types.Delete{TableName: aws.String("app"), Key: item{"k": str("x")}}},
		}},
	} {
		refused(t, transact(t, c, test.items...), test.code, test.message)
	}
	same(t, get(t, c, "app", item{"pk": str("x")}), item(nil))
	if err := transact(t, c, many[:maxTransactItems]...); err != nil {
		t.Fatal(err)
	}
}

func TestTransactionOverFourMegabytesIsRefused(t *testing.T) {
	c := newClient(t, Options{})
	createTable(t, c, "app")
	big := strings.Repeat("x", 390<<10)
	var writes []types.TransactWriteItem
	var reads []types.TransactGetItem
	for i := range 11 {
		key := item{"pk": str(fmt.Sprint(i))}
		reads = append(reads, types.TransactGetItem{Get: &types.Get{TableName: aws.String("app"), Key: key}})
		it := item{"pk": key["pk"], "d": str(big)}
		writes = append(writes, types.TransactWriteItem{Put: &types.Put{TableName: aws.String("app"), Item: it}})
		put(t, c, "app", it)
	}
	refused(t, transact(t, c, writes...), "ValidationException", "")
	_, err := c.TransactGetItems(t.Context(), &sdk.TransactGetItemsInput{TransactItems: reads})
	refused(t, err, "ValidationException", "")
}

func TestTransactionalReadSeesOneMoment(t *testing.T) {
	c := newClient(t, Options{})
	createTable(t, c, "one")
	createTable(t, c, "two")
	var writers sync.WaitGroup
	const writes = 200
	writers.Go(func() {
		for range writes {
			if err := transact(t, c, increment("two", "x"), increment("one", "x")); err != nil {
				t.Error(err)
			}
		}
	})
	defer writers.Wait()
	for seen := ""; seen != fmt.Sprint(writes); {
		out := must[*sdk.TransactGetItemsOutput](t)(c.TransactGetItems(t.Context(), &sdk.TransactGetItemsInput{
			TransactItems: []types.TransactGetItem{
				{Get: &types.Get{TableName: aws.String("one"), Key: item{"pk": str("x")}, ProjectionExpression: aws.String("n")}},
				{Get: &types.Get{TableName: aws.String("two"), Key: item{"pk": str("x")}, ProjectionExpression: aws.String("n")}},
			},
		}))
		same(t, out.Responses[0].Item, out.Responses[1].Item)
		if n, ok := out.Responses[0].Item["n"].(*types.AttributeValueMemberN); ok {
			seen = n.Value
		}
	}
}

func TestTransactionCostsTwice(t *testing.T) {
	c := newClient(t, Options{})
	createTable(t, c, "app")
	put(t, c, "app", sized(1025))
	out := must[*sdk.TransactGetItemsOutput](t)(c.TransactGetItems(t.Context(), &sdk.TransactGetItemsInput{
		ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
		TransactItems:          []types.TransactGetItem{{Get: &types.Get{TableName: aws.String("app"), Key: item{"pk": str("x")}}}},
	}))
	same(t, *out.ConsumedCapacity[0].CapacityUnits, 2.0)
	written := must[*sdk.TransactWriteItemsOutput](t)(c.TransactWriteItems(t.Context(), &sdk.TransactWriteItemsInput{
		ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
		TransactItems:          []types.TransactWriteItem{increment("app", "x"), increment("app", "y")},
	}))
	same(t, *written.ConsumedCapacity[0].CapacityUnits, 6.0)
}
