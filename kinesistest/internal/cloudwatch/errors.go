package cloudwatch

import (
	"fmt"
	"net/http"
)

// Error is an answer that refuses a request. Its texts are the service's own words and carry no package prefix.
type Error struct {
	// Code is the query protocol's name of the error, such as InvalidParameterValue.
	Code string
	// Shape is the model's name of it, such as InvalidParameterValueException, which the CBOR protocol uses.
	Shape string
	// Message says what to change.
	Message string
	// Status is the HTTP status.
	Status int
}

// Error returns code and message.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

func refusal(code, shape, format string, args ...any) *Error {
	return &Error{Code: code, Shape: shape, Message: fmt.Sprintf(format, args...), Status: http.StatusBadRequest}
}

func invalidValue(format string, args ...any) *Error {
	return refusal("InvalidParameterValue", "InvalidParameterValueException", format, args...)
}

func invalidCombination(format string, args ...any) *Error {
	return refusal("InvalidParameterCombination", "InvalidParameterCombinationException", format, args...)
}

func missing(parameter string) *Error {
	return refusal("MissingParameter", "MissingRequiredParameterException", "The parameter %s is required.", parameter)
}

func malformed() *Error {
	return refusal("MalformedInput", "SerializationException", "The request body is not well formed")
}

func tooLarge() *Error {
	e := refusal("RequestEntityTooLarge", "RequestEntityTooLargeException", "Request body is larger than %d bytes", maxBody)
	e.Status = http.StatusRequestEntityTooLarge
	return e
}

func unknownOperation(name string) *Error {
	return refusal("InvalidAction", "UnknownOperationException", "Could not find operation %s for version 2010-08-01", name)
}
