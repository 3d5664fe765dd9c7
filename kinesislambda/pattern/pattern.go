package pattern

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// ErrPattern is the kind of every error of [Compile].
var ErrPattern = errors.New("pattern: not a filter pattern")

// ErrDocument is the kind of every error of [Parse].
var ErrDocument = errors.New("pattern: the document is not JSON")

// Pattern is a compiled pattern. It may be used by several goroutines at once.
type Pattern struct{ root node }

// Compile reads a pattern. Its errors say where in the pattern they lie, and are all of the kind [ErrPattern].
func Compile(text []byte) (*Pattern, error) {
	value, err := Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%w: it is not JSON", ErrPattern)
	}
	fields, ok := value.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%w: it is not an object", ErrPattern)
	}
	root, err := compileObject("", fields)
	if err != nil {
		return nil, err
	}
	return &Pattern{root: root}, nil
}

// Uses reports whether the pattern has rules for a field of that name, at its top.
func (p *Pattern) Uses(field string) bool { return p.root.uses(field) }

// Match reports whether a document matches: what [Parse] returns, or maps, slices, strings, json.Number, bool and nil put together by
// hand.
func (p *Pattern) Match(document any) bool { return p.root.match(document) }

// Parse reads a JSON document for [Pattern.Match]. Numbers keep their text.
func Parse(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var value any
	if err := d.Decode(&value); err != nil {
		return nil, ErrDocument // the decoder's own error may show a piece of the data
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, ErrDocument
	}
	return value, nil
}
