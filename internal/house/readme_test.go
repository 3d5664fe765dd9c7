package house

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

var goBlock = regexp.MustCompile("(?s)```go\n(.*?)```")

// Whoever copies the README's code must be able to compile it.
func TestTheCodeInTheReadmeCompiles(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := goBlock.FindAllSubmatch(text, -1)
	if len(blocks) == 0 {
		t.Fatal("the README shows no code")
	}
	for i, block := range blocks {
		program := filepath.Join(t.TempDir(), fmt.Sprintf("block%d.go", i+1))
		if err := os.WriteFile(program, block[1], 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("go", "vet", program).CombinedOutput(); err != nil {
			t.Errorf("block %d: %v\n%s", i+1, err, out)
		}
	}
}
