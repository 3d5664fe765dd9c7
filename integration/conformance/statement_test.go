package conformance

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// counted is a statement that sets n to one more than it was said to be, and nothing if it is not what it was said to be.
func counted(table *string, id string, was int, more string) types.BatchStatementRequest {
	return types.BatchStatementRequest{
		Statement:  aws.String(fmt.Sprintf(`UPDATE "%s" SET "n" = ? WHERE "id" = ? AND "n" = ?%s`, *table, more)),
		Parameters: []types.AttributeValue{num(fmt.Sprint(was + 1)), str(id), num(fmt.Sprint(was))},

		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
}

// execute sends statements in one batch and returns what became of each.
func (p *place) execute(statements ...types.BatchStatementRequest) []types.BatchStatementResponse {
	out := need(p.DynamoDB.BatchExecuteStatement(p.ctx, &dynamodb.BatchExecuteStatementInput{Statements: statements})).Responses
	if len(out) != len(statements) {
		stop("%d answers to %d statements", len(out), len(statements))
	}
	return out
}

// conditionFailed is the outcome of a statement whose condition must fail.
func conditionFailed(r types.BatchStatementResponse) string {
	switch {
	case r.Error == nil:
		return "accepts it"
	case r.Error.Code != types.BatchStatementErrorCodeEnumConditionalCheckFailed:
		return string(r.Error.Code)
	default:
		return ""
	}
}

var statementRules = []rule{
	{"a batch of statements: each update under its own condition", func(p *place) string {
		table := p.table("")
		for _, id := range []string{"a", "b", "c"} {
			p.store(table, item{"id": str(id), "n": num("1")})
		}
		out := p.execute(counted(table, "a", 1, ""), counted(table, "b", 7, ""), counted(table, "c", 1, ""))
		if outcome := conditionFailed(out[1]); outcome != "" {
			return outcome
		}
		if out[0].Error != nil || out[2].Error != nil {
			return "fails the others"
		}
		return unless(number(p.load(table, "a"), "n")+number(p.load(table, "b"), "n")+number(p.load(table, "c"), "n") == "212", "otherwise")
	}},
	{"a statement makes no item where there is none", func(p *place) string {
		table := p.table("")
		out := p.execute(types.BatchStatementRequest{Statement: aws.String(`UPDATE "` + *table + `" SET n = 1 WHERE id = 'none'`)})
		if outcome := conditionFailed(out[0]); outcome != "" {
			return outcome
		}
		return unless(p.load(table, "none") == nil, "makes one")
	}},
	{"the row as it was comes with a condition that failed", func(p *place) string {
		table := p.table("")
		p.store(table, item{"id": str("a"), "n": num("1")})
		out := p.execute(counted(table, "a", 7, ""))
		if outcome := conditionFailed(out[0]); outcome != "" {
			return outcome
		}
		return unless(number(out[0].Error.Item, "n") == "1", "without the item")
	}},
	{"the row as it is now comes with RETURNING ALL NEW", func(p *place) string {
		table := p.table("")
		p.store(table, item{"id": str("a"), "n": num("1"), "x": num("3")})
		out := p.execute(counted(table, "a", 1, " RETURNING ALL NEW *"))
		if out[0].Error != nil {
			return string(out[0].Error.Code)
		}
		return unless(number(out[0].Item, "n") == "2" && number(out[0].Item, "x") == "3", "without the item")
	}},
	{"a batch of statements names an item once", func(p *place) string {
		table := p.table("")
		p.store(table, item{"id": str("a"), "n": num("1")})
		_, err := p.DynamoDB.BatchExecuteStatement(p.ctx, &dynamodb.BatchExecuteStatementInput{
			Statements: []types.BatchStatementRequest{counted(table, "a", 1, ""), counted(table, "a", 2, "")},
		})
		return refuses(err, "ValidationException")
	}},
	{"a batch has at most 25 statements", func(p *place) string {
		table := p.table("")
		var statements []types.BatchStatementRequest
		for i := range 26 {
			statements = append(statements, counted(table, fmt.Sprint(i), 1, ""))
		}
		_, err := p.DynamoDB.BatchExecuteStatement(p.ctx, &dynamodb.BatchExecuteStatementInput{Statements: statements})
		return refuses(err, "ValidationException")
	}},
}
