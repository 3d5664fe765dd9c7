package house

import (
	"go/ast"
	"testing"
)

// startsGoroutines lists the only rooms with a bare go statement: the ledger.
var startsGoroutines = []string{"internal/owned"}

// ownContext lists the rooms that may make a context out of nothing: programs, and what has a life of its own that no call of a user
// spans.
var ownContext = []string{"examples/...", "cmd/...", "kinesistest", "kinesistest/cmd/...", "producer", "metrics/...", "integration/bench"}

// sleeps lists the rooms that let virtual time pass.
var sleeps = []string{"metrics/internal/metricstest"}

func TestEveryGoroutineIsStartedByTheLedger(t *testing.T) {
	each(t, func(r room, f file, n ast.Node) {
		if _, ok := n.(*ast.GoStmt); ok && !matchesAny(r.path, startsGoroutines) {
			t.Errorf("%s/%s: a bare go statement", r.path, f.fset.Position(n.Pos()))
		}
	})
}

func TestNobodySleepsOrInventsAContext(t *testing.T) {
	each(t, func(r room, f file, n ast.Node) {
		switch called(n) {
		case "time.Sleep":
			if matchesAny(r.path, sleeps) {
				return
			}
			t.Errorf("%s: time.Sleep: wait for an event or a timer, with the context", f.fset.Position(n.Pos()))
		case "context.Background", "context.TODO":
			if !matchesAny(r.path, ownContext) {
				t.Errorf("%s: a context out of nothing", f.fset.Position(n.Pos()))
			}
		case "log.Fatal", "log.Fatalf", "os.Exit":
			if !matchesAny(r.path, ownContext) {
				t.Errorf("%s: a library does not end the process", f.fset.Position(n.Pos()))
			}
		}
	})
}

func called(n ast.Node) string {
	call, ok := n.(*ast.CallExpr)
	if !ok {
		return ""
	}
	selector, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	pkg, ok := selector.X.(*ast.Ident)
	if !ok {
		return ""
	}
	return pkg.Name + "." + selector.Sel.Name
}

func each(t *testing.T, visit func(room, file, ast.Node)) {
	for _, r := range rooms(t) {
		for _, f := range r.files {
			ast.Inspect(f.ast, func(n ast.Node) bool {
				if n != nil {
					visit(r, f, n)
				}
				return true
			})
		}
	}
}
