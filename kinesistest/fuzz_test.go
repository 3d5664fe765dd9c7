package kinesistest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/fxamacker/cbor/v2"

	"github.com/penstock-go/penstock/kinesistest"
)

// What only exists once a rig is made stands in the documents as text of the same length, which real puts the truth in place of.
const (
	anyConsumer = "arn:aws:kinesis:us-east-1:123456789012:stream/orders/consumer/reader:1000000000"
	anyIterator = "IIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIII"
)

// real returns the document of a request as one about the rig's own consumer and an iterator of its first shard.
func (r *target) real(body []byte) []byte {
	body = bytes.ReplaceAll(body, []byte(anyConsumer), []byte(r.consumer))
	if bytes.Contains(body, []byte(anyIterator)) {
		it := r.iterator(shardID(0), types.ShardIteratorTypeTrimHorizon)
		if len(*it) != len(anyIterator) {
			r.t.Fatalf("an iterator has %d characters", len(*it))
		}
		body = bytes.ReplaceAll(body, []byte(anyIterator), []byte(*it))
	}
	return body
}

// goodRequests are one good document for each operation on the rig's stream and its consumer.
func goodRequests() map[string]map[string]any {
	const arn = "arn:aws:kinesis:us-east-1:123456789012:stream/orders"
	named := func(members map[string]any) map[string]any {
		members["StreamName"] = "orders"
		return members
	}
	requests := map[string]map[string]any{
		"AddTagsToStream":               named(map[string]any{"Tags": map[string]any{"a": "b"}}),
		"CreateStream":                  {"StreamName": "new", "ShardCount": 2, "StreamModeDetails": map[string]any{"StreamMode": "PROVISIONED"}, "Tags": map[string]any{"a": "b"}},
		"DecreaseStreamRetentionPeriod": named(map[string]any{"RetentionPeriodHours": 24}),
		"DeleteStream":                  named(map[string]any{"EnforceConsumerDeletion": true}),
		"DeregisterStreamConsumer":      {"StreamARN": arn, "ConsumerName": "reader"},
		"DescribeStream":                {"StreamARN": arn, "Limit": 3, "ExclusiveStartShardId": shardID(0)},
		"DescribeStreamConsumer":        {"StreamARN": arn, "ConsumerName": "reader"},
		"DescribeStreamSummary":         named(map[string]any{}),
		"DisableEnhancedMonitoring":     named(map[string]any{"ShardLevelMetrics": []any{"ALL"}}),
		"EnableEnhancedMonitoring":      named(map[string]any{"ShardLevelMetrics": []any{"IncomingBytes"}}),
		"GetRecords":                    {"ShardIterator": anyIterator, "Limit": 3, "StreamARN": arn},
		"GetShardIterator":              named(map[string]any{"ShardId": shardID(0), "ShardIteratorType": "AT_TIMESTAMP", "Timestamp": 1.5e9}),
		"IncreaseStreamRetentionPeriod": named(map[string]any{"RetentionPeriodHours": 48}),
		"ListShards":                    named(map[string]any{"ShardFilter": map[string]any{"Type": "AT_LATEST"}, "MaxResults": 3}),
		"ListStreamConsumers":           {"StreamARN": arn, "MaxResults": 1},
		"ListStreams":                   {"Limit": 1, "ExclusiveStartStreamName": "a"},
		"ListTagsForStream":             named(map[string]any{"Limit": 1, "ExclusiveStartTagKey": "a"}),
		"MergeShards":                   named(map[string]any{"ShardToMerge": shardID(0), "AdjacentShardToMerge": shardID(1)}),
		"PutRecord":                     named(map[string]any{"PartitionKey": "k", "Data": []byte("data"), "ExplicitHashKey": "17"}),
		"PutRecords":                    named(map[string]any{"Records": []any{map[string]any{"PartitionKey": "k", "Data": []byte("data")}}}),
		"PutResourcePolicy":             {"ResourceARN": arn, "Policy": `{"Statement":[]}`},
		"RegisterStreamConsumer":        {"StreamARN": arn, "ConsumerName": "another", "Tags": map[string]any{"a": "b"}},
		"RemoveTagsFromStream":          named(map[string]any{"TagKeys": []any{"a"}}),
		"SplitShard":                    named(map[string]any{"ShardToSplit": shardID(0), "NewStartingHashKey": "17"}),
		"StartStreamEncryption":         named(map[string]any{"EncryptionType": "KMS", "KeyId": "alias/a"}),
		"StopStreamEncryption":          named(map[string]any{"EncryptionType": "KMS", "KeyId": "alias/a"}),
		"SubscribeToShard":              {"ConsumerARN": anyConsumer, "ShardId": shardID(0), "StartingPosition": map[string]any{"Type": "LATEST"}},
		"TagResource":                   {"ResourceARN": arn, "Tags": map[string]any{"a": "b"}},
		"UntagResource":                 {"ResourceARN": arn, "TagKeys": []any{"a"}},
		"UpdateAccountSettings":         {"MinimumThroughputBillingCommitment": map[string]any{"Status": "ENABLED"}},
		"UpdateMaxRecordSize":           {"StreamARN": arn, "MaxRecordSizeInKiB": 2048},
		"UpdateShardCount":              named(map[string]any{"TargetShardCount": 3, "ScalingType": "UNIFORM_SCALING"}),
		"UpdateStreamMode":              {"StreamARN": arn, "StreamModeDetails": map[string]any{"StreamMode": "ON_DEMAND"}},
		"UpdateStreamWarmThroughput":    named(map[string]any{"WarmThroughputMiBps": 8}),

		"UpdateStreamRecordDistributionStrategy": {"StreamARN": arn, "RecordDistributionStrategy": "AUTO"},
	}
	for _, operation := range []string{"DeleteResourcePolicy", "GetResourcePolicy", "ListTagsForResource"} {
		requests[operation] = map[string]any{"ResourceARN": arn}
	}
	for _, operation := range []string{"DescribeAccountSettings", "DescribeLimits"} {
		requests[operation] = map[string]any{}
	}
	return requests
}

