// Package dynamodb is an in-process DynamoDB: tables, global secondary indexes and the expression language behind the
// service's JSON 1.0 protocol. It answers what the service would answer, in the service's words, for programs that keep
// their coordination state in a table.
//
// # Protocol
//
// A request is a POST whose X-Amz-Target header names the operation, DynamoDB_20120810.<Operation>, with a JSON body.
// The answer carries its CRC-32 in X-Amz-Crc32, which clients verify. A refusal has HTTP status 400 and a body with the
// error's name in __type. Nothing that a client sends makes the database panic or answer with a 5xx status.
//
//	ServeHTTP -> call -> operations[name] -> decode, check, parse expressions -> table -> reply
//
// Every operation passes through DB.call, which is the place for whoever wants to watch, refuse or delay operations.
//
// # States
//
// A table's status follows from the clock at the time of asking; no goroutine and no timer exists. Options.Transition
// says how long the states with a -ING last:
//
//	CreateTable -> CREATING -> ACTIVE <-> UPDATING (UpdateTable, or an index in CREATING or DELETING)
//	                             |
//	                             v
//	                         DELETING (DeleteTable) -> absent
//
// An index is filled as soon as it is asked for, and answers queries from the end of its CREATING state on.
//
// # Invariants
//
//   - Items are immutable. A reader takes references under the table's lock and encodes them after it.
//   - All changes of items go through table.write, which checks the condition, writes the row and brings the indexes up
//     to date in one critical section. Conditional writes of one item are therefore linearizable.
//   - A lock is held for computation only: never across reading a request, writing an answer, a timer or a channel.
//   - DB.mu is never held while a table's lock is waited for.
//   - An index holds exactly the rows that have its key attributes with the right types.
//   - Rows are ordered by the encoded key, so that a page continues exactly behind its ExclusiveStartKey, whatever was
//     written in between.
//
// # What differs from the service
//
// Reads are never stale, indexes never lag, and nothing is throttled. Item counts and sizes are exact at once. There are
// no local secondary indexes, transactions, streams, backups or expiry. The notation from before expressions
// (Expected, AttributeUpdates, KeyConditions and their kin) is refused, not passed over.
//
// Files, in reading order: db.go, serve.go, errors.go; table.go, index.go, rows.go, rowkey.go, keys.go, capacity.go; the
// request checks constraints.go and expressions.go; then the operations createtable.go, describe.go, updatetable.go,
// deletetable.go, putitem.go, updateitem.go, deleteitem.go, getitem.go, page.go, scan.go, query.go, batchget.go,
// batchwrite.go. The values are in the package attribute below this one, the language in expression.
package dynamodb
