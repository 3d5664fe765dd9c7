package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/penstock-go/penstock/kinesistest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	var usage usageError
	switch {
	case errors.Is(err, flag.ErrHelp):
	case errors.As(err, &usage):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "kinesistest:", err)
		os.Exit(1)
	}
}

// run is the program without its process: it serves until ctx ends.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	s, err := parse(args, stderr)
	if err != nil {
		return err
	}
	srv := kinesistest.New(s.options()...)
	defer func() { err = errors.Join(err, srv.Close()) }()
	for _, one := range s.streams {
		if err := create(ctx, srv, one); err != nil {
			return err
		}
	}
	url, err := listen(srv, s)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "Kinesis, DynamoDB and CloudWatch, in memory, at\n%s\n", url)
	<-ctx.Done()
	return nil
}

func create(ctx context.Context, srv *kinesistest.Server, s stream) error {
	_, err := srv.Kinesis().CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: &s.name, ShardCount: &s.shards})
	if err != nil {
		return fmt.Errorf("cannot create stream %s: %w", s.name, err)
	}
	return nil
}

func listen(srv *kinesistest.Server, s settings) (url string, err error) {
	if !s.tls {
		return srv.Listen(s.addr)
	}
	if url, err = srv.ListenTLS(s.addr); err != nil || s.cert == "" {
		return url, err
	}
	if err := os.WriteFile(s.cert, srv.CertificatePEM(), 0o600); err != nil {
		return "", err
	}
	return url, nil
}
