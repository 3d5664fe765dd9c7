package wire

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/schemas"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/eventstream"
	"github.com/aws/smithy-go/transport/http/protocol/awsjson"
)

// Values of a frame's headers.
const (
	messageEvent     = eventstream.EventMessageType
	messageException = eventstream.ExceptionMessageType
	messageError     = eventstream.ErrorMessageType
	eventInitial     = "initial-response"
	eventRecords     = "SubscribeToShardEvent"
	contentTypeJSON  = "application/json"
)

// An eventReader makes events of frames. It belongs to one stream.
type eventReader struct {
	union *smithy.Schema
	types *smithy.TypeRegistry
	json  *awsjson.Protocol // for payloads in JSON; nil until the first one
}

func newEventReader() *eventReader {
	return &eventReader{union: schemas.SubscribeToShardEventStream, types: kinesis.TypeRegistry}
}

// initial reads the frame that an event stream must begin with: the reply to the call. It has no members today.
func (e *eventReader) initial(f *frame, out smithy.Deserializable) error {
	switch {
	case f.messageType == messageException || f.messageType == messageError:
		_, err := e.event(f)
		return err
	case f.messageType != messageEvent || f.eventType != eventInitial:
		return &FrameError{Reason: "the stream does not begin with the initial response"}
	case len(f.payload) == 0 || !isCBOR(f.contentType):
		return nil
	}
	return f.payloadInto(out)
}

// event returns the event that the frame carries, or the error that it is.
func (e *eventReader) event(f *frame) (smithy.Deserializable, error) {
	switch f.messageType {
	case messageEvent:
		if !isCBOR(f.contentType) && len(f.payload) > 0 {
			return e.bySDK(f)
		}
		return e.cborEvent(f)
	case messageException:
		return nil, e.exception(f)
	case messageError:
		return nil, &smithy.GenericAPIError{Code: orUnknown(f.errorCode), Message: orUnknown(f.errorMessage)}
	}
	return nil, &FrameError{Reason: "a message of an unknown type"}
}

// cborEvent returns an [eventstream.UnknownUnionMember] for an event that the model does not have, for the caller to pass over.
func (e *eventReader) cborEvent(f *frame) (smithy.Deserializable, error) {
	if member := e.union.Member(f.eventType); member != nil {
		if entry, ok := e.types.LookupEntry(member.TargetID().String()); ok {
			if event, ok := entry.New().(smithy.Deserializable); ok {
				return event, f.payloadInto(event)
			}
		}
	}
	return &eventstream.UnknownUnionMember{Tag: f.eventType, Value: f.payload}, nil
}

func (f *frame) payloadInto(out smithy.Deserializable) error {
	if err := deserialize(f.payload, out, byHand(out)); err != nil {
		return &smithy.DeserializationError{Err: fmt.Errorf("wire: event: %w", err)}
	}
	return nil
}

// exception returns the error that an exception is.
func (e *eventReader) exception(f *frame) error {
	if f.exceptionType == "" {
		return &FrameError{Reason: "an exception without a type"}
	}
	if !isCBOR(f.contentType) && len(f.payload) > 0 {
		_, err := e.bySDK(f)
		return err
	}
	code := f.exceptionType
	if member := e.union.Member(code); member != nil {
		code = member.TargetID().Name // the member's name is the shape's, but for the case of its letters
	}
	return faultError(e.types, code, f.payload)
}

// bySDK leaves a frame whose payload is JSON to the SDK's own protocol, which reads it from its first byte.
func (e *eventReader) bySDK(f *frame) (smithy.Deserializable, error) {
	if e.json == nil {
		e.json = newJSON()
	}
	event, err := e.json.DeserializeEventMessage(e.union, e.types, io.MultiReader(bytes.NewReader(f.prelude[:]), bytes.NewReader(f.raw)))
	var api smithy.APIError
	if err == nil || errors.As(err, &api) {
		return event, err //nolint:wrapcheck // the service's error is the result
	}
	if errors.Is(err, io.EOF) { // so the SDK says of null; it is no end of the stream
		err = io.ErrUnexpectedEOF
	}
	return nil, &smithy.DeserializationError{Err: err}
}

func orUnknown(s string) string {
	if s == "" {
		return unknownCode
	}
	return s
}
