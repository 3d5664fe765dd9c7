package cloudwatch

import (
	"net/http"
	"strings"
)

// rpc is Smithy RPC v2 with CBOR.
type rpc struct{}

// accepted writes nothing: the operation has no output.
func (rpc) accepted(h http.Header, _ string) []byte {
	h.Set("Smithy-Protocol", rpcProtocol)
	return nil
}

func (rpc) refused(h http.Header, _ string, e *Error) []byte {
	h.Set("Smithy-Protocol", rpcProtocol)
	h.Set("Content-Type", rpcType)
	h.Set("X-Amzn-Query-Error", e.Code+";Sender")
	body := appendHead(nil, majorMap, 2)
	body = appendText(appendText(body, "__type"), shapePrefix+e.Shape)
	return appendText(appendText(body, "message"), e.Message)
}

// decodeRPC reads a request.
func decodeRPC(r *http.Request, body []byte) (*request, error) {
	operation, addressed := strings.CutPrefix(r.URL.Path, rpcPrefix)
	switch {
	case !addressed || operation != putMetricData:
		return nil, unknownOperation(operation)
	case r.Method != http.MethodPost || r.Header.Get("Smithy-Protocol") != rpcProtocol || r.Header.Get("Content-Type") != rpcType:
		return nil, malformed()
	}
	c := &cbor{rest: body}
	in := new(request)
	c.fields(func(name string) {
		switch name {
		case "Namespace":
			in.namespace = c.text()
		case "MetricData":
			c.items(func() { in.add(c.datum()) })
		case "EntityMetricData":
			c.items(func() { c.entity(in) })
		default:
			c.skip()
		}
	})
	if c.bad || len(c.rest) > 0 {
		return nil, malformed()
	}
	return in, nil
}

// entity reads data that belong to an entity; what entity that is, is passed over.
func (c *cbor) entity(in *request) {
	c.fields(func(name string) {
		if name != "MetricData" {
			c.skip()
			return
		}
		c.items(func() { in.add(c.datum()) })
	})
}

func (c *cbor) datum() datum {
	var d datum
	c.fields(func(name string) {
		switch name {
		case "MetricName":
			d.name = c.text()
		case "Dimensions":
			c.items(func() { d.dimensions = limited(d.dimensions, c.dimension(), maxDimensions) })
		case "Timestamp":
			at := c.time()
			d.at = &at
		case "Value":
			d.value = c.optional()
		case "Values":
			c.items(func() { d.values = limited(d.values, c.number(), maxValues) })
		case "Counts":
			c.items(func() { d.counts = limited(d.counts, c.number(), maxValues) })
		case "StatisticValues":
			d.statistics = c.statistics()
		case "Unit":
			d.unit = c.text()
		case "StorageResolution":
			d.resolution = c.optional()
		default:
			c.skip()
		}
	})
	return d
}

func (c *cbor) optional() *float64 {
	v := c.number()
	return &v
}

func (c *cbor) dimension() dimension {
	var d dimension
	c.fields(func(name string) {
		switch name {
		case "Name":
			d.Name = c.text()
		case "Value":
			d.Value = c.text()
		default:
			c.skip()
		}
	})
	return d
}

func (c *cbor) statistics() *givenStatistics {
	s := new(givenStatistics)
	c.fields(func(name string) {
		switch name {
		case "SampleCount":
			s.sampleCount = c.optional()
		case "Sum":
			s.sum = c.optional()
		case "Minimum":
			s.minimum = c.optional()
		case "Maximum":
			s.maximum = c.optional()
		default:
			c.skip()
		}
	})
	return s
}
