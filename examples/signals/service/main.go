package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	prom "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sync/errgroup"

	"github.com/penstock-go/penstock/metrics/prometheus"
	"github.com/penstock-go/penstock/producer"
)

func main() {
	stream := flag.String("stream", "orders", "name or ARN of the stream")
	address := flag.String("listen", "127.0.0.1:8080", "where to listen")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", *address)
	if err == nil {
		err = run(ctx, listener, *stream)
	}
	stop()
	if err != nil {
		log.Fatal(err)
	}
}

// run serves until ctx ends.
func run(ctx context.Context, listener net.Listener, stream string) error {
	aws, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return fmt.Errorf("service: configuration: %w", err)
	}
	metrics := prometheus.New()
	registry := prom.NewRegistry()
	if err := registry.Register(metrics); err != nil {
		return fmt.Errorf("service: metrics: %w", err)
	}
	p, err := producer.New(producer.Config{Kinesis: kinesis.NewFromConfig(aws), Stream: stream, Hooks: metrics.Producer(stream)})
	if err != nil {
		return err
	}
	metrics.Watch(stream, p)

	routes := http.NewServeMux()
	routes.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	routes.Handle("POST /put", put(p))
	return errors.Join(serve(ctx, listener, routes), end(p))
}

// serve answers requests until ctx ends, and those that are under way by then.
func serve(ctx context.Context, listener net.Listener, routes http.Handler) error {
	server := &http.Server{Handler: routes, ReadHeaderTimeout: 5 * time.Second}
	var both errgroup.Group
	both.Go(func() error {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	both.Go(func() error {
		<-ctx.Done()
		soon, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		return server.Shutdown(soon)
	})
	return both.Wait()
}

func end(p *producer.Producer) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return p.Close(ctx)
}

// maxBody is how much of a request is read.
const maxBody = 1 << 20

// put stores the body of a request under the key that it names.
func put(p *producer.Producer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			http.Error(w, "the body cannot be read", http.StatusBadRequest)
			return
		}
		results, err := p.PutSync(r.Context(), producer.Record{PartitionKey: r.URL.Query().Get("key"), Data: data})
		switch {
		case errors.Is(err, producer.ErrEmptyKey), errors.Is(err, producer.ErrKeyTooLong), errors.Is(err, producer.ErrRecordTooLarge):
			http.Error(w, err.Error(), http.StatusBadRequest)
		case err != nil:
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		default:
			fmt.Fprintln(w, results[0].ShardID, results[0].SequenceNumber)
		}
	})
}
