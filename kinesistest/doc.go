// Package kinesistest is an emulator of Amazon Kinesis Data Streams, Amazon DynamoDB and Amazon CloudWatch for tests. It runs inside the
// test's process and speaks the services' own wire protocols, so that the code under test uses the real clients of the AWS SDK.
//
//	func TestOrders(t *testing.T) {
//		srv := kinesistest.New()
//		defer srv.Close()
//		client, stream := srv.Kinesis(), aws.String("orders") // *kinesis.Client, for the code to be tested
//		client.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: stream, ShardCount: aws.Int32(2)})
//		client.PutRecord(t.Context(), &kinesis.PutRecordInput{StreamName: stream, PartitionKey: stream, Data: []byte("one")})
//	}
//
// Programs in other languages use the command kinesistest/cmd/kinesistest, which serves all of it on a port.
//
// There are three ways in:
//
//	Kinesis(), DynamoDB(), CloudWatch(), HTTPClient()    a call, no socket    works in testing/synctest bubbles
//	Listen("127.0.0.1:0")                                a TCP listener       HTTP/1.1 and HTTP/2 without TLS, one URL for all
//	ListenTLS("127.0.0.1:0")                             the same with TLS    HTTP/1.1 and HTTP/2 by ALPN, a certificate of its own
//
// A request takes the same path whichever way it came:
//
//	client -> transport or listener -> Server.ServeHTTP -> faults -> by path and headers -> internal/kinesis ----+
//	                                                                                     \-> internal/dynamodb --+--> oracle,
//	                                                                                      \-> internal/cloudwatch     if asked for
//
// Of CloudWatch there is PutMetricData, in each of the protocols that clients send it in; [Server.Metrics] returns what was put.
//
// A [Fault] makes requests go wrong by rule: errors, delays, lost replies, broken and silent subscriptions, and more. A server made
// [WithOracle] writes down what it did, by which the package oracle judges what a program made of it. Both know callers by name if
// their clients are made by [Server.As]. One made [WithCallLog] writes down which requests it got, in the words of IAM.
//
// Everything that depends on time (iterators that expire, subscriptions that end, states of streams that pass) goes by
// package time. Inside a bubble of testing/synctest that is virtual time, and five minutes pass in microseconds. A Server
// that is used in a bubble must be made and closed in it.
//
// No rate is limited unless [WithLimits] says so; then shards and operations refuse what exceeds the service's rates, or a fraction of
// them. Limits on sizes and numbers, such as 500 records of a request, are always those of the service.
//
// Tables are as good as they can be unless they are told not to: [WithReadLag] makes reads stale, [WithBackfillTime] fills new indexes
// slowly, [Server.SetTableLimits] throttles.
//
// What is not the account's to do has methods of its own: [Server.Scale] changes the shards of an on-demand stream as the service does,
// [Server.SetKeyState] breaks and mends a key of KMS, [Server.ExpireIterators] expires iterators before their time.
//
// Credentials, signatures and policies are not checked. Nothing is encrypted. All data is in memory and is lost when the Server is
// closed. Streams keep records for 24 hours, like the service's by default, or as long as they are told to.
//
// How it compares with the service, rule by rule, and with other servers, docs/conformance.md says.
//
// The emulator shares no code with the rest of this module, on purpose: a judge must not repeat the mistakes of the judged.
//
// Invariants: no lock is held while a request waits or while bytes go to a client; every goroutine is waited for by
// [Server.Close].
//
// Files in reading order: server.go, options.go, client.go, transport.go, exchange.go, listen.go, certificate.go; limits.go, key.go,
// scale.go, tables.go, caller.go, fault.go, oracle.go, metrics.go, calls.go.
package kinesistest
