package house

import (
	"go/ast"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	maxFileLines     = 500
	maxFunctionLines = 70
)

func TestEveryRoomOpensWithItsDoc(t *testing.T) {
	for _, r := range rooms(t) {
		i := slices.IndexFunc(r.files, func(f file) bool { return f.name == "doc.go" })
		if i < 0 {
			t.Errorf("%s has no doc.go", r.path)
			continue
		}
		doc := r.files[i].ast.Doc
		if doc == nil || len(r.files[i].ast.Decls) > 0 {
			t.Errorf("%s/doc.go must hold the package's documentation and nothing else", r.path)
			continue
		}
		for _, f := range r.files {
			if f.name != "doc.go" && !strings.Contains(doc.Text(), f.name) {
				t.Errorf("%s/doc.go does not say what %s is for", r.path, f.name)
			}
		}
	}
}

func TestFilesAndFunctionsStayReadable(t *testing.T) {
	for _, r := range rooms(t) {
		for _, f := range r.files {
			if f.lines > maxFileLines {
				t.Errorf("%s/%s has %d lines", r.path, f.name, f.lines)
			}
			for _, decl := range f.ast.Decls {
				fn, ok := decl.(*ast.FuncDecl)
				if !ok || fn.Body == nil {
					continue
				}
				if n := f.fset.Position(fn.End()).Line - f.fset.Position(fn.Pos()).Line + 1; n > maxFunctionLines {
					t.Errorf("%s/%s: %s has %d lines", r.path, f.name, fn.Name.Name, n)
				}
			}
		}
	}
}

func TestNoRoomHasANameThatSaysNothing(t *testing.T) {
	for _, r := range rooms(t) {
		if slices.Contains([]string{"util", "utils", "common", "manager", "types", "interfaces", "helpers"}, r.Name) {
			t.Errorf("%s", r.path)
		}
	}
}

func TestEveryRoomWithTestsLooksForLeakedGoroutines(t *testing.T) {
	for _, r := range rooms(t) {
		if len(r.TestGoFiles)+len(r.XTestGoFiles) == 0 {
			continue
		}
		found := false
		for _, name := range slices.Concat(r.TestGoFiles, r.XTestGoFiles) {
			text, err := os.ReadFile(filepath.Join(r.Dir, name))
			if err != nil {
				t.Fatal(err)
			}
			found = found || strings.Contains(string(text), "goleak.VerifyTestMain(")
		}
		if !found {
			t.Errorf("%s: no test file calls goleak.VerifyTestMain", r.path)
		}
	}
}

// The design document's map names every room, so that a new one cannot come without a word about it.
func TestTheDesignDocumentNamesEveryRoom(t *testing.T) {
	text, err := os.ReadFile("../../DESIGN.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rooms(t) {
		if !strings.Contains(string(text), "`"+r.path+"`") {
			t.Errorf("DESIGN.md does not name `%s`", r.path)
		}
	}
}
