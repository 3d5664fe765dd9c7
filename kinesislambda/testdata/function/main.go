// Command function is a Lambda function that does what the data of its records says, each as badly as it can be done.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
)

func main() {
	lambda.Start(func(_ context.Context, e events.KinesisEvent) (r events.KinesisEventResponse, err error) {
		for i, record := range e.Records {
			text := string(record.Kinesis.Data)
			fmt.Printf("%s of %d\n", text, len(e.Records))
			switch {
			case text == "panic":
				panic("as told")
			case text == "exit":
				os.Exit(1)
			case text == "hang":
				select {}
			case text == "fail":
				return r, fmt.Errorf("as told")
			case text == "report" && i > 0:
				r.BatchItemFailures = []events.KinesisBatchItemFailure{{ItemIdentifier: record.Kinesis.SequenceNumber}}
				return r, nil
			}
		}
		return r, nil
	})
}
