package integration

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/penstock-go/penstock/integration/internal/servers"
)

// programs is the folder of what the tests built; TestMain removes it.
var programs string

// quickstart builds the program once and returns its path.
var quickstart = sync.OnceValues(func() (_ string, err error) {
	if programs, err = os.MkdirTemp("", "penstock"); err != nil {
		return "", err
	}
	program := filepath.Join(programs, "quickstart")
	out, err := exec.Command("go", "build", "-o", program, "../examples/quickstart").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return program, nil
})

func TestTheQuickstartProvesItselfOnOtherServers(t *testing.T) {
	for _, c := range []struct {
		kinesis, dynamodb string
		files, lines      int
	}{
		{kinesis: "kinesalite", dynamodb: "dynalite", files: 60, lines: 2000},
		// kinesis-local slows down with the records it holds: few and small ones.
		{kinesis: "kinesis-local", dynamodb: "dynalite", files: 30, lines: 100},
		{kinesis: "kinesis-local", files: 30, lines: 100},
		{dynamodb: "dynalite", files: 60, lines: 2000},
	} {
		t.Run(c.kinesis+"+"+c.dynamodb, func(t *testing.T) {
			args := []string{"-in", sources(t, c.files, c.lines)}
			if c.kinesis != "" {
				args = append(args, "-kinesis", servers.Start(t, c.kinesis))
			}
			if c.dynamodb != "" {
				args = append(args, "-dynamodb", servers.Start(t, c.dynamodb))
			}
			prove(t, args, "")
		})
	}
}

// prove runs the quickstart and wants every file to match. The table is logged.
func prove(t *testing.T, args []string, answer string) {
	t.Helper()
	program, err := quickstart()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Stdin = strings.NewReader(answer)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = cmd.Run()
	t.Logf("%s", stdout.String())
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	if !strings.Contains(stdout.String(), "lines lost                                        0\n") {
		t.Error("the table does not say that no line was lost")
	}
}

// sources writes a tree of files with lines of all lengths; the seed is in the log.
func sources(t *testing.T, files, lines int) string {
	t.Helper()
	dir, seed := t.TempDir(), rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, seed))
	for i := range files {
		var content bytes.Buffer
		for range rng.IntN(2 * lines) {
			content.WriteString(strings.Repeat("x", rng.IntN(120)))
			content.WriteByte('\n')
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("file-%04d", i)), content.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
