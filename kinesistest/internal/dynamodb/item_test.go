package dynamodb

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// everything is an item with all ten attribute types.
func everything(pk string) item {
	return item{
		"pk": str(pk), "s": str("text ü \"quoted\" <&>"), "n": num("-12.5"), "b": bin("\x00\x01\xff"), "yes": boolean(true), "no": boolean(false),
		"nil": null(), "l": list(num("1"), str(""), list(), doc(nil)), "m": doc(item{"k": str("v"), "deep": doc(item{"n": num("7")})}),
		"ss": strs("a", "b"), "ns": nums("1", "2"), "bs": bins("a", "b"), "empty": str(""),
	}
}

func TestItemComesBackAsItWasPut(t *testing.T) {
	c := newClient(t, Options{})
	createTable(t, c, "app")
	put(t, c, "app", everything("x"))
	same(t, get(t, c, "app", item{"pk": str("x")}), everything("x"))
	same(t, get(t, c, "app", item{"pk": str("y")}), item(nil))

	out := must[*sdk.GetItemOutput](t)(c.GetItem(t.Context(), &sdk.GetItemInput{
		TableName: aws.String("arn:aws:dynamodb:eu-west-1:123456789012:table/app"), Key: item{"pk": str("x")}, ConsistentRead: aws.Bool(true),
		ProjectionExpression: aws.String("m.deep, l[0], #n"), ExpressionAttributeNames: map[string]string{"#n": "n"},
	}))
	same(t, out.Item, item{"n": num("-12.5"), "l": list(num("1")), "m": doc(item{"deep": doc(item{"n": num("7")})})})
}

func TestPutReplacesTheWholeItem(t *testing.T) {
	c := newClient(t, Options{})
	createTable(t, c, "app")
	put(t, c, "app", item{"pk": str("x"), "a": str("1")})
	out := must[*sdk.PutItemOutput](t)(c.PutItem(t.Context(), &sdk.PutItemInput{
		TableName: aws.String("app"), Item: item{"pk": str("x"), "b": str("2")}, ReturnValues: types.ReturnValueAllOld,
	}))
	same(t, out.Attributes, item{"pk": str("x"), "a": str("1")})
	same(t, get(t, c, "app", item{"pk": str("x")}), item{"pk": str("x"), "b": str("2")})
	out = must[*sdk.PutItemOutput](t)(c.PutItem(t.Context(), &sdk.PutItemInput{
		TableName: aws.String("app"), Item: item{"pk": str("new")}, ReturnValues: types.ReturnValueAllOld,
	}))
	same(t, out.Attributes, item(nil))
}

func TestUpdateReturnsTheValuesAskedFor(t *testing.T) {
	for _, test := range []struct {
		returned types.ReturnValue
		want     item
	}{
		{types.ReturnValueNone, nil},
		{types.ReturnValueAllOld, item{"pk": str("x"), "a": num("1"), "m": doc(item{"k": str("old"), "z": str("z")}), "gone": str("g")}},
		{types.ReturnValueAllNew, item{"pk": str("x"), "a": num("2"), "m": doc(item{"k": str("new"), "z": str("z")}), "fresh": num("1")}},
		{types.ReturnValueUpdatedOld, item{"a": num("1"), "m": doc(item{"k": str("old")}), "gone": str("g")}},
		{types.ReturnValueUpdatedNew, item{"a": num("2"), "m": doc(item{"k": str("new")}), "fresh": num("1")}},
	} {
		c := newClient(t, Options{})
		createTable(t, c, "app")
		put(t, c, "app", item{"pk": str("x"), "a": num("1"), "m": doc(item{"k": str("old"), "z": str("z")}), "gone": str("g")})
		out := must[*sdk.UpdateItemOutput](t)(c.UpdateItem(t.Context(), &sdk.UpdateItemInput{
			TableName: aws.String("app"), Key: item{"pk": str("x")}, ReturnValues: test.returned,
			UpdateExpression:          aws.String("SET a = a + :one, m.k = :new REMOVE gone ADD fresh :one"),
			ExpressionAttributeValues: item{":one": num("1"), ":new": str("new")},
		}))
		same(t, out.Attributes, test.want)
	}
}

func TestUpdateMakesAnAbsentItem(t *testing.T) {
	c := newClient(t, Options{})
	createTable(t, c, "app", sortKey(types.ScalarAttributeTypeN))
	key := item{"pk": str("x"), "sk": num("1.0")}
	out := must[*sdk.UpdateItemOutput](t)(c.UpdateItem(t.Context(), &sdk.UpdateItemInput{
		TableName: aws.String("app"), Key: key, ReturnValues: types.ReturnValueAllOld,
	}))
	same(t, out.Attributes, item(nil))
	same(t, get(t, c, "app", key), item{"pk": str("x"), "sk": num("1")})
}

