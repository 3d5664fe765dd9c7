package expression

import (
	"fmt"

	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/attribute"
)

// Error is a mistake in an expression, or in how it fits the item. The service reports it as a ValidationException with
// this text.
type Error struct {
	Reason string
}

// Error returns the service's words.
func (e *Error) Error() string { return e.Reason }

// What can go wrong while an update is applied to an item.
var (
	errMissingOperand = &Error{"The provided expression refers to an attribute that does not exist in the item"}
	errOperandType    = &Error{"An operand in the update expression has an incorrect data type"}
	errPath           = &Error{"The document path provided in the update expression is invalid for update"}
	errDepth          = &Error{"Nesting Levels have exceeded supported limits: " +
		"Attributes in the item have nested levels beyond supported limit"}
)

// weight orders the mistakes that do not end the parse: of several, the service reports the lightest-numbered one.
type weight int

const (
	weightParentheses weight = iota
	weightSection
	weightFunctionName
	weightMisuse
	weightReserved
	weightPlaceholder
	weightOperandCount
	weightDistinct
	weightOperandType
	weightOverlap
	weightConflict
	noMistake
)

func wrongOperand(operator string, kind attribute.Kind) string {
	return fmt.Sprintf("Incorrect operand type for operator or function; operator or function: %s, operand type: %s",
		operator, kind)
}
