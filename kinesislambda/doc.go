// Package kinesislambda is for handlers of Kinesis records on AWS Lambda.
//
// [Wrap] makes a Lambda function of a consumer.Handler, the one that a worker runs:
//
//	lambda.Start(kinesislambda.Wrap(handler))
//
// It opens KPL aggregates, which the service delivers closed, and answers with the one Kinesis record from which on the mapping is to try
// again. [WrapWindow] does the same for tumbling windows.
//
// # What an answer says
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
// # Files
//
//	wrap.go      Wrap: an invocation, and its answer
//	event.go     events to user records
//	memory.go    what was done of a Kinesis record that is delivered again
//	window.go    WrapWindow: tumbling windows and their state
//	errors.go    sentinels and typed errors
package kinesislambda
