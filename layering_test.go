// Package wedatasync_test holds the tests of the house as a whole.
package wedatasync_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/wedatasync/wedatasync/"

// floors lists the packages from the ground up. A package may import what is on a
// floor below its own, and nothing beside or above it.
var floors = [][]string{
	{"internal/text", "internal/file", "internal/gitstore", "internal/wedatasim/tc3"},
	{"spec", "internal/usage", "internal/wedatasim", "internal/secret", "internal/transport", "internal/fault"},
	{"state", "internal/recording", "internal/apiclient", "internal/gitremote", "internal/gitrepo", "internal/speccache"},
	{"reconcile/calendar", "reconcile/pace", "reconcile/proof", "state/document", "state/statefile"},
	{"reconcile/approval"},
	{"reconcile/plan", "state/sqlstore/sqlrow"},
	{"reconcile/drift", "reconcile/follow", "reconcile/progress", "reconcile/queue", "reconcile/approval/listing"},
	{"reconcile", "internal/forge", "internal/specfiles"},
	{"internal/explain", "internal/release", "internal/weblink", "internal/report/jsondoc", "internal/serve/problem"},
	{"state/sqlstore", "internal/socket", "internal/source", "internal/wedata", "internal/report", "internal/notify"},
	{"internal/serve/access", "internal/serve/admission", "internal/serve/chart", "internal/serve/snapshot", "internal/serve/tasklist"},
	{"internal/serve/page", "internal/serve/metrics", "internal/serve/status"},
	{"internal/serve"},
	{"internal/config", "internal/output", "internal/servetest"},
	{"internal/parts"},
	{"internal/command"},
	{"internal/app"},
	{"internal/doctor"},
	{"cmd/wedatasync"},
}

// TestLayering holds the imports to one direction.
func TestLayering(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", "./...").Output()
	if err != nil {
		t.Fatalf("list packages: %v", err)
	}
	for dec := json.NewDecoder(strings.NewReader(string(out))); dec.More(); {
		var pkg struct {
			ImportPath string
			Imports    []string
		}
		if err := dec.Decode(&pkg); err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(pkg.ImportPath, module)
		for _, p := range pkg.Imports {
			imported, ours := strings.CutPrefix(p, module)
			if ours && floor(t, imported) >= floor(t, name) {
				t.Errorf("%s imports %s, which is not below it", name, imported)
			}
		}
	}
}

// floor returns where the package is. A part of a package is on the package's own
// floor less a half, unless floors names it: the package may import it.
func floor(t *testing.T, name string) int {
	t.Helper()
	if name == strings.TrimSuffix(module, "/") {
		return 2 * len(floors)
	}
	for part, less := name, 0; part != "."; part, less = path.Dir(part), 1 {
		for i, packages := range floors {
			if slices.Contains(packages, part) {
				return 2*i - less
			}
		}
	}
	t.Fatalf("package %s is on no floor of the house: add it to floors", name)
	return 0
}

// TestGitIsReadByUs keeps go-git to its types, the protocol and single deltas: a repository
// is opened, configured and stored by packages of ours.
func TestGitIsReadByUs(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...").Output()
	if err != nil {
		t.Fatalf("list packages: %v", err)
	}
	const gogit = "github.com/go-git/go-git/v5"
	used := false
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		for _, p := range words[1:] {
			used = used || strings.HasPrefix(p, gogit)
			if p == gogit || p == gogit+"/config" || strings.HasPrefix(p, gogit+"/storage") || strings.HasPrefix(p, gogit+"/plumbing/format/config") || strings.HasPrefix(p, gogit+"/plumbing/transport/") {
				t.Errorf("%s imports %s", words[0], p)
			}
		}
	}
	if !used {
		t.Error("nothing imports go-git: this test cannot fail")
	}
}

// TestDecisionsAreClosed keeps the driver of the database, git and the API out of
// the rooms that decide.
func TestDecisionsAreClosed(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", module+"reconcile").Output()
	if err != nil {
		t.Fatalf("list imports of reconcile: %v", err)
	}
	deps := strings.Fields(string(out))
	for _, closed := range []string{"modernc.org/sqlite", "database/sql", "net/http", "github.com/go-git/go-git/v5", "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common", "github.com/spf13/cobra", "github.com/fsnotify/fsnotify"} {
		if slices.Contains(deps, closed) {
			t.Errorf("reconcile imports %s", closed)
		}
	}
}

// TestWhatShowsTheDaemonIsClosed keeps the store, git and the API out of the rooms that
// show the daemon, and the network out of what they show.
func TestWhatShowsTheDaemonIsClosed(t *testing.T) {
	stores := []string{"modernc.org/sqlite", module + "state/sqlstore", "github.com/go-git/go-git/v5", "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common"}
	for room, closed := range map[string][]string{
		"internal/serve":          stores,
		"internal/serve/snapshot": append([]string{"database/sql", "net/http", "html/template"}, stores...),
		"internal/serve/tasklist": append([]string{"database/sql", "net/http"}, stores...),
	} {
		out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", module+room).Output()
		if err != nil {
			t.Fatalf("list imports of %s: %v", room, err)
		}
		deps := strings.Fields(string(out))
		for _, name := range closed {
			if slices.Contains(deps, name) {
				t.Errorf("%s imports %s", room, name)
			}
		}
	}
}

// TestPlansAreDecided holds packages plan, approval, calendar, follow and proof to functions over plain values: they import
// nothing that waits, locks, logs, reads or writes, and ask no clock and no chance.
func TestPlansAreDecided(t *testing.T) {
	allowed := []string{
		"cmp", "container/heap", "crypto/sha256", "encoding/hex", "errors", "fmt", "iter", "maps", "reflect", "slices", "strconv", "strings", "time",
		module + "internal/text", module + "reconcile/approval", module + "reconcile/calendar", module + "reconcile/plan", module + "reconcile/proof", module + "spec", module + "state",
	}
	var files []string
	for _, room := range []string{"reconcile/plan", "reconcile/approval", "reconcile/calendar", "reconcile/follow", "reconcile/proof"} {
		found, err := filepath.Glob(room + "/*.go")
		if err != nil || len(found) == 0 {
			t.Fatalf("the files of %s: %v, %v", room, found, err)
		}
		files = append(files, found...)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range file.Imports {
			if path, _ := strconv.Unquote(i.Path.Value); !slices.Contains(allowed, path) {
				t.Errorf("%s imports %s", name, path)
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt, *ast.ChanType, *ast.SelectStmt:
				t.Errorf("%s does something beside: %T", name, n)
			case *ast.SelectorExpr:
				pkg, ok := n.X.(*ast.Ident)
				asks := []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick"}
				if ok && pkg.Name == "time" && slices.Contains(asks, n.Sel.Name) {
					t.Errorf("%s asks the clock: time.%s", name, n.Sel.Name)
				}
			}
			return true
		})
	}
}
