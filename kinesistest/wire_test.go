package kinesistest_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/fxamacker/cbor/v2"
)

const (
	jsonType = "application/x-amz-json-1.1"
	cborType = "application/x-amz-cbor-1.1"
)

// send sends a raw request and returns the reply's status, content type and body.
func (r *rig) send(operation, contentType string, body []byte) (int, string, []byte) {
	r.t.Helper()
	resp, err := r.srv.HTTPClient().Do(rawRequest(r.ctx(), operation, contentType, body))
	must(r.t, err)
	defer resp.Body.Close()
	out, err := io.ReadAll(resp.Body)
	must(r.t, err)
	return resp.StatusCode, resp.Header.Get("Content-Type"), out
}

// call sends a CBOR document made by another library than the server's and decodes the reply with it.
func (r *rig) call(operation string, in map[string]any) (int, map[string]any) {
	r.t.Helper()
	body, err := cbor.Marshal(in)
	must(r.t, err)
	return r.callRaw(operation, body)
}

func (r *rig) callRaw(operation string, body []byte) (int, map[string]any) {
	r.t.Helper()
	status, contentType, reply := r.send(operation, cborType, body)
	if contentType != cborType {
		r.t.Fatalf("reply is %s", contentType)
	}
	var out map[string]any
	if len(reply) > 0 {
		must(r.t, cbor.Unmarshal(reply, &out))
	}
	return status, out
}

func TestCBORCarriesBytesAndMilliseconds(t *testing.T) {
	r := newRig(t, 1)
	before := time.Now().UnixMilli()
	status, out := r.call("PutRecords", map[string]any{"StreamName": "orders", "Records": []any{
		map[string]any{"Data": []byte{0, 255, 'x'}, "PartitionKey": "k", "ExplicitHashKey": nil},
		map[string]any{"Data": []byte{}, "PartitionKey": "ключ", "Unknown": map[string]any{"a": []any{1.5, true, -3}}},
	}})
	if status != http.StatusOK || out["FailedRecordCount"] != uint64(0) || len(out["Records"].([]any)) != 2 {
		t.Fatalf("status %d: %v", status, out)
	}
	shard := out["Records"].([]any)[0].(map[any]any)["ShardId"]

	at := cbor.Tag{Number: 1, Content: before}
	_, out = r.call("GetShardIterator", map[string]any{
		"StreamName": "orders", "ShardId": shard, "ShardIteratorType": "AT_TIMESTAMP", "Timestamp": at,
	})
	status, out = r.call("GetRecords", map[string]any{"ShardIterator": out["ShardIterator"], "Limit": 10})
	records, ok := out["Records"].([]any)
	if status != http.StatusOK || !ok || len(records) != 2 {
		t.Fatalf("status %d: %v", status, out)
	}
	first := records[0].(map[any]any)
	if !bytes.Equal(first["Data"].([]byte), []byte{0, 255, 'x'}) || first["PartitionKey"] != "k" {
		t.Errorf("record %v", first)
	}
	// The library takes the tag at its word: seconds.
	arrived, ok := first["ApproximateArrivalTimestamp"].(time.Time)
	if !ok || arrived.Unix() < before || arrived.Unix() > time.Now().UnixMilli() {
		t.Errorf("arrived at %v, put at %d", first["ApproximateArrivalTimestamp"], before)
	}
	if records[1].(map[any]any)["PartitionKey"] != "ключ" {
		t.Errorf("record %v", records[1])
	}
	// What CBOR stored, the SDK reads by JSON.
	if got := r.get(r.iterator(shardID(0), types.ShardIteratorTypeTrimHorizon)).Records; len(got) != 2 || !bytes.Equal(got[0].Data, []byte{0, 255, 'x'}) {
		t.Errorf("by JSON: %v", got)
	}
}

