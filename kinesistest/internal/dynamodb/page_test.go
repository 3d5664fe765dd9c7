package dynamodb

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func text(it item, name string) string {
	switch v := it[name].(type) {
	case *types.AttributeValueMemberS:
		return v.Value
	case *types.AttributeValueMemberN:
		return v.Value
	case *types.AttributeValueMemberB:
		return string(v.Value)
	default:
		return ""
	}
}

func texts(items []item, name string) []string {
	var all []string
	for _, it := range items {
		all = append(all, text(it, name))
	}
	return all
}

// scanAll reads all pages of a scan.
func scanAll(t *testing.T, c *sdk.Client, in sdk.ScanInput) (items []item, pages int) {
	t.Helper()
	p := sdk.NewScanPaginator(c, &in)
	for p.HasMorePages() {
		out := must[*sdk.ScanOutput](t)(p.NextPage(t.Context()))
		items = append(items, out.Items...)
		pages++
	}
	return items, pages
}

func queryAll(t *testing.T, c *sdk.Client, in sdk.QueryInput) []item {
	t.Helper()
	var items []item
	p := sdk.NewQueryPaginator(c, &in)
	for p.HasMorePages() {
		items = append(items, must[*sdk.QueryOutput](t)(p.NextPage(t.Context())).Items...)
	}
	return items
}

// fill puts count items with keys k0000, k0001 and so on.
func fill(t *testing.T, c *sdk.Client, table string, count int) (keys []string) {
	t.Helper()
	for i := range count {
		key := fmt.Sprintf("k%04d", i)
		keys = append(keys, key)
		put(t, c, table, item{"pk": str(key), "n": num(strconv.Itoa(i))})
	}
	return keys
}

func TestScanVisitsEveryRowOnceWhateverThePageSize(t *testing.T) {
	c := newClient(t, Options{})
	createTable(t, c, "app")
	keys := fill(t, c, "app", 50)
	for _, limit := range []int32{1, 7, 49, 50, 51} {
		items, pages := scanAll(t, c, sdk.ScanInput{TableName: aws.String("app"), Limit: &limit})
		got := texts(items, "pk")
		slices.Sort(got)
		same(t, got, keys)
		if want := 50/int(limit) + 1; pages != want {
			t.Fatalf("%d pages of %d, want %d", pages, limit, want)
		}
	}
}

func TestSegmentsOfAScanPartTheTable(t *testing.T) {
	c := newClient(t, Options{})
	createTable(t, c, "app")
	keys := fill(t, c, "app", 200)
	for _, total := range []int32{1, 2, 3, 16, 1000} {
		var got []string
		for segment := range total {
			if total == 1000 && segment%100 != 0 {
				continue
			}
			items, _ := scanAll(t, c, sdk.ScanInput{
				TableName: aws.String("app"), Segment: aws.Int32(segment), TotalSegments: aws.Int32(total), Limit: aws.Int32(9),
			})
			got = append(got, texts(items, "pk")...)
			if total == 2 && (len(items) < 60 || len(items) > 140) {
				t.Errorf("segment %d of 2 has %d of 200 rows", segment, len(items))
			}
		}
		slices.Sort(got)
		if total != 1000 {
			same(t, got, keys)
		} else if len(slices.Compact(got)) != len(got) {
			t.Error("segments overlap")
		}
	}
}

func TestScanContinuesBehindARowThatIsGone(t *testing.T) {
	c := newClient(t, Options{})
	createTable(t, c, "app")
	keys := fill(t, c, "app", 20)
	first := must[*sdk.ScanOutput](t)(c.Scan(t.Context(), &sdk.ScanInput{TableName: aws.String("app"), Limit: aws.Int32(8)}))
	must[*sdk.DeleteItemOutput](t)(c.DeleteItem(t.Context(), &sdk.DeleteItemInput{TableName: aws.String("app"), Key: first.LastEvaluatedKey}))
	rest, _ := scanAll(t, c, sdk.ScanInput{TableName: aws.String("app"), ExclusiveStartKey: first.LastEvaluatedKey})
	got := append(texts(first.Items, "pk"), texts(rest, "pk")...)
	slices.Sort(got)
	same(t, got, keys)
}

