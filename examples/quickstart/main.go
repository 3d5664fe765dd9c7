package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"
)

// settings is the command line.
type settings struct {
	in       string
	shards   int
	fanOut   bool
	kinesis  string
	dynamodb string
	aws      bool
}

// usageError is a fault of the command line; it ends with status 2, as package flag does.
type usageError struct{ error }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	var usage usageError
	switch {
	case errors.Is(err, flag.ErrHelp):
	case errors.As(err, &usage):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

func parse(args []string, stderr io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("quickstart", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&s.in, "in", "", "stream every file below this `directory` (default: the Go standard library's source)")
	flags.IntVar(&s.shards, "shards", 4, "shards of the stream at the start, at least 3")
	flags.BoolVar(&s.fanOut, "fanout", false, "read by enhanced fan-out instead of polling")
	flags.StringVar(&s.kinesis, "kinesis", "", "`URL` of a Kinesis server (default: in this process)")
	flags.StringVar(&s.dynamodb, "dynamodb", "", "`URL` of a DynamoDB server (default: in this process)")
	flags.BoolVar(&s.aws, "aws", false, "use the AWS account of the environment; it costs money and asks first")
	if err := flags.Parse(args); err != nil {
		return settings{}, usageError{err}
	}
	if err := s.check(flags.NArg()); err != nil {
		fmt.Fprintln(stderr, "quickstart:", err)
		return settings{}, usageError{err}
	}
	return s, nil
}

func (s settings) check(arguments int) error {
	var faults []error
	if arguments > 0 {
		faults = append(faults, errors.New("there are no arguments, only flags"))
	}
	if s.shards < 3 {
		faults = append(faults, errors.New("-shards must be at least 3: one is split and two others are merged"))
	}
	if s.aws && (s.kinesis != "" || s.dynamodb != "") {
		faults = append(faults, errors.New("-aws does not go with -kinesis or -dynamodb"))
	}
	return errors.Join(faults...)
}

// run is the program without its process. It returns an error where a file did not match.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) (err error) {
	s, err := parse(args, stderr)
	if err != nil {
		return err
	}
	files, err := findFiles(ctx, s.in)
	if err != nil {
		return err
	}
	if s.aws {
		if err := askFirst(s, files, stdin, stdout); err != nil {
			return err
		}
	}
	p, err := openPlace(ctx, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.close(ctx)) }()
	proof, err := tell(ctx, p, files, stderr)
	if err != nil {
		return err
	}
	proof.print(stdout)
	return proof.verdict()
}

// cleanupTime bounds the deletion of what was created, also after an interrupt.
const cleanupTime = 30 * time.Second
