package expression

// Condition parses a condition or filter expression. role is the parameter's name, for messages.
//
//	condition   = conjunction { OR conjunction }
//	conjunction = negation { AND negation }
//	negation    = predicate | NOT negation | "(" condition ")"
//	predicate   = operand relation | function
//	relation    = comparator operand | BETWEEN operand AND operand | IN "(" operand { "," operand } ")"
//	operand     = path | :value | size "(" operand ")"
func (s *Scope) Condition(role, text string) (Condition, error) {
	return parse(s, role, text, (*parser).condition)
}

// KeyCondition parses a key condition expression: a conjunction of simple conditions on key attributes.
func (s *Scope) KeyCondition(text string) (KeyCondition, error) {
	c, err := s.Condition("KeyConditionExpression", text)
	if err != nil {
		return nil, err
	}
	return keyCondition(c)
}

// Projection parses a projection expression: paths separated by commas.
func (s *Scope) Projection(text string) (Projection, error) {
	return parse(s, "ProjectionExpression", text, func(p *parser) Projection {
		paths := Projection{p.path()}
		for p.accept(",") {
			paths = append(paths, p.path())
		}
		if p.syntax == "" {
			p.disjoint(paths)
		}
		return paths
	})
}

func (p *parser) condition() Condition {
	c := p.conjunction()
	for p.acceptKeyword("OR") {
		p.operators++
		c = Or{c, p.conjunction()}
	}
	return c
}

func (p *parser) conjunction() Condition {
	c := p.negation()
	for p.acceptKeyword("AND") {
		p.operators++
		c = And{c, p.negation()}
	}
	return c
}

func (p *parser) negation() Condition {
	switch {
	case p.acceptKeyword("NOT"):
		p.operators++
		return Not{p.negation()}
	case p.isSymbol("("):
		return p.parenthesized()
	default:
		return p.predicate()
	}
}

// parenthesized parses a condition in parentheses. The service refuses a second pair right around the first.
func (p *parser) parenthesized() Condition {
	open := p.at
	p.at++
	c := p.condition()
	p.expect(")")
	shut := p.at - 1
	p.closed[open] = shut
	if inner, ok := p.closed[open+1]; ok && inner == shut-1 {
		p.complain(weightParentheses, "The expression has redundant parentheses;")
	}
	return c
}

func (p *parser) predicate() Condition {
	if !p.isCall() {
		return p.relation(p.operand())
	}
	f := p.call()
	if isOperand := f.condition == nil; isOperand != p.isRelation() {
		p.misused(f.name)
	}
	if p.isRelation() {
		return p.relation(f.operand)
	}
	return f.condition
}

// isRelation reports whether the current token relates the operand before it to others.
func (p *parser) isRelation() bool {
	switch Operator(p.peek().text) {
	case Equal, NotEqual, Less, LessOrEqual, Greater, GreaterOrEqual:
		return true
	default:
		return p.isKeyword("BETWEEN") || p.isKeyword("IN")
	}
}

// relation parses what stands behind the first operand of a predicate.
func (p *parser) relation(left Operand) Condition {
	p.operators++
	switch {
	case p.acceptKeyword("BETWEEN"):
		return p.between(left)
	case p.acceptKeyword("IN"):
		return p.in(left)
	}
	if !p.isRelation() {
		p.unexpected()
		return nil
	}
	c := Compare{Operator: Operator(p.next().text), Left: left}
	c.Right = p.operand()
	p.checkCompare(c)
	return c
}

func (p *parser) between(o Operand) Condition {
	c := Between{Operand: o, Low: p.operand()}
	if !p.acceptKeyword("AND") {
		p.unexpected()
		return nil
	}
	c.High = p.operand()
	p.checkBetween(c)
	return c
}

func (p *parser) in(o Operand) Condition {
	p.expect("(")
	list := []Operand{p.operand()}
	for p.accept(",") {
		list = append(list, p.operand())
	}
	p.expect(")")
	p.checkIn(o, list)
	return In{o, list}
}

// operand parses a path, a value or a call that yields a value.
func (p *parser) operand() Operand {
	switch {
	case p.isCall():
		f := p.call()
		if f.condition != nil {
			p.misused(f.name)
		}
		return f.operand
	case p.peek().kind == tokenValue:
		return p.value()
	default:
		return p.path()
	}
}
