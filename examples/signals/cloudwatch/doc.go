// Command cloudwatch is a worker whose metrics go to CloudWatch, under the names that the KCL's have.
//
//	go run ./examples/signals/cloudwatch -stream orders -application billing
//
// It finds the stream, the lease table and CloudWatch by the SDK's own configuration. On an interrupt it gives its leases up and puts what is
// left.
//
// File: main.go.
package main
