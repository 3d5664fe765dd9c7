package lambdatest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/penstock-go/penstock/consumer"
)

// bootstrap is a function with aws-lambda-go, plain one without.
var bootstrap, plain string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "bootstrap")
	if err != nil {
		panic(err)
	}
	bootstrap, plain = filepath.Join(dir, "bootstrap"), filepath.Join(dir, "plain")
	out, err := exec.Command("go", "build", "-o", dir, "./testdata/bootstrap", "./testdata/plain").CombinedOutput()
	if err != nil {
		panic(string(out))
	}
	goleak.VerifyTestMain(cleaning{m, dir})
}

// cleaning removes the binary after the tests.
type cleaning struct {
	m   *testing.M
	dir string
}

func (c cleaning) Run() int {
	defer os.RemoveAll(c.dir)
	return c.m.Run()
}

func begin(t *testing.T, cfg Config) *Function {
	t.Helper()
	if cfg.Bootstrap == "" {
		cfg.Bootstrap = bootstrap
	}
	f, err := Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// told is what the function answers with.
type told struct {
	Text, Arn, ID, Name string
	Calls, PID          int
	Left                float64
}

func invoke(t *testing.T, f *Function, do, text string) (told, error) {
	t.Helper()
	payload, err := json.Marshal(map[string]string{"Do": do, "Text": text})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := f.Invoke(t.Context(), payload)
	var got told
	if err == nil {
		err = json.Unmarshal(answer, &got)
	}
	return got, err
}

func must(t *testing.T, f *Function) told {
	t.Helper()
	got, err := invoke(t, f, "", "x")
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestAFunctionAnswersOneInvocationAfterAnother(t *testing.T) {
	var log bytes.Buffer
	f := begin(t, Config{Name: "orders", Log: &log, Timeout: time.Minute})
	first, second := must(t, f), must(t, f)
	if first.PID != second.PID || second.Calls != 2 || first.ID == second.ID {
		t.Errorf("first %+v, second %+v", first, second)
	}
	if first.Arn != "arn:aws:lambda:us-east-1:000000000000:function:orders" || first.Name != "orders" || first.Left < 30 || first.Left > 60 {
		t.Errorf("the function sees %+v", first)
	}
	if err := f.Close(); err != nil || log.String() != "started\n" {
		t.Errorf("%v; it wrote %q", err, log.String())
	}
}

func TestErrorsOfAFunctionAreToldApart(t *testing.T) {
	f := begin(t, Config{})
	cases := map[string]struct {
		kind error
		text string
	}{
		"fail":   {ErrFunction, "failed: x"},
		"panic":  {ErrFunction, "x"},
		"exit":   {ErrExited, "exit status 7"},
		"large":  {ErrResponseSize, ""},
		"stream": {ErrFunction, "the stream broke off"},
	}
	for do, want := range cases {
		if _, err := invoke(t, f, do, "x"); !errors.Is(err, want.kind) || !strings.Contains(err.Error(), want.text) {
			t.Errorf("%s: %v", do, err)
		}
		must(t, f) // in the same environment or in a new one
	}
}

func TestAFunctionThatIsNotDoneInTimeIsKilled(t *testing.T) {
	f := begin(t, Config{Timeout: time.Second})
	before := must(t, f)
	began := time.Now()
	if _, err := invoke(t, f, "hang", ""); !errors.Is(err, ErrTimeout) || time.Since(began) < time.Second {
		t.Errorf("%v after %v", err, time.Since(began))
	}
	if after := must(t, f); after.PID == before.PID {
		t.Error("the same process goes on")
	}
}

func TestTheCallersDeadlineIsTheFunctions(t *testing.T) {
	f := begin(t, Config{Timeout: time.Minute})
	must(t, f)
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	// It may say itself that its time is over, or be killed.
	if _, err := f.Invoke(ctx, []byte(`{"Do":"wait"}`)); !errors.Is(err, ErrTimeout) && !errors.Is(err, ErrFunction) {
		t.Error(err)
	}
}

func TestAGivenUpInvocationEndsItsEnvironment(t *testing.T) {
	f := begin(t, Config{Timeout: time.Minute})
	before := must(t, f)
	ctx, cancel := context.WithCancel(t.Context())
	timer := time.AfterFunc(100*time.Millisecond, cancel)
	defer timer.Stop()
	if _, err := f.Invoke(ctx, []byte(`{"Do":"hang"}`)); !errors.Is(err, context.Canceled) || errors.Is(err, ErrTimeout) {
		t.Error(err)
	}
	if after := must(t, f); after.PID == before.PID {
		t.Error("the same process goes on")
	}
}

func TestAFunctionThatDoesNotStartSaysSo(t *testing.T) {
	f := begin(t, Config{Env: []string{"NOT_AT_ALL=1"}})
	if _, err := invoke(t, f, "", ""); !errors.Is(err, ErrInit) || !strings.Contains(err.Error(), "exit status 3") {
		t.Error(err)
	}
}

func TestEnvironmentsServeOneInvocationAtATime(t *testing.T) {
	f := begin(t, Config{Concurrency: 2, Timeout: time.Minute})
	var mu sync.Mutex
	pids := make(map[int]int)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			got, err := invoke(t, f, "", "x")
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			pids[got.PID]++
		})
	}
	all.Wait()
	if len(pids) > 2 {
		t.Errorf("%d processes", len(pids))
	}
}

