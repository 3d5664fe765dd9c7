package expression

import "github.com/penstock-go/penstock/kinesistest/internal/dynamodb/attribute"

// A KeyTerm relates a key attribute to its values by Equal, by one of the four ordering comparators, or by one of the
// two operators below.
const (
	// KeyBetween has two values, the inclusive bounds.
	KeyBetween Operator = "BETWEEN"
	// KeyBeginsWith has one value, the prefix.
	KeyBeginsWith Operator = "begins_with"
)

// KeyTerm is what a key condition demands of one key attribute.
type KeyTerm struct {
	Operator Operator
	Values   []attribute.Value
}

// KeyCondition maps attribute names to what is demanded of them.
type KeyCondition map[string]KeyTerm

// keyCondition flattens a condition into terms, refusing whatever a key condition may not contain.
func keyCondition(c Condition) (KeyCondition, error) {
	terms := make(KeyCondition)
	if err := terms.add(c); err != nil {
		return nil, err
	}
	return terms, nil
}

func (k KeyCondition) add(c Condition) error {
	switch c := c.(type) {
	case And:
		if err := k.add(c.Left); err != nil {
			return err
		}
		return k.add(c.Right)
	case Compare:
		return k.addCompare(c)
	case Between:
		return k.addTerm(KeyBetween, c.Operand, c.Low, c.High)
	case BeginsWith:
		return k.addTerm(KeyBeginsWith, c.Operand, c.Prefix)
	case Or:
		return notInKey("OR")
	case Not:
		return notInKey("NOT")
	case In:
		return notInKey("IN")
	case Contains:
		return notInKey("contains")
	case HasType:
		return notInKey("attribute_type")
	case Exists:
		if c.Want {
			return notInKey("attribute_exists")
		}
		return notInKey("attribute_not_exists")
	default:
		return &Error{"Invalid condition in KeyConditionExpression"}
	}
}

func notInKey(operator string) error {
	return &Error{"Invalid operator used in KeyConditionExpression: " + operator}
}

// addCompare takes `:v < key` for `key > :v`.
func (k KeyCondition) addCompare(c Compare) error {
	if c.Operator == NotEqual {
		return notInKey("<>")
	}
	if _, isValue := c.Left.(Literal); !isValue {
		return k.addTerm(c.Operator, c.Left, c.Right)
	}
	mirrored := map[Operator]Operator{
		Equal: Equal, Less: Greater, LessOrEqual: GreaterOrEqual, Greater: Less, GreaterOrEqual: LessOrEqual,
	}
	return k.addTerm(mirrored[c.Operator], c.Right, c.Left)
}

func (k KeyCondition) addTerm(op Operator, key Operand, operands ...Operand) error {
	path, err := keyPath(op, key)
	if err != nil {
		return err
	}
	values := make([]attribute.Value, len(operands))
	for i, o := range operands {
		switch o := o.(type) {
		case Literal:
			values[i] = o.Value
		case Path:
			return &Error{"Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition"}
		default:
			return errNestedKey
		}
	}
	if _, twice := k[path.Top()]; twice {
		return &Error{"KeyConditionExpressions must only contain one condition per key"}
	}
	k[path.Top()] = KeyTerm{Operator: op, Values: values}
	return nil
}

var errNestedKey = &Error{"KeyConditionExpressions cannot contain nested operations"}

func keyPath(op Operator, key Operand) (Path, error) {
	switch key := key.(type) {
	case Path:
		if len(key) > 1 {
			return nil, &Error{"KeyConditionExpressions cannot have conditions on nested attributes"}
		}
		return key, nil
	case Size:
		return nil, errNestedKey
	}
	if op == KeyBetween || op == KeyBeginsWith {
		return nil, &Error{"Invalid condition in KeyConditionExpression: " + string(op) +
			" operator must have the key attribute as its first operand"}
	}
	return nil, &Error{"Invalid condition in KeyConditionExpression: No key attribute specified"}
}
