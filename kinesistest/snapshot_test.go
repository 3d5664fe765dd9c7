package kinesistest_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"github.com/penstock-go/penstock/kinesistest"
)

// A snapshot is a request or a reply with every member that the service's model knows, as the SDK's own tests keep them.
type snapshot struct {
	operation string
	path      string
	header    http.Header
	body      []byte
}

// snapshots reads what the SDK's module of a service ships: kind is request or response.
func snapshots(t *testing.T, service, kind string) []snapshot {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/aws/aws-sdk-go-v2/service/"+service).Output()
	must(t, err)
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), kind+"_snapshot", "*."+kind+".snap"))
	must(t, err)
	if len(files) == 0 {
		t.Fatalf("the module of %s ships no %ss", service, kind)
	}
	var all []snapshot
	for _, file := range files {
		text, err := os.ReadFile(file)
		must(t, err)
		all = append(all, parseSnapshot(strings.TrimSuffix(filepath.Base(file), "."+kind+".snap"), string(text)))
	}
	return all
}

// parseSnapshot takes a file apart: a line with the path or the status, an empty one, headers, an empty line, the body. Without headers
// there is no second empty line.
func parseSnapshot(operation, text string) snapshot {
	s := snapshot{operation: operation, header: make(http.Header)}
	first, rest, _ := strings.Cut(text, "\n")
	_, s.path, _ = strings.Cut(first, " ")
	head, body, _ := strings.Cut(strings.TrimPrefix(rest, "\n"), "\n\n")
	for line := range strings.Lines(head) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		s.header.Set(name, value)
	}
	s.body = []byte(body)
	return s
}

// send sends a snapshot's request with another body and type, and returns the error's name; "" if there is none.
func (s snapshot) send(t *testing.T, srv *kinesistest.Server, contentType string, body []byte) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://x"+s.path, bytes.NewReader(body))
	must(t, err)
	r.Header = s.header.Clone()
	r.Header.Set("Content-Type", contentType)
	reply, err := srv.HTTPClient().Do(r)
	must(t, err)
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	must(t, err)
	var refused struct {
		Type string `json:"__type" cbor:"__type"`
	}
	switch {
	case reply.StatusCode == http.StatusOK:
		return ""
	case reply.StatusCode != http.StatusBadRequest:
		t.Errorf("%s: status %d: %s", s.operation, reply.StatusCode, text)
	case strings.Contains(contentType, "cbor"):
		must(t, cbor.Unmarshal(text, &refused))
	default:
		must(t, json.Unmarshal(text, &refused))
	}
	name := refused.Type
	if _, after, qualified := strings.Cut(name, "#"); qualified {
		name = after
	}
	return name
}

// foreign are the operations that the Server does not have: what a producer, a consumer and their tests do not touch.
var foreign = map[string][]string{
	"kinesis": {
		"CreateChannel", "DeleteChannel", "DescribeChannel", "ListChannels", "UpdateChannel",
	},
	"dynamodb": {
		"CancelBulkOperation", "CreateBackup", "CreateGlobalTable", "DeleteBackup",
		"DeleteResourcePolicy", "DescribeBackup", "DescribeBulkOperation", "DescribeContributorInsights", "DescribeExport",
		"DescribeGlobalTable", "DescribeGlobalTableSettings", "DescribeImport", "DescribeKinesisStreamingDestination",
		"DescribeTableReplicaAutoScaling", "DisableKinesisStreamingDestination", "EnableKinesisStreamingDestination",
		"ExecuteStatement", "ExecuteTransaction", "ExportTableToPointInTime", "GetResourcePolicy", "ImportTable", "ListBackups",
		"ListBulkOperations", "ListContributorInsights", "ListExports", "ListGlobalTables", "ListImports", "PutResourcePolicy",
		"RestoreTableFromBackup", "RestoreTableToPointInTime", "SearchVectors", "StartBulkPutItems", "UpdateContributorInsights",
		"UpdateGlobalTable", "UpdateGlobalTableSettings", "UpdateKinesisStreamingDestination", "UpdateTableReplicaAutoScaling",
	},
}