// A recorder is a response writer of which a subscription thinks that its client goes after the first event.
type recorder struct {
	header http.Header
	status int
	body   []byte
}

func (r *recorder) Header() http.Header { return r.header }
func (r *recorder) WriteHeader(s int)   { r.status = s }

func (r *recorder) Write(b []byte) (int, error) {
	r.body = append(r.body, b...)
	return len(b), nil
}

func (r *recorder) FlushError() error {
	if bytes.Contains(r.body, []byte("SubscribeToShardEvent")) {
		return io.ErrClosedPipe
	}
	return nil
}

// ask sends a request with any target and content type to the server.
func (r *rig) ask(target, contentType string, body []byte) *recorder {
	r.t.Helper()
	req := rawRequest(r.ctx(), "", contentType, body)
	req.Header.Set("X-Amz-Target", target)
	w := &recorder{header: http.Header{}}
	r.srv.ServeHTTP(w, req)
	return w
}

// documents reads the body of a reply as what its content type says, and returns the documents in it.
func documents(w *recorder) (docs []map[string]any, err error) {
	read := func(contentType string, body []byte) error {
		var doc map[string]any
		unmarshal := json.Unmarshal
		if strings.Contains(contentType, "cbor") {
			unmarshal = cbor.Unmarshal
		}
		if err := unmarshal(body, &doc); err != nil {
			return err
		}
		docs = append(docs, doc)
		return nil
	}
	contentType := w.header.Get("Content-Type")
	if contentType != "application/vnd.amazon.eventstream" {
		if len(w.body) == 0 {
			return nil, nil
		}
		return docs, read(contentType, w.body)
	}
	frames, dec := bytes.NewReader(w.body), eventstream.NewDecoder()
	for {
		frame, err := dec.Decode(frames, nil)
		if errors.Is(err, io.EOF) {
			return docs, nil
		}
		if err != nil {
			return docs, err
		}
		if err := read(frame.Headers.Get(":content-type").String(), frame.Payload); err != nil {
			return docs, err
		}
	}
}