func TestScanPageEndsAtOneMegabyte(t *testing.T) {
	c := newClient(t, Options{})
	createTable(t, c, "app")
	for i := range 25 {
		put(t, c, "app", item{"pk": str(fmt.Sprint(i)), "d": str(strings.Repeat("x", 100<<10))})
	}
	page := must[*sdk.ScanOutput](t)(c.Scan(t.Context(), &sdk.ScanInput{
		TableName: aws.String("app"), ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal, ConsistentRead: aws.Bool(true),
		FilterExpression: aws.String("attribute_not_exists(d)"),
	}))
	// Eleven items of a little over 100 KB are the first to reach a megabyte; a filter changes none of that.
	if page.ScannedCount != 11 || page.Count != 0 || page.LastEvaluatedKey == nil || *page.ConsumedCapacity.CapacityUnits != 276 {
		t.Fatalf("scanned %d, kept %d, consumed %v", page.ScannedCount, page.Count, *page.ConsumedCapacity.CapacityUnits)
	}
	_, pages := scanAll(t, c, sdk.ScanInput{TableName: aws.String("app")})
	same(t, pages, 3)
}

func TestScanFiltersAndProjects(t *testing.T) {
	c := newClient(t, Options{})
	createTable(t, c, "app")
	fill(t, c, "app", 30)
	out := must[*sdk.ScanOutput](t)(c.Scan(t.Context(), &sdk.ScanInput{
		TableName: aws.String("app"), FilterExpression: aws.String("#n >= :min AND pk <> :not"), ProjectionExpression: aws.String("#n"),
		ExpressionAttributeNames:  map[string]string{"#n": "n"},
		ExpressionAttributeValues: item{":min": num("27"), ":not": str("k0028")},
	}))
	got := texts(out.Items, "n")
	slices.Sort(got)
	same(t, got, []string{"27", "29"})
	same(t, []int32{out.Count, out.ScannedCount}, []int32{2, 30})
	same(t, len(out.Items[0]), 1)

	count := must[*sdk.ScanOutput](t)(c.Scan(t.Context(), &sdk.ScanInput{TableName: aws.String("app"), Select: types.SelectCount}))
	same(t, []int32{count.Count, count.ScannedCount, int32(len(count.Items))}, []int32{30, 30, 0})
}

