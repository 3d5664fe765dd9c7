package main

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// tree writes a small tree of files whose lines are told apart only by their places.
func tree(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for i, lines := range []int{0, 1, 40, 700, 3000} {
		name := filepath.Join(dir, strings.Repeat("d/", i), "file")
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, bytes.Repeat([]byte("the same line\n"), lines), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestEveryFileComesBack(t *testing.T) {
	for name, flags := range map[string][]string{"polling": nil, "fan-out": {"-fanout"}} {
		t.Run(name, func(t *testing.T) {
			var out, errs bytes.Buffer
			err := run(t.Context(), append(flags, "-in", tree(t)), strings.NewReader(""), &out, &errs)
			if err != nil {
				t.Fatalf("%v\n%s%s", err, out.String(), errs.String())
			}
			for _, want := range []string{"files that match                                  5 of 5", "lines lost                                        0\n"} {
				if !strings.Contains(out.String(), want) {
					t.Errorf("no %q in\n%s", want, out.String())
				}
			}
		})
	}
}

func TestAServerThatIsNotThereIsOneLine(t *testing.T) {
	// A port that was free a moment ago.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + l.Addr().String()
	l.Close()
	for _, service := range []string{"-kinesis", "-dynamodb"} {
		var out, errs bytes.Buffer
		err = run(t.Context(), []string{"-in", tree(t), service, url}, strings.NewReader(""), &out, &errs)
		if err == nil || strings.Contains(err.Error(), "\n") || out.Len() > 0 || errs.Len() > 0 {
			t.Errorf("%s: error %q, output %q %q", service, err, out.String(), errs.String())
		}
	}
}

func TestFaultsOfTheCommandLineAreToldBeforeAnythingIsCreated(t *testing.T) {
	for name, args := range map[string][]string{
		"too few shards":    {"-shards", "2"},
		"unknown flag":      {"-wrong"},
		"argument":          {"x"},
		"no such directory": {"-in", filepath.Join(t.TempDir(), "missing")},
		"empty directory":   {"-in", t.TempDir()},
		"no URL":            {"-in", tree(t), "-kinesis", "localhost"},
		"aws and a URL":     {"-aws", "-kinesis", "http://127.0.0.1:1"},
	} {
		var out, errs bytes.Buffer
		if err := run(t.Context(), args, strings.NewReader("yes\n"), &out, &errs); err == nil || out.Len() > 0 {
			t.Errorf("%s: error %v, output %q", name, err, out.String())
		}
	}
}

func TestARealAccountIsTouchedOnlyAfterAYes(t *testing.T) {
	for _, answer := range []string{"", "\n", "no\n", "y\n"} {
		var out, errs bytes.Buffer
		err := run(t.Context(), []string{"-in", tree(t), "-aws"}, strings.NewReader(answer), &out, &errs)
		if err == nil || !strings.Contains(err.Error(), "nothing was created") || !strings.Contains(out.String(), "US dollars") {
			t.Errorf("answer %q: error %v, output %q", answer, err, out.String())
		}
	}
}
