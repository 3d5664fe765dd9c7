package otel

import (
	"bytes"
	"encoding/json"
	"slices"
)

// Carrier puts the fields of a context into a record's data, and finds them there. Its methods may be called by any goroutine.
type Carrier interface {
	// Inject returns the data with the fields in it, or the data as it is if it cannot hold them. It must not change data.
	Inject(data []byte, fields map[string]string) []byte
	// Extract returns the fields that the data holds, nil if there are none. It must not keep data.
	Extract(data []byte) map[string]string
}

// JSON carries a context in records that are JSON objects, as members with the names of the fields, "traceparent" by the W3C's format.
// Objects that have such a member already, and everything that is no JSON object, stay as they are, byte for byte.
var JSON Carrier = jsonCarrier{}

type jsonCarrier struct{}

// Inject writes the members before the object's last brace.
func (jsonCarrier) Inject(data []byte, fields map[string]string) []byte {
	have, ok := members(data)
	if !ok || len(fields) == 0 {
		return data
	}
	var more []byte
	for _, name := range sorted(fields) {
		if _, there := have[name]; there {
			return data
		}
		if len(have) > 0 || len(more) > 0 {
			more = append(more, ',')
		}
		more = appendString(append(appendString(more, name), ':'), fields[name])
	}
	end := bytes.LastIndexByte(data, '}')
	return slices.Concat(data[:end], more, data[end:])
}

// Extract returns the members whose names a propagator of OpenTelemetry may use.
func (jsonCarrier) Extract(data []byte) map[string]string {
	if !bytes.Contains(data, []byte(`"traceparent"`)) && !bytes.Contains(data, []byte(`"b3"`)) { // to parse all others would cost a lot
		return nil
	}
	have, ok := members(data)
	if !ok {
		return nil
	}
	fields := make(map[string]string)
	for _, name := range []string{"traceparent", "tracestate", "baggage", "b3"} {
		var text string
		if raw, there := have[name]; there && json.Unmarshal(raw, &text) == nil {
			fields[name] = text
		}
	}
	return fields
}

// members parses an object; false: the data is none.
func members(data []byte) (map[string]json.RawMessage, bool) {
	if trimmed := bytes.TrimLeft(data, " \t\r\n"); len(trimmed) == 0 || trimmed[0] != '{' {
		return nil, false
	}
	var have map[string]json.RawMessage
	if json.Unmarshal(data, &have) != nil {
		return nil, false
	}
	return have, true
}

func sorted(fields map[string]string) []string {
	names := make([]string, 0, len(fields))
	for name := range fields {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// appendString appends a JSON string. A string can always be written as one.
func appendString(to []byte, s string) []byte {
	text, err := json.Marshal(s)
	if err != nil {
		return append(to, `""`...)
	}
	return append(to, text...)
}

// mapCarrier is a map as propagators know it.
type mapCarrier map[string]string

func (m mapCarrier) Get(key string) string { return m[key] }
func (m mapCarrier) Set(key, value string) { m[key] = value }

// Keys returns the names of the fields.
func (m mapCarrier) Keys() []string { return sorted(m) }