func TestWrongScanIsRefused(t *testing.T) {
	c := newClient(t, Options{})
	createLeaseTable(t, c)
	addOwnerIndex(t, c)
	index := aws.String("LeaseOwnerToLeaseKeyIndex")
	for _, test := range []struct {
		in   sdk.ScanInput
		want string
	}{
		{sdk.ScanInput{Limit: aws.Int32(0)}, "1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: " +
			"Member must have value greater than or equal to 1"},
		{sdk.ScanInput{Segment: aws.Int32(1)},
			"The TotalSegments parameter is required but was not present in the request when Segment parameter is present"},
		{sdk.ScanInput{TotalSegments: aws.Int32(1)},
			"The Segment parameter is required but was not present in the request when parameter TotalSegments is present"},
		{sdk.ScanInput{Segment: aws.Int32(2), TotalSegments: aws.Int32(2)},
			"The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: 2 is not less than TotalSegments: 2"},
		{sdk.ScanInput{Segment: aws.Int32(0), TotalSegments: aws.Int32(1000001)}, "1 validation error detected: Value '1000001' at " +
			"'totalSegments' failed to satisfy constraint: Member must have value less than or equal to 1000000"},
		{sdk.ScanInput{IndexName: aws.String("none")}, "The table does not have the specified index: none"},
		{sdk.ScanInput{IndexName: index, ConsistentRead: aws.Bool(true)}, "Consistent reads are not supported on global secondary indexes"},
		{sdk.ScanInput{IndexName: index, Select: types.SelectAllAttributes}, "One or more parameter values were invalid: Select type " +
			"ALL_ATTRIBUTES is not supported for global secondary index LeaseOwnerToLeaseKeyIndex because its projection type is not ALL"},
		{sdk.ScanInput{IndexName: index, ProjectionExpression: aws.String("leaseKey, leaseCounter")}, "One or more parameter values were " +
			"invalid: Global secondary index LeaseOwnerToLeaseKeyIndex does not project [leaseCounter]"},
		{sdk.ScanInput{Select: types.SelectSpecificAttributes}, "One or more parameter values were invalid: Must specify the AttributesToGet " +
			"or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES"},
		{sdk.ScanInput{Select: types.SelectAllProjectedAttributes}, "One or more parameter values were invalid: " +
			"ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName"},
		{sdk.ScanInput{Select: types.SelectCount, ProjectionExpression: aws.String("leaseKey")},
			"Cannot specify the ProjectionExpression when choosing to get COUNT"},
		{sdk.ScanInput{ExclusiveStartKey: item{"leaseOwner": str("x")}},
			"The provided starting key is invalid: The provided key element does not match the schema"},
		{sdk.ScanInput{IndexName: index, ExclusiveStartKey: item{"leaseKey": str("x")}}, "The provided starting key is invalid"},
		{sdk.ScanInput{IndexName: index, ExclusiveStartKey: item{"leaseKey": str("x"), "leaseOwner": str("")}},
			"The provided starting key is invalid: One or more parameter values are not valid. The AttributeValue for a key attribute " +
				"cannot contain an empty string value. Key: leaseOwner"},
		{sdk.ScanInput{FilterExpression: aws.String("a = :a")}, "Invalid FilterExpression: An expression attribute value used in " +
			"expression is not defined; attribute value: :a"},
		{sdk.ScanInput{FilterExpression: aws.String("attribute_exists(a)"), AttributesToGet: []string{"a"},
			ScanFilter: map[string]types.Condition{"a": {ComparisonOperator: types.ComparisonOperatorNull}}},
			"Can not use both expression and non-expression parameters in the same request: " +
				"Non-expression parameters: {AttributesToGet, ScanFilter} Expression parameters: {FilterExpression}"},
	} {
		test.in.TableName = aws.String("app")
		_, err := c.Scan(t.Context(), &test.in)
		refused(t, err, "ValidationException", test.want)
	}
}

func TestStartKeyMustLieInTheSegment(t *testing.T) {
	c := newClient(t, Options{})
	createTable(t, c, "app")
	fill(t, c, "app", 20)
	inFirst := must[*sdk.ScanOutput](t)(c.Scan(t.Context(), &sdk.ScanInput{
		TableName: aws.String("app"), Segment: aws.Int32(0), TotalSegments: aws.Int32(2), Limit: aws.Int32(1),
	})).LastEvaluatedKey
	_, err := c.Scan(t.Context(), &sdk.ScanInput{
		TableName: aws.String("app"), Segment: aws.Int32(1), TotalSegments: aws.Int32(2), ExclusiveStartKey: inFirst,
	})
	refused(t, err, "ValidationException", "The provided starting key is invalid: Invalid ExclusiveStartKey. "+
		"Please use ExclusiveStartKey with correct Segment. TotalSegments: 2 Segment: 1")
}

// sorted makes a table whose partition p has sort keys -2 to 12, among other partitions.
func sorted(t *testing.T, c *sdk.Client) {
	t.Helper()
	createTable(t, c, "app", sortKey(types.ScalarAttributeTypeN))
	for i := -2; i <= 12; i++ {
		for _, partition := range []string{"o", "p", "p\x00", "q"} {
			put(t, c, "app", item{"pk": str(partition), "sk": num(strconv.Itoa(i)), "even": boolean(i%2 == 0)})
		}
	}
}

