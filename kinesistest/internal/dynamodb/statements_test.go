package dynamodb

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/attribute"
)

// statement makes a member of a batch, which asks for the item if its condition fails.
func statement(text string, parameters ...types.AttributeValue) types.BatchStatementRequest {
	return types.BatchStatementRequest{
		Statement: &text, Parameters: parameters,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
}

// execute sends statements in one batch.
func execute(t *testing.T, c *sdk.Client, statements ...types.BatchStatementRequest) *sdk.BatchExecuteStatementOutput {
	t.Helper()
	return must[*sdk.BatchExecuteStatementOutput](t)(c.BatchExecuteStatement(t.Context(), &sdk.BatchExecuteStatementInput{
		Statements: statements, ReturnConsumedCapacity: types.ReturnConsumedCapacityIndexes,
	}))
}

// outcomes returns the codes of the statements' errors, "" for those that have none.
func outcomes(out *sdk.BatchExecuteStatementOutput) []string {
	codes := make([]string, len(out.Responses))
	for i, r := range out.Responses {
		if r.Error != nil {
			codes[i] = string(r.Error.Code)
		}
	}
	return codes
}

// newLeases makes a table app with rows a, b and c whose counters are 1, 2 and 3.
func newLeases(t *testing.T, opts Options) (*DB, *sdk.Client) {
	t.Helper()
	opts.AccountID, opts.Region = "1", "r"
	db := New(opts)
	t.Cleanup(db.Close)
	c := clientOf(db)
	createLeaseTable(t, c)
	for i, key := range []string{"a", "b", "c"} {
		put(t, c, "app", item{"leaseKey": str(key), "leaseCounter": num(fmt.Sprint(i + 1))})
	}
	return db, c
}

const renewStatement = `UPDATE "app" SET "leaseCounter" = ? SET "leaseOwner" = ? WHERE "leaseKey" = ? AND "leaseCounter" = ?`

// renewed returns a renewal of the row: its counter goes from one number to the next if it is the first.
func renewed(key string, from int) types.BatchStatementRequest {
	return statement(renewStatement+" RETURNING ALL NEW *", num(fmt.Sprint(from+1)), str("me"), str(key), num(fmt.Sprint(from)))
}

func lease(key string, counter int) item {
	return item{"leaseKey": str(key), "leaseCounter": num(fmt.Sprint(counter)), "leaseOwner": str("me")}
}

func TestEachStatementOfABatchHasItsOwnConditionAndAnswer(t *testing.T) {
	_, c := newLeases(t, Options{})
	out := execute(t, c, renewed("c", 3), renewed("a", 7), renewed("none", 1), renewed("b", 2))
	same(t, outcomes(out), []string{"", "ConditionalCheckFailed", "ConditionalCheckFailed", ""})
	for _, r := range out.Responses {
		same(t, aws.ToString(r.TableName), "app")
	}
	same(t, out.Responses[0].Item, lease("c", 4))
	same(t, out.Responses[3].Item, lease("b", 3))
	same(t, *out.Responses[1].Error.Message, "The conditional request failed")
	same(t, out.Responses[1].Error.Item, item{"leaseKey": str("a"), "leaseCounter": num("1")})
	same(t, out.Responses[1].Item == nil && out.Responses[2].Item == nil && out.Responses[2].Error.Item == nil, true)
	same(t, get(t, c, "app", item{"leaseKey": str("a")}), item{"leaseKey": str("a"), "leaseCounter": num("1")})
	same(t, get(t, c, "app", item{"leaseKey": str("b")}), lease("b", 3))
	same(t, len(get(t, c, "app", item{"leaseKey": str("none")})), 0)
}

func TestStatementsMakeNoItems(t *testing.T) {
	_, c := newLeases(t, Options{})
	for _, where := range []string{"", " AND x IS MISSING", " AND NOT x = 1", " AND x <> 1"} { // all of which hold of no item
		out := execute(t, c, statement(`UPDATE app SET x = 1 WHERE leaseKey = 'none'`+where))
		same(t, outcomes(out), []string{"ConditionalCheckFailed"})
		same(t, len(get(t, c, "app", item{"leaseKey": str("none")})), 0)
	}
}

func TestTheItemComesWithAFailedStatementIfItIsAskedFor(t *testing.T) {
	_, c := newLeases(t, Options{})
	for ask, want := range map[types.ReturnValuesOnConditionCheckFailure]item{
		"": nil, types.ReturnValuesOnConditionCheckFailureNone: nil,
		types.ReturnValuesOnConditionCheckFailureAllOld: {"leaseKey": str("a"), "leaseCounter": num("1")},
	} {
		s := renewed("a", 7)
		s.ReturnValuesOnConditionCheckFailure = ask
		same(t, execute(t, c, s).Responses[0].Error.Item, want)
	}
}

func TestStatementsReturnWhatTheyAreAskedFor(t *testing.T) {
	_, c := newLeases(t, Options{})
	for returning, want := range map[string]item{
		"": nil, "RETURNING ALL OLD *": {"leaseKey": str("a"), "leaseCounter": num("1")}, "returning modified old *": {"leaseCounter": num("1")},
		"RETURNING ALL NEW *": {"leaseKey": str("a"), "leaseCounter": num("2")}, "RETURNING MODIFIED NEW *": {"leaseCounter": num("2")},
	} {
		put(t, c, "app", item{"leaseKey": str("a"), "leaseCounter": num("1")})
		out := execute(t, c, statement(`UPDATE app SET leaseCounter = leaseCounter + 1 REMOVE x WHERE leaseKey = 'a' `+returning))
		same(t, outcomes(out), []string{""})
		same(t, out.Responses[0].Item, want)
	}
	out := execute(t, c, statement(`UPDATE app REMOVE x WHERE leaseKey = 'a' RETURNING MODIFIED OLD *`))
	same(t, out.Responses[0].Item == nil && *out.Responses[0].TableName == "app", true)
}

func TestStatementsThatCannotBeDoneFailAlone(t *testing.T) {
	_, c := newLeases(t, Options{})
	addOwnerIndex(t, c)
	createTable(t, c, "sorted", sortKey(types.ScalarAttributeTypeN))
	const kinds = "kinesistest executes no statement but UPDATE, and no "
	for _, test := range []struct {
		statement     types.BatchStatementRequest
		code, message string
	}{
		{statement(`UPDATE "none" SET x = 1 WHERE pk = 'a'`), "ResourceNotFound", "Requested resource not found"},
		{statement(`UPDATE app SET x = ? WHERE leaseKey = ?`, num("1")), "ValidationError", "Number of parameters in request and statement don't match."},
		{statement(`UPDATE app SET x = ? WHERE leaseKey = 'a'`, num("1"), num("2")), "ValidationError", "Number of parameters in request and statement don't match."},
		{statement(`SELECT * FROM app WHERE leaseKey = 'a'`), "ValidationError", kinds + "SELECT"},
		{statement(`insert into app value {'leaseKey': 'a'}`), "ValidationError", kinds + "INSERT"},
		{statement(`DELETE FROM app WHERE leaseKey = 'a'`), "ValidationError", kinds + "DELETE"},
		{statement(`UPDATE app SET x = 1`), "ValidationError", "Where clause does not contain a mandatory equality on all key attributes"},
		{statement(`UPDATE app SET x = 1 WHERE leaseKey = 'a' OR x = 2`), "ValidationError", "Where clause does not contain a mandatory equality on all key attributes"},
		{statement(`UPDATE sorted SET x = 1 WHERE pk = 'a'`), "ValidationError", "Where clause does not contain a mandatory equality on all key attributes"},
		{statement(`UPDATE app SET x = 1 WHERE leaseKey = 5`), "ValidationError", "The provided key element does not match the schema"},
		{statement(`UPDATE app SET leaseKey = 'b' WHERE leaseKey = 'a'`), "ValidationError", "One or more parameter values were invalid: Cannot update attribute leaseKey. This attribute is part of the key"},
		{statement(`UPDATE app SET x = y + 1 WHERE leaseKey = 'a'`), "ValidationError", "The provided expression refers to an attribute that does not exist in the item"},
		{statement(`UPDATE app SET leaseOwner = 1 WHERE leaseKey = 'a'`), "ValidationError", "One or more parameter values were invalid: Type mismatch for Index Key leaseOwner Expected: S Actual: N IndexName: LeaseOwnerToLeaseKeyIndex"},
		{statement(`UPDATE app SET x = ? WHERE leaseKey = 'a'`, str(strings.Repeat("x", 400<<10))), "ValidationError", "Item size to update has exceeded the maximum allowed size"},
	} {
		out := execute(t, c, test.statement, statement(`UPDATE app SET x = 1 WHERE leaseKey = 'b'`))
		same(t, outcomes(out), []string{test.code, ""})
		same(t, *out.Responses[0].Error.Message, test.message)
		same(t, out.Responses[0].TableName != nil, test.code != "ValidationError")
		same(t, get(t, c, "app", item{"leaseKey": str("a")}), item{"leaseKey": str("a"), "leaseCounter": num("1")})
	}
}

func TestAWrongBatchOfStatementsDoesNothing(t *testing.T) {
	db, c := newLeases(t, Options{})
	good := renewed("a", 1)
	const one = "1 validation error detected: Value "
	for want, statements := range map[string][]types.BatchStatementRequest{
		one + "'[]' at 'statements' failed to satisfy constraint: Member must have length greater than or equal to 1":                  {},
		one + "'[26 items]' at 'statements' failed to satisfy constraint: Member must have length less than or equal to 25":            slices.Repeat([]types.BatchStatementRequest{good}, 26),
		one + "'' at 'statements.2.member.statement' failed to satisfy constraint: Member must have length greater than or equal to 1": {good, statement("")},
		one + "'8193 characters' at 'statements.2.member.statement' failed to satisfy constraint: Member must have length less than or equal to 8192": {
			good, statement(strings.Repeat("é", 8193)),
		},
		one + "'[]' at 'statements.2.member.parameters' failed to satisfy constraint: Member must have length greater than or equal to 1": {
			good, {Statement: aws.String("x"), Parameters: []types.AttributeValue{}},
		},
		"Provided list of item keys contains duplicates": {good, renewed("b", 2), statement(`UPDATE app REMOVE x WHERE 'a' = leaseKey`)},
	} {
		_, err := c.BatchExecuteStatement(t.Context(), &sdk.BatchExecuteStatementInput{Statements: statements})
		refused(t, err, "ValidationException", want)
	}
	same(t, get(t, c, "app", item{"leaseKey": str("a")}), item{"leaseKey": str("a"), "leaseCounter": num("1")})
	w := post(db, targetPrefix+"BatchExecuteStatement", `{"Statements":[{"Statement":"UPDATE app SET x = ? WHERE leaseKey = 'a'","Parameters":[{}]}]}`)
	same(t, strings.Contains(w.Body.String(), "Supplied AttributeValue is empty"), true)
}

func TestABatchHasTwentyFiveStatementsOnSeveralTables(t *testing.T) {
	_, c := newLeases(t, Options{})
	createTable(t, c, "sorted", sortKey(types.ScalarAttributeTypeN))
	var statements []types.BatchStatementRequest
	for i := range 24 {
		put(t, c, "sorted", item{"pk": str("a"), "sk": num(fmt.Sprint(i))})
		statements = append(statements, statement(`UPDATE "sorted" SET n = ? WHERE pk = 'a' AND sk = ?`, num("1"), num(fmt.Sprint(i))))
	}
	out := execute(t, c, append(statements, renewed("a", 1))...)
	same(t, outcomes(out), make([]string, 25))
	same(t, get(t, c, "sorted", item{"pk": str("a"), "sk": num("23")})["n"], num("1"))
	same(t, get(t, c, "app", item{"leaseKey": str("a")}), lease("a", 2))
}

func TestStatementsCostWhatUpdatesCost(t *testing.T) {
	update := func(c *sdk.Client, key, counter string) {
		_, err := c.UpdateItem(t.Context(), &sdk.UpdateItemInput{
			TableName: aws.String("app"), Key: item{"leaseKey": str(key)}, UpdateExpression: aws.String("SET leaseOwner = :me"),
			ConditionExpression: aws.String("leaseCounter = :c"), ExpressionAttributeValues: item{":me": str("me"), ":c": num(counter)},
		})
		if err != nil {
			refused(t, err, "ConditionalCheckFailedException", "")
		}
	}
	execution := func(c *sdk.Client, key, counter string) {
		execute(t, c, statement(`UPDATE app SET leaseOwner = 'me' WHERE leaseKey = ? AND leaseCounter = ?`, str(key), num(counter)))
	}
	var units []float64
	for _, way := range []func(c *sdk.Client, key, counter string){update, execution} {
		db, c := newLeases(t, Options{})
		addOwnerIndex(t, c)
		put(t, c, "app", item{"leaseKey": str("c"), "leaseCounter": num("3"), "d": str(strings.Repeat("x", 3000))})
		_, before := db.Consumed("app")
		way(c, "a", "1")    // 2: the table and the index
		way(c, "b", "7")    // 1: a condition that fails
		way(c, "c", "7")    // 3: the same of a large item
		way(c, "c", "3")    // 4
		way(c, "none", "3") // 1
		_, after := db.Consumed("app")
		units = append(units, after-before)
	}
	same(t, units, []float64{11, 11})
}

func TestABatchTellsWhatItConsumed(t *testing.T) {
	_, c := newLeases(t, Options{})
	createTable(t, c, "other")
	put(t, c, "other", keyOf("x"))
	addOwnerIndex(t, c)
	out := execute(t, c, renewed("a", 1), renewed("b", 7), renewed("c", 3), statement(`UPDATE other SET n = 1 WHERE pk = 'x' AND n = 2`))
	same(t, len(out.ConsumedCapacity), 1) // all statements on the other table have failed
	same(t, *out.ConsumedCapacity[0].CapacityUnits, 5.0)
	same(t, *out.ConsumedCapacity[0].Table.CapacityUnits, 2.0) // the failed statement is in the sum alone
	same(t, *out.ConsumedCapacity[0].GlobalSecondaryIndexes["LeaseOwnerToLeaseKeyIndex"].CapacityUnits, 2.0)
}

func TestAThrottledStatementStandsAmongGoodOnes(t *testing.T) {
	for code, limits := range map[string]Throttling{ // all of two units a second
		"ProvisionedThroughputExceeded": {Provisioned: true},
		"ThrottlingError":               {OnDemandWrites: 2},
		"RequestLimitExceeded":          {OnDemandWrites: 2, OnDemandCode: "RequestLimitExceeded"},
	} {
		synctest.Test(t, func(t *testing.T) {
			db, c := provisionedTable(t, Throttling{})
			if !limits.Provisioned {
				must[*sdk.UpdateTableOutput](t)(c.UpdateTable(t.Context(), &sdk.UpdateTableInput{
					TableName: aws.String("app"), BillingMode: types.BillingModePayPerRequest,
				}))
			}
			createTable(t, c, "other")
			put(t, c, "other", keyOf("x"))
			var statements []types.BatchStatementRequest
			for _, key := range []string{"a", "b", "c"} {
				put(t, c, "app", keyOf(key))
				statements = append(statements, statement(`UPDATE app SET n = 1 WHERE pk = ?`, str(key)))
			}
			db.Throttle(limits)
			out := execute(t, c, append(statements, statement(`UPDATE other SET n = 1 WHERE pk = 'x'`))...)
			same(t, outcomes(out), []string{"", "", code, ""})
			same(t, *out.Responses[2].TableName, "app")
			db.Throttle(Throttling{})
			same(t, get(t, c, "app", keyOf("b"))["n"], num("1"))
			same(t, get(t, c, "app", keyOf("c")), keyOf("c"))
		})
	}
}

func TestTheIndexFollowsStatements(t *testing.T) {
	_, c := newLeases(t, Options{})
	addOwnerIndex(t, c)
	execute(t, c, renewed("a", 1), renewed("b", 7), renewed("c", 3))
	same(t, len(ownedBy(t, c, "me")), 2)
	execute(t, c, statement(`UPDATE app REMOVE leaseOwner WHERE leaseKey = 'a' AND leaseOwner IS NOT MISSING`))
	same(t, len(ownedBy(t, c, "me")), 1)
}

func TestTheObserverIsToldOfStatementsAsOfUpdates(t *testing.T) {
	var writes []Write
	db, c := newLeases(t, Options{Observe: func(w Write) { writes = append(writes, w) }})
	writes = nil
	body := `{"Statements":[{"Statement":"UPDATE app SET n = 1 WHERE leaseKey = 'a'"},{"Statement":"UPDATE app SET n = 1 WHERE leaseKey = 'b' AND n = 2"},` +
		`{"Statement":"UPDATE app SET n = 1 WHERE leaseKey = 'c'"}]}`
	if _, err := db.call("worker-1", "BatchExecuteStatement", []byte(body)); err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, w := range writes {
		keys = append(keys, w.Key)
		same(t, w.Caller, "worker-1")
		same(t, w.Table, "app")
		same(t, w.Before["n"] == nil && attribute.Text(w.After["n"]) == "1", true)
	}
	same(t, keys, []string{"a", "c"})
	same(t, get(t, c, "app", item{"leaseKey": str("c")})["n"], num("1"))
}
