package lambdatest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/penstock-go/penstock/internal/owned"
)

// errStale is returned for an environment that has ended while it was idle: the event was not given to it.
var errStale = errors.New("lambdatest: the environment has ended")

// environment is one process of a function, and the server that it asks for work.
type environment struct {
	cfg    Config
	cmd    *exec.Cmd
	server *http.Server
	group  owned.Group

	work        chan *invocation // handed over by invoke, taken by the process's request for work
	initialised chan struct{}    // closed by the first such request
	failed      chan error       // capacity 1: what the process says it could not initialise for
	exited      chan struct{}    // closed when the process has
	runtime     runtimeAPI

	served  bool // has had an invocation; of the goroutine that uses the environment
	spoiled bool // is not fit for another; likewise
}

// start starts a process of the function. end must be called in the end.
func start(cfg Config) (*environment, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInit, err)
	}
	e := &environment{
		cfg: cfg, work: make(chan *invocation), initialised: make(chan struct{}), failed: make(chan error, 1), exited: make(chan struct{}),
	}
	e.runtime.env = e
	e.server = &http.Server{Handler: e.runtime.routes(), ReadHeaderTimeout: initTimeout}
	e.cmd = exec.Command(cfg.Bootstrap, cfg.Args...) //nolint:gosec // to run it is what the caller asks for
	e.cmd.Dir, e.cmd.Stdout, e.cmd.Stderr = filepath.Dir(cfg.Bootstrap), cfg.Log, cfg.Log
	e.cmd.Env = e.variables(listener.Addr().String())
	e.cmd.WaitDelay = time.Second // for what a killed process has left holding its output
	if err := e.cmd.Start(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInit, errors.Join(err, listener.Close()))
	}
	e.group.Go("serve the runtime API", func() { _ = e.server.Serve(listener) }) // ends with ErrServerClosed
	e.group.Go("wait for the process", func() {
		_ = e.cmd.Wait() // how it ended is for the invocation to say that it had
		close(e.exited)
	})
	return e, nil
}

// variables are those that Lambda sets for a function, as far as it can have them here.
func (e *environment) variables(address string) []string {
	own := []string{
		"AWS_LAMBDA_RUNTIME_API=" + address,
		"AWS_LAMBDA_FUNCTION_NAME=" + e.cfg.Name,
		"AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128",
		"AWS_LAMBDA_INITIALIZATION_TYPE=on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/" + e.cfg.Name,
		"AWS_EXECUTION_ENV=AWS_Lambda_provided.al2023",
		"LAMBDA_TASK_ROOT=" + filepath.Dir(e.cfg.Bootstrap),
		"LAMBDA_RUNTIME_DIR=" + filepath.Dir(e.cfg.Bootstrap),
		"_HANDLER=bootstrap",
		"TZ=:UTC",
		"NO_PROXY=127.0.0.1",
	}
	return append(append(os.Environ(), own...), e.cfg.Env...)
}

func (e *environment) hasEnded() bool {
	select {
	case <-e.exited:
		return true
	default:
		return false
	}
}

// end kills the process and waits for all that runs for it. It may be called more than once.
func (e *environment) end() {
	_ = e.cmd.Process.Kill() // it may have exited by itself
	<-e.exited
	_ = e.server.Close()
	e.group.Wait(nowhere{})
}

// nowhere is a context that does not end: what is waited for has been told to.
type nowhere struct{ context.Context }

func (nowhere) Done() <-chan struct{} { return nil }

// invocation is one event on its way to the process and back.
type invocation struct {
	id       string
	payload  []byte
	deadline time.Time
	answer   chan answer // capacity 1
}

type answer struct {
	payload []byte
	err     error
}

// invoke gives an event to the process and waits for the answer. It is called for one event at a time.
func (e *environment) invoke(ctx context.Context, payload []byte) ([]byte, error) {
	if err := e.awaitInit(ctx); err != nil {
		e.spoiled = true
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, e.cfg.Timeout)
	defer cancel()
	deadline, _ := ctx.Deadline()
	i := &invocation{id: newID(), payload: payload, deadline: deadline, answer: make(chan answer, 1)}
	select {
	case e.work <- i:
	case <-e.exited:
		e.spoiled = true
		if e.served {
			return nil, errStale
		}
		return nil, fmt.Errorf("%w: %v", ErrInit, e.cmd.ProcessState)
	case <-ctx.Done():
		return nil, e.overtime(ctx)
	}
	e.served = true
	select {
	case a := <-i.answer:
		return a.payload, a.err
	case <-e.exited:
	case <-ctx.Done():
		return nil, e.overtime(ctx)
	}
	e.spoiled = true
	select { // a process may answer and exit
	case a := <-i.answer:
		return a.payload, a.err
	default:
		return nil, fmt.Errorf("%w: %v", ErrExited, e.cmd.ProcessState)
	}
}

// overtime is why an invocation ended by its context. The process is not waited for.
func (e *environment) overtime(ctx context.Context) error {
	e.spoiled = true
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("%w: %w", ErrTimeout, ctx.Err())
	}
	return fmt.Errorf("lambdatest: the invocation was given up: %w", ctx.Err())
}

// awaitInit waits until the process asks for work.
func (e *environment) awaitInit(ctx context.Context) error {
	timer := time.NewTimer(initTimeout)
	defer timer.Stop()
	select {
	case <-e.initialised:
		return nil
	case err := <-e.failed:
		return fmt.Errorf("%w: %w", ErrInit, err)
	case <-e.exited:
		select {
		case <-e.initialised: // and then it ended, which invoke finds out
			return nil
		case err := <-e.failed:
			return fmt.Errorf("%w: %w", ErrInit, err)
		default:
			return fmt.Errorf("%w: %v", ErrInit, e.cmd.ProcessState)
		}
	case <-timer.C:
		return fmt.Errorf("%w within %v", ErrInit, initTimeout)
	case <-ctx.Done():
		return fmt.Errorf("lambdatest: waiting for the function to start: %w", ctx.Err())
	}
}

func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	text := hex.EncodeToString(b[:])
	return text[:8] + "-" + text[8:12] + "-" + text[12:16] + "-" + text[16:20] + "-" + text[20:]
}