func TestQueryReadsThePartOfThePartitionAskedFor(t *testing.T) {
	c := newClient(t, Options{})
	sorted(t, c)
	for condition, want := range map[string]string{
		"pk = :p":                                "-2 -1 0 1 2 3 4 5 6 7 8 9 10 11 12",
		"pk = :p AND sk = :three":                "3",
		"pk = :p AND sk < :three":                "-2 -1 0 1 2",
		"pk = :p AND sk <= :three":               "-2 -1 0 1 2 3",
		"sk > :ten AND pk = :p":                  "11 12",
		"pk = :p AND sk >= :ten":                 "10 11 12",
		"pk = :p AND :ten <= sk":                 "10 11 12",
		"pk = :p AND sk BETWEEN :three AND :ten": "3 4 5 6 7 8 9 10",
		"pk = :p AND sk > :hundred":              "",
		"pk = :none":                             "",
	} {
		for _, forward := range []bool{true, false} {
			for _, limit := range []int32{1, 2, 100} {
				values := item{}
				for name, v := range (item{
					":p": str("p"), ":none": str("none"), ":three": num("3.0"), ":ten": num("1e1"), ":hundred": num("100"),
				}) {
					if slices.Contains(strings.Fields(condition), name) {
						values[name] = v
					}
				}
				wanted := strings.Fields(want)
				if !forward {
					slices.Reverse(wanted)
				}
				got := texts(queryAll(t, c, sdk.QueryInput{
					TableName: aws.String("app"), KeyConditionExpression: &condition, ExpressionAttributeValues: values,
					ScanIndexForward: &forward, Limit: &limit,
				}), "sk")
				if !slices.Equal(got, wanted) {
					t.Errorf("%s, forward %v, limit %d: %v", condition, forward, limit, got)
				}
			}
		}
	}
}

func TestQueryOfStringsAndBytesIsInByteOrder(t *testing.T) {
	keys := []string{"", "\x00", "\x00\x00", "\x00a", "\x01", "a", "a\x00", "a\x00b", "a\x01", "aa", "ab", "b", "z", "ä", "\U0001F600"}
	for kind, value := range map[types.ScalarAttributeType]func(string) types.AttributeValue{
		types.ScalarAttributeTypeS: str, types.ScalarAttributeTypeB: bin,
	} {
		c := newClient(t, Options{})
		createTable(t, c, "app", sortKey(kind))
		for _, i := range []int{7, 3, 11, 1, 14, 5, 9, 2, 13, 4, 8, 12, 6, 10} {
			put(t, c, "app", item{"pk": str("p"), "sk": value(keys[i])})
		}
		all := queryAll(t, c, sdk.QueryInput{
			TableName: aws.String("app"), KeyConditionExpression: aws.String("pk = :p"),
			ExpressionAttributeValues: item{":p": str("p")}, Limit: aws.Int32(3),
		})
		same(t, texts(all, "sk"), keys[1:])
		for _, prefix := range keys {
			var want []string
			for _, key := range keys[1:] {
				if strings.HasPrefix(key, prefix) {
					want = append(want, key)
				}
			}
			got := queryAll(t, c, sdk.QueryInput{
				TableName: aws.String("app"), KeyConditionExpression: aws.String("pk = :p AND begins_with(sk, :x)"),
				ExpressionAttributeValues: item{":p": str("p"), ":x": value(prefix)},
			})
			same(t, texts(got, "sk"), want)
		}
	}
}

func TestQueryFiltersAfterTheLimit(t *testing.T) {
	c := newClient(t, Options{})
	sorted(t, c)
	out := must[*sdk.QueryOutput](t)(c.Query(t.Context(), &sdk.QueryInput{
		TableName: aws.String("app"), KeyConditionExpression: aws.String("pk = :p"), FilterExpression: aws.String("even = :yes"),
		ExpressionAttributeValues: item{":p": str("p"), ":yes": boolean(true)}, Limit: aws.Int32(4),
	}))
	same(t, texts(out.Items, "sk"), []string{"-2", "0"})
	same(t, []int32{out.Count, out.ScannedCount}, []int32{2, 4})
	same(t, out.LastEvaluatedKey, item{"pk": str("p"), "sk": num("1")})
}

