package partiql

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/attribute"
	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/expression"
)

// parser reads one statement. It looks at one token at a time, and never back.
type parser struct {
	text  string
	at    int // where the text goes on behind the current token
	token token

	parameters Parameters
	used       int // how many of the parameters have been asked for
	err        error
}

// MaxCharacters is how long a statement may be, from the service's documentation. It bounds how deep the parser recurses.
const MaxCharacters = 8192

// Parse reads a statement and puts the parameters in. Its errors are Error, expression.Error and attribute.ValueError. It leaves to the
// caller to count characters, and refuses by itself only what cannot be short enough.
func Parse(text string, parameters Parameters) (*Statement, error) {
	if len(text) > MaxCharacters*utf8.UTFMax {
		return nil, &Error{reasonLength}
	}
	p := &parser{text: text, parameters: parameters}
	p.advance()
	s := p.statement()
	if p.err != nil {
		return nil, p.err
	}
	if p.used != len(parameters) {
		return nil, &Error{reasonCount}
	}
	if err := s.Update.Disjoint(); err != nil {
		return nil, err
	}
	return s, nil
}

func (p *parser) statement() *Statement {
	switch verb := strings.ToUpper(p.token.text); {
	case p.token.kind != tokenWord:
		p.unexpected()
	case verb == "UPDATE":
		p.advance()
		return p.update()
	case verb == "SELECT", verb == "INSERT", verb == "DELETE", verb == "EXISTS":
		p.failf("kinesistest executes no statement but UPDATE, and no %s", verb)
	default:
		p.unexpected()
	}
	return nil
}

// advance goes to the next token.
func (p *parser) advance() {
	t, length := scan(p.text[p.at:])
	p.token, p.at = t, p.at+length
}

// isSymbol reports whether the current token is the given symbol.
func (p *parser) isSymbol(symbol string) bool {
	return p.token.kind == tokenSymbol && p.token.text == symbol
}

// accept consumes the given symbol if it comes next.
func (p *parser) accept(symbol string) bool {
	if !p.isSymbol(symbol) {
		return false
	}
	p.advance()
	return true
}

// expect consumes the given symbol or reports a mistake.
func (p *parser) expect(symbol string) {
	if !p.accept(symbol) {
		p.unexpected()
	}
}

// acceptKeyword consumes the given keyword, in whatever case, if it comes next.
func (p *parser) acceptKeyword(word string) bool {
	if p.token.kind != tokenWord || !strings.EqualFold(p.token.text, word) {
		return false
	}
	p.advance()
	return true
}

// one consumes one of the given keywords and returns it, or reports a mistake.
func (p *parser) one(words ...string) string {
	for _, word := range words {
		if p.acceptKeyword(word) {
			return word
		}
	}
	p.unexpected()
	return ""
}

// keyword reports whether a bare word is part of the grammar, so that it is no name.
func keyword(word string) bool {
	switch strings.ToUpper(word) {
	case "UPDATE", "SET", "REMOVE", "WHERE", "RETURNING", "AND", "OR", "NOT", "BETWEEN", "IN", "IS", "MISSING", "NULL", "TRUE", "FALSE",
		"SELECT", "INSERT", "DELETE", "FROM", "VALUE", "VALUES", "AS":
		return true
	default:
		return false
	}
}

// name consumes a name.
func (p *parser) name() string {
	t := p.token
	if t.kind != tokenName && (t.kind != tokenWord || keyword(t.text)) {
		p.unexpected()
		return ""
	}
	p.advance()
	return t.text
}

// path consumes a document path.
func (p *parser) path() expression.Path {
	return p.pathFrom(p.name())
}

// pathFrom consumes the rest of a path, whose first name has been consumed.
func (p *parser) pathFrom(first string) expression.Path {
	path := expression.Path{{Name: first, Index: -1}}
	for {
		switch {
		case p.accept("."):
			path = append(path, expression.Element{Name: p.name(), Index: -1})
		case p.accept("["):
			path = append(path, expression.Element{Index: p.index()})
			p.expect("]")
		default:
			return path
		}
	}
}

func (p *parser) index() int {
	i, err := strconv.ParseUint(p.token.text, 10, 31)
	if p.token.kind != tokenNumber || err != nil {
		p.unexpected()
		return 0
	}
	p.advance()
	return int(i)
}

// isValue reports whether a value comes next, and not a name.
func (p *parser) isValue() bool {
	switch p.token.kind {
	case tokenText, tokenNumber:
		return true
	case tokenSymbol:
		return p.token.text == "?" || p.token.text == "-"
	case tokenWord:
		word := strings.ToUpper(p.token.text)
		return word == "TRUE" || word == "FALSE" || word == "NULL"
	default:
		return false
	}
}

// value consumes a parameter or a literal.
func (p *parser) value() expression.Literal {
	t := p.token
	p.advance()
	switch {
	case t.kind == tokenText:
		return expression.Literal{Value: attribute.String(t.text)}
	case t.kind == tokenNumber:
		return p.number(t.text)
	case t.text == "?":
		return p.parameter()
	case t.text == "-":
		if p.token.kind != tokenNumber {
			p.unexpected()
			return expression.Literal{}
		}
		digits := p.token.text
		p.advance()
		return p.number("-" + digits)
	case strings.EqualFold(t.text, "NULL"):
		return expression.Literal{Value: attribute.Null{}}
	default:
		return expression.Literal{Value: attribute.Bool(strings.EqualFold(t.text, "TRUE"))}
	}
}

func (p *parser) number(text string) expression.Literal {
	n, err := attribute.ParseNumber(text)
	if err != nil {
		p.fail(err)
	}
	return expression.Literal{Value: n}
}

func (p *parser) parameter() expression.Literal {
	if p.used == len(p.parameters) {
		p.failf(reasonCount)
		return expression.Literal{}
	}
	p.used++
	return expression.Literal{Value: p.parameters[p.used-1]}
}