// wantDecent checks a reply: it is well formed, and no failure of the service's own.
func (r *rig) wantDecent(target string, w *recorder) {
	r.t.Helper()
	docs, err := documents(w)
	if err != nil {
		r.t.Errorf("%s: status %d, %v in %q", target, w.status, err, w.body)
	}
	if w.status >= http.StatusInternalServerError {
		r.t.Errorf("%s: status %d, %q", target, w.status, w.body)
	}
	if w.status != http.StatusOK && (len(docs) != 1 || docs[0]["__type"] == "" || docs[0]["__type"] == nil) {
		r.t.Errorf("%s: status %d without an error's name: %q", target, w.status, w.body)
	}
}

// A target is a rig with a record and a consumer, by its ARN.
type target struct {
	*rig
	consumer string
}

// newTarget makes a target, and a fault that looks at every request and hurts none.
func newTarget(t testing.TB) *target {
	r := &target{rig: newRig(t, 2)}
	r.consumer = *r.register("reader")
	r.put("k", "data")
	r.srv.Inject(kinesistest.Fault{Service: kinesistest.Kinesis, Shard: "none", Do: kinesistest.Throttle()})
	return r
}

// refusals are the errors of the good requests that the state of the stream does not allow.
var refusals = map[string]string{
	"DecreaseStreamRetentionPeriod": "InvalidArgumentException",  // it is the shortest already
	"DeleteResourcePolicy":          "ResourceNotFoundException", // there is none
	"UpdateStreamWarmThroughput":    "InvalidArgumentException",  // the stream is provisioned

	"UpdateStreamRecordDistributionStrategy": "InvalidArgumentException",
}

// Every operation takes its good document in both formats, and answers it in the same.
func TestGoodRequestsAreUnderstoodInBothFormats(t *testing.T) {
	for operation, doc := range goodRequests() {
		for contentType, marshal := range map[string]func(any) ([]byte, error){jsonType: json.Marshal, cborType: cbor.Marshal} {
			r := newTarget(t)
			body, err := marshal(doc)
			must(t, err)
			target := "Kinesis_20131202." + operation
			w := r.ask(target, contentType, r.real(body))
			r.wantDecent(target, w)
			if want := refusals[operation]; w.status != http.StatusOK && (want == "" || !bytes.Contains(w.body, []byte(want))) {
				t.Errorf("%s: status %d, %s", operation, w.status, w.body)
			}
			if got := w.header.Get("Content-Type"); got != contentType && operation != "SubscribeToShard" {
				t.Errorf("%s: the reply is %s", operation, got)
			}
		}
	}
}

// FuzzRequests sends anything to the whole handler: the reply is always a well-formed document, and never a failure of the service's own.
func FuzzRequests(f *testing.F) {
	requests := goodRequests()
	for _, operation := range slices.Sorted(maps.Keys(requests)) {
		for contentType, marshal := range map[string]func(any) ([]byte, error){jsonType: json.Marshal, cborType: cbor.Marshal} {
			body, err := marshal(requests[operation])
			must(f, err)
			f.Add("Kinesis_20131202."+operation, contentType, body)
		}
	}
	for _, target := range []string{"", ".", "Kinesis_20131202.", "Kinesis_20131202", "Kinesis_20131201.PutRecord", "Kinesis_20131202.putRecord", "\n"} {
		f.Add(target, jsonType, []byte("{}"))
	}
	for _, contentType := range []string{"", "text/plain", "application/json", jsonType + "; charset=utf-8", "application/cbor", ";", "*/*"} {
		f.Add("Kinesis_20131202.ListStreams", contentType, []byte("{}"))
	}
	f.Fuzz(func(t *testing.T, target, contentType string, body []byte) {
		if prefix, _, _ := strings.Cut(target, "."); strings.HasPrefix(prefix, "DynamoDB") {
			t.Skip("the other service has a target of its own")
		}
		r := newTarget(t)
		r.wantDecent(target, r.ask(target, contentType, r.real(body)))
	})
}
