package dynamodb

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"pgregory.net/rapid"

	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/attribute"
)

func TestInconsistentReadsSeeTheTableAsItWas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, Options{ReadLag: time.Second})
		createTable(t, c, "app")
		put(t, c, "app", item{"pk": str("x"), "n": num("1")})
		n := func(consistent bool) any {
			return must[*sdk.GetItemOutput](t)(c.GetItem(t.Context(), &sdk.GetItemInput{
				TableName: aws.String("app"), Key: keyOf("x"), ConsistentRead: &consistent,
			})).Item["n"]
		}
		count := func(consistent bool) int32 {
			return must[*sdk.ScanOutput](t)(c.Scan(t.Context(), &sdk.ScanInput{TableName: aws.String("app"), ConsistentRead: &consistent})).Count
		}
		same(t, []any{n(true), n(false)}, []any{num("1"), nil})
		same(t, []int32{count(true), count(false)}, []int32{1, 0})
		time.Sleep(time.Second)
		same(t, n(false), num("1"))
		put(t, c, "app", item{"pk": str("x"), "n": num("2")})
		time.Sleep(time.Second / 2)
		put(t, c, "app", item{"pk": str("x"), "n": num("3")})
		same(t, []any{n(true), n(false)}, []any{num("3"), num("1")})
		time.Sleep(time.Second / 2)
		same(t, n(false), num("2"))
		must[*sdk.DeleteItemOutput](t)(c.DeleteItem(t.Context(), &sdk.DeleteItemInput{TableName: aws.String("app"), Key: keyOf("x")}))
		time.Sleep(time.Second / 2)
		same(t, []any{n(true), n(false)}, []any{nil, num("3")})
		same(t, []int32{count(true), count(false)}, []int32{0, 1})
		time.Sleep(time.Second / 2)
		same(t, count(false), int32(0))
	})
}

func TestIndexFollowsItsTableWithTheLag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, Options{ReadLag: time.Second})
		createLeaseTable(t, c)
		put(t, c, "app", item{"leaseKey": str("a"), "leaseOwner": str("me")})
		addOwnerIndex(t, c)
		same(t, ownedBy(t, c, "me"), []string{"a"}) // an index is complete when it becomes active
		put(t, c, "app", item{"leaseKey": str("a"), "leaseOwner": str("other")})
		put(t, c, "app", item{"leaseKey": str("b"), "leaseOwner": str("me")})
		same(t, ownedBy(t, c, "me"), []string{"a"})
		same(t, ownedBy(t, c, "other"), []string(nil))
		time.Sleep(time.Second)
		same(t, ownedBy(t, c, "me"), []string{"b"})
		same(t, ownedBy(t, c, "other"), []string{"a"})
	})
}

func TestConditionsSeeTheTableAsItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, Options{ReadLag: time.Hour})
		createTable(t, c, "app")
		in := &sdk.PutItemInput{TableName: aws.String("app"), Item: keyOf("x"), ConditionExpression: aws.String("attribute_not_exists(pk)")}
		must[*sdk.PutItemOutput](t)(c.PutItem(t.Context(), in))
		_, err := c.PutItem(t.Context(), in)
		refused(t, err, "ConditionalCheckFailedException", "")
	})
}

func TestWhatWaitsIsBoundedByTheLag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := replicated{lag: time.Second}
		for range 1000 {
			r.put("k", attribute.Item{"n": attribute.String("x")})
			time.Sleep(time.Second / 10)
		}
		if len(r.waiting) > 10 {
			t.Fatalf("%d changes wait", len(r.waiting))
		}
	})
}

func TestLateCopyIsTheCopyOfThen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const lag = 5
		r := replicated{lag: lag}
		start := time.Now().Add(-time.Hour)
		var history []map[string]string // the model at each tick
		model := make(map[string]string)
		keys := rapid.SampledFrom([]string{"a", "b", "c"})
		for tick := range rapid.IntRange(1, 40).Draw(t, "ticks") {
			now := start.Add(time.Duration(tick))
			key := keys.Draw(t, "key")
			var it attribute.Item
			delete(model, key)
			if value := rapid.StringMatching(`[x-z]{0,2}`).Draw(t, "value"); value != "" {
				it = attribute.Item{"v": attribute.String(value)}
				model[key] = value
			}
			r.waiting = append(r.waiting, rowChange{now.Add(lag), key, it})
			r.advance(now)
			then := make(map[string]string)
			for k, v := range model {
				then[k] = v
			}
			history = append(history, then)
			checkBehind(t, &r, history, tick-lag)
		}
	})
}

// checkBehind compares the late copy with the model at a tick, before the first of which there was nothing.
func checkBehind(t *rapid.T, r *replicated, history []map[string]string, tick int) {
	want := map[string]string{}
	if tick >= 0 {
		want = history[tick]
	}
	view := r.view(false)
	if view.count != len(want) {
		t.Fatalf("%d rows, want %v", view.count, want)
	}
	for key, value := range want {
		if view.get(key)["v"] != attribute.String(value) {
			t.Fatalf("row %s is %v, want %s", key, view.get(key), value)
		}
	}
}
