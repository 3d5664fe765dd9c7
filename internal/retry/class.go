package retry

import (
	"context"
	"errors"
	"net"
	"net/http"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Class is what a failed call means to the caller.
type Class uint8

const (
	// Transient is a failure of the service or the way to it that passes by itself. The call may have taken effect.
	Transient Class = iota
	// Throttled means that the service did nothing and asks for patience.
	Throttled
	// Unreachable means that no connection came about: nothing was sent.
	Unreachable
	// Denied means missing permission or credentials.
	Denied
	// NotFound means that the stream, table or shard does not exist.
	NotFound
	// Busy means that the resource is in a state that does not allow the call now (ResourceInUseException).
	Busy
	// Encryption is a KMS failure that an operator must mend.
	Encryption
	// Invalid means that the service will never accept this request.
	Invalid
	// Expired is an iterator or a token whose time is over: fetch a new one.
	Expired
	// Canceled means that the caller's own context ended. The call may have taken effect.
	Canceled
)

// String returns the class in one lower-case word.
func (c Class) String() string {
	return [...]string{"transient", "throttled", "unreachable", "denied", "not found", "busy", "encryption", "invalid",
		"expired", "canceled"}[c]
}

// Permanent reports whether the same call cannot succeed unless somebody changes something outside.
func (c Class) Permanent() bool {
	switch c {
	case Denied, NotFound, Encryption, Invalid:
		return true
	case Transient, Throttled, Unreachable, Busy, Expired, Canceled:
		return false
	}
	return false
}

// classes maps the error codes of Kinesis and DynamoDB, modelled and unmodelled, as the services document them.
var classes = map[string]Class{
	"ProvisionedThroughputExceededException": Throttled,
	"LimitExceededException":                 Throttled,
	"ThrottlingException":                    Throttled,
	"Throttling":                             Throttled,
	"TooManyRequestsException":               Throttled,
	"RequestLimitExceeded":                   Throttled,
	"SlowDown":                               Throttled,
	"KMSThrottlingException":                 Throttled,
	"InternalFailure":                        Transient,
	"InternalFailureException":               Transient,
	"InternalServerError":                    Transient,
	"ServiceUnavailable":                     Transient,
	"ServiceUnavailableException":            Transient,
	"RequestTimeout":                         Transient,
	"RequestTimeoutException":                Transient,
	// The SDK refreshes expired credentials by itself: the next call has new ones.
	"ExpiredTokenException":               Transient,
	"ExpiredToken":                        Transient,
	"AccessDeniedException":               Denied,
	"AccessDenied":                        Denied,
	"UnrecognizedClientException":         Denied,
	"MissingAuthenticationTokenException": Denied,
	"IncompleteSignatureException":        Denied,
	"InvalidSignatureException":           Denied,
	"InvalidClientTokenId":                Denied,
	"OptInRequired":                       Denied,
	"ResourceNotFoundException":           NotFound,
	"ResourceInUseException":              Busy,
	"KMSAccessDeniedException":            Encryption,
	"KMSDisabledException":                Encryption,
	"KMSInvalidStateException":            Encryption,
	"KMSNotFoundException":                Encryption,
	"KMSOptInRequired":                    Encryption,
	"InvalidArgumentException":            Invalid,
	"ValidationException":                 Invalid,
	"SerializationException":              Invalid,
	"UnknownOperationException":           Invalid,
	"DryRunOperationException":            Invalid,
	"ExpiredIteratorException":            Expired,
	"ExpiredNextTokenException":           Expired,
}

// Classify tells what an error of an SDK call means. Codes that nobody listed are judged by their HTTP status, and count as
// transient when there is none: an unknown failure is retried, within the caller's bounds. So is a reply that could not be read. err must
// not be nil.
func Classify(err error) Class {
	var api smithy.APIError
	if errors.As(err, &api) {
		if class, ok := classes[api.ErrorCode()]; ok {
			return class
		}
	}
	var reply *smithyhttp.ResponseError
	if errors.As(err, &reply) {
		var unread *smithy.DeserializationError
		return ofStatus(reply.HTTPStatusCode(), api == nil && errors.As(err, &unread) || Code(err) == noCode)
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return Canceled
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return Unreachable
	}
	return Transient
}

// noCode is what the SDK makes of an error whose body names none, as that of a proxy, or an empty one.
const noCode = "UnknownError"

// ofStatus judges a reply by its HTTP status. The service answers with 400 to what it will never accept, but also when it throttles or a
// token has expired, and says in the body which it is: where the body does not say it, nobody has refused the request for good.
func ofStatus(code int, unread bool) Class {
	switch {
	case code == http.StatusTooManyRequests:
		return Throttled
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		return Denied
	case code == http.StatusRequestTimeout, unread && code != http.StatusRequestEntityTooLarge: // which says all by itself
		return Transient
	case code >= 400 && code < 500:
		return Invalid
	}
	return Transient
}

// Code returns the service's error code, or "" where the service never answered.
func Code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}
