package conformance

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/fxamacker/cbor/v2"
)

const (
	jsonType = "application/x-amz-json-1.1"
	cborType = "application/x-amz-cbor-1.1"
	target   = "Kinesis_20131202."
)

var wireRules = []rule{
	{"CBOR is spoken as well as JSON", func(p *place) string {
		stream := p.stream(1)
		body := need(cbor.Marshal(map[string]any{"StreamName": *stream, "PartitionKey": "k", "Data": []byte{0, 255}}))
		reply, text := p.post(target+"PutRecord", cborType, body)
		if reply.StatusCode != http.StatusOK || !strings.HasPrefix(reply.Header.Get("Content-Type"), cborType) {
			return fmt.Sprintf("HTTP status %d in %s", reply.StatusCode, reply.Header.Get("Content-Type"))
		}
		var out struct{ SequenceNumber string }
		if err := cbor.Unmarshal([]byte(text), &out); err != nil || out.SequenceNumber == "" {
			return "an answer that is no CBOR"
		}
		return ""
	}},
	{"an operation that does not exist is refused with HTTP status 400", func(p *place) string {
		reply, body := p.post(target+"Nothing", jsonType, []byte("{}"))
		return refusedAs(reply.StatusCode, body, "UnknownOperationException")
	}},
	{"a document that is no JSON is refused as SerializationException", func(p *place) string {
		reply, body := p.post(target+"ListStreams", jsonType, []byte("{"))
		return refusedAs(reply.StatusCode, body, "SerializationException")
	}},
	{"a member of the wrong type is refused as SerializationException", func(p *place) string {
		reply, body := p.post(target+"DescribeStreamSummary", jsonType, []byte(`{"StreamName":7}`))
		return refusedAs(reply.StatusCode, body, "SerializationException")
	}},
	{"a request without its required members is refused as ValidationException", func(p *place) string {
		reply, body := p.post(target+"PutRecord", jsonType, []byte(`{}`))
		return refusedAs(reply.StatusCode, body, "ValidationException")
	}},
}

// refusedAs is the outcome of a request by hand that must fail with HTTP status 400 and the error's name in its body.
func refusedAs(status int, body, code string) string {
	if status != http.StatusBadRequest {
		return fmt.Sprint("HTTP status ", status)
	}
	var refused struct {
		Type string `json:"__type"`
	}
	if err := json.Unmarshal([]byte(body), &refused); err != nil || refused.Type == "" {
		return "an answer without the error's name"
	}
	_, name, qualified := strings.Cut(refused.Type, "#")
	if !qualified {
		name = refused.Type
	}
	return unless(name == code, "%s", name)
}
