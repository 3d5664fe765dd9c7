package integration

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(status int) {
		os.RemoveAll(programs)
		os.Exit(status)
	}))
}

// startTime bounds a server's start; a cold file cache has been seen to cost several seconds.
const startTime = time.Minute

// startServer runs servers/NAME.js and returns its URL. The server ends with the test.
func startServer(t *testing.T, name string) string {
	t.Helper()
	requireInstalled(t, name)
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	cmd := exec.Command("node", name+".js")
	cmd.Dir = "servers"
	var log bytes.Buffer
	cmd.Stderr = &log
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stopServer(t, cmd, &log) })
	port, err := firstLine(ctx, bufio.NewReader(stdout))
	if err != nil {
		t.Fatalf("%s did not start: %v\n%s", name, err, log.String())
	}
	return "http://127.0.0.1:" + port
}

func stopServer(t *testing.T, cmd *exec.Cmd, log *bytes.Buffer) {
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Error(err)
	}
	cmd.Wait() // its status after a signal says nothing
	if t.Failed() {
		t.Logf("%v:\n%s", cmd.Args, log.String())
	}
}

// requireInstalled skips or fails the test where the server or node is missing.
func requireInstalled(t *testing.T, name string) {
	t.Helper()
	_, noNode := exec.LookPath("node")
	_, notInstalled := os.Stat(filepath.Join("servers", "node_modules", name))
	if noNode == nil && notInstalled == nil {
		return
	}
	why := fmt.Sprintf("%s is not installed (needs node and npm; `make servers` installs it)", name)
	if os.Getenv("PENSTOCK_REQUIRE_SERVERS") != "" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// firstLine reads a line or gives up with the context. The reading goroutine ends with the server, whose output closes.
func firstLine(ctx context.Context, r *bufio.Reader) (string, error) {
	type answer struct {
		line string
		err  error
	}
	answers := make(chan answer, 1)
	go func() {
		line, err := r.ReadString('\n')
		answers <- answer{strings.TrimSpace(line), err}
	}()
	select {
	case a := <-answers:
		return a.line, a.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}
