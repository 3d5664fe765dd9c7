package lines

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, path string) *File {
	t.Helper()
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// in returns the lines of a file, in order of their text.
func in(t *testing.T, path string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return slices.Sorted(strings.Lines(string(text)))
}

func TestLinesOfSeveralWritersStayWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lines")
	var want []string
	var all sync.WaitGroup
	for i, f := range []*File{open(t, path), open(t, path)} {
		for j := range 50 {
			line := fmt.Sprintf("%d %02d\n", i, j)
			want = append(want, line)
			all.Go(func() {
				if err := f.Append(t.Context(), []byte(line)); err != nil {
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
	if got := in(t, path); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func TestALineThatWasBrokenOffSpoilsNoOther(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lines")
	f := open(t, path)
	for _, text := range []string{"first\n", "broken of"} { // the second is what a process left that ended
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := f.Append(t.Context(), []byte("next\n")); err != nil {
			t.Fatal(err)
		}
		if got, want := in(t, path), []string{strings.TrimSpace(text) + "\n", "next\n"}; !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestFailuresAreReported(t *testing.T) {
	if _, err := Open(t.TempDir()); err == nil {
		t.Error("a folder was opened")
	}
	f := open(t, filepath.Join(t.TempDir(), "lines"))
	f.turn <- struct{}{} // somebody writes
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := f.Append(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("while another writes: %v", err)
	}
	<-f.turn
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Append(t.Context(), nil); !errors.Is(err, os.ErrClosed) {
		t.Errorf("a closed file: %v", err)
	}
}
