package conformance

import (
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// as returns the error of a type in a chain; there must be one.
func as[E error](err error) (typed E) {
	if !errors.As(err, &typed) {
		stop("an error of another type")
	}
	return typed
}

// transact writes items with the ids in one transaction, under the condition that none was there.
func (p *place) transact(table, token *string, ids ...string) error {
	in := &dynamodb.TransactWriteItemsInput{ClientRequestToken: token}
	for _, id := range ids {
		in.TransactItems = append(in.TransactItems, types.TransactWriteItem{Put: &types.Put{
			TableName: table, Item: item{"id": str(id)}, ConditionExpression: aws.String("attribute_not_exists(id)"),
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		}})
	}
	_, err := p.DynamoDB.TransactWriteItems(p.ctx, in)
	return err
}

var transactionRules = []rule{
	{"a transaction writes all its items", func(p *place) string {
		table := p.table("")
		if err := p.transact(table, nil, "a", "b"); err != nil {
			return called(err)
		}
		return unless(p.load(table, "a") != nil && p.load(table, "b") != nil, "some are missing")
	}},
	{"a transaction of which one condition fails writes nothing, and says which and why", func(p *place) string {
		table := p.table("")
		p.store(table, item{"id": str("b"), "n": num("1")})
		err := p.transact(table, nil, "a", "b")
		if outcome := refuses(err, "TransactionCanceledException"); outcome != "" {
			return outcome
		}
		reasons := as[*types.TransactionCanceledException](err).CancellationReasons
		if len(reasons) != 2 || *reasons[0].Code != "None" || *reasons[1].Code != "ConditionalCheckFailed" || number(reasons[1].Item, "n") != "1" {
			return "other reasons"
		}
		return unless(p.load(table, "a") == nil, "writes some")
	}},
	{"a transaction that is sent again with its token is done once", func(p *place) string {
		table, token := p.table(""), aws.String("token")
		if err := p.transact(table, token, "a"); err != nil {
			return called(err)
		}
		err := p.transact(table, token, "a")
		return unless(err == nil, "%s", called(err))
	}},
	{"a token is for one transaction", func(p *place) string {
		table, token := p.table(""), aws.String("another token")
		if err := p.transact(table, token, "a"); err != nil {
			return called(err)
		}
		return refuses(p.transact(table, token, "b"), "IdempotentParameterMismatchException")
	}},
	{"a transaction touches an item once", func(p *place) string {
		return refuses(p.transact(p.table(""), nil, "a", "a"), "ValidationException")
	}},
	{"a transaction checks, updates and deletes", func(p *place) string {
		table := p.table("")
		for _, id := range []string{"a", "b", "c"} {
			p.store(table, item{"id": str(id), "n": num("1")})
		}
		one := item{":one": num("1")}
		need(p.DynamoDB.TransactWriteItems(p.ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
			{ConditionCheck: &types.ConditionCheck{TableName: table, Key: item{"id": str("a")}, ConditionExpression: aws.String("n = :one"), ExpressionAttributeValues: one}},
			{Update: &types.Update{TableName: table, Key: item{"id": str("b")}, UpdateExpression: aws.String("ADD n :one"), ExpressionAttributeValues: one}},
			{Delete: &types.Delete{TableName: table, Key: item{"id": str("c")}}},
		}}))
		return unless(number(p.load(table, "b"), "n") == "2" && p.load(table, "c") == nil, "otherwise")
	}},
	{"a transaction reads items, in its order", func(p *place) string {
		table := p.table("")
		p.store(table, item{"id": str("a"), "n": num("1")})
		get := func(id string) types.TransactGetItem {
			return types.TransactGetItem{Get: &types.Get{TableName: table, Key: item{"id": str(id)}}}
		}
		got := need(p.DynamoDB.TransactGetItems(p.ctx, &dynamodb.TransactGetItemsInput{TransactItems: []types.TransactGetItem{get("none"), get("a")}})).Responses
		return unless(len(got) == 2 && got[0].Item == nil && number(got[1].Item, "n") == "1", "otherwise")
	}},
}
