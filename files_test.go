package wedatasync_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// opened lists the files of the product that open files themselves, and why: all that
// people name goes through package internal/file.
var opened = map[string]string{
	"cmd/wedatasync/simulate.go":      "the ledger is written, never read",
	"internal/doctor/record.go":       "a recording is written to a new file, never read",
	"internal/file/file.go":           "it is the reader",
	"internal/gitstore/alternates.go": "the object directories that a checkout names, in its .git",
	"internal/gitstore/index.go":      "an index of a pack, in the mirror",
	"internal/gitstore/pack.go":       "a pack, in the mirror or the .git of a checkout",
	"internal/gitstore/store.go":      "an object, in the mirror or the .git of a checkout",
	"internal/servetest/daemon.go":    "a state that a test has made",
	"internal/source/mirror.go":       "the mirror is the daemon's",
	"internal/speccache/cache.go":     "parsed specs, in the mirror",
	"state/statefile/files.go":        "the state is the daemon's; 4 KiB of its lock file are read",
	"state/statefile/head.go":         "the state is the daemon's; 256 bytes are read",
}

// TestNamedFiles finds code that opens a file by name and is not on the list.
func TestNamedFiles(t *testing.T) {
	var found []string
	for _, top := range []string{"cmd", "internal", "reconcile", "spec", "state"} {
		err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			if err != nil {
				return err
			}
			if opens(f) {
				found = append(found, filepath.ToSlash(path))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range found {
		if opened[path] == "" {
			t.Errorf("%s opens a file: if a person names it, use package internal/file; else say here why not", path)
		}
	}
	for path := range opened {
		if !slices.Contains(found, path) {
			t.Errorf("%s opens no file: take it off the list", path)
		}
	}
}

// opens reports whether the code calls what opens a file by its name alone.
func opens(f *ast.File) bool {
	found := false
	ast.Inspect(f, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		of, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		pkg, ok := of.X.(*ast.Ident)
		found = found || ok && pkg.Name == "os" && slices.Contains([]string{"ReadFile", "Open", "OpenFile"}, of.Sel.Name)
		return true
	})
	return found
}

// TestArchitecture: the journeys of ARCHITECTURE.md name files that are there.
func TestArchitecture(t *testing.T) {
	text, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile(`(?m)^\| ([a-z][a-z/]*/[a-z]+\.go)((?:, [a-z]+\.go)*) \|`).FindAllSubmatch(text, -1)
	if len(rows) < 30 {
		t.Errorf("%d rows of files, want at least 30", len(rows))
	}
	for _, row := range rows {
		names := append([]string{path.Base(string(row[1]))}, strings.FieldsFunc(string(row[2]), func(r rune) bool { return r == ',' || r == ' ' })...)
		for _, name := range names {
			file := path.Join(path.Dir(string(row[1])), name)
			if _, err := os.Stat(file); err != nil {
				t.Errorf("ARCHITECTURE.md: %v", err)
			}
		}
	}
}
