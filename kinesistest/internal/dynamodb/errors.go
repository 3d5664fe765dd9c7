package dynamodb

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/attribute"
	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/expression"
	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/partiql"
)

// Error is an answer that refuses a request. Its texts are the service's own words and carry no package prefix.
type Error struct {
	// Code is the service's name for the error, such as ResourceNotFoundException.
	Code string
	// Message is what the service says about it; it may be empty.
	Message string
	// Status is the HTTP status.
	Status int
	// Item goes with a failed condition, if the request asked for it.
	Item attribute.Item
	// Reasons says for each item of a cancelled transaction what was wrong with it.
	Reasons []reason
}

// Error returns code and message.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// namespace returns the prefix that an error's code has on the wire: it names the layer of the service that refused.
func (e *Error) namespace() string {
	switch e.Code {
	case "ValidationException":
		return "com.amazon.coral.validate#"
	case "SerializationException", "UnknownOperationException":
		return "com.amazon.coral.service#"
	default:
		return "com.amazonaws.dynamodb.v20120810#"
	}
}

// MarshalJSON returns the body of the answer.
func (e *Error) MarshalJSON() ([]byte, error) {
	body := map[string]any{"__type": e.namespace() + e.Code}
	switch {
	case e.Code == "SerializationException", e.Code == "TransactionCanceledException":
		body["Message"] = e.Message
	case e.Message != "":
		body["message"] = e.Message
	}
	if e.Item != nil {
		body["Item"] = e.Item
	}
	if e.Reasons != nil {
		body["CancellationReasons"] = e.Reasons
	}
	return json.Marshal(body)
}

func refusal(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...), Status: http.StatusBadRequest}
}

func invalid(format string, args ...any) *Error {
	return refusal("ValidationException", format, args...)
}

// invalidValue is for the service's most frequent complaint.
func invalidValue(format string, args ...any) *Error {
	return invalid("One or more parameter values were invalid: "+format, args...)
}

func noSuchTable(name string) *Error {
	return refusal("ResourceNotFoundException", "Requested resource not found: Table: %s not found", name)
}

// noData is the answer of item operations to a table that is not there, or not there yet.
func noData() *Error {
	return refusal("ResourceNotFoundException", "Requested resource not found")
}

func inUse(format string, args ...any) *Error {
	return refusal("ResourceInUseException", format, args...)
}

// throttled reports whether err refuses an operation for want of capacity alone.
func throttled(err error) bool {
	var refused *Error
	if !errors.As(err, &refused) {
		return false
	}
	switch refused.Code {
	case "ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded":
		return true
	default:
		return false
	}
}

// asError turns the errors of the packages below into the refusal that the service would send.
func asError(err error) *Error {
	var (
		refused *Error
		shape   *attribute.ShapeError
		value   *attribute.ValueError
		mistake *expression.Error
		wording *partiql.Error
	)
	switch {
	case errors.As(err, &refused):
		return refused
	case errors.As(err, &shape):
		return refusal("SerializationException", "%s", shape.Reason)
	case errors.As(err, &value):
		return invalid("%s", value.Reason)
	case errors.As(err, &mistake):
		return invalid("%s", mistake.Reason)
	case errors.As(err, &wording):
		return invalid("%s", wording.Reason)
	default:
		return &Error{Code: "InternalServerError", Message: err.Error(), Status: http.StatusInternalServerError}
	}
}
