// Package expression reads and evaluates DynamoDB's expression language: condition, filter, key condition, update and
// projection expressions.
//
// An expression goes through four steps:
//
//	text --lexer--> tokens --parser--> tree (static checks) --evaluation against an item--> answer
//
// Placeholders (#name, :value) are resolved while parsing, against a Scope that all expressions of one request share, so
// that the scope knows in the end which placeholders nobody used. The finished trees contain only paths and values;
// they are plain exported structs, so that another notation for the same conditions can be translated into them.
//
// The service reports at most one mistake of an expression, and a syntax error before all others, whatever its place
// in the text. The parser therefore goes on after a mistake that is not one of syntax, remembers the weightiest, and
// reports it at the end.
//
// Evaluation of a condition cannot fail: an operand that is missing or of the wrong type makes its comparison false
// (or true, for <>). Evaluation of an update can; it leaves the item as it was, because items are immutable.
//
// Error texts are the service's own words and go to the client as they stand, so they carry no package prefix.
//
// Files, in reading order: path.go, condition.go (the tree and its evaluation), update.go, edit.go (how a document is
// rebuilt), projection.go, keycondition.go; then scope.go, lexer.go, parser.go (what all grammars share),
// parsecondition.go, functions.go (the static checks of calls and operators), parseupdate.go, reserved.go, errors.go.
package expression
