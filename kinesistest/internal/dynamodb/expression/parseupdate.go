package expression

import (
	"strings"

	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/attribute"
)

// Update parses an update expression.
//
//	update  = section { section }                       (each section at most once)
//	section = SET path "=" sum { "," path "=" sum }
//	        | REMOVE path { "," path }
//	        | ADD path :value { "," path :value }
//	        | DELETE path :value { "," path :value }
//	sum     = term [ ( "+" | "-" ) term ]
//	term    = path | :value | "(" sum ")"
//	        | if_not_exists "(" path "," sum ")" | list_append "(" sum "," sum ")"
func (s *Scope) Update(text string) (*Update, error) {
	return parse(s, "UpdateExpression", text, (*parser).update)
}

func (p *parser) update() *Update {
	u := new(Update)
	seen := make(map[string]bool)
	for p.syntax == "" {
		keyword := strings.ToUpper(p.peek().text)
		if seen[keyword] && structural(keyword) {
			p.complain(weightSection, `The "%s" section can only be used once in an update expression;`, keyword)
		}
		seen[keyword] = true
		p.section(u, keyword)
		if p.peek().kind == tokenEnd {
			break
		}
	}
	if p.syntax == "" {
		p.disjoint(u.Paths())
	}
	return u
}

func (p *parser) section(u *Update, keyword string) {
	switch keyword {
	case "SET":
		p.actions(func() { u.Sets = append(u.Sets, p.assignment()) })
	case "REMOVE":
		p.actions(func() { u.Removes = append(u.Removes, p.path()) })
	case "ADD":
		p.actions(func() { u.Adds = append(u.Adds, p.amendment(keyword)) })
	case "DELETE":
		p.actions(func() { u.Deletes = append(u.Deletes, p.amendment(keyword)) })
	default:
		p.unexpected()
	}
}

// actions consumes a section's keyword and its actions.
func (p *parser) actions(action func()) {
	p.at++
	action()
	for p.accept(",") {
		action()
	}
}

func (p *parser) assignment() Assignment {
	path := p.path()
	p.expect("=")
	p.operators++
	return Assignment{path, p.sum()}
}

// amendment parses an action of ADD or DELETE, which take a number or a set and only a set.
func (p *parser) amendment(section string) Amendment {
	path := p.path()
	literal := p.value()
	p.operators++
	switch kind := kindOf(literal); {
	case kind == "", kind == attribute.KindStringSet, kind == attribute.KindNumberSet, kind == attribute.KindBinarySet:
	case kind == attribute.KindNumber && section == "ADD":
	default:
		p.complain(weightOperandType, "Incorrect operand type for operator or function; operator: %s, operand type: %s, "+
			"typeSet: ALLOWED_FOR_%s_OPERAND", section, kind.Name(), section)
	}
	return Amendment{path, literal.Value}
}

func (p *parser) sum() Expression {
	left := p.term()
	operator := p.peek().text
	if !p.accept("+") && !p.accept("-") {
		return left
	}
	p.operators++
	right := p.term()
	p.checkKind(operator, attribute.KindNumber, left, right)
	return Operation{Left: left, Right: right, Minus: operator == "-"}
}

func (p *parser) term() Expression {
	switch {
	case p.isCall():
		return p.updateFunction()
	case p.accept("("):
		inner := p.sum()
		p.expect(")")
		return inner
	case p.peek().kind == tokenValue:
		return Reference{p.value()}
	default:
		return Reference{p.path()}
	}
}

// updateArity says how many operands a function of the update grammar takes.
var updateArity = map[string]int{"if_not_exists": 2, "list_append": 2}

func (p *parser) updateFunction() Expression {
	p.operators++
	name := p.next().text
	args := arguments(p, p.sum)
	if p.syntax != "" {
		return nil
	}
	if conditionArity[name] > 0 {
		p.complain(weightFunctionName, "The function is not allowed in an update expression; function: %s", name)
		return nil
	}
	if !p.checkArity(name, len(args), updateArity) {
		return nil
	}
	if name == "list_append" {
		p.checkKind(name, attribute.KindList, args...)
		return ListAppend{args[0], args[1]}
	}
	reference, _ := args[0].(Reference)
	path, isPath := reference.Operand.(Path)
	if !isPath {
		p.needsPath(name)
	}
	return IfNotExists{path, args[1]}
}

// checkKind complains of literals that are not of the type which an operator or function works on.
func (p *parser) checkKind(operator string, want attribute.Kind, operands ...Expression) {
	for _, e := range operands {
		reference, _ := e.(Reference)
		if k := kindOf(reference.Operand); k != "" && k != want {
			p.complain(weightOperandType, "%s", wrongOperand(operator, k))
		}
	}
}
