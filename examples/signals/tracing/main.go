package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/penstock-go/penstock/consumer"
	"github.com/penstock-go/penstock/metrics/otel"
)

func main() {
	stream := flag.String("stream", "orders", "name of the stream")
	application := flag.String("application", "billing", "name that all workers share")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	printer := &printer{to: os.Stdout}
	err := run(ctx, *stream, *application, printer, printer)
	stop()
	if err != nil {
		log.Fatal(err)
	}
}

// run works until ctx ends. Spans and metrics go to the exporters.
func run(ctx context.Context, stream, application string, spans sdktrace.SpanExporter, metrics metric.Exporter) (err error) {
	aws, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return fmt.Errorf("tracing: configuration: %w", err)
	}
	traces := sdktrace.NewTracerProvider(sdktrace.WithBatcher(spans))
	meters := metric.NewMeterProvider(metric.WithReader(metric.NewPeriodicReader(metrics)))
	defer func() {
		soon, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		err = errors.Join(err, traces.Shutdown(soon), meters.Shutdown(soon))
	}()
	m, err := otel.New(meters)
	if err != nil {
		return err
	}
	// Producers that put with a tracer of the same carrier are linked to.
	tracer := otel.NewTracer(traces, otel.WithCarrier(otel.JSON))
	c, err := consumer.New(consumer.Config{
		Application: application,
		Streams:     []consumer.Stream{{Name: stream}},
		Kinesis:     kinesis.NewFromConfig(aws),
		DynamoDB:    dynamodb.NewFromConfig(aws),
		Handler:     tracer.Handler(consumer.HandlerFunc(handle)),
		Hooks:       m.Consumer(),
	})
	if err != nil {
		return err
	}
	return c.Run(ctx)
}

// handle does nothing with the records, which is where your code stands; ctx carries the span.
func handle(context.Context, *consumer.Batch) error { return nil }

// printer is an exporter that writes a line for each span and each collection of metrics.
type printer struct{ to io.Writer }
