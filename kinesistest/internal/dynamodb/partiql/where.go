package partiql

import (
	"strings"

	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/attribute"
	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/expression"
)

func (p *parser) condition() expression.Condition {
	c := p.conjunction()
	for p.acceptKeyword("OR") {
		c = expression.Or{Left: c, Right: p.conjunction()}
	}
	return c
}

func (p *parser) conjunction() expression.Condition {
	c := p.negation()
	for p.acceptKeyword("AND") {
		c = expression.And{Left: c, Right: p.negation()}
	}
	return c
}

func (p *parser) negation() expression.Condition {
	if p.acceptKeyword("NOT") {
		return expression.Not{Condition: p.negation()}
	}
	if p.accept("(") {
		c := p.condition()
		p.expect(")")
		return c
	}
	return p.predicate()
}

// predicate parses a call or a relation. Which of the two it is shows behind its first word.
func (p *parser) predicate() expression.Condition {
	if p.isValue() {
		return p.relation(p.value())
	}
	bare := p.token.kind == tokenWord
	name := p.name()
	if !bare || !p.isSymbol("(") {
		return p.relation(p.pathFrom(name))
	}
	if strings.EqualFold(name, "size") {
		return p.relation(p.size())
	}
	return p.call(name)
}

// call parses the operands of a function that is a condition, whose name has been consumed.
func (p *parser) call(name string) expression.Condition {
	p.expect("(")
	first := p.operand()
	p.expect(",")
	second := p.operand()
	p.expect(")")
	switch strings.ToLower(name) {
	case "begins_with":
		return expression.BeginsWith{Operand: first, Prefix: second}
	case "contains":
		return expression.Contains{Operand: first, Member: second}
	case "attribute_type":
		return expression.HasType{Operand: first, Type: second}
	default:
		p.failf("kinesistest has no function %s in the WHERE clause", name)
		return nil
	}
}

// relation parses what stands behind the first operand of a predicate.
func (p *parser) relation(left expression.Operand) expression.Condition {
	switch {
	case p.acceptKeyword("IS"):
		return p.is(left)
	case p.acceptKeyword("BETWEEN"):
		low := p.operand()
		p.one("AND")
		high := p.operand()
		p.ordered("BETWEEN", left, low, high)
		return expression.Between{Operand: left, Low: low, High: high}
	case p.acceptKeyword("IN"):
		return expression.In{Operand: left, List: p.list()}
	}
	c := expression.Compare{Operator: p.comparator(), Left: left}
	c.Right = p.operand()
	if _, isPath := c.Right.(expression.Path); isPath && c.Operator == expression.Equal {
		c.Left, c.Right = c.Right, c.Left // a key may stand on either side
	}
	if c.Operator != expression.Equal && c.Operator != expression.NotEqual {
		p.ordered(string(c.Operator), c.Left, c.Right)
	}
	return c
}

// comparator consumes one of the comparators.
func (p *parser) comparator() expression.Operator {
	op := expression.Operator(p.token.text)
	switch op {
	case expression.Equal, expression.NotEqual, expression.Less, expression.LessOrEqual, expression.Greater, expression.GreaterOrEqual:
		p.expect(string(op)) // a name in quotes may read the same
	default:
		p.unexpected()
	}
	return op
}

// ordered refuses values that stand in no order, where one is asked for.
func (p *parser) ordered(operator string, operands ...expression.Operand) {
	for _, o := range operands {
		if l, ok := o.(expression.Literal); ok && l.Value != nil && !l.Value.Kind().Scalar() {
			p.failf("Incorrect operand type for operator or function; operator or function: %s, operand type: %s", operator, l.Value.Kind())
		}
	}
}

// is parses what stands behind the word IS. MISSING is an attribute that is not there, NULL one that has that type.
func (p *parser) is(left expression.Operand) expression.Condition {
	negated := p.acceptKeyword("NOT")
	var c expression.Condition
	if p.one("MISSING", "NULL") == "NULL" {
		c = expression.HasType{Operand: left, Type: expression.Literal{Value: attribute.String(attribute.KindNull)}}
	} else if path, isPath := left.(expression.Path); isPath {
		return expression.Exists{Path: path, Want: negated}
	} else {
		p.unexpected()
	}
	if negated {
		return expression.Not{Condition: c}
	}
	return c
}

// list parses what stands behind the word IN.
func (p *parser) list() []expression.Operand {
	end := "]"
	if p.isSymbol("(") {
		end = ")"
	}
	if !p.accept("[") {
		p.expect("(")
	}
	operands := []expression.Operand{p.operand()}
	for p.accept(",") {
		operands = append(operands, p.operand())
	}
	p.expect(end)
	return operands
}

// operand parses a path, a value or a size.
func (p *parser) operand() expression.Operand {
	if p.isValue() {
		return p.value()
	}
	bare := p.token.kind == tokenWord
	name := p.name()
	if bare && p.isSymbol("(") && strings.EqualFold(name, "size") {
		return p.size()
	}
	return p.pathFrom(name)
}

// size parses the operand of the function, whose name has been consumed.
func (p *parser) size() expression.Operand {
	p.expect("(")
	o := p.operand()
	p.expect(")")
	return expression.Size{Operand: o}
}
