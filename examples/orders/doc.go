// Package orders is an example: one handler, in three places. [Totals] adds up the orders of customers, and knows nothing of where it
// runs.
//
//	go run ./examples/orders/worker                       in a worker
//	go build -o bootstrap ./examples/orders/function      as a Lambda function
//	go run ./examples/orders/worker -function bootstrap   the compiled function, fed by a worker as Lambda would feed it
//	go test ./examples/orders/...                         under test
//
// The worker brings its own stream: it runs on an emulator in its own process and touches no account.
//
// File: totals.go.
package orders
