// Command worker runs the example's handler in a worker, on an emulator with a few orders, some of them aggregated. With -function it runs
// a compiled Lambda function in its place, as an event source mapping would. It ends when all orders are handled. File: main.go.
package main