func TestWrongQueryIsRefused(t *testing.T) {
	c := newClient(t, Options{})
	createTable(t, c, "app", sortKey(types.ScalarAttributeTypeN))
	createTable(t, c, "plain")
	const mismatch = "One or more parameter values were invalid: Condition parameter type does not match schema type"
	p := item{":p": str("p")}
	with := func(name string, v types.AttributeValue) item { return item{":p": str("p"), name: v} }
	for _, test := range []struct {
		table, condition string
		values           item
		want             string
	}{
		{"app", "", nil, "Invalid KeyConditionExpression: The expression can not be empty;"},
		{"app", "sk = :one", item{":one": num("1")}, "Query condition missed key schema element: pk"},
		{"app", "pk = :p AND x = :one", with(":one", num("1")), "Query condition missed key schema element: sk"},
		{"plain", "pk = :p AND x = :one", with(":one", num("1")), "Query key condition not supported"},
		{"app", "pk = :p AND sk = :one AND x = :one", with(":one", num("1")), "Query key condition not supported"},
		{"app", "pk > :p", p, "Query key condition not supported"},
		{"app", "begins_with(pk, :p)", p, "Query key condition not supported"},
		{"app", "pk = :one", item{":one": num("1")}, mismatch},
		{"app", "pk = :p AND sk = :p", p, mismatch},
		{"app", "pk = :p AND begins_with(sk, :p)", p, mismatch},
		{"app", "pk = :e", item{":e": str("")}, "One or more parameter values are not valid. The AttributeValue for a key attribute " +
			"cannot contain an empty string value. Key: pk"},
		{"app", "pk = :p OR sk = :one", with(":one", num("1")), "Invalid operator used in KeyConditionExpression: OR"},
		{"app", "pk = :p AND sk > :one AND sk < :one", with(":one", num("1")),
			"KeyConditionExpressions must only contain one condition per key"},
	} {
		_, err := c.Query(t.Context(), &sdk.QueryInput{
			TableName: &test.table, KeyConditionExpression: &test.condition, ExpressionAttributeValues: test.values,
		})
		refused(t, err, "ValidationException", test.want)
	}
	_, err := c.Query(t.Context(), &sdk.QueryInput{TableName: aws.String("app")})
	refused(t, err, "ValidationException",
		"Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
	_, err = c.Query(t.Context(), &sdk.QueryInput{
		TableName: aws.String("app"), KeyConditionExpression: aws.String("pk = :p"), ExpressionAttributeValues: p,
		FilterExpression: aws.String("attribute_exists(sk)"),
	})
	refused(t, err, "ValidationException",
		"Filter Expression can only contain non-primary key attributes: Primary key attribute: sk")
}

func TestQueryStartKeyMustLieInTheQuery(t *testing.T) {
	c := newClient(t, Options{})
	sorted(t, c)
	query := func(start item) error {
		_, err := c.Query(t.Context(), &sdk.QueryInput{
			TableName: aws.String("app"), KeyConditionExpression: aws.String("pk = :p AND sk < :five"),
			ExpressionAttributeValues: item{":p": str("p"), ":five": num("5")}, ExclusiveStartKey: start,
		})
		return err
	}
	if err := query(item{"pk": str("p"), "sk": num("2.5")}); err != nil {
		t.Fatal(err)
	}
	refused(t, query(item{"pk": str("p"), "sk": num("5")}), "ValidationException",
		"The provided starting key does not match the range key predicate")
	refused(t, query(item{"pk": str("q"), "sk": num("2")}), "ValidationException",
		"The provided starting key is outside query boundaries based on provided conditions")
	refused(t, query(item{"pk": str("p")}), "ValidationException",
		"The provided starting key is invalid: The provided key element does not match the schema")
}

// indexed makes a table with three indexes of one attribute but different projections.
func indexed(t *testing.T, c *sdk.Client) {
	t.Helper()
	index := func(name string, p *types.Projection, keys ...string) types.GlobalSecondaryIndex {
		return types.GlobalSecondaryIndex{IndexName: &name, KeySchema: keySchema(keys...), Projection: p}
	}
	must[*sdk.CreateTableOutput](t)(c.CreateTable(t.Context(), &sdk.CreateTableInput{
		TableName: aws.String("app"), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			definition("pk", types.ScalarAttributeTypeS), definition("owner", types.ScalarAttributeTypeS),
			definition("rank", types.ScalarAttributeTypeN),
		},
		KeySchema: keySchema("pk"),
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{
			index("all", &types.Projection{ProjectionType: types.ProjectionTypeAll}, "owner"),
			index("keys", &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly}, "owner"),
			index("some", &types.Projection{ProjectionType: types.ProjectionTypeInclude, NonKeyAttributes: []string{"note"}}, "owner", "rank"),
		},
	}))
}

