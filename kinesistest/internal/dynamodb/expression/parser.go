package expression

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/attribute"
)

// Bounds of an expression, from the service's documentation. The first also bounds how deep the parser recurses.
const (
	maxBytes     = 4096
	maxOperators = 300
	maxInList    = 100
)

// parser holds what the grammars share. After a syntax error its position is the end of the text, so that every loop
// of a grammar comes to its end by itself.
type parser struct {
	scope  *Scope
	text   string
	tokens []token
	at     int

	syntax    string // what is wrong with the syntax; empty if nothing is
	mistake   weight // of the weightiest other mistake
	reason    string
	operators int
	closed    map[int]int // index of an opening parenthesis to that of its closing one
}

// parse runs a grammar over text. role is the request parameter that text came in.
func parse[T any](s *Scope, role, text string, grammar func(*parser) T) (T, error) {
	var none T
	if text == "" {
		return none, &Error{"Invalid " + role + ": The expression can not be empty;"}
	}
	if len(text) > maxBytes {
		return none, &Error{fmt.Sprintf("Invalid %s: Expression size has exceeded the maximum allowed size; expression size: %d",
			role, len(text))}
	}
	p := &parser{scope: s, text: text, tokens: tokenize(text), mistake: noMistake, closed: make(map[int]int)}
	tree := grammar(p)
	if p.peek().kind != tokenEnd {
		p.unexpected()
	}
	switch {
	case p.syntax != "":
		return none, &Error{"Invalid " + role + ": " + p.syntax}
	case p.mistake != noMistake:
		return none, &Error{"Invalid " + role + ": " + p.reason}
	case p.operators > maxOperators:
		return none, &Error{fmt.Sprintf("Invalid %s: The expression contains too many operators; operator count: %d",
			role, p.operators)}
	}
	return tree, nil
}

func (p *parser) peek() token { return p.tokens[p.at] }

func (p *parser) next() token {
	t := p.tokens[p.at]
	if t.kind != tokenEnd {
		p.at++
	}
	return t
}

// unexpected reports the current token, with its neighbours, as a syntax error and goes to the end.
func (p *parser) unexpected() {
	if p.syntax != "" {
		return
	}
	t, first, last := p.tokens[p.at], p.at, p.at
	if first > 0 {
		first--
	}
	if last+1 < len(p.tokens)-1 {
		last++
	}
	near := p.text[p.tokens[first].start:p.tokens[last].end]
	if t.kind == tokenEnd {
		near = p.text[p.tokens[first].start:p.tokens[first].end]
	}
	p.syntax = fmt.Sprintf(`Syntax error; token: "%s", near: "%s"`, t.text, near)
	p.at = len(p.tokens) - 1
}

// complain remembers a mistake that is not one of syntax, unless a weightier one is known.
func (p *parser) complain(w weight, format string, args ...any) {
	if w < p.mistake {
		p.mistake, p.reason = w, fmt.Sprintf(format, args...)
	}
}

// isSymbol reports whether the current token is the given symbol.
func (p *parser) isSymbol(symbol string) bool {
	t := p.peek()
	return t.kind == tokenSymbol && t.text == symbol
}

// accept consumes the given symbol if it comes next.
func (p *parser) accept(symbol string) bool {
	if !p.isSymbol(symbol) {
		return false
	}
	p.at++
	return true
}

// expect consumes the given symbol or reports a syntax error.
func (p *parser) expect(symbol string) {
	if !p.accept(symbol) {
		p.unexpected()
	}
}

// isKeyword reports whether the current token is the given keyword, in whatever case.
func (p *parser) isKeyword(word string) bool {
	t := p.peek()
	return t.kind == tokenWord && strings.EqualFold(t.text, word)
}

// acceptKeyword consumes the given keyword if it comes next.
func (p *parser) acceptKeyword(word string) bool {
	if !p.isKeyword(word) {
		return false
	}
	p.at++
	return true
}

// isCall reports whether a function's name and its opening parenthesis come next.
func (p *parser) isCall() bool {
	if p.peek().kind != tokenWord {
		return false
	}
	after := p.tokens[p.at+1]
	return after.kind == tokenSymbol && after.text == "("
}

// path parses a document path.
func (p *parser) path() Path {
	path := Path{p.field()}
	for p.syntax == "" {
		switch {
		case p.accept("."):
			path = append(path, p.field())
		case p.accept("["):
			path = append(path, p.index())
			p.expect("]")
		default:
			return path
		}
	}
	return path
}

// field parses an attribute's name or its placeholder.
func (p *parser) field() Element {
	t := p.peek()
	switch t.kind {
	case tokenWord:
		if structural(t.text) {
			p.unexpected()
			break
		}
		if reserved(t.text) {
			p.complain(weightReserved, "Attribute name is a reserved keyword; reserved keyword: %s", t.text)
		}
		p.at++
		return Element{Name: t.text, Index: -1}
	case tokenName:
		name, defined := p.scope.name(t.text)
		if !defined {
			p.complain(weightPlaceholder,
				"An expression attribute name used in the document path is not defined; attribute name: %s", t.text)
		}
		p.at++
		return Element{Name: name, Index: -1}
	default:
		p.unexpected()
	}
	return Element{Index: -1}
}

// structural reports whether a word is part of the grammars themselves, so that it is a syntax error, and not merely a
// reserved name, where a name must stand.
func structural(word string) bool {
	switch strings.ToUpper(word) {
	case "AND", "OR", "NOT", "BETWEEN", "IN", "SET", "REMOVE", "ADD", "DELETE":
		return true
	default:
		return false
	}
}

func (p *parser) index() Element {
	if p.peek().kind != tokenInteger {
		p.unexpected()
		return Element{}
	}
	text := p.next().text
	i, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		p.complain(weightOperandType, "List index is not within the allowable range; index: [%s]", text)
	}
	return Element{Index: int(i)}
}

// value resolves a :placeholder. An undefined one has been complained of and leaves a Literal without a value.
func (p *parser) value() Literal {
	t := p.peek()
	if t.kind != tokenValue {
		p.unexpected()
		return Literal{}
	}
	p.at++
	v, defined := p.scope.value(t.text)
	if !defined {
		p.complain(weightPlaceholder,
			"An expression attribute value used in expression is not defined; attribute value: %s", t.text)
	}
	return Literal{Value: v}
}

// kindOf returns the type of a literal, and "" for operands whose type only an item can tell.
func kindOf(o Operand) attribute.Kind {
	if l, ok := o.(Literal); ok && l.Value != nil {
		return l.Value.Kind()
	}
	return ""
}

// disjoint complains if a path gets in the way of an earlier one.
func (p *parser) disjoint(paths []Path) {
	if w, reason := clash(paths); w != noMistake {
		p.complain(w, "%s", reason)
	}
}
