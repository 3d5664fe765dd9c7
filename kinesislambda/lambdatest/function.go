package lambdatest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/penstock-go/penstock/consumer"
)

// Config says what to run. Fields without "required" may be left zero, which means the default stated.
type Config struct {
	// Bootstrap is the path of the compiled function. Required.
	Bootstrap string
	// Args are its arguments. Default: none.
	Args []string
	// Env is added to this process's environment for the function's, in the form "key=value".
	Env []string
	// Name is the function's name. Default: "function".
	Name string
	// FunctionArn is what the function is invoked as. Default: that of Name in region us-east-1 and account 000000000000.
	FunctionArn string
	// Timeout is how long an invocation may take: 1 second to 15 minutes. Default: 3 seconds, as on Lambda.
	Timeout time.Duration
	// Concurrency is how many environments there are at once, at most. Default: 1. Invocations wait for one that is free.
	Concurrency int
	// Log takes what the function writes to its standard output and error. Default: it is thrown away.
	Log io.Writer
}

const (
	defaultTimeout = 3 * time.Second
	maxTimeout     = 15 * time.Minute
	initTimeout    = 10 * time.Second
	maxPayload     = 6 << 20 // of a synchronous invocation, both ways
)

func (c Config) withDefaults() Config {
	c.Name = cmp.Or(c.Name, "function")
	c.FunctionArn = cmp.Or(c.FunctionArn, "arn:aws:lambda:us-east-1:000000000000:function:"+c.Name)
	c.Timeout = cmp.Or(c.Timeout, defaultTimeout)
	c.Concurrency = cmp.Or(c.Concurrency, 1)
	if c.Log == nil {
		c.Log = io.Discard
	}
	return c
}

func (c Config) validate() error {
	var faults []error
	if info, err := os.Stat(c.Bootstrap); err != nil || info.IsDir() || info.Mode()&0o111 == 0 {
		faults = append(faults, fmt.Errorf("%w: Bootstrap: %q is not an executable file", ErrConfig, c.Bootstrap))
	}
	if c.Timeout < time.Second || c.Timeout > maxTimeout {
		faults = append(faults, fmt.Errorf("%w: Timeout: is %v; set 1s to %v", ErrConfig, c.Timeout, maxTimeout))
	}
	if c.Concurrency < 0 {
		faults = append(faults, fmt.Errorf("%w: Concurrency: is %d; set a positive number", ErrConfig, c.Concurrency))
	}
	return errors.Join(faults...)
}

// serial is a writer for several processes.
type serial struct {
	to   io.Writer
	turn chan struct{} // capacity 1: a lock that is held while something is written
}

func (s serial) Write(p []byte) (int, error) {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	return s.to.Write(p) //nolint:wrapcheck // it is the writer
}

// Function is a compiled function. All methods may be called by any goroutine.
type Function struct {
	cfg   Config
	slots chan struct{} // one for each environment that may be

	mu     sync.Mutex // guards what follows; never held while anything is waited for
	closed bool
	idle   []*environment
	busy   []*environment
}

// Start makes a Function. No process is started before the first invocation. [Function.Close] must be called in the end.
func Start(cfg Config) (*Function, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	path, err := filepath.Abs(cfg.Bootstrap)
	if err != nil {
		return nil, fmt.Errorf("%w: Bootstrap: %w", ErrConfig, err)
	}
	cfg.Bootstrap = path
	cfg.Log = serial{to: cfg.Log, turn: make(chan struct{}, 1)}
	f := &Function{cfg: cfg, slots: make(chan struct{}, cfg.Concurrency)}
	return f, nil
}

// Invoke calls the function with an event of at most 6 MB and returns its answer, both JSON. It waits for a free environment; then the
// function's time begins: [Config.Timeout], or until ctx ends, if that is earlier. What the function failed with is a
// [*FunctionError]; the sentinels tell of the other ways to fail. If no environment was free in time, the error is a consumer.ErrOutage: a
// mapping does not count that as an attempt.
func (f *Function) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	if len(payload) > maxPayload {
		return nil, fmt.Errorf("lambdatest: the event has %d bytes; at most %d are allowed", len(payload), maxPayload)
	}
	select {
	case f.slots <- struct{}{}:
		defer func() { <-f.slots }()
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w: %w", ErrBusy, consumer.ErrOutage, ctx.Err())
	}
	for {
		e, err := f.environment()
		if err != nil {
			return nil, err
		}
		answer, err := e.invoke(ctx, payload)
		f.put(e)
		if !errors.Is(err, errStale) {
			return answer, err
		}
	}
}

// environment takes an idle environment that still lives, or starts one.
func (f *Function) environment() (*environment, error) {
	for {
		e, err := f.take()
		if e == nil && err == nil {
			e, err = start(f.cfg)
			if err == nil && !f.adopt(e) {
				e.end()
				err = ErrClosed
			}
		}
		if err != nil {
			return nil, err
		}
		if !e.hasEnded() {
			return e, nil
		}
		f.put(e)
	}
}

func (f *Function) take() (*environment, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, ErrClosed
	}
	if len(f.idle) == 0 {
		return nil, nil
	}
	e := f.idle[len(f.idle)-1]
	f.idle = f.idle[:len(f.idle)-1]
	f.busy = append(f.busy, e)
	return e, nil
}

// adopt notes a new environment, unless the function was closed meanwhile.
func (f *Function) adopt(e *environment) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.closed {
		f.busy = append(f.busy, e)
	}
	return !f.closed
}

// put takes an environment back after use, and ends it if it is not fit for another.
func (f *Function) put(e *environment) {
	f.mu.Lock()
	f.busy = slices.DeleteFunc(f.busy, func(b *environment) bool { return b == e })
	keep := !f.closed && !e.hasEnded() && !e.spoiled
	if keep {
		f.idle = append(f.idle, e)
	}
	f.mu.Unlock()
	if !keep {
		e.end()
	}
}

// Close kills the function's processes, whatever they do, and waits for them. Invocations under way fail.
func (f *Function) Close() error {
	f.mu.Lock()
	f.closed = true
	all := slices.Concat(f.idle, f.busy)
	f.idle = nil
	f.mu.Unlock()
	for _, e := range all {
		e.end()
	}
	return nil
}
