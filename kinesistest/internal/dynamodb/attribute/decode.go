package attribute

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
)

// MaxDepth is how many levels lists and maps may nest, from the service's documentation.
const MaxDepth = 32

// UnmarshalJSON reads the wire form. Its errors are ShapeErrors and ValueErrors.
func (it *Item) UnmarshalJSON(data []byte) error {
	fields, err := decodeFields(data, 0)
	if err != nil {
		return err
	}
	*it = fields
	return nil
}

// Decode reads one typed value, such as {"S":"text"}. Its errors are ShapeErrors and ValueErrors.
func Decode(data []byte) (Value, error) {
	return decodeValue(data, 0)
}

// decodeFields reads a JSON object of typed values; a JSON null is no object, and nil.
func decodeFields(data []byte, depth int) (map[string]Value, error) {
	var raw map[string]json.RawMessage
	if err := decodeShape(data, &raw); err != nil || raw == nil {
		return nil, err
	}
	fields := make(map[string]Value, len(raw))
	for name, text := range raw {
		v, err := decodeValue(text, depth)
		if err != nil {
			return nil, err
		}
		fields[name] = v
	}
	return fields, nil
}

// decodeValue reads a value that stands inside depth maps and lists.
func decodeValue(data []byte, depth int) (Value, error) {
	var raw map[string]json.RawMessage
	if err := decodeShape(data, &raw); err != nil {
		return nil, err
	}
	var kind Kind
	for name, text := range raw {
		if !Kind(name).Valid() || isNull(text) {
			continue
		}
		if kind != "" {
			return nil, &ValueError{"Supplied AttributeValue has more than one datatypes set, " +
				"must contain exactly one of the supported datatypes"}
		}
		kind = Kind(name)
	}
	if kind == "" {
		return nil, &ValueError{"Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"}
	}
	return decodeKind(kind, raw[string(kind)], depth)
}

func decodeKind(kind Kind, data []byte, depth int) (Value, error) {
	if depth == MaxDepth && (kind == KindMap || kind == KindList) {
		return nil, &ValueError{"Nesting Levels have exceeded supported limits: " +
			"Attributes in the item have nested levels beyond supported limit"}
	}
	switch kind {
	case KindMap:
		fields, err := decodeFields(data, depth+1)
		return Map(fields), err
	case KindList:
		return decodeList(data, depth+1)
	case KindBool:
		var b bool
		err := decodeShape(data, &b)
		return Bool(b), err
	case KindNull:
		return decodeNull(data)
	case KindStringSet:
		return decodeSet(kind, KindString, data)
	case KindNumberSet:
		return decodeSet(kind, KindNumber, data)
	case KindBinarySet:
		return decodeSet(kind, KindBinary, data)
	default:
		var text string
		if err := decodeShape(data, &text); err != nil {
			return nil, err
		}
		return decodeScalar(kind, text)
	}
}

func decodeScalar(kind Kind, text string) (Value, error) {
	switch kind {
	case KindNumber:
		return ParseNumber(text)
	case KindBinary:
		return decodeBase64(text)
	default:
		return String(text), nil
	}
}

// decodeBase64 is strict, as the service is: encoding/base64 alone would pass over line breaks.
func decodeBase64(text string) (Value, error) {
	if len(text)%4 != 0 {
		return nil, &ShapeError{fmt.Sprintf("Base64 encoded length is expected a multiple of 4 bytes but found: %d", len(text))}
	}
	b, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || strings.ContainsAny(text, "\r\n") {
		return nil, &ShapeError{"Invalid last non-pad Base64 character dectected"}
	}
	return Binary(b), nil
}

func decodeNull(data []byte) (Value, error) {
	var null bool
	if err := decodeShape(data, &null); err != nil {
		return nil, err
	}
	if !null {
		return nil, &ValueError{invalid + "Null attribute value types must have the value of true"}
	}
	return Null{}, nil
}

func decodeList(data []byte, depth int) (Value, error) {
	var raw []json.RawMessage
	if err := decodeShape(data, &raw); err != nil {
		return nil, err
	}
	list := make(List, len(raw))
	for i, text := range raw {
		v, err := decodeValue(text, depth)
		if err != nil {
			return nil, err
		}
		list[i] = v
	}
	return list, nil
}

func decodeSet(kind, member Kind, data []byte) (Value, error) {
	var texts []string
	if err := decodeShape(data, &texts); err != nil {
		return nil, err
	}
	members := make([]Value, len(texts))
	for i, text := range texts {
		v, err := decodeScalar(member, text)
		if err != nil {
			return nil, err
		}
		members[i] = v
	}
	return newSet(kind, members)
}

// decodeShape unmarshals one JSON value and words a mismatch as the service does. The caller's document has passed the
// JSON parser as a whole, so nothing but a mismatch of types can go wrong.
func decodeShape(data []byte, into any) error {
	if err := json.Unmarshal(data, into); err != nil {
		return &ShapeError{ShapeReason(err)}
	}
	return nil
}

func isNull(data []byte) bool { return string(data) == "null" }