func TestRequestsOfTheSDKWithEveryMemberAreUnderstood(t *testing.T) {
	for _, service := range []string{"kinesis", "dynamodb"} {
		srv := kinesistest.New()
		defer srv.Close()
		var unknown []string
		for _, s := range snapshots(t, service, "request") {
			switch name := s.send(t, srv, s.header.Get("Content-Type"), s.body); name {
			case "UnknownOperationException":
				unknown = append(unknown, s.operation)
			case "SerializationException", "InternalFailure", "InternalServerError":
				t.Errorf("%s: %s", s.operation, name)
			}
		}
		if !slices.Equal(unknown, foreign[service]) {
			t.Errorf("%s: unknown are %q", service, unknown)
		}
	}
}

func TestRequestsMeanTheSameInCBORAsInJSON(t *testing.T) {
	inJSON, inCBOR := kinesistest.New(), kinesistest.New()
	defer inJSON.Close()
	defer inCBOR.Close()
	for _, s := range snapshots(t, "kinesis", "request") {
		var tree any
		must(t, json.Unmarshal(s.body, &tree))
		body, err := cbor.Marshal(native(t, "", tree))
		must(t, err)
		want, got := s.send(t, inJSON, jsonType, s.body), s.send(t, inCBOR, cborType, body)
		if got != want {
			t.Errorf("%s: %q in CBOR, %q in JSON", s.operation, got, want)
		}
	}
}

// native turns a document of JSON into one of CBOR: blobs are bytes, times are tagged milliseconds, numbers are whole.
func native(t *testing.T, member string, v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name := range v {
			v[name] = native(t, name, v[name])
		}
	case []any:
		for i := range v {
			v[i] = native(t, member, v[i])
		}
	case string:
		if member == "Data" {
			data, err := base64.StdEncoding.DecodeString(v)
			must(t, err)
			return data
		}
	case float64:
		if strings.HasSuffix(member, "Timestamp") {
			return cbor.Tag{Number: 1, Content: int64(v * 1000)}
		}
		return int64(v)
	}
	return v
}

func TestMetricsOfTheSDKWithEveryMemberAreUnderstood(t *testing.T) {
	srv := kinesistest.New()
	defer srv.Close()
	for _, s := range snapshots(t, "cloudwatch", "request") {
		if s.operation != "PutMetricData" {
			continue
		}
		// It gives values in every way at once, which only a request that was read to its end is refused for.
		if got := s.send(t, srv, s.header.Get("Content-Type"), s.body); got != "InvalidParameterCombinationException" && got != "InvalidParameterValueException" {
			t.Errorf("got %q", got)
		}
		return
	}
	t.Error("no PutMetricData")
}

// shapeOf reports what a reply has that the snapshot of its operation does not: a member, or one of another kind.
func shapeOf(place string, got, known any) (strange []string) {
	switch known := known.(type) {
	case map[string]any:
		members, is := got.(map[string]any)
		if !is {
			return []string{fmt.Sprintf("%s is %T", place, got)}
		}
		if _, value := known["S"]; value && len(known) == 1 {
			return nil // an attribute's value: the snapshot shows one kind of many
		}
		every, dynamic := known["key0"]
		for name, member := range members {
			model, there := known[name]
			if dynamic {
				model, there = every, true
			}
			if !there {
				strange = append(strange, place+"."+name)
				continue
			}
			strange = append(strange, shapeOf(place+"."+name, member, model)...)
		}
	case []any:
		list, is := got.([]any)
		if !is {
			return []string{fmt.Sprintf("%s is %T", place, got)}
		}
		for _, one := range list {
			strange = append(strange, shapeOf(place+"[]", one, known[0])...)
		}
	default:
		if fmt.Sprintf("%T", got) != fmt.Sprintf("%T", known) {
			return []string{fmt.Sprintf("%s is %T", place, got)}
		}
	}
	return strange
}
