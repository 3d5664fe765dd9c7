package main

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Wherever the handler runs, the customers owe the same.
func TestTheHandlerDoesTheSameInAWorkerAndAsACompiledFunction(t *testing.T) {
	bootstrap := filepath.Join(t.TempDir(), "bootstrap")
	if out, err := exec.Command("go", "build", "-o", bootstrap, "../function").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want := "ann owes 150 cents\nbob owes 30 cents\nbob owes 42 cents\nann owes 200 cents\n"
	for _, function := range []string{"", bootstrap} {
		var out bytes.Buffer
		if err := run(t.Context(), function, &out); err != nil {
			t.Fatal(err)
		}
		if got := out.String(); !strings.Contains(got, want) {
			t.Errorf("function %q:\n%s", function, got)
		}
	}
}
