package dynamodb

import (
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// The tests in this file send what clients from before expressions send.

type (
	expected = map[string]types.ExpectedAttributeValue
	updates  = map[string]types.AttributeValueUpdate
	filters  = map[string]types.Condition
)

func equals(v types.AttributeValue) types.ExpectedAttributeValue {
	return types.ExpectedAttributeValue{Value: v}
}

func absent() types.ExpectedAttributeValue {
	return types.ExpectedAttributeValue{Exists: aws.Bool(false)}
}

func setTo(v types.AttributeValue) types.AttributeValueUpdate {
	return types.AttributeValueUpdate{Action: types.AttributeActionPut, Value: v}
}

func added(v types.AttributeValue) types.AttributeValueUpdate {
	return types.AttributeValueUpdate{Action: types.AttributeActionAdd, Value: v}
}

func dropped() types.AttributeValueUpdate {
	return types.AttributeValueUpdate{Action: types.AttributeActionDelete}
}

func where(op types.ComparisonOperator, values ...types.AttributeValue) types.Condition {
	return types.Condition{ComparisonOperator: op, AttributeValueList: values}
}

func TestLeaseIsRenewedOnlyWithTheCounterThatIsHeld(t *testing.T) {
	c := newClient(t, Options{})
	createLeaseTable(t, c)
	put(t, c, "app", item{"leaseKey": str("s"), "leaseCounter": num("7"), "leaseOwner": str("me")})
	renew := func(from, to string) error {
		_, err := c.UpdateItem(t.Context(), &sdk.UpdateItemInput{
			TableName: aws.String("app"), Key: item{"leaseKey": str("s")},
			Expected:                            expected{"leaseCounter": equals(num(from)), "checkpointOwner": absent()},
			AttributeUpdates:                    updates{"leaseCounter": setTo(num(to)), "throughputKBps": setTo(num("1.25"))},
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		})
		return err
	}
	if err := renew("7", "8"); err != nil {
		t.Fatal(err)
	}
	want := item{"leaseKey": str("s"), "leaseCounter": num("8"), "leaseOwner": str("me"), "throughputKBps": num("1.25")}
	same(t, get(t, c, "app", item{"leaseKey": str("s")}), want)

	var failed *types.ConditionalCheckFailedException
	if err := renew("7", "9"); !errors.As(err, &failed) {
		t.Fatalf("got %v", err)
	}
	same(t, failed.Item, want)
}

func TestLeaseIsHandedOverByOneLegacyUpdate(t *testing.T) {
	c := newClient(t, Options{})
	createLeaseTable(t, c)
	put(t, c, "app", item{
		"leaseKey": str("s"), "leaseCounter": num("7"), "leaseOwner": str("next"), "checkpointOwner": str("old"), "tags": strs("a", "b"),
	})
	assign := &sdk.UpdateItemInput{
		TableName: aws.String("app"), Key: item{"leaseKey": str("s")},
		Expected: expected{"leaseKey": equals(str("s")), "leaseOwner": equals(str("next")), "checkpointOwner": equals(str("old"))},
		AttributeUpdates: updates{
			"leaseCounter": added(num("1")), "ownerSwitchesSinceCheckpoint": added(num("1")), "checkpointOwner": dropped(),
			"tags": {Action: types.AttributeActionDelete, Value: strs("a")},
		},
		ReturnValues: types.ReturnValueAllNew,
	}
	out := must[*sdk.UpdateItemOutput](t)(c.UpdateItem(t.Context(), assign))
	same(t, out.Attributes, item{
		"leaseKey": str("s"), "leaseCounter": num("8"), "leaseOwner": str("next"), "ownerSwitchesSinceCheckpoint": num("1"), "tags": strs("b"),
	})
	_, err := c.UpdateItem(t.Context(), assign)
	refused(t, err, "ConditionalCheckFailedException", "")
}

func TestFailedConditionShowsTheItemOnEveryWrite(t *testing.T) {
	c := newClient(t, Options{})
	createLeaseTable(t, c)
	lease := item{"leaseKey": str("s"), "leaseCounter": num("7")}
	put(t, c, "app", lease)
	const show = types.ReturnValuesOnConditionCheckFailureAllOld
	name := aws.String("app")
	key := item{"leaseKey": str("s")}
	_, putErr := c.PutItem(t.Context(), &sdk.PutItemInput{
		TableName: name, Item: key, Expected: expected{"leaseKey": absent()}, ReturnValuesOnConditionCheckFailure: show,
	})
	_, updateErr := c.UpdateItem(t.Context(), &sdk.UpdateItemInput{
		TableName: name, Key: key, Expected: expected{"leaseCounter": equals(num("6"))}, ReturnValuesOnConditionCheckFailure: show,
	})
	_, deleteErr := c.DeleteItem(t.Context(), &sdk.DeleteItemInput{
		TableName: name, Key: key, Expected: expected{"leaseOwner": equals(str("me"))}, ReturnValuesOnConditionCheckFailure: show,
	})
	for _, err := range []error{putErr, updateErr, deleteErr} {
		var failed *types.ConditionalCheckFailedException
		if !errors.As(err, &failed) {
			t.Fatalf("got %v", err)
		}
		same(t, failed.Item, lease)
	}
}

func TestOneOfSeveralLegacyConditionsSufficesWithOr(t *testing.T) {
	c := newClient(t, Options{})
	createLeaseTable(t, c)
	in := &sdk.PutItemInput{
		TableName: aws.String("app"), Item: item{"leaseKey": str("s"), "state": str("b")},
		Expected:            expected{"leaseKey": absent(), "state": equals(str("a"))},
		ConditionalOperator: types.ConditionalOperatorOr,
	}
	must[*sdk.PutItemOutput](t)(c.PutItem(t.Context(), in))
	_, err := c.PutItem(t.Context(), in)
	refused(t, err, "ConditionalCheckFailedException", "")
	in.Expected["state"] = types.ExpectedAttributeValue{
		ComparisonOperator: types.ComparisonOperatorIn, AttributeValueList: []types.AttributeValue{str("a"), str("b")},
	}
	must[*sdk.PutItemOutput](t)(c.PutItem(t.Context(), in))
}

func TestLegacyQueryReadsTheOwnerIndex(t *testing.T) {
	c := newClient(t, Options{})
	createLeaseTable(t, c)
	for _, key := range []string{"s-1", "s-2", "t-3"} {
		put(t, c, "app", item{"leaseKey": str(key), "leaseOwner": str("me"), "leaseCounter": num("1")})
	}
	addOwnerIndex(t, c)
	query := func(conditions filters) []item {
		return must[*sdk.QueryOutput](t)(c.Query(t.Context(), &sdk.QueryInput{
			TableName: aws.String("app"), IndexName: aws.String("LeaseOwnerToLeaseKeyIndex"),
			KeyConditions: conditions, AttributesToGet: []string{"leaseKey"},
		})).Items
	}
	owner := where(types.ComparisonOperatorEq, str("me"))
	same(t, query(filters{"leaseOwner": owner}), []item{{"leaseKey": str("s-1")}, {"leaseKey": str("s-2")}, {"leaseKey": str("t-3")}})
	same(t, query(filters{"leaseOwner": owner, "leaseKey": where(types.ComparisonOperatorBeginsWith, str("s-"))}),
		[]item{{"leaseKey": str("s-1")}, {"leaseKey": str("s-2")}})
	same(t, query(filters{"leaseOwner": owner, "leaseKey": where(types.ComparisonOperatorBetween, str("s-2"), str("t-3"))}),
		[]item{{"leaseKey": str("s-2")}, {"leaseKey": str("t-3")}})
}

func TestLegacyScanFilterKeepsMatchingItems(t *testing.T) {
	c := newClient(t, Options{})
	createLeaseTable(t, c)
	put(t, c, "app", item{"leaseKey": str("a"), "n": num("1"), "entityType": str("LEASE")})
	put(t, c, "app", item{"leaseKey": str("b"), "n": num("2")})
	put(t, c, "app", item{"leaseKey": str("c"), "n": num("3"), "entityType": str("LEADER")})
	for _, test := range []struct {
		filter   filters
		operator types.ConditionalOperator
		count    int32
	}{
		{filters{"entityType": where(types.ComparisonOperatorNull)}, "", 1},
		{filters{"entityType": where(types.ComparisonOperatorNotNull)}, "", 2},
		{filters{"entityType": where(types.ComparisonOperatorNe, str("LEASE"))}, "", 2},
		{filters{"entityType": where(types.ComparisonOperatorContains, str("EA"))}, "", 2},
		{filters{"entityType": where(types.ComparisonOperatorNotContains, str("AS"))}, "", 2},
		{filters{"n": where(types.ComparisonOperatorGe, num("2"))}, "", 2},
		{filters{"n": where(types.ComparisonOperatorLt, num("2"))}, "", 1},
		{filters{"n": where(types.ComparisonOperatorGt, num("1")), "entityType": where(types.ComparisonOperatorNotNull)}, "", 1},
		{filters{"n": where(types.ComparisonOperatorLe, num("1")), "entityType": where(types.ComparisonOperatorNull)},
			types.ConditionalOperatorOr, 2},
	} {
		out := must[*sdk.ScanOutput](t)(c.Scan(t.Context(), &sdk.ScanInput{
			TableName: aws.String("app"), ScanFilter: test.filter, ConditionalOperator: test.operator,
		}))
		if out.Count != test.count {
			t.Errorf("%v: %d items, want %d", test.filter, out.Count, test.count)
		}
	}
}

func TestLegacyReadReturnsTheAttributesThatItNames(t *testing.T) {
	c := newClient(t, Options{})
	createLeaseTable(t, c)
	put(t, c, "app", item{"leaseKey": str("a"), "a.b": num("1"), "c": num("2")})
	out := must[*sdk.GetItemOutput](t)(c.GetItem(t.Context(), &sdk.GetItemInput{
		TableName: aws.String("app"), Key: item{"leaseKey": str("a")}, AttributesToGet: []string{"a.b", "none"},
	}))
	same(t, out.Item, item{"a.b": num("1")})
}

func TestUpdateThatOnlyTakesAwayMakesNoItem(t *testing.T) {
	c := newClient(t, Options{})
	createLeaseTable(t, c)
	key := item{"leaseKey": str("none")}
	must[*sdk.UpdateItemOutput](t)(c.UpdateItem(t.Context(), &sdk.UpdateItemInput{
		TableName: aws.String("app"), Key: key, AttributeUpdates: updates{"checkpointOwner": dropped()},
	}))
	must[*sdk.UpdateItemOutput](t)(c.UpdateItem(t.Context(), &sdk.UpdateItemInput{
		TableName: aws.String("app"), Key: key, UpdateExpression: aws.String("REMOVE checkpointOwner"),
	}))
	same(t, get(t, c, "app", key), item(nil))
}

func TestQueryFilterOnAKeyIsRefused(t *testing.T) {
	c := newClient(t, Options{})
	createLeaseTable(t, c)
	_, err := c.Query(t.Context(), &sdk.QueryInput{
		TableName:     aws.String("app"),
		KeyConditions: filters{"leaseKey": where(types.ComparisonOperatorEq, str("s"))},
		QueryFilter:   filters{"leaseKey": where(types.ComparisonOperatorNotNull)},
	})
	refused(t, err, "ValidationException", "QueryFilter can only contain non-primary key attributes: Primary key attribute: leaseKey")
}

func TestConditionalOperatorAloneIsRefused(t *testing.T) {
	c := newClient(t, Options{})
	createLeaseTable(t, c)
	_, err := c.Scan(t.Context(), &sdk.ScanInput{TableName: aws.String("app"), ConditionalOperator: types.ConditionalOperatorOr})
	refused(t, err, "ValidationException", "ConditionalOperator cannot be used without Filter or Expected")
}
