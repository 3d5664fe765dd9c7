package house

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	testInText   = regexp.MustCompile("`(Test[A-Za-z0-9]+)`")
	testInSource = regexp.MustCompile(`(?m)^func (Test[A-Za-z0-9]+)\(`)
)

// A promise that names its test must not outlive it.
func TestTheTestsThatDocumentsNameExist(t *testing.T) {
	exist := make(map[string]bool)
	err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, name := range testInSource.FindAllSubmatch(text, -1) {
			exist[string(name[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, document := range []string{"DESIGN.md", "docs/correctness.md"} {
		text, err := os.ReadFile("../../" + document)
		if err != nil {
			t.Fatal(err)
		}
		named := testInText.FindAllSubmatch(text, -1)
		if len(named) == 0 {
			t.Errorf("%s names no test", document)
		}
		for _, name := range named {
			if !exist[string(name[1])] {
				t.Errorf("%s names %s, which does not exist", document, name[1])
			}
		}
	}
}
