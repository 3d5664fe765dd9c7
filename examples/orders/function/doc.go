// Command function is the example's handler as a Lambda function. Its mapping must have ReportBatchItemFailures. File: main.go.
package main