func TestIndexHoldsOnlyWhatItProjects(t *testing.T) {
	c := newClient(t, Options{})
	indexed(t, c)
	full := item{"pk": str("a"), "owner": str("me"), "rank": num("2"), "note": str("n"), "more": str("m")}
	put(t, c, "app", full)
	put(t, c, "app", item{"pk": str("b"), "owner": str("me"), "note": str("n")})
	put(t, c, "app", item{"pk": str("c"), "rank": num("1")})
	for index, want := range map[string][]item{
		"all":  {full, {"pk": str("b"), "owner": str("me"), "note": str("n")}},
		"keys": {{"pk": str("a"), "owner": str("me")}, {"pk": str("b"), "owner": str("me")}},
		"some": {{"pk": str("a"), "owner": str("me"), "rank": num("2"), "note": str("n")}},
	} {
		for _, limit := range []int32{1, 10} {
			items := queryAll(t, c, sdk.QueryInput{
				TableName: aws.String("app"), IndexName: &index, Limit: &limit, KeyConditionExpression: aws.String("#o = :me"),
				ExpressionAttributeNames: map[string]string{"#o": "owner"}, ExpressionAttributeValues: item{":me": str("me")},
			})
			slices.SortFunc(items, func(a, b item) int { return strings.Compare(text(a, "pk"), text(b, "pk")) })
			same(t, items, want)
			scanned, _ := scanAll(t, c, sdk.ScanInput{TableName: aws.String("app"), IndexName: &index, Limit: &limit})
			same(t, len(scanned), len(want))
		}
	}
}

func TestIndexFollowsTheTable(t *testing.T) {
	c := newClient(t, Options{})
	indexed(t, c)
	count := func(owner string) int {
		return len(queryAll(t, c, sdk.QueryInput{
			TableName: aws.String("app"), IndexName: aws.String("some"), KeyConditionExpression: aws.String("#o = :me"),
			ExpressionAttributeNames: map[string]string{"#o": "owner"}, ExpressionAttributeValues: item{":me": str(owner)},
		}))
	}
	update := func(expression string, values item) {
		must[*sdk.UpdateItemOutput](t)(c.UpdateItem(t.Context(), &sdk.UpdateItemInput{
			TableName: aws.String("app"), Key: item{"pk": str("a")}, UpdateExpression: &expression, ExpressionAttributeValues: values,
			ExpressionAttributeNames: map[string]string{"#o": "owner"},
		}))
	}
	put(t, c, "app", item{"pk": str("a"), "rank": num("1")})
	same(t, []int{count("x"), count("y")}, []int{0, 0})
	update("SET #o = :x", item{":x": str("x")})
	same(t, []int{count("x"), count("y")}, []int{1, 0})
	update("SET #o = :y", item{":y": str("y")})
	same(t, []int{count("x"), count("y")}, []int{0, 1})
	update("REMOVE #o", nil)
	same(t, []int{count("x"), count("y")}, []int{0, 0})
	put(t, c, "app", item{"pk": str("a"), "rank": num("1"), "owner": str("x")})
	same(t, count("x"), 1)
	must[*sdk.DeleteItemOutput](t)(c.DeleteItem(t.Context(), &sdk.DeleteItemInput{TableName: aws.String("app"), Key: item{"pk": str("a")}}))
	same(t, count("x"), 0)
	for _, x := range describe(t, c, "app").GlobalSecondaryIndexes {
		same(t, []int64{*x.ItemCount, *x.IndexSizeBytes}, []int64{0, 0})
	}
}
