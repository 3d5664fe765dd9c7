package kinesislambda

import (
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

var (
	testName = regexp.MustCompile("`(Test[A-Za-z0-9]+)`")
	testFunc = regexp.MustCompile(`(?m)^func (Test[A-Za-z0-9]+)\(t \*testing\.T\)`)
)

// Each row of the tables in docs/lambda.md names tests, and they exist, here or in a package below.
func TestEveryRuleInTheDocumentationNamesATestThatExists(t *testing.T) {
	known := make(map[string]bool)
	err := filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range testFunc.FindAllSubmatch(text, -1) {
			known[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	rows := tableRows(t)
	for _, row := range rows {
		names := testName.FindAllStringSubmatch(row, -1)
		if len(names) == 0 {
			t.Errorf("no test: %s", row)
		}
		for _, m := range names {
			if !known[m[1]] {
				t.Errorf("%s does not exist: %s", m[1], row)
			}
		}
	}
	if len(rows) < 60 {
		t.Errorf("%d rows only", len(rows))
	}
}

func TestEveryFieldOfAMappingIsInTheDocumentation(t *testing.T) {
	text := strings.Join(tableRows(t), "\n")
	for _, field := range reflect.VisibleFields(reflect.TypeFor[Mapping]()) {
		if !strings.Contains(text, "`"+field.Name+"`") {
			t.Errorf("%s is not in docs/lambda.md", field.Name)
		}
	}
}

// tableRows returns the rows of all tables, without their heads.
func tableRows(t *testing.T) (rows []string) {
	t.Helper()
	text, err := os.ReadFile("../docs/lambda.md")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	for i, line := range lines {
		head := i+1 < len(lines) && strings.HasPrefix(lines[i+1], "|---")
		if strings.HasPrefix(line, "| ") && !head {
			rows = append(rows, line)
		}
	}
	return rows
}
