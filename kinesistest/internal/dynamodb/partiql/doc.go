// Package partiql reads the statements of DynamoDB's PartiQL, as far as this database does them: the UPDATE of one item.
//
//	update      = UPDATE table clause { clause } [ WHERE condition ] [ RETURNING ( ALL | MODIFIED ) ( OLD | NEW ) "*" ]
//	clause      = SET path "=" sum { "," path "=" sum } | REMOVE path { "," path }
//	sum         = term [ ( "+" | "-" ) term ]
//	term        = path | value | "(" sum ")"
//	condition   = conjunction { OR conjunction }
//	conjunction = negation { AND negation }
//	negation    = predicate | NOT negation | "(" condition ")"
//	predicate   = operand relation | ( begins_with | contains | attribute_type ) "(" operand "," operand ")"
//	relation    = comparator operand | BETWEEN operand AND operand | IN list | IS [ NOT ] ( MISSING | NULL )
//	list        = "[" operand { "," operand } "]" | "(" operand { "," operand } ")"
//	operand     = path | value | size "(" operand ")"
//	path        = name { "." name | "[" number "]" }
//	value       = "?" | 'text' | number | TRUE | FALSE | NULL
//
// Names stand bare or in double quotes, keywords in any case. A quote inside quotes is doubled. Comments are /* */ and -- to the end of the
// line. Each "?" is the next of the parameters that come with the statement.
//
// A statement becomes the trees of package expression that the operation UpdateItem works with, so that both mean the same. Which part of
// the WHERE clause is the key is known with the table's schema alone: Statement.Key takes it out, and leaves the condition.
//
// What the service has besides is refused: the other statements, the functions of SET, and literals of lists, maps and sets, which come as
// parameters. The service refuses bare names that are reserved words; this parser refuses only the words of its own grammar.
//
// Files, in reading order: statement.go, parameters.go, parser.go (what the clauses share), update.go, where.go, lexer.go, errors.go.
package partiql
