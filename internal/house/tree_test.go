package house

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const module = "github.com/penstock-go/penstock"

// listed is what `go list -json` says of one package of the module.
type listed struct {
	Dir, ImportPath, Name              string
	GoFiles, TestGoFiles, XTestGoFiles []string
	Imports, TestImports, XTestImports []string
	Deps                               []string
}

// room is a package with its production files parsed.
type room struct {
	listed
	path  string // below the module; "" never occurs: there is no code at the root
	files []file
}

type file struct {
	name  string
	lines int
	ast   *ast.File
	fset  *token.FileSet
}

var house = sync.OnceValues(readHouse)

// rooms returns every package of the module.
func rooms(t *testing.T) []room {
	t.Helper()
	all, err := house()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func readHouse() ([]room, error) {
	cmd := exec.Command("go", "list", "-json=Dir,ImportPath,Name,GoFiles,TestGoFiles,XTestGoFiles,Imports,TestImports,XTestImports,Deps", module+"/...")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, errors.Join(err, errors.New(stderr.String()))
	}
	var all []room
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var l listed
		if err := dec.Decode(&l); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		r := room{listed: l, path: strings.TrimPrefix(l.ImportPath, module+"/")}
		if r.files, err = parse(l); err != nil {
			return nil, err
		}
		all = append(all, r)
	}
}

func parse(l listed) ([]file, error) {
	var files []file
	for _, name := range l.GoFiles {
		fset := token.NewFileSet()
		tree, err := parser.ParseFile(fset, filepath.Join(l.Dir, name), nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		files = append(files, file{name: name, lines: fset.File(tree.FileStart).LineCount(), ast: tree, fset: fset})
	}
	return files, nil
}
