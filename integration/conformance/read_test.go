package conformance

import (
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// rows creates a table of items with n = 0 to count-1.
func (p *place) rows(count int) *string {
	table := p.table("")
	for i := range count {
		p.store(table, item{"id": str(fmt.Sprint("id-", i)), "n": num(fmt.Sprint(i))})
	}
	return table
}

// series creates a table with a sort key, and items 0 to count-1 under the key "a".
func (p *place) series(count int) *string {
	table := p.table("seq")
	for i := range count {
		p.store(table, item{"id": str("a"), "seq": num(fmt.Sprint(i))})
	}
	p.store(table, item{"id": str("b"), "seq": num("1")})
	return table
}

// query asks for the sort keys under the key "a".
func (p *place) query(in *dynamodb.QueryInput, condition string, values item) (found string, out *dynamodb.QueryOutput) {
	in.KeyConditionExpression = aws.String("id = :id" + condition)
	in.ExpressionAttributeValues = item{":id": str("a")}
	for name, value := range values {
		in.ExpressionAttributeValues[name] = value
	}
	out = need(p.DynamoDB.Query(p.ctx, in))
	for _, i := range out.Items {
		found += number(i, "seq")
	}
	return found, out
}

// scanned reads all pages of a scan.
func (p *place) scanned(in *dynamodb.ScanInput) (ids map[string]int, pages int) {
	ids = make(map[string]int)
	for {
		out := need(p.DynamoDB.Scan(p.ctx, in))
		pages++
		for _, i := range out.Items {
			ids[i["id"].(*types.AttributeValueMemberS).Value]++
		}
		if in.ExclusiveStartKey = out.LastEvaluatedKey; in.ExclusiveStartKey == nil {
			return ids, pages
		}
	}
}

// once reports whether there are n ids, each once.
func once(ids map[string]int, n int) bool {
	for _, times := range ids {
		if times != 1 {
			return false
		}
	}
	return len(ids) == n
}

var readRules = []rule{
	{"a scan in pages finds every item once", func(p *place) string {
		ids, pages := p.scanned(&dynamodb.ScanInput{TableName: p.rows(20), Limit: aws.Int32(6)})
		return unless(once(ids, 20) && pages >= 4, "otherwise")
	}},
	{"the segments of a parallel scan have every item once, and share them", func(p *place) string {
		table, all, used := p.rows(40), make(map[string]int), 0
		for segment := range int32(3) {
			ids, _ := p.scanned(&dynamodb.ScanInput{TableName: table, Segment: &segment, TotalSegments: aws.Int32(3)})
			for id, times := range ids {
				all[id] += times
			}
			if len(ids) > 0 {
				used++
			}
		}
		return unless(once(all, 40) && used > 1, "otherwise")
	}},
	{"a filter counts what it has looked at", func(p *place) string {
		out := need(p.DynamoDB.Scan(p.ctx, &dynamodb.ScanInput{
			TableName: p.rows(10), FilterExpression: aws.String("n < :three"), ExpressionAttributeValues: item{":three": num("3")},
		}))
		return unless(out.Count == 3 && out.ScannedCount == 10, "otherwise")
	}},
	{"a page has at most 1 MB", func(p *place) string {
		table := p.table("")
		for i := range 5 {
			p.store(table, item{"id": str(fmt.Sprint(i)), "x": str(strings.Repeat("x", 300_000))})
		}
		out := need(p.DynamoDB.Scan(p.ctx, &dynamodb.ScanInput{TableName: table}))
		return unless(out.Count < 5 && out.LastEvaluatedKey != nil, "more")
	}},
	{"a projection chooses attributes, inside maps too", func(p *place) string {
		table := p.table("")
		p.store(table, item{"id": str("a"), "n": num("1"), "m": &types.AttributeValueMemberM{Value: item{"x": num("2"), "y": num("3")}}})
		got := need(p.DynamoDB.GetItem(p.ctx, &dynamodb.GetItemInput{
			TableName: table, Key: item{"id": str("a")}, ProjectionExpression: aws.String("m.x"),
		})).Item
		m, is := got["m"].(*types.AttributeValueMemberM)
		return unless(len(got) == 1 && is && len(m.Value) == 1 && number(m.Value, "x") == "2", "otherwise")
	}},
	{"a query finds a key's items in the order of their sort keys, as numbers", func(p *place) string {
		found, _ := p.query(&dynamodb.QueryInput{TableName: p.series(12)}, "", nil)
		return unless(found == "01234567891011", "otherwise")
	}},
	{"a query runs backwards", func(p *place) string {
		found, _ := p.query(&dynamodb.QueryInput{TableName: p.series(5), ScanIndexForward: aws.Bool(false)}, "", nil)
		return unless(found == "43210", "otherwise")
	}},
	{"a query takes a range of sort keys", func(p *place) string {
		found, _ := p.query(&dynamodb.QueryInput{TableName: p.series(8)}, " AND seq BETWEEN :from AND :to", item{":from": num("2"), ":to": num("4")})
		return unless(found == "234", "otherwise")
	}},
	{"a query goes on behind its last key", func(p *place) string {
		table := p.series(6)
		first, out := p.query(&dynamodb.QueryInput{TableName: table, Limit: aws.Int32(4)}, "", nil)
		second, _ := p.query(&dynamodb.QueryInput{TableName: table, ExclusiveStartKey: out.LastEvaluatedKey}, "", nil)
		return unless(first == "0123" && second == "45", "otherwise")
	}},
	{"a query names the whole partition key", func(p *place) string {
		_, err := p.DynamoDB.Query(p.ctx, &dynamodb.QueryInput{
			TableName: p.series(1), KeyConditionExpression: aws.String("id > :id"), ExpressionAttributeValues: item{":id": str("a")},
		})
		return refuses(err, "ValidationException")
	}},
	{"a batch writes and gets items of several tables", func(p *place) string {
		one, two := p.table(""), p.table("")
		write := []types.WriteRequest{{PutRequest: &types.PutRequest{Item: item{"id": str("a")}}}}
		need(p.DynamoDB.BatchWriteItem(p.ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{*one: write, *two: write}}))
		keys := types.KeysAndAttributes{Keys: []item{{"id": str("a")}, {"id": str("none")}}}
		got := need(p.DynamoDB.BatchGetItem(p.ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{*one: keys, *two: keys}})).Responses
		return unless(len(got[*one]) == 1 && len(got[*two]) == 1, "otherwise")
	}},
	{"a batch writes at most 25 items", func(p *place) string {
		var writes []types.WriteRequest
		for i := range 26 {
			writes = append(writes, types.WriteRequest{PutRequest: &types.PutRequest{Item: item{"id": str(fmt.Sprint(i))}}})
		}
		_, err := p.DynamoDB.BatchWriteItem(p.ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{*p.table(""): writes}})
		return refuses(err, "ValidationException")
	}},
	{"a batch writes an item once", func(p *place) string {
		write := types.WriteRequest{PutRequest: &types.PutRequest{Item: item{"id": str("a")}}}
		_, err := p.DynamoDB.BatchWriteItem(p.ctx, &dynamodb.BatchWriteItemInput{
			RequestItems: map[string][]types.WriteRequest{*p.table(""): {write, write}},
		})
		return refuses(err, "ValidationException")
	}},
	{"consumed capacity is told if asked for", func(p *place) string {
		out := need(p.DynamoDB.GetItem(p.ctx, &dynamodb.GetItemInput{
			TableName: p.rows(1), Key: item{"id": str("id-0")}, ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
		}))
		return unless(out.ConsumedCapacity != nil && *out.ConsumedCapacity.CapacityUnits == 0.5, "otherwise")
	}},
}
