// Command bootstrap is a Lambda function that does what its events tell it to.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type order struct{ Do, Text string }

func main() {
	if os.Getenv("NOT_AT_ALL") != "" {
		os.Exit(3)
	}
	fmt.Println("started")
	calls := 0
	lambda.Start(func(ctx context.Context, o order) (any, error) {
		calls++
		switch o.Do {
		case "fail":
			return nil, fmt.Errorf("failed: %s", o.Text)
		case "panic":
			panic(o.Text)
		case "exit":
			os.Exit(7)
		case "hang":
			select {}
		case "large":
			return strings.Repeat("x", 7<<20), nil
		case "stream":
			return io.MultiReader(strings.NewReader("begun"), broken{}), nil
		case "wait":
			<-ctx.Done()
			return nil, ctx.Err()
		}
		lc, _ := lambdacontext.FromContext(ctx)
		deadline, _ := ctx.Deadline()
		return map[string]any{
			"text": o.Text, "calls": calls, "pid": os.Getpid(), "arn": lc.InvokedFunctionArn, "id": lc.AwsRequestID,
			"left": time.Until(deadline).Seconds(), "name": lambdacontext.FunctionName,
		}, nil
	})
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, fmt.Errorf("the stream broke off") }
