// Package kinesislambda is for handlers of Kinesis records on AWS Lambda, and for Lambda functions off it.
//
// # On Lambda
//
// [Wrap] makes a Lambda function of a consumer.Handler, the one that a worker runs:
//
//	lambda.Start(kinesislambda.Wrap(handler))
//
// It opens KPL aggregates, which the service delivers closed, and answers with the one Kinesis record from which on the mapping is to try
// again. [WrapWindow] does the same for tumbling windows.
//
//	the handler                              the answer                       the mapping
//	has done all                             an empty list                    goes on
//	fails or panics at a later record        that record's sequence number    delivers again from there
//	fails or panics in the first record      an error                         delivers all again, or bisects
//	is not done when the time is over        as if it had failed there
//
// An identifier is that of a Kinesis record, never empty, never of another event. A record in an aggregate has none of its own: the
// Kinesis record around it is delivered again as a whole. [WithMemory] leaves out what was done of it.
//
// # Off Lambda
//
// [Handler] makes a consumer.Handler of an unchanged Lambda function, which a worker then feeds as an event source mapping would:
//
//	handler, err := kinesislambda.Handler(function, kinesislambda.Mapping{BatchSize: 500, ReportBatchItemFailures: true})
//	...
//	c, err := consumer.New(consumer.Config{Handler: handler, ...})
//
// The consumer has the leases, the reading, the lanes by partition key, the retries and the checkpoints; the mapping has the rest:
//
//	record ─▶ filter ─▶ batch: BatchSize, window, 6 MB ─▶ event ─▶ function ─▶ answer ─┬─ all done ─▶ checkpoint
//	            │ no match: done                            ▲                          └─ failed ─┬─ tried again, perhaps in halves
//	                                                        └── state of the tumbling window      └─ used up: destination, then done
//
// Nothing is passed over without a [Destination] that has been told, unless [Mapping].DiscardOnExhaustion says so. While a tumbling
// window is open, no checkpoint passes its first record. docs/lambda.md lists the service's rules, each with the test that shows it.
//
// On top of the memory that the consumer counts, each call under way has a copy of its records' data, and where the function is not of one
// of the most usual shapes, the event as JSON besides: 6 MB at most. A window's state is kept for each shard.
//
// Where this and the service differ: a function in this process cannot be killed, so that one which hangs past its time holds up its
// shard (compiled functions are killed, see package lambdatest); a window is closed once its shard was seen without records after its
// end, by the worker's clock; when an answer
// names a later record, the count of attempts begins anew with that record.
//
// # Files
//
//	wrap.go      Wrap: an invocation, and its answer
//	event.go     events to user records
//	memory.go    what was done of a Kinesis record that is delivered again
//	window.go    WrapWindow: tumbling windows and their state
//	mapping.go   Mapping: what there is to set, and the check of it; Hooks
//	mapped.go    Handler: batches to events, and the calls of the function
//	function.go  the shapes that a function may have
//	reply.go     what a function's answer says
//	filter.go    which records a function sees
//	tumble.go    windows that are open, and their closing
//	failure.go   what is passed over, and the message about it
//	errors.go    sentinels and typed errors
package kinesislambda
