package conformance

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// putItem puts an item that may be refused.
func (p *place) putItem(table *string, i item) error {
	_, err := p.DynamoDB.PutItem(p.ctx, &dynamodb.PutItemInput{TableName: table, Item: i})
	return err
}

// failed is the outcome of a write whose condition must fail and tell the item as it is.
func failed(err error) string {
	if outcome := refuses(err, "ConditionalCheckFailedException"); outcome != "" {
		return outcome
	}
	refused := as[*types.ConditionalCheckFailedException](err)
	return unless(number(refused.Item, "n") == "1", "without the item")
}

var itemRules = []rule{
	{"values of every type are read as they were put", func(p *place) string {
		table := p.table("")
		p.store(table, item{
			"id": str("a"), "b": &types.AttributeValueMemberB{Value: []byte{0, 255}}, "t": &types.AttributeValueMemberBOOL{Value: true},
			"z": &types.AttributeValueMemberNULL{Value: true}, "l": &types.AttributeValueMemberL{Value: []types.AttributeValue{num("1"), str("")}},
			"m": &types.AttributeValueMemberM{Value: item{"x": num("-2")}}, "ss": &types.AttributeValueMemberSS{Value: []string{"x"}},
			"ns": &types.AttributeValueMemberNS{Value: []string{"3"}},
		})
		got := p.load(table, "a")
		m, isMap := got["m"].(*types.AttributeValueMemberM)
		l, isList := got["l"].(*types.AttributeValueMemberL)
		b, isBytes := got["b"].(*types.AttributeValueMemberB)
		return unless(len(got) == 8 && isMap && number(m.Value, "x") == "-2" && isList && len(l.Value) == 2 && isBytes && string(b.Value) == "\x00\xff", "otherwise")
	}},
	{"numbers have 38 digits, and lose the zeros that say nothing", func(p *place) string {
		table := p.table("")
		p.store(table, item{"id": str("a"), "n": num("0001.500"), "m": num(strings.Repeat("9", 38))})
		got := p.load(table, "a")
		if number(got, "n") != "1.5" || number(got, "m") != strings.Repeat("9", 38) {
			return fmt.Sprintf("reads %s and %d digits", number(got, "n"), len(number(got, "m")))
		}
		return refuses(p.putItem(table, item{"id": str("a"), "n": num(strings.Repeat("9", 39))}), "ValidationException")
	}},
	{"what is no number is refused", func(p *place) string {
		return refuses(p.putItem(p.table(""), item{"id": str("a"), "n": num("many")}), "ValidationException")
	}},
	{"a key is not empty", func(p *place) string {
		return refuses(p.putItem(p.table(""), item{"id": str("")}), "ValidationException")
	}},
	{"a key has the type that the table says", func(p *place) string {
		return refuses(p.putItem(p.table(""), item{"id": num("1")}), "ValidationException")
	}},
	{"a set is not empty", func(p *place) string {
		return refuses(p.putItem(p.table(""), item{"id": str("a"), "s": &types.AttributeValueMemberSS{Value: []string{}}}), "ValidationException")
	}},
	{"an item has at most 400 KB", func(p *place) string {
		return refuses(p.putItem(p.table(""), item{"id": str("a"), "x": str(strings.Repeat("x", 400<<10))}), "ValidationException")
	}},
	{"a put is conditional", func(p *place) string {
		table := p.table("")
		p.store(table, item{"id": str("a")})
		_, err := p.DynamoDB.PutItem(p.ctx, &dynamodb.PutItemInput{
			TableName: table, Item: item{"id": str("a")}, ConditionExpression: aws.String("attribute_not_exists(id)"),
		})
		return refuses(err, "ConditionalCheckFailedException")
	}},
	{"a put whose condition fails tells the item if asked to", func(p *place) string {
		table := p.table("")
		p.store(table, item{"id": str("a"), "n": num("1")})
		_, err := p.DynamoDB.PutItem(p.ctx, &dynamodb.PutItemInput{
			TableName: table, Item: item{"id": str("a")}, ConditionExpression: aws.String("attribute_not_exists(id)"),
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		})
		return failed(err)
	}},
	{"an update whose condition fails tells the item if asked to", func(p *place) string {
		table := p.table("")
		p.store(table, item{"id": str("a"), "n": num("1")})
		_, err := p.DynamoDB.UpdateItem(p.ctx, &dynamodb.UpdateItemInput{
			TableName: table, Key: item{"id": str("a")}, UpdateExpression: aws.String("SET n = :two"), ConditionExpression: aws.String("n = :two"),
			ExpressionAttributeValues: item{":two": num("2")}, ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		})
		return failed(err)
	}},
	{"a deletion whose condition fails tells the item if asked to", func(p *place) string {
		table := p.table("")
		p.store(table, item{"id": str("a"), "n": num("1")})
		_, err := p.DynamoDB.DeleteItem(p.ctx, &dynamodb.DeleteItemInput{
			TableName: table, Key: item{"id": str("a")}, ConditionExpression: aws.String("n = :two"),
			ExpressionAttributeValues: item{":two": num("2")}, ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		})
		return failed(err)
	}},
	{"of fifty writers that race for a condition one wins", func(p *place) string {
		table := p.table("")
		p.store(table, item{"id": str("a"), "n": num("0")})
		var won atomic.Int32
		var group sync.WaitGroup
		for range 50 {
			group.Go(func() {
				_, err := p.DynamoDB.UpdateItem(p.ctx, &dynamodb.UpdateItemInput{
					TableName: table, Key: item{"id": str("a")}, UpdateExpression: aws.String("SET n = :one"),
					ConditionExpression: aws.String("n = :zero"), ExpressionAttributeValues: item{":zero": num("0"), ":one": num("1")},
				})
				if err == nil {
					won.Add(1)
				}
			})
		}
		group.Wait()
		return unless(won.Load() == 1, "another number")
	}},
	{"the notation from before expressions has conditions, with Expected", func(p *place) string {
		table := p.table("")
		p.store(table, item{"id": str("a"), "n": num("1")})
		put := func(n string) error {
			_, err := p.DynamoDB.PutItem(p.ctx, &dynamodb.PutItemInput{
				TableName: table, Item: item{"id": str("a"), "n": num("2")}, Expected: map[string]types.ExpectedAttributeValue{"n": {Value: num(n)}},
			})
			return err
		}
		if outcome := refuses(put("7"), "ConditionalCheckFailedException"); outcome != "" {
			return outcome
		}
		return unless(put("1") == nil, "refuses those that hold")
	}},
	{"the notation from before expressions has updates, with AttributeUpdates", func(p *place) string {
		table := p.table("")
		p.store(table, item{"id": str("a"), "n": num("1"), "gone": num("1")})
		out := need(p.DynamoDB.UpdateItem(p.ctx, &dynamodb.UpdateItemInput{
			TableName: table, Key: item{"id": str("a")}, ReturnValues: types.ReturnValueAllNew,
			AttributeUpdates: map[string]types.AttributeValueUpdate{
				"n": {Action: types.AttributeActionAdd, Value: num("4")}, "new": {Value: num("3")}, "gone": {Action: types.AttributeActionDelete},
			},
		}))
		got := number(out.Attributes, "n") + number(out.Attributes, "new") + number(out.Attributes, "gone")
		return unless(got == "53none", "otherwise")
	}},
	{"both notations are not mixed", func(p *place) string {
		_, err := p.DynamoDB.PutItem(p.ctx, &dynamodb.PutItemInput{
			TableName: p.table(""), Item: item{"id": str("a")}, ConditionExpression: aws.String("attribute_not_exists(id)"),
			Expected: map[string]types.ExpectedAttributeValue{"n": {Exists: aws.Bool(false)}},
		})
		return refuses(err, "ValidationException")
	}},
	{"what was is returned if asked for", func(p *place) string {
		table := p.table("")
		p.store(table, item{"id": str("a"), "n": num("1"), "m": num("5")})
		old := need(p.DynamoDB.UpdateItem(p.ctx, &dynamodb.UpdateItemInput{
			TableName: table, Key: item{"id": str("a")}, UpdateExpression: aws.String("SET n = :two"),
			ExpressionAttributeValues: item{":two": num("2")}, ReturnValues: types.ReturnValueUpdatedOld,
		})).Attributes
		gone := need(p.DynamoDB.DeleteItem(p.ctx, &dynamodb.DeleteItemInput{
			TableName: table, Key: item{"id": str("a")}, ReturnValues: types.ReturnValueAllOld,
		})).Attributes
		return unless(len(old) == 1 && number(old, "n") == "1" && len(gone) == 3 && number(gone, "n") == "2", "otherwise")
	}},
	{"every answer carries its checksum", func(p *place) string {
		reply, _ := p.post("DynamoDB_20120810.ListTables", "application/x-amz-json-1.0", []byte("{}"))
		return unless(reply.Header.Get("X-Amz-Crc32") != "", "carries none")
	}},
	{"a document that is no JSON is refused as SerializationException", func(p *place) string {
		reply, body := p.post("DynamoDB_20120810.ListTables", "application/x-amz-json-1.0", []byte("{"))
		return refusedAs(reply.StatusCode, body, "SerializationException")
	}},
	{"an operation that does not exist is refused with HTTP status 400", func(p *place) string {
		reply, body := p.post("DynamoDB_20120810.Nothing", "application/x-amz-json-1.0", []byte("{}"))
		return refusedAs(reply.StatusCode, body, "UnknownOperationException")
	}},
}
