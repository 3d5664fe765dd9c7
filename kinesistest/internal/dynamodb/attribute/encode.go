package attribute

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
)

// MarshalJSON returns the wire form: attribute names to typed values, in the order of the names.
func (it Item) MarshalJSON() ([]byte, error) {
	return appendFields(nil, it), nil
}

func (s String) appendJSON(dst []byte) []byte {
	return append(appendText(append(dst, `{"S":`...), string(s)), '}')
}

func (n Number) appendJSON(dst []byte) []byte {
	dst = append(dst, `{"N":"`...)
	dst = append(dst, n.String()...)
	return append(dst, `"}`...)
}

func (b Binary) appendJSON(dst []byte) []byte {
	return append(appendBase64(append(dst, `{"B":`...), b), '}')
}

func (b Bool) appendJSON(dst []byte) []byte {
	if b {
		return append(dst, `{"BOOL":true}`...)
	}
	return append(dst, `{"BOOL":false}`...)
}

func (Null) appendJSON(dst []byte) []byte {
	return append(dst, `{"NULL":true}`...)
}

func (m Map) appendJSON(dst []byte) []byte {
	return append(appendFields(append(dst, `{"M":`...), m), '}')
}

func (l List) appendJSON(dst []byte) []byte {
	dst = append(dst, `{"L":[`...)
	for i, v := range l {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = v.appendJSON(dst)
	}
	return append(dst, `]}`...)
}

func (s Set) appendJSON(dst []byte) []byte {
	dst = append(dst, `{"`...)
	dst = append(dst, s.kind...)
	dst = append(dst, `":[`...)
	for i, m := range s.members {
		if i > 0 {
			dst = append(dst, ',')
		}
		switch m := m.(type) {
		case Binary:
			dst = appendBase64(dst, m)
		default:
			dst = appendText(dst, Text(m))
		}
	}
	return append(dst, `]}`...)
}

func appendFields[M ~map[string]Value](dst []byte, fields M) []byte {
	dst = append(dst, '{')
	for i, name := range slices.Sorted(maps.Keys(fields)) {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendText(dst, name)
		dst = append(dst, ':')
		dst = fields[name].appendJSON(dst)
	}
	return append(dst, '}')
}

func appendBase64(dst []byte, b Binary) []byte {
	dst = append(dst, '"')
	dst = base64.StdEncoding.AppendEncode(dst, []byte(b))
	return append(dst, '"')
}

// appendText appends s as a JSON string.
func appendText(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			return appendEscaped(dst, s)
		}
	}
	dst = append(dst, '"')
	dst = append(dst, s...)
	return append(dst, '"')
}

// appendEscaped leaves the rarer strings to encoding/json, whose only error, for a string, cannot happen.
func appendEscaped(dst []byte, s string) []byte {
	text, err := json.Marshal(s)
	if err != nil {
		return append(dst, `""`...)
	}
	return append(dst, text...)
}
