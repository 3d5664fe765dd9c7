package wire

import (
	"errors"
	"os"
	"strings"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/smithy-go"
)

// Protocol is a way to write requests and replies.
type Protocol uint8

const (
	// CBOR is what the AWS SDK for Java speaks with Kinesis: no base64, no JSON.
	CBOR Protocol = iota
	// JSON is what the AWS SDK for Go speaks with Kinesis. Every server understands it.
	JSON
)

// String returns the protocol's name in lower case.
func (p Protocol) String() string {
	if p == JSON {
		return "json"
	}
	return "cbor"
}

// disableEnv is the environment variable that the AWS SDK for Java 1.x has for switching CBOR off. It takes anything but "false" for yes, also
// nothing.
const disableEnv = "AWS_CBOR_DISABLE"

// A Choice says which protocol a client speaks:
//
//	CBOR --a call is refused, and its repetition in JSON is understood--> JSON
//
// There is no way back. All methods may be called by any goroutine.
type Choice struct {
	json     atomic.Bool
	fellBack func(cause error)
}

// NewChoice returns a Choice that begins with p, or with JSON if the environment variable AWS_CBOR_DISABLE is set, and not to false. When it
// changes to JSON later, fellBack is called, once, by the goroutine whose call showed it, with the refusal; it may be nil. It is told the
// refusal alone, since what the SDK says around it has the request's id, which is the server's to choose.
func NewChoice(p Protocol, fellBack func(cause error)) *Choice {
	c := &Choice{fellBack: fellBack}
	disable, set := os.LookupEnv(disableEnv)
	c.json.Store(p == JSON || set && !strings.EqualFold(disable, "false"))
	return c
}

// Protocol returns what the next call is made in.
func (c *Choice) Protocol() Protocol {
	if c.json.Load() {
		return JSON
	}
	return CBOR
}

// Call makes a call with the option that makes its client speak the chosen protocol. A call that the server refused for its
// CBOR did nothing there; it is made once more, in JSON. If that is understood, CBOR is not tried again.
//
// The input of a call must not be changed until the call has returned: its blobs are sent from where they are. In the output of
// GetRecords the data of the records aliases one piece of memory, the other values of the records a few more; who keeps one
// record keeps all of them from being freed.
func Call[Out any](c *Choice, call func(option func(*kinesis.Options)) (Out, error)) (Out, error) {
	if c.Protocol() == JSON {
		return call(speakJSON)
	}
	out, err := call(speakCBOR)
	var refusal *RefusedError
	if !errors.As(err, &refusal) {
		return out, err
	}
	out, err = call(speakJSON)
	if understood(err) && c.json.CompareAndSwap(false, true) && c.fellBack != nil {
		c.fellBack(refusal)
	}
	return out, err
}

// understood reports whether the outcome of a call in JSON proves that the server reads JSON: it did what was asked, or said in the
// service's own terms why not. Anything else may have had the same cause as the refusal before.
func understood(err error) bool {
	var api smithy.APIError
	var generic *smithy.GenericAPIError
	return err == nil || errors.As(err, &api) && !errors.As(err, &generic)
}
