package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
)

// programs are the kinds of rows that this program can run itself.
var programs = map[string]func(context.Context, *task) (result, error){
	"get": codec, "get-sdk": codec, "put": codec, "put-sdk": codec, "events": codec, "events-sdk": codec,
	"produce": produce, "produce-sdk": produceSDK,
	"consume-polling": consume(false), "consume-fanout": consume(true), "consume-sdk": consumeSDK,
	"deliver-polling": deliver(func(ctx context.Context, c *kinesis.Client, t *task) error { return handleAll(ctx, c, t, false) }), "deliver-sdk": deliver(readAll),
	"latency-polling": latency(false), "latency-fanout": latency(true),
}

func main() {
	role := flag.String("role", "", "serve or run; nothing for the whole")
	only := flag.String("only", "", "the rows whose name contains this")
	profile := flag.String("profile", "", "a `directory` for CPU profiles")
	java := flag.String("java", "", "the `jar` with the programs for the KPL and the KCL; their rows are left out without it")
	flag.Parse()
	if err := begin(*role, flag.Arg(0), &bench{only: *only, profile: *profile, java: *java}); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// begin takes a role.
func begin(role, argument string, whole *bench) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	switch role {
	case "serve":
		return serve(argument)
	case "run":
		return run(ctx, argument)
	}
	return whole.all(ctx)
}

// run is a row's role.
func run(ctx context.Context, doc string) error {
	var t task
	if err := json.Unmarshal([]byte(doc), &t); err != nil {
		return err
	}
	program := programs[t.Kind]
	if program == nil {
		return errors.New("unknown kind " + t.Kind)
	}
	r, err := program(ctx, &t)
	if err != nil {
		return fmt.Errorf("%s: %w", t.Row, err)
	}
	r.floors(t.Size)
	return json.NewEncoder(os.Stdout).Encode(r)
}

// bench is the role of who starts the others.
type bench struct {
	only, profile, java string
	self, dir           string
}

func (b *bench) all(ctx context.Context) (err error) {
	if b.self, err = os.Executable(); err != nil {
		return err
	}
	if b.dir, err = os.MkdirTemp("", "bench"); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(b.dir) }() // it is in the system's folder for such things
	rows := newTable(os.Stdout)
	for _, s := range sections() {
		if err := b.section(ctx, rows, &s); err != nil {
			return fmt.Errorf("%s: %w", s.title, err)
		}
	}
	return nil
}

// section runs the rows of a section against a server of their own.
func (b *bench) section(ctx context.Context, rows *table, s *section) error {
	kinds := s.kinds[:0:0]
	for _, kind := range s.kinds {
		if _, ours := programs[kind]; strings.Contains(s.title+", "+names[kind], b.only) && (ours || b.java != "") {
			kinds = append(kinds, kind)
		}
	}
	if len(kinds) == 0 {
		return nil
	}
	t := s.task
	t.Stream = "bench"
	if s.remote {
		stop, err := b.serve(ctx, &t, strings.HasPrefix(kinds[0], "consume"))
		if err != nil {
			return err
		}
		defer stop()
	}
	for _, kind := range kinds {
		t.Kind, t.Row = kind, s.title+", "+names[kind]
		if b.profile != "" {
			t.Profile = filepath.Join(b.profile, strings.NewReplacer(" ", "-", ",", "").Replace(t.Row)+".pprof")
		}
		r, err := b.best(ctx, &t, s.times)
		if err != nil {
			return err
		}
		rows.row(s, kind, r)
	}
	return nil
}

// serve starts a server with the task's stream, filled if it is to be read, and tells the task where it is.
func (b *bench) serve(ctx context.Context, t *task, filled bool) (stop func(), err error) {
	cmd := exec.CommandContext(ctx, b.self, "-role", "serve", filepath.Join(b.dir, "cert.pem")) //nolint:gosec // this program itself
	cmd.Stderr = os.Stderr
	hold, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	stop = func() {
		_ = hold.Close() // which ends the server
		_ = cmd.Wait()   // its status has nothing to add
	}
	var at place
	if err := json.NewDecoder(bufio.NewReader(out)).Decode(&at); err != nil {
		stop()
		return nil, err
	}
	t.URL, t.CertFile = at.URL, at.CertFile
	c, err := client(at)
	if err == nil {
		err = createStream(ctx, c, t)
	}
	if err == nil && filled {
		err = fill(ctx, c, t)
	}
	if err != nil {
		stop()
		return nil, err
	}
	return stop, nil
}

// best runs one row so many times and returns the one that took the least CPU time: others' work on the machine only ever adds to it.
func (b *bench) best(ctx context.Context, t *task, times int) (best result, err error) {
	for range times {
		r, err := b.start(ctx, t)
		if err != nil {
			return result{}, err
		}
		if best.CPUSeconds == 0 || r.mbPerCPU() > best.mbPerCPU() {
			best = r
		}
	}
	return best, nil
}

// rowTime bounds one row.
const rowTime = 5 * time.Minute

// start runs one row in a process of its own.
func (b *bench) start(ctx context.Context, t *task) (result, error) {
	ctx, cancel := context.WithTimeout(ctx, rowTime)
	defer cancel()
	doc, err := json.Marshal(t)
	if err != nil {
		return result{}, err
	}
	cmd := exec.CommandContext(ctx, b.self, "-role", "run", string(doc)) //nolint:gosec // this program itself
	if _, ours := programs[t.Kind]; !ours {
		none := filepath.Join(b.dir, "none") // the SDK for Java wants to read one, and must not read the user's
		if err := os.WriteFile(none, nil, 0o600); err != nil {
			return result{}, err
		}
		cmd = exec.CommandContext(ctx, "java", "-jar", b.java, string(doc)) //nolint:gosec // the program that the user names
		cmd.Env = append(os.Environ(), "AWS_CONFIG_FILE="+none, "AWS_SHARED_CREDENTIALS_FILE="+none)
	}
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return result{}, err
	}
	if err := cmd.Start(); err != nil {
		return result{}, err
	}
	text, readErr := io.ReadAll(out)
	if err := errors.Join(readErr, cmd.Wait()); err != nil {
		return result{}, err
	}
	var r result
	if err := json.Unmarshal(text, &r); err != nil {
		return result{}, err
	}
	if r.Memcpy == 0 { // other programs leave the floors to this one
		r.floors(t.Size)
	}
	return r, nil
}
