package wire

import (
	"context"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/schemas"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/aws/smithy-go/transport/http/protocol/awsjson"
)

const contentTypeCBOR = "application/x-amz-cbor-1.1"

// plain reads replies that are JSON although the request was CBOR. It is shared by all calls: of its methods only those for event
// streams have state.
var plain = newJSON()

// newJSON returns the SDK's own protocol. The SDK's client has one for all its calls, whose decoder of events is not safe for two
// subscriptions at a time; so each call gets a new one.
func newJSON() *awsjson.Protocol { return awsjson.New11(schemas.Kinesis_20131202) }

// noOperation stands for the operation where only an error is read: errors are the same for all.
var noOperation = smithy.NewOperationSchema(nil, nil, nil)

// target is the first part of the X-Amz-Target header, before the operation's name.
var target = schemas.Kinesis_20131202.ID().Name + "."

// cborCall speaks CBOR for one call.
//
// The SDK serializes the input once, then sends the request and reads a reply as often as it tries; all in the
// goroutine of the caller, which sees the operation return after the last attempt's body was closed. That is the moment when [ending]
// lets the request's memory go.
type cborCall struct {
	request serializer   // its body is nil before there is a request, and after the operation
	events  *eventReader // of an event stream that the SDK reads; nil before the first event
}

var _ smithyhttp.ClientProtocol = (*cborCall)(nil)

// speakCBOR is an option of one call.
func speakCBOR(o *kinesis.Options) {
	call := new(cborCall)
	o.Protocol = call
	o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
		return stack.Initialize.Add(ending{&call.request.body}, middleware.Before)
	})
}

// ending stands around a whole operation, and gives back the memory of its request, if there is any.
type ending struct{ of **body }

// ID implements middleware.InitializeMiddleware.
func (ending) ID() string { return "ReleaseRequestBody" }

// HandleInitialize implements middleware.InitializeMiddleware.
func (e ending) HandleInitialize(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (
	middleware.InitializeOutput, middleware.Metadata, error,
) {
	out, metadata, err := next.HandleInitialize(ctx, in)
	if *e.of != nil {
		(*e.of).release()
		*e.of = nil
	}
	return out, metadata, err //nolint:wrapcheck // it is the operation's, on its way to the caller
}

// ID implements smithyhttp.ClientProtocol.
func (*cborCall) ID() smithy.ShapeID {
	return smithy.ShapeID{Namespace: "aws.protocols", Name: "awsCbor1_1"}
}

// SerializeRequest implements smithyhttp.ClientProtocol.
func (c *cborCall) SerializeRequest(_ context.Context, operation *smithy.OperationSchema, in smithy.Serializable, r *smithyhttp.Request) error {
	s := &c.request
	s.body = newBody()
	if operation.Input == nil {
		s.text = append(s.text, majorMap) // an empty one
	} else {
		s.serialize(in)
	}
	if s.err != nil {
		return &smithy.SerializationError{Err: s.err}
	}
	s.seal()
	withBody, err := r.SetStream(s.body) // copies the request: headers that are set before cost more
	if err != nil {
		return &smithy.SerializationError{Err: err}
	}
	*r = *withBody
	r.Method = http.MethodPost
	if r.URL.Path == "" {
		r.URL.Path = "/"
	}
	values := []string{target + operation.ID().Name, contentTypeCBOR}
	r.Header["X-Amz-Target"], r.Header["Content-Type"] = values[:1:1], values[1:]
	return nil
}

// DeserializeResponse implements smithyhttp.ClientProtocol. Errors in JSON, and replies in JSON, are read as such.
func (*cborCall) DeserializeResponse(
	ctx context.Context, operation *smithy.OperationSchema, known *smithy.TypeRegistry, r *smithyhttp.Response, out smithy.Deserializable,
) error {
	switch {
	case r.StatusCode < http.StatusOK || r.StatusCode >= http.StatusMultipleChoices:
		return readError(known, r)
	case operation.IsOutputEventStream():
		return nil // the frames are read from the body later
	case operation.Output == nil:
		return nil
	case isCBOR(r.Header.Get("Content-Type")):
		return readOutput(r, out)
	}
	return plain.DeserializeResponse(ctx, operation, known, r, out) //nolint:wrapcheck // the SDK's error is the result
}

// HasInitialEventMessage implements smithyhttp.ClientProtocol: an event stream begins with a reply of its own.
func (*cborCall) HasInitialEventMessage() bool { return true }

// DeserializeInitialResponse implements smithyhttp.ClientProtocol.
func (*cborCall) DeserializeInitialResponse(_ *smithy.Schema, r io.Reader, out smithy.Deserializable) error {
	f, err := readFrame(r)
	if err != nil {
		return err
	}
	return newEventReader().initial(f, out)
}

// DeserializeEventMessage implements smithyhttp.ClientProtocol. The data of records aliases memory that belongs to the event alone.
func (c *cborCall) DeserializeEventMessage(union *smithy.Schema, known *smithy.TypeRegistry, r io.Reader) (smithy.Deserializable, error) {
	f, err := readFrame(r)
	if err != nil {
		return nil, err
	}
	if c.events == nil {
		c.events = &eventReader{union: union, types: known}
	}
	return c.events.event(f)
}

// SerializeEventMessage implements smithyhttp.ClientProtocol. No operation of Kinesis takes a stream of events.
func (*cborCall) SerializeEventMessage(union, _ *smithy.Schema, _ smithy.Serializable, _ io.Writer) error {
	return unsupported(union)
}

// SerializeInitialRequest implements smithyhttp.ClientProtocol. No operation of Kinesis takes a stream of events.
func (*cborCall) SerializeInitialRequest(schema *smithy.Schema, _ smithy.Serializable, _ io.Writer) error {
	return unsupported(schema)
}
