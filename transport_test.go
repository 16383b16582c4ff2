package wedatasync_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"strings"
	"testing"
)

// TestTransports: whatever leaves the process goes by package transport, whose connections
// are given up when they die; and no client is without bounds on where it is pointed.
func TestTransports(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "git", "ls-files", "--", "cmd/*.go", "internal/*.go", "reconcile/*.go", "spec/*.go", "state/*.go").Output()
	if err != nil {
		t.Skipf("this is no checkout: %v", err)
	}
	looked := 0
	for name := range strings.FieldsSeq(string(out)) {
		if strings.HasSuffix(name, "_test.go") || strings.Contains(name, "test/") || strings.HasPrefix(name, "internal/transport/") {
			continue
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		looked++
		ast.Inspect(file, func(n ast.Node) bool {
			if wrong := ownTransport(n); wrong != "" {
				t.Errorf("%s: %s: use package transport", set.Position(n.Pos()), wrong)
			}
			return true
		})
	}
	if looked < 100 {
		t.Errorf("only %d files were looked at", looked)
	}
}

// ownTransport says what makes requests by a transport that is not one of package transport.
func ownTransport(n ast.Node) string {
	switch n := n.(type) {
	case *ast.CompositeLit:
		switch nameOf(n.Type) {
		case "http.Transport":
			return "a transport of its own"
		case "http.Client":
			fields := make(map[string]bool)
			for _, e := range n.Elts {
				if kv, ok := e.(*ast.KeyValueExpr); ok {
					fields[kv.Key.(*ast.Ident).Name] = true
				}
			}
			if !fields["Transport"] || !fields["CheckRedirect"] {
				return "a client without a transport, or that follows any redirect"
			}
		}
	case *ast.CallExpr:
		if id, ok := n.Fun.(*ast.Ident); ok && id.Name == "new" && (nameOf(n.Args[0]) == "http.Transport" || nameOf(n.Args[0]) == "http.Client") {
			return "a transport or client of its own"
		}
	case *ast.SelectorExpr:
		switch name := nameOf(n); name {
		case "http.DefaultTransport", "http.DefaultClient", "http.Get", "http.Head", "http.Post", "http.PostForm":
			return name
		}
	}
	return ""
}

// nameOf returns the name of what another package has, such as http.Client.
func nameOf(n ast.Expr) string {
	s, ok := n.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	pkg, ok := s.X.(*ast.Ident)
	if !ok {
		return ""
	}
	return pkg.Name + "." + s.Sel.Name
}
