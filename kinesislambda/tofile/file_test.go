package tofile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/penstock-go/penstock/kinesislambda"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, path string) *Destination {
	t.Helper()
	d, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

func record(id string) *kinesislambda.InvocationRecord {
	return &kinesislambda.InvocationRecord{RequestContext: kinesislambda.RequestContext{RequestID: id}, Payload: `{"Records":[]}`}
}

// ids reads the messages of a file, whose lines must all be whole.
func ids(t *testing.T, path string) map[string]bool {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]bool)
	for line := range bytes.Lines(text) {
		var r kinesislambda.InvocationRecord
		if json.Unmarshal(line, &r) == nil && r.Payload == `{"Records":[]}` {
			all[r.RequestContext.RequestID] = true
		}
	}
	return all
}

func TestEveryMessageIsALineWithItsPayload(t *testing.T) {
	path := filepath.Join(t.TempDir(), "failed.jsonl")
	d := open(t, path)
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			if err := d.Deliver(t.Context(), record(fmt.Sprint(i))); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := ids(t, path); len(got) != 50 {
		t.Errorf("%d lines", len(got))
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func TestWhatIsInTheFileStaysAndATornLineSpoilsNoOther(t *testing.T) {
	path := filepath.Join(t.TempDir(), "failed.jsonl")
	whole, _ := json.Marshal(record("1"))
	if err := os.WriteFile(path, append(append(whole, '\n'), whole[:20]...), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := open(t, path).Deliver(t.Context(), record("2")); err != nil {
		t.Fatal(err)
	}
	if got := ids(t, path); !got["1"] || !got["2"] || len(got) != 2 {
		t.Errorf("messages %v", got)
	}
}

func TestAFailureToWriteIsReported(t *testing.T) {
	d := open(t, filepath.Join(t.TempDir(), "failed.jsonl"))
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if err := d.Deliver(t.Context(), record("1")); !errors.Is(err, os.ErrClosed) {
		t.Error(err)
	}
	if _, err := Open(t.TempDir()); err == nil {
		t.Error("a folder was opened")
	}
}
