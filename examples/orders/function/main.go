package main

import (
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/penstock-go/penstock/examples/orders"
	"github.com/penstock-go/penstock/kinesislambda"
)

func main() {
	lambda.Start(kinesislambda.Wrap(&orders.Totals{Out: os.Stdout}, kinesislambda.WithMemory(kinesislambda.NewMemory(1000))))
}