func TestCBORErrorsAndTagsHaveTheFormOfTheService(t *testing.T) {
	r := newRig(t, 1)
	status, out := r.call("DescribeStream", map[string]any{"StreamName": "other"})
	if status != http.StatusBadRequest || out["__type"] != "ResourceNotFoundException" || out["message"] == "" {
		t.Fatalf("status %d: %v", status, out)
	}
	_, _, raw := r.send("DescribeStreamSummary", cborType, append([]byte("\xa1jStreamName"), "\x66orders"...))
	if !bytes.Contains(raw, append([]byte("StreamCreationTimestamp"), 0xc1, 0x1b)) {
		t.Errorf("no tag 1 with eight bytes in %q", raw)
	}
}

func TestCBORRequestsMayHaveIndefiniteLengths(t *testing.T) {
	r := newRig(t, 1)
	body := []byte("\xbf\x7f\x63Str\x67eamName\xff\x66orders\x67Records\x9f\xbf\x64Data\x5f\x42ab\x41c\xff\x6cPartitionKey\x61k\xff\xff\xff")
	if status, out := r.callRaw("PutRecords", body); status != http.StatusOK {
		t.Fatalf("status %d: %v", status, out)
	}
	if got := data(r.get(r.iterator(shardID(0), types.ShardIteratorTypeTrimHorizon)).Records); !slices.Equal(got, []string{"abc"}) {
		t.Fatalf("records %v", got)
	}
}

func TestCBORSubscriptionHasCBORFrames(t *testing.T) {
	r := newRig(t, 1)
	r.put("k", "data")
	arn := r.register("reader")
	must(t, r.split(0, middle)) // so that the stream ends
	body, err := cbor.Marshal(map[string]any{
		"ConsumerARN": *arn, "ShardId": shardID(0), "StartingPosition": map[string]any{"Type": "TRIM_HORIZON"},
	})
	must(t, err)
	resp, err := r.srv.HTTPClient().Do(rawRequest(t.Context(), "SubscribeToShard", cborType, body))
	must(t, err)
	defer resp.Body.Close()
	if got := resp.Header.Get("Content-Type"); got != "application/vnd.amazon.eventstream" {
		t.Errorf("content type %s", got)
	}
	dec := eventstream.NewDecoder()
	var kinds []string
	var last map[string]any
	for {
		msg, err := dec.Decode(resp.Body, nil)
		if errors.Is(err, io.EOF) {
			break
		}
		must(t, err)
		kinds = append(kinds, msg.Headers.Get(":event-type").String())
		if got := msg.Headers.Get(":content-type").String(); got != cborType {
			t.Errorf("payload is %s", got)
		}
		last = nil
		must(t, cbor.Unmarshal(msg.Payload, &last))
	}
	if !slices.Equal(kinds, []string{"initial-response", "SubscribeToShardEvent"}) {
		t.Fatalf("frames %v", kinds)
	}
	rec := last["Records"].([]any)[0].(map[any]any)
	if string(rec["Data"].([]byte)) != "data" || len(last["ChildShards"].([]any)) != 2 {
		t.Errorf("event %v", last)
	}
}

