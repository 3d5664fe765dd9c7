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
// An index that is added to a table is filled as soon as it is asked for, and answers queries from the end of its CREATING
// state on. That lasts a Transition, in which it gets its resources, and then Options.Backfill.
//
// # Time
//
// What time makes due is done by whoever locks a table next (table.catchUp): deleted indexes go, items whose time to live is
// over go, and changes arrive in the copy of the rows that reads without consistency see (Options.ReadLag).
//
// # Invariants
//
//   - Items are immutable. A reader takes references under the table's lock and encodes them after it.
//   - All changes of items go through table.store, in the critical section in which table.prepare has checked the condition.
//     Conditional writes of one item are therefore linearizable.
//   - A transaction holds the locks of all its tables from its first condition to its last write. It takes them in the order of
//     the tables' ids; everybody else holds one table's lock at a time.
//   - What an operation consumes is charged to its table in the critical section in which it happens.
//   - A lock is held for computation only: never across reading a request, writing an answer, a timer or a channel.
//   - DB.mu is never held while a table's lock is waited for.
//   - An index holds exactly the rows that have its key attributes with the right types.
//   - Rows are ordered by the encoded key, so that a page continues exactly behind its ExclusiveStartKey, whatever was
//     written in between.
//
// # What differs from the service
//
// Unless Options or Throttle ask for it, reads are never stale and nothing is throttled. Item counts and sizes are exact at
// once. Transactions never conflict: they wait for each other. There are no local secondary indexes, streams or backups, and
// point-in-time recovery is a setting without effect. Of PartiQL there is BatchExecuteStatement with UPDATE statements alone: a
// batch's SELECT, INSERT and DELETE are refused one by one as ValidationError, and ExecuteStatement and ExecuteTransaction are
// unknown operations. Other error texts than those of the service stand where the service's own are not known.
//
// Files, in reading order: db.go, serve.go, errors.go, observe.go; table.go, write.go, index.go, rows.go, replicated.go,
// rowkey.go, keys.go, expiry.go, capacity.go, meter.go; the request checks constraints.go, expressions.go and legacy.go; then
// the operations createtable.go, describe.go, updatetable.go, deletetable.go, timetolive.go, recovery.go, tags.go, account.go,
// putitem.go, updateitem.go, deleteitem.go, getitem.go, page.go, scan.go, query.go, batchget.go, batchwrite.go, transaction.go,
// idempotency.go, transactwrite.go, transactget.go, batchexecute.go. The values are in the package attribute below this one, the
// language in expression, the notation from before it in legacy, the statements in partiql.
package dynamodb