func TestAnInvocationThatFindsNoFreeEnvironmentIsNotTheEventsFault(t *testing.T) {
	f := begin(t, Config{Timeout: time.Minute})
	must(t, f)
	var running sync.WaitGroup
	running.Go(func() { _, _ = invoke(t, f, "hang", "") })
	for len(f.slots) == 0 {
		runtime.Gosched()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := f.Invoke(ctx, []byte(`{}`)); !errors.Is(err, ErrBusy) || !errors.Is(err, consumer.ErrOutage) || !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	_ = f.Close()
	running.Wait()
}

func TestCloseEndsInvocationsUnderWay(t *testing.T) {
	f := begin(t, Config{Timeout: time.Minute})
	must(t, f)
	var running sync.WaitGroup
	running.Go(func() {
		if _, err := invoke(t, f, "hang", ""); !errors.Is(err, ErrExited) && !errors.Is(err, ErrClosed) {
			t.Error(err)
		}
	})
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	running.Wait()
	if _, err := invoke(t, f, "", ""); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

func TestEventsHaveTheServicesLimit(t *testing.T) {
	f := begin(t, Config{})
	if _, err := f.Invoke(t.Context(), make([]byte, maxPayload+1)); err == nil {
		t.Error("an event of more than 6 MB was taken")
	}
}

func TestStartNamesEveryFault(t *testing.T) {
	_, err := Start(Config{Bootstrap: "testdata", Timeout: time.Hour, Concurrency: -1})
	for _, field := range []string{"Bootstrap", "Timeout", "Concurrency"} {
		if !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), field+":") {
			t.Errorf("%s: %v", field, err)
		}
	}
}

func TestAFunctionNeedsNoRuntimeLibrary(t *testing.T) {
	var log bytes.Buffer
	f := begin(t, Config{Bootstrap: plain, Log: &log, Timeout: 10 * time.Second})
	for range 2 {
		if answer, err := f.Invoke(t.Context(), []byte("{}")); err != nil || string(answer) != `{"wrong":400}` {
			t.Errorf("answer %s, error %v", answer, err)
		}
	}
	var fault *FunctionError
	if _, err := f.Invoke(t.Context(), []byte(`"nonsense"`)); !errors.As(err, &fault) {
		t.Error(err)
	}
	if err := f.Close(); err != nil || log.String() != "202 400\n202 400\n" {
		t.Errorf("%v; the function's posts were answered %q", err, log.String())
	}
}

func TestAFunctionSaysWhyItCannotStart(t *testing.T) {
	f := begin(t, Config{Bootstrap: plain, Env: []string{"CANNOT_START=1"}})
	var fault *FunctionError
	if _, err := f.Invoke(t.Context(), []byte("{}")); !errors.Is(err, ErrInit) || !errors.As(err, &fault) || fault.Type != "Plain.Init" || fault.Message != "cannot start" {
		t.Error(err)
	}
}

func TestAFileThatIsNoProgramSaysSo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bootstrap")
	if err := os.WriteFile(path, []byte{0x7f, 'E', 'L', 'F', 0}, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := begin(t, Config{Bootstrap: path}).Invoke(t.Context(), []byte("{}")); !errors.Is(err, ErrInit) {
		t.Error(err)
	}
}
