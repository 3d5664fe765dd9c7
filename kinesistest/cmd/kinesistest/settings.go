package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/penstock-go/penstock/kinesistest"
)

// loopback is where the program listens if it is not told the host.
const loopback = "127.0.0.1"

// settings is the command line.
type settings struct {
	addr       string
	tls        bool
	cert       string
	account    string
	region     string
	transition time.Duration
	limits     float64
	streams    []stream
}

// A stream is one that is there from the start.
type stream struct {
	name   string
	shards int32
}

// usageError is a fault of the command line; it ends with status 2, as package flag does.
type usageError struct{ error }

func parse(args []string, stderr io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("kinesistest", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&s.addr, "addr", loopback+":4567", "listen on `host:port`; port 0 is a free one, no host is loopback")
	flags.BoolVar(&s.tls, "tls", false, "speak TLS, with a certificate of its own")
	flags.StringVar(&s.cert, "cert", "", "write the certificate that clients have to trust to this `file`; needs -tls")
	flags.StringVar(&s.account, "account", kinesistest.DefaultAccountID, "the twelve-digit `account` of ARNs")
	flags.StringVar(&s.region, "region", kinesistest.DefaultRegion, "the `region` of ARNs")
	flags.DurationVar(&s.transition, "transition", 0, "how `long` streams and tables are CREATING, UPDATING and DELETING")
	flags.Float64Var(&s.limits, "limits", 0, "the `fraction` of the service's rates that is in force: 1 is all of it, 0 no limit")
	flags.Func("stream", "create a stream first, as `name=shards`; may be repeated", s.addStream)
	if err := flags.Parse(args); err != nil {
		return settings{}, usageError{err}
	}
	if err := s.check(flags.NArg()); err != nil {
		fmt.Fprintln(stderr, "kinesistest:", err)
		return settings{}, usageError{err}
	}
	return s, nil
}

func (s *settings) addStream(text string) error {
	name, count, ok := strings.Cut(text, "=")
	shards, err := strconv.ParseInt(count, 10, 32)
	if !ok || err != nil || shards < 1 {
		return errors.New("want name=shards, for example orders=4")
	}
	s.streams = append(s.streams, stream{name, int32(shards)})
	return nil
}

// check finds what is wrong, and completes the address.
func (s *settings) check(arguments int) error {
	var faults []error
	if arguments > 0 {
		faults = append(faults, errors.New("there are no arguments, only flags"))
	}
	host, port, err := net.SplitHostPort(s.addr)
	if err != nil {
		faults = append(faults, fmt.Errorf("-addr: %w", err))
	}
	if host == "" {
		host = loopback
	}
	s.addr = net.JoinHostPort(host, port)
	if s.cert != "" && !s.tls {
		faults = append(faults, errors.New("-cert needs -tls"))
	}
	if len(s.account) != 12 || strings.Trim(s.account, "0123456789") != "" {
		faults = append(faults, errors.New("-account must be twelve digits"))
	}
	if s.limits < 0 {
		faults = append(faults, errors.New("-limits must not be negative"))
	}
	if s.transition < 0 {
		faults = append(faults, errors.New("-transition must not be negative"))
	}
	return errors.Join(faults...)
}

func (s settings) options() []kinesistest.Option {
	return []kinesistest.Option{
		kinesistest.WithAccountID(s.account), kinesistest.WithRegion(s.region), kinesistest.WithTransitionTime(s.transition),
		kinesistest.WithLimits(kinesistest.Limits{Shards: s.limits, Operations: s.limits}),
	}
}
