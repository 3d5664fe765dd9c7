package wire

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// unknownCode is the SDK's name for an error that does not say what it is.
const unknownCode = "UnknownError"

// A fault is what the body of an error says of itself.
type fault struct {
	code, message string
	sound         bool // the body is a CBOR map
}

// readFault reads the body of an error: a map with the error's code under "__type" and, in either case, its "message".
func readFault(doc []byte) fault {
	c := cursor{doc: doc}
	var f fault
	for r := c.enterMap(); c.more(&r); {
		name := c.text()
		if c.null() {
			continue
		}
		switch string(name) {
		case "__type":
			f.code = string(c.text())
		case "code":
			if first := c.peek(); f.code == "" && first&majorMask == majorText {
				f.code = string(c.text())
			} else {
				c.skip()
			}
		case "message", "Message":
			f.message = string(c.text())
		default:
			c.skip()
		}
	}
	c.end()
	f.sound = c.err == nil
	return f
}

// bareCode strips the namespace before a code and the address after it.
func bareCode(code string) string {
	code, _, _ = strings.Cut(code, ":")
	if _, name, found := strings.Cut(code, "#"); found {
		return name
	}
	return code
}

// faultError returns the error of a reply or an exception whose body is doc, as the SDK has it: its own type for a code that the
// service's model has, a [smithy.GenericAPIError] for any other. A code given from outside goes before the body's.
func faultError(known *smithy.TypeRegistry, code string, doc []byte) error {
	f := readFault(doc)
	if code == "" {
		code = f.code
	}
	if code = bareCode(code); code == "" {
		code = unknownCode
	}
	if modelled, ok := known.DeserializableError(code); ok {
		if f.sound {
			if err := deserialize(doc, modelled, nil); err != nil {
				return &smithy.DeserializationError{Err: err}
			}
		}
		return modelled
	}
	if f.message == "" {
		f.message = unknownCode
	}
	return &smithy.GenericAPIError{Code: code, Message: f.message}
}

// readError returns the error that a reply to a request in CBOR is. If the server seems not to have understood CBOR, it is a
// [*RefusedError].
func readError(known *smithy.TypeRegistry, r *smithyhttp.Response) error {
	doc, err := readReply(r.Response)
	if err != nil {
		return &smithy.DeserializationError{Err: err}
	}
	var told error
	if isCBOR(r.Header.Get("Content-Type")) || readFault(doc).sound {
		told = faultError(known, r.Header.Get("X-Amzn-ErrorType"), doc)
	} else {
		told = jsonError(known, r, doc)
	}
	if refused(r.StatusCode, told) {
		return &RefusedError{Status: r.StatusCode, Err: told}
	}
	return told
}

// jsonError reads an error that is not CBOR: what stands in front of a service, or stands in for it, may know JSON only.
func jsonError(known *smithy.TypeRegistry, r *smithyhttp.Response, doc []byte) error {
	reply := *r.Response
	reply.Body = io.NopCloser(bytes.NewReader(doc))
	return plain.DeserializeResponse(r.Request.Context(), noOperation, known, &smithyhttp.Response{Response: &reply}, nil)
}

// refused reports whether an error says that the server cannot read CBOR. It must not be taken for that when anything else
// is wrong, least of all overload: the request is then sent once more.
func refused(status int, told error) bool {
	var generic *smithy.GenericAPIError
	unmodelled := errors.As(told, &generic)
	switch {
	case unmodelled && (generic.Code == "UnknownOperationException" || generic.Code == "SerializationException"):
		return status < http.StatusInternalServerError
	case status == http.StatusNotFound, status == http.StatusNotAcceptable, status == http.StatusUnsupportedMediaType:
		return unmodelled || isUnreadable(told)
	case status == http.StatusBadRequest:
		return isUnreadable(told) || unmodelled && generic.Code == unknownCode
	}
	return false
}

// isUnreadable reports whether the error is not what a reply says, but that it says nothing that can be read.
func isUnreadable(told error) bool {
	var unreadable *smithy.DeserializationError
	return errors.As(told, &unreadable)
}
