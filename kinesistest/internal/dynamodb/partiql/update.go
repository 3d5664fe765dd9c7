package partiql

import "github.com/penstock-go/penstock/kinesistest/internal/dynamodb/expression"

// update parses what stands behind the word UPDATE.
func (p *parser) update() *Statement {
	s := &Statement{Table: p.table()}
	for clauses := 0; ; clauses++ {
		switch {
		case p.acceptKeyword("SET"):
			p.assignments(&s.Update)
			continue
		case p.acceptKeyword("REMOVE"):
			p.removals(&s.Update)
			continue
		case clauses == 0:
			p.unexpected()
		}
		break
	}
	if p.acceptKeyword("WHERE") {
		s.Where = p.condition()
	}
	if p.acceptKeyword("RETURNING") {
		s.ReturnValues = p.returning()
	}
	if p.token.kind == tokenBad {
		p.unexpected()
	}
	if p.token.kind != tokenEnd {
		p.failf(reasonLeftover)
	}
	return s
}

// table consumes the table's name. An index or another name for the table may not stand behind it.
func (p *parser) table() string {
	name := p.name()
	switch t := p.token; {
	case p.isSymbol("."):
		p.failf(reasonIndex)
	case t.kind == tokenName, t.kind == tokenWord && !keyword(t.text), p.acceptKeyword("AS"):
		p.failf(reasonAlias)
	}
	return name
}

func (p *parser) assignments(u *expression.Update) {
	for {
		path := p.path()
		p.expect("=")
		u.Sets = append(u.Sets, expression.Assignment{Path: path, Value: p.sum()})
		if !p.accept(",") {
			return
		}
	}
}

func (p *parser) removals(u *expression.Update) {
	for {
		u.Removes = append(u.Removes, p.path())
		if !p.accept(",") {
			return
		}
	}
}

func (p *parser) sum() expression.Expression {
	left := p.term()
	minus := p.isSymbol("-")
	if !p.accept("+") && !p.accept("-") {
		return left
	}
	return expression.Operation{Left: left, Right: p.term(), Minus: minus}
}

func (p *parser) term() expression.Expression {
	if p.accept("(") {
		inner := p.sum()
		p.expect(")")
		return inner
	}
	if p.isValue() {
		return expression.Reference{Operand: p.value()}
	}
	bare := p.token.kind == tokenWord
	name := p.name()
	if bare && p.isSymbol("(") {
		p.failf("kinesistest has no function %s in the SET clause", name)
	}
	return expression.Reference{Operand: p.pathFrom(name)}
}

// returning parses what stands behind the word RETURNING.
func (p *parser) returning() string {
	what := p.one("ALL", "MODIFIED")
	if what == "MODIFIED" {
		what = "UPDATED"
	}
	when := p.one("OLD", "NEW")
	p.expect("*")
	return what + "_" + when
}
