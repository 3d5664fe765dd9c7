// Command tracing is a worker whose metrics and spans go to OpenTelemetry.
//
//	go run ./examples/signals/tracing -stream orders -application billing
//
// Spans and, once a minute, metrics are printed, so that it needs no collector: in their place any exporter will do. It finds the stream and
// the lease table by the SDK's own configuration. On an interrupt it gives its leases up and writes out what is left.
//
// Files: main.go, print.go.
package main
