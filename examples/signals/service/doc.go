// Command service puts what it is sent into a stream, and shows Prometheus how that goes.
//
//	go run ./examples/signals/service -stream orders -listen 127.0.0.1:8080
//	curl -d '{"n":1}' 'http://127.0.0.1:8080/put?key=customer-7'
//	curl http://127.0.0.1:8080/metrics
//
// It finds the stream by the SDK's own configuration, for example AWS_REGION and AWS_ENDPOINT_URL_KINESIS. A request is answered when its record
// is stored; while the buffer is full, requests wait. On an interrupt it stops listening, and ends when every record has its result.
//
// File: main.go.
package main