func TestDeleteReturnsWhatItDeleted(t *testing.T) {
	c := newClient(t, Options{})
	createTable(t, c, "app")
	put(t, c, "app", item{"pk": str("x"), "a": str("1")})
	in := &sdk.DeleteItemInput{
		TableName: aws.String("app"), Key: item{"pk": str("x")}, ReturnValues: types.ReturnValueAllOld,
		ConditionExpression: aws.String("a = :v"), ExpressionAttributeValues: item{":v": str("2")},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
	_, err := c.DeleteItem(t.Context(), in)
	var failed *types.ConditionalCheckFailedException
	if !errors.As(err, &failed) {
		t.Fatal(err)
	}
	same(t, failed.Item, item{"pk": str("x"), "a": str("1")})
	in.ExpressionAttributeValues = item{":v": str("1")}
	same(t, must[*sdk.DeleteItemOutput](t)(c.DeleteItem(t.Context(), in)).Attributes, item{"pk": str("x"), "a": str("1")})
	same(t, get(t, c, "app", item{"pk": str("x")}), item(nil))
	in.ConditionExpression, in.ExpressionAttributeValues = nil, nil
	same(t, must[*sdk.DeleteItemOutput](t)(c.DeleteItem(t.Context(), in)).Attributes, item(nil))
}

func TestConditionFailsOnAnAbsentItemWithoutOne(t *testing.T) {
	c := newClient(t, Options{})
	createTable(t, c, "app")
	_, err := c.PutItem(t.Context(), &sdk.PutItemInput{
		TableName: aws.String("app"), Item: item{"pk": str("x")}, ConditionExpression: aws.String("attribute_exists(pk)"),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	var failed *types.ConditionalCheckFailedException
	if !errors.As(err, &failed) || failed.Item != nil {
		t.Fatalf("%v with %v", err, failed.Item)
	}
	same(t, get(t, c, "app", item{"pk": str("x")}), item(nil))
}

func TestWrongKeyIsRefused(t *testing.T) {
	c := newClient(t, Options{})
	createTable(t, c, "app", sortKey(types.ScalarAttributeTypeN))
	const empty = "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: pk"
	for _, test := range []struct {
		key  item
		want string
	}{
		{item{}, "The provided key element does not match the schema"},
		{item{"pk": str("x")}, "The provided key element does not match the schema"},
		{item{"pk": str("x"), "sk": str("1")}, "The provided key element does not match the schema"},
		{item{"pk": str("x"), "sk": num("1"), "z": num("1")}, "The provided key element does not match the schema"},
		{item{"pk": str(""), "sk": num("1")}, empty},
		{item{"pk": str(strings.Repeat("x", 2049)), "sk": num("1")},
			"One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes"},
	} {
		_, err := c.GetItem(t.Context(), &sdk.GetItemInput{TableName: aws.String("app"), Key: test.key})
		refused(t, err, "ValidationException", test.want)
		_, err = c.UpdateItem(t.Context(), &sdk.UpdateItemInput{TableName: aws.String("app"), Key: test.key})
		refused(t, err, "ValidationException", test.want)
		_, err = c.DeleteItem(t.Context(), &sdk.DeleteItemInput{TableName: aws.String("app"), Key: test.key})
		refused(t, err, "ValidationException", test.want)
	}
	for _, test := range []struct {
		it   item
		want string
	}{
		{item{"pk": str("x")}, "One or more parameter values were invalid: Missing the key sk in the item"},
		{item{"pk": str("x"), "sk": str("1")}, "One or more parameter values were invalid: Type mismatch for key sk expected: N actual: S"},
		{item{"pk": str(""), "sk": num("1")}, empty},
		{item{"pk": str("x"), "sk": num("1"), "": num("1")}, "One or more parameter values were invalid: Empty attribute name"},
	} {
		_, err := c.PutItem(t.Context(), &sdk.PutItemInput{TableName: aws.String("app"), Item: test.it})
		refused(t, err, "ValidationException", test.want)
	}
}

func TestKeyAttributeIsNotUpdated(t *testing.T) {
	c := newClient(t, Options{})
	createTable(t, c, "app")
	for update, want := range map[string]string{
		"SET pk = :v":   "One or more parameter values were invalid: Cannot update attribute pk. This attribute is part of the key",
		"ADD pk :n":     "One or more parameter values were invalid: Cannot update attribute pk. This attribute is part of the key",
		"REMOVE pk":     "One or more parameter values were invalid: Cannot update attribute pk. This attribute is part of the key",
		"SET pk.a = :v": "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: Key: pk",
	} {
		in := &sdk.UpdateItemInput{TableName: aws.String("app"), Key: item{"pk": str("x")}, UpdateExpression: &update}
		switch {
		case strings.Contains(update, ":v"):
			in.ExpressionAttributeValues = item{":v": str("y")}
		case strings.Contains(update, ":n"):
			in.ExpressionAttributeValues = item{":n": num("1")}
		}
		_, err := c.UpdateItem(t.Context(), in)
		refused(t, err, "ValidationException", want)
	}
}

func TestIndexKeyMustHaveItsType(t *testing.T) {
	c := newClient(t, Options{})
	createLeaseTable(t, c)
	put(t, c, "app", item{"leaseKey": str("odd"), "leaseOwner": num("5")})
	addOwnerIndex(t, c)
	same(t, *describe(t, c, "app").GlobalSecondaryIndexes[0].ItemCount, int64(0))
	const mismatch = "One or more parameter values were invalid: Type mismatch for Index Key leaseOwner Expected: S Actual: N " +
		"IndexName: LeaseOwnerToLeaseKeyIndex"
	_, err := c.PutItem(t.Context(), &sdk.PutItemInput{
		TableName: aws.String("app"), Item: item{"leaseKey": str("s"), "leaseOwner": num("1")},
	})
	refused(t, err, "ValidationException", mismatch)
	_, err = c.UpdateItem(t.Context(), &sdk.UpdateItemInput{
		TableName: aws.String("app"), Key: item{"leaseKey": str("s")}, UpdateExpression: aws.String("SET leaseOwner = :o"),
		ExpressionAttributeValues: item{":o": num("1")},
	})
	refused(t, err, "ValidationException", mismatch)
	_, err = c.PutItem(t.Context(), &sdk.PutItemInput{
		TableName: aws.String("app"), Item: item{"leaseKey": str("s"), "leaseOwner": str("")},
	})
	refused(t, err, "ValidationException", "One or more parameter values are not valid. A value specified for a secondary index key is not "+
		"supported. The AttributeValue for a key attribute cannot contain an empty string value. "+
		"IndexName: LeaseOwnerToLeaseKeyIndex, IndexKey: leaseOwner")
	same(t, get(t, c, "app", item{"leaseKey": str("s")}), item(nil))
}

func TestItemOverFourHundredKilobytesIsRefused(t *testing.T) {
	c := newClient(t, Options{})
	createTable(t, c, "app")
	fits := item{"pk": str("x"), "d": str(strings.Repeat("x", 400<<10-len("pk")-len("x")-len("d")))}
	put(t, c, "app", fits)
	over := item{"pk": str("x"), "d": str(strings.Repeat("x", 400<<10-len("pk")-len("x")-len("d")+1))}
	_, err := c.PutItem(t.Context(), &sdk.PutItemInput{TableName: aws.String("app"), Item: over})
	refused(t, err, "ValidationException", "Item size has exceeded the maximum allowed size")
	_, err = c.UpdateItem(t.Context(), &sdk.UpdateItemInput{
		TableName: aws.String("app"), Key: item{"pk": str("x")}, UpdateExpression: aws.String("SET a = :a"),
		ExpressionAttributeValues: item{":a": boolean(true)},
	})
	refused(t, err, "ValidationException", "Item size to update has exceeded the maximum allowed size")
}

func TestWrongWriteParametersAreRefused(t *testing.T) {
	c := newClient(t, Options{})
	createTable(t, c, "app")
	key := item{"pk": str("x")}
	for _, test := range []struct {
		in   sdk.UpdateItemInput
		want string
	}{
		{sdk.UpdateItemInput{ReturnValues: "SOME"}, "1 validation error detected: Value 'SOME' at 'returnValues' failed to satisfy constraint: " +
			"Member must satisfy enum value set: [ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW]"},
		{sdk.UpdateItemInput{ReturnConsumedCapacity: "SOME"}, "1 validation error detected: Value 'SOME' at 'returnConsumedCapacity' failed to " +
			"satisfy constraint: Member must satisfy enum value set: [INDEXES, TOTAL, NONE]"},
		{sdk.UpdateItemInput{ExpressionAttributeNames: map[string]string{"#a": "a"}},
			"ExpressionAttributeNames can only be specified when using expressions"},
		{sdk.UpdateItemInput{ExpressionAttributeValues: item{":a": str("a")}},
			"ExpressionAttributeValues can only be specified when using expressions: UpdateExpression and ConditionExpression are null"},
		{sdk.UpdateItemInput{UpdateExpression: aws.String("REMOVE a"), ExpressionAttributeValues: item{":a": str("a"), ":b": str("b")}},
			"Value provided in ExpressionAttributeValues unused in expressions: keys: {:a, :b}"},
		{sdk.UpdateItemInput{UpdateExpression: aws.String("REMOVE a"), ExpressionAttributeNames: map[string]string{"#b": "b"}},
			"Value provided in ExpressionAttributeNames unused in expressions: keys: {#b}"},
		{sdk.UpdateItemInput{UpdateExpression: aws.String("SET a = :s"), ExpressionAttributeValues: item{":s": strs()}},
			"ExpressionAttributeValues contains invalid value: One or more parameter values were invalid: " +
				"An string set  may not be empty for key :s"},
		{sdk.UpdateItemInput{UpdateExpression: aws.String("SET a = b")},
			"The provided expression refers to an attribute that does not exist in the item"},
		{sdk.UpdateItemInput{UpdateExpression: aws.String("SET")}, `Invalid UpdateExpression: Syntax error; token: "<EOF>", near: "SET"`},
		{sdk.UpdateItemInput{ConditionExpression: aws.String("a ="), UpdateExpression: aws.String("REMOVE a")},
			`Invalid ConditionExpression: Syntax error; token: "<EOF>", near: "="`},
		{sdk.UpdateItemInput{ConditionExpression: aws.String("a = b"),
			AttributeUpdates: map[string]types.AttributeValueUpdate{"a": {Action: types.AttributeActionDelete}}},
			"Can not use both expression and non-expression parameters in the same request: " +
				"Non-expression parameters: {AttributeUpdates} Expression parameters: {ConditionExpression}"},
	} {
		test.in.TableName, test.in.Key = aws.String("app"), key
		_, err := c.UpdateItem(t.Context(), &test.in)
		refused(t, err, "ValidationException", test.want)
		same(t, get(t, c, "app", key), item(nil))
	}
	_, err := c.PutItem(t.Context(), &sdk.PutItemInput{TableName: aws.String("app"), Item: key, ReturnValues: types.ReturnValueAllNew})
	refused(t, err, "ValidationException", "ReturnValues can only be ALL_OLD or NONE")
	_, err = c.DeleteItem(t.Context(), &sdk.DeleteItemInput{TableName: aws.String("app"), Key: key, ReturnValues: types.ReturnValueUpdatedOld})
	refused(t, err, "ValidationException", "ReturnValues can only be ALL_OLD or NONE")
}

func TestOperationsOnAnAbsentTableAreRefused(t *testing.T) {
	c := newClient(t, Options{})
	none, key := aws.String("none"), item{"pk": str("x")}
	calls := map[string]func() error{
		"PutItem": func() error {
			_, err := c.PutItem(t.Context(), &sdk.PutItemInput{TableName: none, Item: key})
			return err
		},
		"GetItem": func() error {
			_, err := c.GetItem(t.Context(), &sdk.GetItemInput{TableName: none, Key: key})
			return err
		},
		"UpdateItem": func() error {
			_, err := c.UpdateItem(t.Context(), &sdk.UpdateItemInput{TableName: none, Key: key})
			return err
		},
		"DeleteItem": func() error {
			_, err := c.DeleteItem(t.Context(), &sdk.DeleteItemInput{TableName: none, Key: key})
			return err
		},
		"Scan": func() error {
			_, err := c.Scan(t.Context(), &sdk.ScanInput{TableName: none})
			return err
		},
		"Query": func() error {
			_, err := c.Query(t.Context(), &sdk.QueryInput{
				TableName: none, KeyConditionExpression: aws.String("pk = :v"), ExpressionAttributeValues: item{":v": str("x")},
			})
			return err
		},
		"BatchGetItem": func() error {
			_, err := c.BatchGetItem(t.Context(), &sdk.BatchGetItemInput{
				RequestItems: map[string]types.KeysAndAttributes{"none": {Keys: []item{key}}},
			})
			return err
		},
		"BatchWriteItem": func() error {
			_, err := c.BatchWriteItem(t.Context(), &sdk.BatchWriteItemInput{
				RequestItems: map[string][]types.WriteRequest{"none": {{PutRequest: &types.PutRequest{Item: key}}}},
			})
			return err
		},
	}
	for name, call := range calls {
		err := call()
		t.Run(name, func(t *testing.T) { refused(t, err, "ResourceNotFoundException", "Requested resource not found") })
	}
}
