// Command bench measures what records cost the process that sends or reads them, against a loop over the AWS SDK for Go, and against
// what cannot be avoided: copying the same bytes, and hashing them.
//
//	go run ./integration/bench            # everything, a table in Markdown
//	go run ./integration/bench -only put  # the rows whose name contains that
//	go run ./integration/bench -profile d # and a CPU profile of each row in the directory d
//
// The emulator is a process of its own, and so is each row: the program starts itself again in other roles. What is counted is the CPU time,
// user and system, of the row's process alone, from after its preparations to its end. The clients speak HTTP/2 over TLS with the server.
// Rows without a server are run twice, and the better run counts.
// Rows of one table belong to one run; only their ratios mean something on another machine.
//
//	bench ──starts──▶ bench -role serve     the emulator, prints where it listens
//	  │   ──fills───▶ a stream, for rows that read
//	  └───starts────▶ bench -role run ...   one row; prints what it measured, as JSON
//
// A row may also be another program that takes the same task, as JSON in its last argument, and prints the same result: see task and result.
//
// Files: main.go (roles), task.go (what a row is asked and what it answers), serve.go (the emulator, and clients of it), meter.go (CPU time,
// memory, allocations), floor.go (copying and hashing), codec.go (calls without a server), deliver.go (readers without one), produce.go, consume.go (from end to end), latency.go
// (from Put to handler), table.go (which rows there are, and their table).
package main
