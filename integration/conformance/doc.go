// Package conformance asks servers whether they do what Kinesis and DynamoDB do: the emulator kinesistest and those that others wrote.
// It has no code of its own, only tests.
//
// Each rule is one thing that the service does, tried over the wire with the SDK's clients on every server. The table in
// docs/conformance.md says of each server which rules it follows and what it does instead. The suite fails if the table is wrong in either
// direction: a server that does less than the table says, or more.
//
//	go test ./integration/conformance            # compares
//	go test ./integration/conformance -update    # writes the table, for a reader to look at the difference
//
// Servers that are not installed are skipped (package internal/servers says how they are installed), and their columns stay as they are.
//
// Files: suite_test.go (servers, rules, comparison), table_test.go (the document), place_test.go (what rules are tried with);
// stream_test.go, put_test.go, get_test.go, reshard_test.go, fanout_test.go, wire_test.go and rate_test.go (rules of Kinesis); table_rules_test.go,
// item_test.go, expression_test.go, read_test.go, transaction_test.go and statement_test.go (rules of DynamoDB).
package conformance
