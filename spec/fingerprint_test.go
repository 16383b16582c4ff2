package spec_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/wedatasync/wedatasync/spec"
)

func corpusFiles(t *testing.T) []*spec.File {
	var files []*spec.File
	for _, dir := range []string{"bad", "corpus"} {
		names, err := filepath.Glob(filepath.Join("testdata", dir, "*.yaml"))
		if err != nil || len(names) == 0 {
			t.Fatal("no corpus", err)
		}
		for _, name := range names {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, spec.Parse(name, data))
		}
	}
	return files
}

// A parser that reads something new must not be taken for one that does not: the corpus
// has each field of a file.
func TestFingerprint_everyField(t *testing.T) {
	unset := map[string]bool{}
	var look func(name string, v reflect.Value)
	look = func(name string, v reflect.Value) {
		switch v.Kind() {
		case reflect.Pointer:
			look(name, v.Elem())
		case reflect.Slice:
			for i := range v.Len() {
				look(name, v.Index(i))
			}
		case reflect.Struct:
			for field, value := range v.Fields() {
				look(name+"."+field.Name, value)
			}
			return
		}
		if seen, ok := unset[name]; !ok || seen {
			unset[name] = v.IsZero()
		}
	}
	for _, f := range corpusFiles(t) {
		look("File", reflect.ValueOf(f))
	}
	for _, name := range []string{"File.Mark", "File.Problems.More"} { // which Parse does not set
		if !unset[name] {
			t.Errorf("%s is set", name)
		}
		delete(unset, name)
	}
	for name, missing := range unset {
		if missing {
			t.Errorf("no file of the corpus has %s", name)
		}
	}
}

// The corpus makes each mistake that Parse finds, but for files of more than 4 MiB.
func TestFingerprint_everyComplaint(t *testing.T) {
	made := map[string]bool{
		"file-too-large": true,
		"duplicate-task": true, "unknown-dependency": true, // which a Set finds
	}
	for _, f := range corpusFiles(t) {
		for _, p := range f.Problems {
			made[p.Code] = true
		}
	}
	for _, code := range codes(t) {
		if !made[code] {
			t.Errorf("no file of the corpus is complained about as %s", code)
		}
	}
}

// codes lists the texts in the package's calls that report a complaint.
func codes(t *testing.T) (all []string) {
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	reports := []string{"errorf", "warnf", "errorAt", "problemf", "bad"}
	for _, name := range sources {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || !slices.Contains(reports, called(call)) {
				return true
			}
			for _, arg := range call.Args {
				if lit, ok := arg.(*ast.BasicLit); ok && lit.Kind == token.STRING {
					code, err := strconv.Unquote(lit.Value)
					if err != nil {
						t.Fatal(err)
					}
					if !strings.Contains(code, "%") { // else the code is a variable
						all = append(all, code)
					}
					break
				}
			}
			return true
		})
	}
	if len(all) < 30 {
		t.Fatalf("found only %q", all)
	}
	return all
}

func called(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return ""
}

func TestFingerprint(t *testing.T) {
	if d, err := spec.Fingerprint(); err != nil || d.IsZero() {
		t.Errorf("the fingerprint is %q, %v", d, err)
	}
}
