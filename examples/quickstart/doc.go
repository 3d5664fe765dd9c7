// Quickstart proves the whole pipe on real input.
//
// It streams every line of the Go standard library's source, or of another tree, through a Kinesis stream: partition key = file
// path, one user record a line. Two consumers share the stream's shards through a DynamoDB lease table and write down what they
// handle. While lines flow it splits one shard, merges two others, stops one consumer and starts a third. Then it puts every
// file together again from what was written down and compares hashes.
//
//	go run ./examples/quickstart            # everything in this process, on the emulator
//	go run ./examples/quickstart -fanout    # read by enhanced fan-out
//	go run ./examples/quickstart -kinesis http://127.0.0.1:4567 -dynamodb http://127.0.0.1:8000
//	go run ./examples/quickstart -aws       # a real account; says what it costs and asks first
//
// Without -kinesis, -dynamodb or -aws it never leaves the process. What it creates has a random suffix, and it deletes that alone.
//
// Files: main.go (flags and exit status), place.go (whose servers), input.go (files to lines), send.go (lines to the producer), story.go (what
// happens while lines flow), reshard.go (split and merge), fleet.go (the consumers), pause.go (how long a shard is read by nobody), journal.go (what they write down), tally.go (what
// has come so far), reassemble.go (journals to files), progress.go (the line while it works), report.go (the table at the end).
package main
