package expression

import (
	"maps"
	"slices"
	"strings"

	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/attribute"
)

// Scope holds the placeholders of one request and remembers which of them its expressions have used.
type Scope struct {
	names      map[string]string
	values     map[string]attribute.Value
	usedNames  map[string]bool
	usedValues map[string]bool
}

// NewScope checks the placeholders' own spelling. Nil maps mean that the request has none; empty ones are an error.
func NewScope(names map[string]string, values map[string]attribute.Value) (*Scope, error) {
	if err := checkPlaceholders("ExpressionAttributeNames", '#', names); err != nil {
		return nil, err
	}
	if err := checkPlaceholders("ExpressionAttributeValues", ':', values); err != nil {
		return nil, err
	}
	return &Scope{
		names: names, values: values,
		usedNames: make(map[string]bool), usedValues: make(map[string]bool),
	}, nil
}

func checkPlaceholders[V any](parameter string, sigil byte, m map[string]V) error {
	if m != nil && len(m) == 0 {
		return &Error{parameter + " must not be empty"}
	}
	for _, key := range slices.Sorted(maps.Keys(m)) {
		if len(key) < 2 || key[0] != sigil || strings.TrimLeft(key[1:], wordCharacters) != "" {
			return &Error{parameter + ` contains invalid key: Syntax error; key: "` + key + `"`}
		}
	}
	return nil
}

// Unused returns an error if a placeholder stands in none of the expressions parsed so far.
func (s *Scope) Unused() error {
	if err := unused("ExpressionAttributeNames", s.names, s.usedNames); err != nil {
		return err
	}
	return unused("ExpressionAttributeValues", s.values, s.usedValues)
}

func unused[V any](parameter string, m map[string]V, used map[string]bool) error {
	var keys []string
	for _, key := range slices.Sorted(maps.Keys(m)) {
		if !used[key] {
			keys = append(keys, key)
		}
	}
	if keys == nil {
		return nil
	}
	return &Error{"Value provided in " + parameter + " unused in expressions: keys: {" + strings.Join(keys, ", ") + "}"}
}

// name returns what #placeholder stands for.
func (s *Scope) name(placeholder string) (string, bool) {
	name, ok := s.names[placeholder]
	s.usedNames[placeholder] = true
	return name, ok
}

// value returns what :placeholder stands for.
func (s *Scope) value(placeholder string) (attribute.Value, bool) {
	v, ok := s.values[placeholder]
	s.usedValues[placeholder] = true
	return v, ok
}
