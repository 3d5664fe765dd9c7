package audit

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/partiql"
	"github.com/penstock-go/penstock/kinesistest/internal/kinesis"
	"github.com/penstock-go/penstock/kinesistest/internal/kinesis/wire"
)

// Account is what ARNs are made of.
type Account struct{ ID, Region string }

func (a Account) arn(service, resource string) string {
	return "arn:aws:" + service + ":" + a.Region + ":" + a.ID + ":" + resource
}

// read returns what a request asks for, as IAM names it. A body that is malformed names no resource.
func (a Account) read(r *http.Request, body []byte) (action string, resources []string) {
	prefix, operation, ok := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	switch {
	case ok && strings.HasPrefix(prefix, "DynamoDB"):
		if operation == "BatchExecuteStatement" {
			operation = "PartiQLUpdate" // IAM names the statements, which are all of one kind here
		}
		return "dynamodb:" + operation, a.tables(body)
	case ok && strings.HasPrefix(prefix, "Kinesis"):
		return "kinesis:" + operation, a.streams(r, operation, body)
	case ok:
		return "cloudwatch:" + operation, []string{"*"}
	}
	if _, operation, ok = strings.Cut(r.URL.Path, "/operation/"); !ok {
		form, _ := url.ParseQuery(string(plain(r, body))) // what cannot be parsed has no action
		operation = form.Get("Action")
	}
	return "cloudwatch:" + operation, []string{"*"}
}

// maxForm is where the unpacking of a form ends: CloudWatch reads no more.
const maxForm = 1 << 20

// plain returns the body of a form, unpacked if it is packed; of a damaged one what could be read.
func plain(r *http.Request, body []byte) []byte {
	if r.Header.Get("Content-Encoding") != "gzip" {
		return body
	}
	unpacked, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil
	}
	form, _ := io.ReadAll(io.LimitReader(unpacked, maxForm))
	return form
}

// streams returns the stream that the request is about, or the consumer where it is about one that exists.
func (a Account) streams(r *http.Request, operation string, body []byte) []string {
	d := wire.NewJSON(body)
	if strings.Contains(r.Header.Get("Content-Type"), "cbor") {
		d = wire.NewCBOR(body)
	}
	var stream, name, consumer string
	for field := range d.Fields() {
		switch string(field) {
		case "StreamName":
			stream = a.arn("kinesis", "stream/"+string(d.Span()))
		case "StreamARN", "ResourceARN":
			stream = string(d.Span())
		case "ConsumerARN":
			consumer = string(d.Span())
		case "ConsumerName":
			name = string(d.Span())
		case "ShardIterator":
			of, _ := kinesis.Reads(string(d.Span()))
			stream = a.arn("kinesis", "stream/"+of)
		default:
			d.Skip()
		}
	}
	switch {
	case consumer != "":
		return []string{consumer}
	case name != "" && operation != "RegisterStreamConsumer":
		return []string{stream + "/consumer/" + name}
	case stream != "":
		return []string{stream}
	}
	return nil
}

// tables returns the tables that the request is about, or the index that it reads.
func (a Account) tables(body []byte) (arns []string) {
	type item struct{ TableName, IndexName string }
	var in struct {
		item
		TransactItems []map[string]item
		RequestItems  map[string]json.RawMessage
		Statements    []struct {
			Statement  string
			Parameters partiql.Parameters
		}
	}
	if json.Unmarshal(body, &in) != nil {
		return nil
	}
	add := func(of item) {
		if of.TableName == "" {
			return
		}
		arn := of.TableName
		if !strings.HasPrefix(arn, "arn:") {
			arn = a.arn("dynamodb", "table/"+arn)
		}
		if of.IndexName != "" {
			arn += "/index/" + of.IndexName
		}
		if !slices.Contains(arns, arn) {
			arns = append(arns, arn)
		}
	}
	add(in.item)
	for _, one := range in.TransactItems {
		for _, of := range one {
			add(of)
		}
	}
	for table := range in.RequestItems {
		add(item{TableName: table})
	}
	for _, one := range in.Statements {
		if update, err := partiql.Parse(one.Statement, one.Parameters); err == nil {
			add(item{TableName: update.Table})
		}
	}
	slices.Sort(arns)
	return arns
}
