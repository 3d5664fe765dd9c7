package fault

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func requestFor(target, contentType string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "http://localhost/", http.NoBody)
	r.Header.Set("X-Amz-Target", target)
	r.Header.Set("Content-Type", contentType)
	return r
}

func newTestSet() *Set {
	return NewSet(func(string) string { return "leaseKey" }, make(chan struct{}), func(f func()) { f() })
}

func TestTargetsOfRequests(t *testing.T) {
	const kinesis, dynamo = "Kinesis_20131202.", "DynamoDB_20120810."
	for name, test := range map[string]struct {
		operation, body string
		want            target
	}{
		"name":          {kinesis + "ListShards", `{"MaxResults":1,"StreamName":"a"}`, target{stream: "a"}},
		"ARN":           {kinesis + "PutRecord", `{"StreamARN":"arn:aws:kinesis:r:1:stream/a"}`, target{stream: "a", puts: true}},
		"consumer":      {kinesis + "SubscribeToShard", `{"ConsumerARN":"arn:aws:kinesis:r:1:stream/a/consumer/c:1","ShardId":"s"}`, target{stream: "a", shards: []string{"s"}}},
		"two shards":    {kinesis + "MergeShards", `{"ShardToMerge":"s","AdjacentShardToMerge":"t"}`, target{shards: []string{"s", "t"}}},
		"cut off":       {kinesis + "ListShards", `{"StreamName":"a","Exc`, target{stream: "a"}},
		"table":         {dynamo + "Scan", `{"TableName":"arn:aws:dynamodb:r:1:table/t"}`, target{rows: []row{{"t", ""}}}},
		"key":           {dynamo + "GetItem", `{"TableName":"t","Key":{"leaseKey":{"S":"k"}}}`, target{rows: []row{{"t", "k"}}}},
		"item":          {dynamo + "PutItem", `{"TableName":"t","Item":{"x":{"S":"y"},"leaseKey":{"N":"5"}}}`, target{rows: []row{{"t", "5"}}}},
		"no key":        {dynamo + "PutItem", `{"TableName":"t","Item":{"leaseKey":{"M":{}}}}`, target{rows: []row{{"t", ""}}}},
		"transaction":   {dynamo + "TransactWriteItems", `{"TransactItems":[{"Put":{"TableName":"t","Item":{"leaseKey":{"S":"k"}}}},{"Delete":{"TableName":"u","Key":{"leaseKey":{"S":"l"}}}}]}`, target{rows: []row{{"t", "k"}, {"u", "l"}}}},
		"batch":         {dynamo + "BatchWriteItem", `{"RequestItems":{"t":[{"PutRequest":{"Item":{"leaseKey":{"S":"k"}}}}]}}`, target{rows: []row{{"t", "k"}}}},
		"batch of gets": {dynamo + "BatchGetItem", `{"RequestItems":{"t":{"Keys":[{"leaseKey":{"S":"k"}}]}}}`, target{rows: []row{{"t", "k"}}}},
		"statements": {dynamo + "BatchExecuteStatement", `{"Statements":[{"Statement":"UPDATE \"t\" SET n = ? WHERE leaseKey = ? AND n = 1","Parameters":[{"N":"1"},{"S":"k"}]},` +
			`{"Statement":"nonsense"},{"Statement":"UPDATE \"arn:aws:dynamodb:r:1:table/u\" REMOVE n WHERE leaseKey = 5"},{"Statement":"UPDATE v REMOVE n"}]}`,
			target{rows: []row{{"t", "k"}, {"u", "5"}, {"v", ""}}}},
		"nonsense": {dynamo + "GetItem", `[`, target{}},
	} {
		t.Run(name, func(t *testing.T) {
			got := newTestSet().target(requestFor(test.operation, "application/x-amz-json-1.1"), []byte(test.body))
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(target{}, row{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func FuzzTarget(f *testing.F) {
	for _, body := range []string{
		`{"StreamName":"a","ShardIterator":"AAAA"}`, `{"TableName":"t","Key":{"leaseKey":{"S":"k"}}}`, "\xbf\x67ShardId\x61s\xff",
		`{"RequestItems":{"t":{"Keys":[{"leaseKey":null}]}}}`, `{"TransactItems":[{"Put":null}]}`,
		`{"Statements":[{"Statement":"UPDATE t SET n = 1 WHERE leaseKey = ?","Parameters":[{"S":"k"}]}]}`,
	} {
		for _, kind := range []string{"application/x-amz-json-1.1", "application/x-amz-cbor-1.1"} {
			f.Add("Kinesis_20131202.GetRecords", kind, []byte(body))
			f.Add("DynamoDB_20120810.GetItem", kind, []byte(body))
		}
	}
	s := newTestSet()
	f.Fuzz(func(t *testing.T, operation, contentType string, body []byte) {
		before := bytes.Clone(body)
		got := s.target(requestFor(operation, contentType), body)
		if !bytes.Equal(before, body) {
			t.Error("the body was changed")
		}
		// A rule about something that the request does not name must not pick it.
		absent := string(body) + "?"
		for _, r := range []Rule{{Stream: absent}, {Shard: absent}, {Table: absent}, {Key: absent}} {
			if got.fits(&r) {
				t.Errorf("%+v fits a rule about something else", got)
			}
		}
	})
}

func TestFramesPassWholeHoweverTheyAreWritten(t *testing.T) {
	frames := []byte{0, 0, 0, 6, 'a', 'b', 0, 0, 0, 5, 'c', 0, 0, 0, 7, 'd', 'e', 'f'}
	for size := range slices.Values([]int{1, 2, 3, 5, len(frames)}) {
		out := httptest.NewRecorder()
		out.Header().Set("Content-Type", "application/vnd.amazon.eventstream")
		var hurt []byte
		w := &damaged{ResponseWriter: out, left: 1, hurt: func(_ *damaged, part []byte) { hurt = bytes.Clone(part) }}
		for piece := range slices.Chunk(frames, size) {
			if n, err := w.Write(piece); n != len(piece) || err != nil {
				t.Fatal(n, err)
			}
		}
		w.finish()
		if want := slices.Concat(frames[:6], frames[11:]); !bytes.Equal(out.Body.Bytes(), want) || !bytes.Equal(hurt, frames[6:11]) {
			t.Errorf("in pieces of %d: passed %q, hurt %q", size, out.Body, hurt)
		}
	}
}
