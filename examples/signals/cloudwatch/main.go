package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"go.uber.org/zap"

	"github.com/penstock-go/penstock/consumer"
	"github.com/penstock-go/penstock/metrics/cloudwatch"
)

func main() {
	stream := flag.String("stream", "orders", "name of the stream")
	application := flag.String("application", "billing", "name that all workers share, and the namespace of the metrics")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	logger, err := zap.NewProduction()
	if err == nil {
		err = run(ctx, *stream, *application, logger)
	}
	stop()
	if err != nil {
		log.Fatal(err)
	}
}

// run works until ctx ends.
func run(ctx context.Context, stream, application string, logger *zap.Logger) error {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return fmt.Errorf("cloudwatch: configuration: %w", err)
	}
	m, err := cloudwatch.New(cloudwatch.Config{Client: sdk.NewFromConfig(cfg), Namespace: application, Logger: logger})
	if err != nil {
		return err
	}
	return errors.Join(work(ctx, cfg, stream, application, m, logger), end(m))
}

func work(ctx context.Context, cfg aws.Config, stream, application string, m *cloudwatch.Metrics, logger *zap.Logger) error {
	c, err := consumer.New(consumer.Config{
		Application: application,
		Streams:     []consumer.Stream{{Name: stream}},
		Kinesis:     kinesis.NewFromConfig(cfg),
		DynamoDB:    dynamodb.NewFromConfig(cfg),
		Handler:     consumer.HandlerFunc(func(context.Context, *consumer.Batch) error { return nil }),
		Hooks:       m.Consumer(),
		Logger:      logger,
	})
	if err != nil {
		return err
	}
	return c.Run(ctx)
}

// end puts the last interval's metrics.
func end(m *cloudwatch.Metrics) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return m.Close(ctx)
}