func TestMalformedRequestsAreClientErrors(t *testing.T) {
	r := newRig(t, 1)
	for _, body := range []string{
		``, `{`, `[]`, `"x"`, `nul`, `{"StreamName":"orders"`, `{"StreamName":"orders",}`, `{"StreamName":orders}`,
		`{"StreamName":1}`, `{"StreamName":"orders"} x`, `{"StreamName":"\x"}`, "{\"StreamName\":\"a\nb\"}", "{\"StreamName\":\"\xff\"}",
		`{"Records":[{"Data":"*","PartitionKey":"k"}],"StreamName":"orders"}`,
		`{"Records":[{"Data":"QQ=","PartitionKey":"k"}],"StreamName":"orders"}`,
		`{"Records":{"Data":"QQ==","PartitionKey":"k"},"StreamName":"orders"}`,
		`{"X":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`,
		`{"DryRun":1}`, `{"X":01}`, `{"X":1.}`, `{"X":1e}`, `{"X":-}`, `{"X":"\ud800\u00"}`,
	} {
		status, _, reply := r.send("PutRecords", jsonType, []byte(body))
		var fault struct{ Type, Message string }
		must(t, json.Unmarshal(bytes.Replace(reply, []byte("__type"), []byte("type"), 1), &fault))
		if status != http.StatusBadRequest || fault.Type != "SerializationException" {
			t.Errorf("%s: status %d, %s", body, status, reply)
		}
	}
	for _, body := range []string{
		"", "\xa1", "\x80", "\xbf", "\xa1\x01\x02", "\xa1\x61k", "\xff", "\xbb\xff\xff\xff\xff\xff\xff\xff\xff", "\xa1\x61k\x5b\xff\xff\xff\xff\xff\xff\xff\xff",
		"\xa0\xa0", "\xa1\x61\xff\x01", "\xa1\x61k\xfc", "\xa1\x61k\x1c", "\xa1\x61k" + strings.Repeat("\x81", 100) + "\x01", "\xa1\x61k" + strings.Repeat("\xc1", 100),
		"\xa1\x61k\x5f\x61a\xff", "\xa1\x61k\x5f\x5f\xff\xff", "\xa1\x61k\x1f", "\xa1\x61k\xdf\x01", "\xa1\x66DryRun\x01",
	} {
		status, _, reply := r.send("PutRecords", cborType, []byte(body))
		var fault map[string]string
		must(t, cbor.Unmarshal(reply, &fault))
		if status != http.StatusBadRequest || fault["__type"] != "SerializationException" {
			t.Errorf("%x: status %d, %v", body, status, fault)
		}
	}
}

func TestJSONRequestsMayBeWrittenInAnyWay(t *testing.T) {
	r := newRig(t, 1)
	body := " {\t\"Unknown\" : {\"a\":[1,-2.5e+3,null,true,{\"b\":\"\\u00e9\\ud834\\udd1e\\\\\\\"\\/\"}]} ,\n\"StreamName\":\"\\u006frders\",\r\n\"StreamARN\":null," +
		"\"Records\":[{\"PartitionKey\":\"\\\"\\\\\\ud834\\udd1e\\ud834\",\"Data\":\"\\/\\/\\/\\/\"}]} "
	status, _, reply := r.send("PutRecords", jsonType+"; charset=utf-8", []byte(body))
	if status != http.StatusOK {
		t.Fatalf("status %d: %s", status, reply)
	}
	rec := r.get(r.iterator(shardID(0), types.ShardIteratorTypeTrimHorizon)).Records[0]
	want, err := base64.StdEncoding.DecodeString("////")
	must(t, err)
	if *rec.PartitionKey != "\"\\𝄞\ufffd" || !bytes.Equal(rec.Data, want) {
		t.Fatalf("key %q, data %x", *rec.PartitionKey, rec.Data)
	}
}

func TestUnknownRequestsAreRefused(t *testing.T) {
	r := newRig(t, 1)
	if status, _, body := r.send("Explode", jsonType, []byte("{}")); status != http.StatusBadRequest || !bytes.Contains(body, []byte("UnknownOperationException")) {
		t.Errorf("unknown operation: status %d, %s", status, body)
	}
	if status, _, body := r.send("ListStreams", "text/plain", []byte("{}")); status != http.StatusNotFound || !bytes.Contains(body, []byte("UnknownOperationException")) {
		t.Errorf("unknown content type: status %d, %s", status, body)
	}
	req := rawRequest(t.Context(), "ListStreams", jsonType, nil)
	req.Method = http.MethodGet
	resp, err := r.srv.HTTPClient().Do(req)
	must(t, err)
	must(t, resp.Body.Close())
	if resp.StatusCode != http.StatusBadRequest {
		t.Errorf("GET: status %d", resp.StatusCode)
	}
	if status, _, _ := r.send("PutRecord", jsonType, make([]byte, 32<<20+1)); status != http.StatusRequestEntityTooLarge {
		t.Errorf("33 MiB: status %d", status)
	}
	chunked := rawRequest(t.Context(), "PutRecord", jsonType, make([]byte, 32<<20+1))
	chunked.ContentLength = -1
	resp, err = r.srv.HTTPClient().Do(chunked)
	must(t, err)
	must(t, resp.Body.Close())
	if resp.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("33 MiB of unknown length: status %d", resp.StatusCode)
	}
}
