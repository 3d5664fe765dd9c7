package expression

import (
	"reflect"

	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/attribute"
)

// call is a parsed function call of the condition grammar: a condition, or an operand if the function is size.
type call struct {
	name      string
	condition Condition
	operand   Operand
}

// conditionArity says how many operands a function of the condition grammar takes.
var conditionArity = map[string]int{
	"attribute_exists": 1, "attribute_not_exists": 1, "attribute_type": 2, "begins_with": 2, "contains": 2, "size": 1,
}

func (p *parser) call() call {
	p.operators++
	name := p.next().text
	args := arguments(p, p.operand)
	if p.syntax != "" || !p.checkArity(name, len(args), conditionArity) {
		// A complaint stands, so that nobody will evaluate this.
		return call{name: name, condition: Exists{}}
	}
	return p.function(name, args)
}

// arguments parses a list of operands in parentheses.
func arguments[T any](p *parser, operand func() T) []T {
	p.expect("(")
	args := []T{operand()}
	for p.accept(",") {
		args = append(args, operand())
	}
	p.expect(")")
	return args
}

func (p *parser) checkArity(name string, n int, arities map[string]int) bool {
	want, known := arities[name]
	switch {
	case !known:
		p.complain(weightFunctionName, "Invalid function name; function: %s", name)
	case n != want:
		p.complain(weightOperandCount,
			"Incorrect number of operands for operator or function; operator or function: %s, number of operands: %d", name, n)
	default:
		return true
	}
	return false
}

func (p *parser) function(name string, args []Operand) call {
	if len(args) == 2 {
		p.checkDistinct(name, args[0], args[1])
	}
	switch name {
	case "attribute_exists", "attribute_not_exists":
		path, isPath := args[0].(Path)
		if !isPath {
			p.needsPath(name)
		}
		return call{name: name, condition: Exists{path, name == "attribute_exists"}}
	case "attribute_type":
		p.checkTypeName(args[1])
		return call{name: name, condition: HasType{args[0], args[1]}}
	case "begins_with":
		for _, o := range args {
			if k := kindOf(o); k != "" && k != attribute.KindString && k != attribute.KindBinary {
				p.complain(weightOperandType, "%s", wrongOperand(name, k))
			}
		}
		return call{name: name, condition: BeginsWith{args[0], args[1]}}
	case "contains":
		return call{name: name, condition: Contains{args[0], args[1]}}
	default:
		if k := kindOf(args[0]); k == attribute.KindNumber || k == attribute.KindBool || k == attribute.KindNull {
			p.complain(weightOperandType, "%s", wrongOperand(name, k))
		}
		return call{name: name, operand: Size{args[0]}}
	}
}

func (p *parser) needsPath(name string) {
	p.complain(weightOperandType, "Operator or function requires a document path; operator or function: %s", name)
}

func (p *parser) misused(name string) {
	p.complain(weightMisuse, "The function is not allowed to be used this way in an expression; function: %s", name)
}

func (p *parser) checkTypeName(o Operand) {
	literal, isLiteral := o.(Literal)
	name, isString := literal.Value.(attribute.String)
	switch {
	case isLiteral && literal.Value == nil: // an undefined placeholder, complained of before
	case !isLiteral:
		p.complain(weightOperandType, "%s", wrongOperand("attribute_type", "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}"))
	case !isString:
		p.complain(weightOperandType, "%s", wrongOperand("attribute_type", literal.Value.Kind()))
	case !attribute.Kind(name).Valid():
		p.complain(weightOperandType,
			"Invalid attribute type name found; type: %s, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}", string(name))
	}
}

func (p *parser) checkDistinct(operator string, first Operand, others ...Operand) {
	path, isPath := first.(Path)
	if !isPath {
		return
	}
	for _, o := range others {
		if reflect.DeepEqual(first, o) {
			p.complain(weightDistinct, "The first operand must be distinct from the remaining operands for this "+
				"operator or function; operator: %s, first operand: %s", operator, path.String())
		}
	}
}

// checkCompare refuses literals that stand in no order, where one is asked for.
func (p *parser) checkCompare(c Compare) {
	p.checkDistinct(string(c.Operator), c.Left, c.Right)
	if c.Operator == Equal || c.Operator == NotEqual {
		return
	}
	p.checkOrdered(string(c.Operator), c.Left, c.Right)
}

func (p *parser) checkOrdered(operator string, operands ...Operand) {
	for _, o := range operands {
		if k := kindOf(o); k != "" && !k.Scalar() {
			p.complain(weightOperandType,
				"Incorrect operand type for operator or function; operator: %s, operand type: %s", operator, k)
		}
	}
}

func (p *parser) checkIn(o Operand, list []Operand) {
	p.checkDistinct("IN", o, list...)
	if len(list) > maxInList {
		p.complain(weightOperandCount,
			"Incorrect number of operands for operator or function; operator or function: IN, number of operands: %d", len(list))
	}
}

func (p *parser) checkBetween(c Between) {
	p.checkDistinct("BETWEEN", c.Operand, c.Low, c.High)
	p.checkOrdered("BETWEEN", c.Operand, c.Low, c.High)
	low, high := kindOf(c.Low), kindOf(c.High)
	if low == "" || high == "" {
		return
	}
	lower, upper := c.Low.(Literal).Value, c.High.(Literal).Value
	var complaint string
	switch {
	case low != high:
		complaint = "The BETWEEN operator requires same data type for lower and upper bounds"
	case attribute.Ordered(lower, upper) && attribute.Compare(lower, upper) > 0:
		complaint = "The BETWEEN operator requires upper bound to be greater than or equal to lower bound"
	default:
		return
	}
	p.complain(weightOperandType, "%s; lower bound operand: AttributeValue: {%s:%s}, upper bound operand: AttributeValue: {%s:%s}",
		complaint, low, attribute.Text(lower), high, attribute.Text(upper))
}
