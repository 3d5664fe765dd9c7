package conformance

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// updated runs an update expression on the item a, which has n = 1, m.x = 2, l = [1] and s = {x, y}, and returns the new item.
func (p *place) updated(expression string, values item, names map[string]string) (item, error) {
	table := p.table("")
	p.store(table, item{
		"id": str("a"), "n": num("1"), "m": &types.AttributeValueMemberM{Value: item{"x": num("2")}},
		"l": &types.AttributeValueMemberL{Value: []types.AttributeValue{num("1")}}, "s": &types.AttributeValueMemberSS{Value: []string{"x", "y"}},
	})
	out, err := p.DynamoDB.UpdateItem(p.ctx, &dynamodb.UpdateItemInput{
		TableName: table, Key: item{"id": str("a")}, UpdateExpression: &expression, ExpressionAttributeValues: values,
		ExpressionAttributeNames: names, ReturnValues: types.ReturnValueAllNew,
	})
	if err != nil {
		return nil, err
	}
	return out.Attributes, nil
}

// refusedUpdate is a rule of update expressions that are refused.
func refusedUpdate(says, expression string, values item) rule {
	return rule{says, func(p *place) string {
		_, err := p.updated(expression, values, nil)
		return refuses(err, "ValidationException")
	}}
}

// condition is a rule of a condition that holds for the item with n = 1 and t = "text".
func condition(says, expression string, values item) rule {
	return rule{says, func(p *place) string {
		table := p.table("")
		p.store(table, item{"id": str("a"), "n": num("1"), "t": str("text")})
		_, err := p.DynamoDB.DeleteItem(p.ctx, &dynamodb.DeleteItemInput{
			TableName: table, Key: item{"id": str("a")}, ConditionExpression: &expression, ExpressionAttributeValues: values,
		})
		return unless(err == nil, "%s", called(err))
	}}
}

var expressionRules = []rule{
	{"SET does sums, and sees the item as it was", func(p *place) string {
		got := need(p.updated("SET n = n + :five, o = n - :five", item{":five": num("5")}, nil))
		return unless(number(got, "n") == "6" && number(got, "o") == "-4", "otherwise")
	}},
	{"SET has if_not_exists and list_append", func(p *place) string {
		got := need(p.updated("SET n = if_not_exists(n, :nine), o = if_not_exists(o, :nine), l = list_append(l, :list)",
			item{":nine": num("9"), ":list": &types.AttributeValueMemberL{Value: []types.AttributeValue{num("2")}}}, nil))
		l, is := got["l"].(*types.AttributeValueMemberL)
		return unless(number(got, "n") == "1" && number(got, "o") == "9" && is && len(l.Value) == 2, "otherwise")
	}},
	{"paths lead into maps and lists", func(p *place) string {
		got := need(p.updated("SET m.x = :v, l[0] = :v REMOVE m.y", item{":v": num("8")}, nil))
		m, is := got["m"].(*types.AttributeValueMemberM)
		return unless(is && number(m.Value, "x") == "8", "otherwise")
	}},
	{"ADD counts, and adds to sets; DELETE takes from sets", func(p *place) string {
		got := need(p.updated("ADD n :two, fresh :two DELETE s :x", item{":two": num("2"), ":x": &types.AttributeValueMemberSS{Value: []string{"x"}}}, nil))
		s, is := got["s"].(*types.AttributeValueMemberSS)
		return unless(number(got, "n") == "3" && number(got, "fresh") == "2" && is && len(s.Value) == 1, "otherwise")
	}},
	{"an update makes the item if there is none", func(p *place) string {
		out := need(p.DynamoDB.UpdateItem(p.ctx, &dynamodb.UpdateItemInput{
			TableName: p.table(""), Key: item{"id": str("new")}, UpdateExpression: aws.String("SET n = :v"),
			ExpressionAttributeValues: item{":v": num("1")}, ReturnValues: types.ReturnValueAllNew,
		}))
		return unless(len(out.Attributes) == 2, "otherwise")
	}},
	refusedUpdate("paths of one update do not overlap", "SET m = :v, m.x = :v", item{":v": num("1")}),
	refusedUpdate("a key is not updated", "SET id = :v", item{":v": str("b")}),
	refusedUpdate("a value that no expression uses is refused", "SET n = :v", item{":v": num("1"), ":w": num("1")}),
	refusedUpdate("a value that is missing is refused", "SET n = :v, o = :w", item{":v": num("1")}),
	refusedUpdate("a reserved word is no name", "SET name = :v", item{":v": num("1")}),
	refusedUpdate("a section stands once in an update", "SET n = :v SET o = :v", item{":v": num("1")}),
	refusedUpdate("a number is not added to a text", "SET n = id + :v", item{":v": num("1")}),
	refusedUpdate("a path does not lead through what is no map", "SET n.x = :v", item{":v": num("1")}),
	{"a name that no expression uses is refused", func(p *place) string {
		_, err := p.updated("SET n = :v", item{":v": num("1")}, map[string]string{"#n": "n"})
		return refuses(err, "ValidationException")
	}},
	condition("conditions compare, with AND before OR and NOT before both",
		"n = :two AND n = :two OR NOT n <> :one AND n < :two", item{":one": num("1"), ":two": num("2")}),
	condition("conditions have BETWEEN and IN", "n BETWEEN :zero AND :two AND n IN (:two, :one)",
		item{":zero": num("0"), ":one": num("1"), ":two": num("2")}),
	condition("conditions have begins_with, contains, size and attribute_type",
		"begins_with(t, :te) AND contains(t, :ex) AND size(t) = :four AND attribute_type(n, :N)",
		item{":te": str("te"), ":ex": str("ex"), ":four": num("4"), ":N": str("N")}),
	condition("what is missing is unlike everything", "absent <> :one AND attribute_not_exists(absent) AND attribute_exists(n)",
		item{":one": num("1")}),
	{"a condition does not compare a number with a text", func(p *place) string {
		table := p.table("")
		p.store(table, item{"id": str("a"), "n": num("1")})
		_, err := p.DynamoDB.DeleteItem(p.ctx, &dynamodb.DeleteItemInput{
			TableName: table, Key: item{"id": str("a")}, ConditionExpression: aws.String("n < :t"), ExpressionAttributeValues: item{":t": str("2")},
		})
		return refuses(err, "ConditionalCheckFailedException")
	}},
}
