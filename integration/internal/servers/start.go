package servers

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// maxLog is how much of a server's last words a failed test shows.
const maxLog = 4 << 10

// startTime bounds a server's start; a cold file cache has been seen to cost several seconds.
const startTime = time.Minute

// Start runs a server and returns its URL. The server ends with the test.
func Start(t testing.TB, name string) string {
	t.Helper()
	cmd := program(t, name)
	var log bytes.Buffer
	cmd.Stderr = &log
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, cmd, &log) })
	port, err := firstLine(stdout)
	if err != nil {
		t.Fatalf("%s did not start: %v\n%s", name, err, log.String())
	}
	return "http://127.0.0.1:" + port
}

// firstLine reads what the program prints when it listens.
func firstLine(stdout io.Reader) (string, error) {
	if pipe, ok := stdout.(*os.File); ok {
		if err := pipe.SetReadDeadline(time.Now().Add(startTime)); err != nil {
			return "", err
		}
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	return strings.TrimSpace(line), err
}

func stop(t testing.TB, cmd *exec.Cmd, log *bytes.Buffer) {
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Error(err)
	}
	_ = cmd.Wait() // its status after a signal says nothing
	if t.Failed() {
		t.Logf("%v:\n%s", cmd.Args, log.Bytes()[max(0, log.Len()-maxLog):])
	}
}

// folder is where this file is, and the programs with it.
func folder() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Dir(file)
}

// program returns the command that starts a server.
func program(t testing.TB, name string) *exec.Cmd {
	t.Helper()
	runner, script := "node", name+".js"
	if name == "moto" {
		runner, script = Python(t), name+".py"
	} else {
		_, noNode := exec.LookPath(runner)
		_, notInstalled := os.Stat(filepath.Join(folder(), "node_modules", name))
		require(t, name, "Node with npm", noNode, notInstalled)
	}
	cmd := exec.Command(runner, script) //nolint:gosec // the names are those of this folder
	cmd.Dir = folder()
	return cmd
}

// Python returns the interpreter that has what requirements.txt lists: moto, and with it boto3, the SDK of Python.
func Python(t testing.TB) string {
	t.Helper()
	python := filepath.Join(folder(), "venv", "bin", "python")
	_, noPython := exec.LookPath(python)
	_, notInstalled := os.Stat(filepath.Join(folder(), "venv", "bin", "moto_server"))
	require(t, "moto", "Python 3.10 or later with venv", noPython, notInstalled)
	return python
}

// Java returns the jar with the program bench.Worker, a worker of the KCL; the folder integration/bench/java has its source.
func Java(t testing.TB) string {
	t.Helper()
	jar := filepath.Join(folder(), "..", "..", "bench", "java", "target", "bench.jar")
	_, noJava := exec.LookPath("java")
	_, notBuilt := os.Stat(jar)
	require(t, "the KCL", "Java 17 or later with Maven", noJava, notBuilt)
	return jar
}

// require skips or fails the test where something is missing.
func require(t testing.TB, name, needs string, missing ...error) {
	t.Helper()
	if errors.Join(missing...) == nil {
		return
	}
	why := fmt.Sprintf("%s is not installed (needs %s; `make servers` installs it)", name, needs)
	if os.Getenv("PENSTOCK_REQUIRE_SERVERS") != "" {
		t.Fatal(why)
	}
	t.Skip(why)
}
