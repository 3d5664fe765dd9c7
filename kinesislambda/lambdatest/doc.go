// Package lambdatest runs compiled Lambda functions outside of Lambda. [Start] takes a bootstrap binary, as it is deployed to the
// provided.al2023 runtime, and serves it the runtime API; [Function.Invoke] calls it. A Function is a handler in the sense of
// aws-lambda-go, so that it can be fed from a stream:
//
//	fn, err := lambdatest.Start(lambdatest.Config{Bootstrap: "./bootstrap"})
//	...
//	defer fn.Close()
//	handler, err := kinesislambda.Handler(fn, kinesislambda.Mapping{})
//
// As on Lambda, an environment (a process of the binary) serves one invocation at a time. Environments are started when invocations need
// them and are kept for the next ones; one that exits, or is not done when its time is over, is ended and replaced.
//
//	start ─▶ initialising ─ first request for work ─▶ idle ◀──────────────┐
//	             │ exits, or 10 s are over             │ invocation        │ answer or error
//	             ▼                                     ▼                   │
//	           ended ◀── exits, or its time is over ── busy ───────────────┘
//
// The listeners are bound to loopback. Nothing checks who asks: any process of the machine may play the function.
//
// # Files
//
//	function.go      Start, Invoke, Close: the environments of a function
//	environment.go   one process, and its life
//	runtime.go       the runtime API, as the process sees it
//	errors.go        sentinels and typed errors
package lambdatest
