package kinesistest_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/doc"
	"go/doc/comment"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Whoever has nothing but the package's documentation writes a module of his own from it: what the documentation shows must compile and
// run there.
func TestWhatTheDocumentationShowsRunsInAModuleOfItsOwn(t *testing.T) {
	module := newModule(t)
	module.write("first/first_test.go", "package first\n\nimport (\n\t\"testing\"\n\n\t\"github.com/aws/aws-sdk-go-v2/aws\"\n"+
		"\t\"github.com/aws/aws-sdk-go-v2/service/kinesis\"\n\n\t\"github.com/penstock-go/penstock/kinesistest\"\n)\n\n"+firstTest(t))
	programs, output := 0, ""
	for _, e := range doc.Examples(testFiles(t)...) {
		if e.Play == nil {
			continue
		}
		module.write(e.Name+"/main.go", source(t, e.Play))
		programs++
		if e.Name == "" { // the package's own, in the module's own folder
			output = e.Output
		}
	}
	if programs < 5 {
		t.Fatalf("only %d examples are whole programs", programs)
	}
	module.run("test", "./first")
	module.run("build", "./...")
	if got := module.run("run", "."); got != output {
		t.Errorf("prints %q, its documentation says %q", got, output)
	}
}

// firstTest returns the test at the top of the package's documentation.
func firstTest(t *testing.T) string {
	file, err := parser.ParseFile(token.NewFileSet(), "doc.go", nil, parser.ParseComments)
	must(t, err)
	for _, block := range new(comment.Parser).Parse(file.Doc.Text()).Content {
		if code, is := block.(*comment.Code); is && strings.HasPrefix(code.Text, "func Test") {
			return code.Text
		}
	}
	t.Fatal("the documentation begins with no test")
	return ""
}

func testFiles(t *testing.T) (files []*ast.File) {
	names, err := filepath.Glob("example*_test.go")
	must(t, err)
	for _, name := range names {
		file, err := parser.ParseFile(fileSet, name, nil, parser.ParseComments)
		must(t, err)
		files = append(files, file)
	}
	return files
}

// fileSet has the positions of the examples.
var fileSet = token.NewFileSet()

func source(t *testing.T, program *ast.File) string {
	var b bytes.Buffer
	must(t, format.Node(&b, fileSet, program))
	return b.String()
}

// A userModule is a module that requires this one, as a user's does.
type userModule struct {
	t   *testing.T
	dir string
}

// newModule makes a module with the versions that this one has, so that nothing needs to be looked up.
func newModule(t *testing.T) *userModule {
	m := &userModule{t, t.TempDir()}
	root, err := filepath.Abs("..")
	must(t, err)
	ours, err := os.ReadFile(filepath.Join(root, "go.mod"))
	must(t, err)
	_, requirements, _ := strings.Cut(string(ours), "\n")
	const name = "github.com/penstock-go/penstock"
	m.write("go.mod", fmt.Sprintf("module documented.test\n%s\nrequire %s v0.0.0\n\nreplace %s => %q\n", requirements, name, name, root))
	sums, err := os.ReadFile(filepath.Join(root, "go.sum"))
	must(t, err)
	m.write("go.sum", string(sums))
	return m
}

func (m *userModule) write(name, text string) {
	path := filepath.Join(m.dir, name)
	must(m.t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(m.t, os.WriteFile(path, []byte(text), 0o600))
}

// run runs the go command in the module and returns what it prints.
func (m *userModule) run(args ...string) string {
	m.t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir = m.dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off", "GOPROXY=off")
	out, err := cmd.CombinedOutput()
	if err != nil {
		m.t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}
