package dynamodb

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/json"
	"errors"
	"hash/crc32"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/penstock-go/penstock/kinesistest/internal/caller"
	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/attribute"
)

const (
	targetPrefix = "DynamoDB_20120810."
	contentType  = "application/x-amz-json-1.0"
	// maxBody is the service's limit of a request's size.
	maxBody = 16 << 20
)

// ServeHTTP answers one request. No lock is held while the request is read or the answer written.
func (db *DB) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		reply(w, http.StatusRequestEntityTooLarge, refusal("RequestEntityTooLargeException", "Request body is too large"))
		return
	}
	name, known := strings.CutPrefix(r.Header.Get("X-Amz-Target"), targetPrefix)
	if !known || r.Method != http.MethodPost {
		name = ""
	}
	output, err := db.call(caller.Of(r.Context()), name, body)
	if err != nil {
		refused := asError(err)
		reply(w, refused.Status, refused)
		return
	}
	reply(w, http.StatusOK, output)
}

// call runs one operation on behalf of a caller. Every operation passes through here, and nowhere else.
func (db *DB) call(by, name string, body []byte) (any, error) {
	run, known := operations[name]
	if !known {
		return nil, refusal("UnknownOperationException", "")
	}
	return run(db, by, body)
}

// operations holds what this database can do, by the service's names.
var operations = map[string]func(db *DB, by string, body []byte) (any, error){
	"CreateTable":               operation((*DB).createTable),
	"DescribeTable":             operation((*DB).describeTable),
	"ListTables":                operation((*DB).listTables),
	"UpdateTable":               operation((*DB).updateTable),
	"DeleteTable":               operation((*DB).deleteTable),
	"ListTagsOfResource":        operation((*DB).listTags),
	"TagResource":               operation((*DB).tagResource),
	"UntagResource":             operation((*DB).untagResource),
	"UpdateTimeToLive":          operation((*DB).updateTimeToLive),
	"DescribeTimeToLive":        operation((*DB).describeTimeToLive),
	"UpdateContinuousBackups":   operation((*DB).updateContinuousBackups),
	"DescribeContinuousBackups": operation((*DB).describeContinuousBackups),
	"DescribeLimits":            operation((*DB).describeLimits),
	"DescribeEndpoints":         operation((*DB).describeEndpoints),
	"PutItem":                   operation((*DB).putItem),
	"GetItem":                   operation((*DB).getItem),
	"UpdateItem":                operation((*DB).updateItem),
	"DeleteItem":                operation((*DB).deleteItem),
	"Scan":                      operation((*DB).scan),
	"Query":                     operation((*DB).query),
	"BatchGetItem":              operation((*DB).batchGetItem),
	"BatchWriteItem":            operation((*DB).batchWriteItem),
	"BatchExecuteStatement":     operation((*DB).batchExecuteStatement),
	"TransactWriteItems":        operation((*DB).transactWriteItems),
	"TransactGetItems":          operation((*DB).transactGetItems),
}

// operation gives a typed operation the form that the table above holds.
func operation[In, Out any](run func(*DB, *In) (*Out, error)) func(*DB, string, []byte) (any, error) {
	return func(db *DB, by string, body []byte) (any, error) {
		in := new(In)
		if err := decode(body, in); err != nil {
			return nil, err
		}
		if s, ok := any(in).(interface{ sign(string) }); ok {
			s.sign(by)
		}
		out, err := run(db, in)
		if err != nil {
			return nil, err
		}
		return out, nil
	}
}

// decode reads a request. Members that it does not know are passed over, as the service does.
func decode(body []byte, in any) error {
	err := json.Unmarshal(body, in)
	var (
		shape *attribute.ShapeError
		value *attribute.ValueError
	)
	if err == nil || errors.As(err, &shape) || errors.As(err, &value) {
		return err
	}
	return &attribute.ShapeError{Reason: attribute.ShapeReason(err)}
}

// reply sends an answer with the headers that the service sends.
func reply(w http.ResponseWriter, status int, output any) {
	body, err := json.Marshal(output)
	if err != nil {
		status, body = http.StatusInternalServerError, []byte(`{"__type":"com.amazon.coral.service#InternalFailure"}`)
	}
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	h.Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10))
	h.Set("X-Amzn-Requestid", requestID())
	w.WriteHeader(status)
	// A client that has gone away needs no answer.
	_, _ = w.Write(body)
}

// requestID returns 52 characters, the length and the alphabet of the service's request ids.
func requestID() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails, says crypto/rand
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b[:])
}
