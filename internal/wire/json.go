package wire

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/aws/smithy-go/transport/http/protocol/awsjson"
)

// jsonCall speaks the SDK's own JSON for one call. Only the records of PutRecords are written by hand, with their data straight in base64 into
// memory from the pool; the SDK would move each several times.
type jsonCall struct {
	*awsjson.Protocol
	body *body // nil where the SDK has written it
}

var _ smithyhttp.ClientProtocol = (*jsonCall)(nil)

// speakJSON is an option of one call.
func speakJSON(o *kinesis.Options) {
	call := &jsonCall{Protocol: newJSON()}
	o.Protocol = call
	o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
		return stack.Initialize.Add(ending{&call.body}, middleware.Before)
	})
}

// SerializeRequest implements smithyhttp.ClientProtocol.
func (c *jsonCall) SerializeRequest(ctx context.Context, operation *smithy.OperationSchema, in smithy.Serializable, r *smithyhttp.Request) error {
	put, ok := in.(*kinesis.PutRecordsInput)
	if !ok || !entriesByHand || len(put.Records) == 0 {
		return c.Protocol.SerializeRequest(ctx, operation, in, r) //nolint:wrapcheck // the SDK's error is the result
	}
	rest := *put
	rest.Records = nil
	if err := c.Protocol.SerializeRequest(ctx, operation, &rest, r); err != nil {
		return err //nolint:wrapcheck // the SDK's error is the result
	}
	members, err := io.ReadAll(r.GetStream()) // {"StreamName":"orders"}
	if err != nil {
		return &smithy.SerializationError{Err: err}
	}
	c.body = newBody()
	text := c.body.text
	text = append(text, members[:len(members)-1]...)
	if len(members) > len("{}") {
		text = append(text, ',')
	}
	c.body.text = append(appendRecords(append(text, `"Records":`...), put.Records), '}')
	c.body.seal()
	withBody, err := r.SetStream(c.body)
	if err != nil {
		return &smithy.SerializationError{Err: err}
	}
	*r = *withBody
	return nil
}

func appendRecords(dst []byte, records []types.PutRecordsRequestEntry) []byte {
	separator := byte('[')
	for i := range records {
		dst = append(dst, separator, '{')
		if data := records[i].Data; data != nil {
			dst = append(base64.StdEncoding.AppendEncode(append(dst, `"Data":"`...), data), '"', ',')
		}
		dst = appendMember(dst, "ExplicitHashKey", records[i].ExplicitHashKey)
		dst = appendMember(dst, "PartitionKey", records[i].PartitionKey)
		if last := len(dst) - 1; dst[last] == ',' {
			dst = dst[:last]
		}
		dst = append(dst, '}')
		separator = ','
	}
	return append(dst, ']')
}

// appendMember appends a member and a comma, unless the member is absent.
func appendMember(dst []byte, name string, value *string) []byte {
	if value == nil {
		return dst
	}
	dst = append(append(append(dst, '"'), name...), '"', ':')
	for i := range len(*value) {
		if b := (*value)[i]; b < ' ' || b > '~' || b == '"' || b == '\\' {
			quoted, _ := json.Marshal(*value) // a string has no error
			return append(append(dst, quoted...), ',')
		}
	}
	return append(append(append(dst, '"'), *value...), '"', ',')
}
