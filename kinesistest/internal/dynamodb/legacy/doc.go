// Package legacy reads the notation that DynamoDB had before its expressions: Expected, QueryFilter, ScanFilter,
// KeyConditions, AttributeUpdates and AttributesToGet. Older clients, among them the Java library for Kinesis consumers,
// write every lease with it.
//
// Everything is translated into the trees of package expression, so there is one evaluation for both notations:
//
//	Expected, QueryFilter, ScanFilter + ConditionalOperator -> expression.Condition
//	KeyConditions                                           -> expression.KeyCondition
//	AttributeUpdates                                        -> expression.Update
//	AttributesToGet                                         -> expression.Projection
//
// The notation knows only top-level attributes: a dot in a name is part of the name.
//
// Invariant: a parameter is translated as a whole or refused; no part of a condition is ever passed over.
//
// Error texts are the service's own words and go to the client as they stand, so they carry no package prefix.
//
// Files, in reading order: operand.go (values and names), comparison.go (one comparison), condition.go, expected.go,
// key.go, update.go, projection.go.
package legacy
