package main

import (
	"bytes"
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"text/tabwriter"
)

// A rule bounds one of the sizes of a package. All but the last are of its code
// without tests.
type rule int

const (
	lines    rule = iota // all of its lines
	files                // its files
	methods              // files that the methods of its most scattered type are in
	function             // lines of its longest function
	file                 // lines of its longest file
	test                 // lines of its longest test file
	rules
)

var names = [rules]string{"lines", "files", "type's files", "function", "file", "test file"}

// most is what a reader can hold.
var most = [rules]int{lines: 3000, files: 16, methods: 3, function: 65, file: 400, test: 500}

// A size is how large something is, and what it is, where several are compared.
type size struct {
	n    int
	what string
}

func (s *size) raise(n int, what string) {
	if n > s.n {
		*s = size{n, what}
	}
}

func (s size) String() string {
	if s.what == "" {
		return fmt.Sprint(s.n)
	}
	return fmt.Sprintf("%d %s", s.n, s.what)
}

// A pkg is a folder of Go files and its sizes.
type pkg struct {
	path  string
	sizes [rules]size
	tests int                        // lines of all tests
	types map[string]map[string]bool // the files that methods of each type are in
}

// measure reads all Go files below a folder, those of other modules, too.
func measure(fsys fs.FS) ([]*pkg, error) {
	packages := map[string]*pkg{}
	err := fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return skipped(name)
		}
		if path.Ext(name) != ".go" {
			return nil
		}
		dir := path.Dir(name)
		if packages[dir] == nil {
			packages[dir] = &pkg{path: dir, types: map[string]map[string]bool{}}
		}
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		return packages[dir].add(path.Base(name), text)
	})
	return slices.SortedFunc(maps.Values(packages), func(a, b *pkg) int { return cmp.Compare(a.path, b.path) }), err
}

// skipped leaves out what is not in git, what git keeps, and data of tests.
func skipped(dir string) error {
	base := path.Base(dir)
	hidden := strings.HasPrefix(base, ".") && dir != "." && dir != ".ci"
	if hidden || base == "dist" || base == "testdata" || base == "node_modules" {
		return fs.SkipDir
	}
	return nil
}

func (p *pkg) add(name string, text []byte) error {
	n := bytes.Count(text, []byte("\n"))
	if strings.HasSuffix(name, "_test.go") {
		p.tests += n
		p.sizes[test].raise(n, name)
		return nil
	}
	p.sizes[lines].n += n
	p.sizes[files].n++
	p.sizes[file].raise(n, name)
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, name, text, parser.SkipObjectResolution)
	if err != nil {
		return fmt.Errorf("%s: %w", p.path, err)
	}
	for _, decl := range parsed.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok {
			continue
		}
		p.sizes[function].raise(set.Position(f.End()).Line-set.Position(f.Pos()).Line+1, f.Name.Name)
		if f.Recv == nil {
			continue
		}
		receiver := receiverOf(f)
		if p.types[receiver] == nil {
			p.types[receiver] = map[string]bool{}
		}
		p.types[receiver][name] = true
		p.sizes[methods].raise(len(p.types[receiver]), receiver)
	}
	return nil
}

// receiverOf returns the name of the type that a method belongs to.
func receiverOf(f *ast.FuncDecl) string {
	of := f.Recv.List[0].Type
	for {
		switch t := of.(type) {
		case *ast.Ident:
			return t.Name
		case *ast.StarExpr:
			of = t.X
		case *ast.IndexExpr: // one type parameter
			of = t.X
		case *ast.IndexListExpr:
			of = t.X
		default:
			return "?"
		}
	}
}

// judge returns what exceeds a rule.
func judge(packages []*pkg) []string {
	var breaches []string
	for _, p := range packages {
		for r, s := range p.sizes {
			if s.n > most[r] {
				breaches = append(breaches, fmt.Sprintf("%s: %s: %v, and %d is the most", p.path, names[r], s, most[r]))
			}
		}
	}
	return breaches
}

func printTable(w io.Writer, packages []*pkg) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	defer tw.Flush()
	fmt.Fprintln(tw, "package\t"+strings.Join(names[:], "\t"))
	total, tests := [rules]size{}, 0
	for _, p := range packages {
		printRow(tw, p.path, p.sizes)
		tests += p.tests
		for r, s := range p.sizes {
			if rule(r) == lines || rule(r) == files {
				total[r].n += s.n
			} else {
				total[r].raise(s.n, s.what)
			}
		}
	}
	printRow(tw, "all", total)
	fmt.Fprintf(tw, "%d packages, and %d lines of tests\n", len(packages), tests)
}

// printRow marks with ! what exceeds a rule.
func printRow(w io.Writer, name string, sizes [rules]size) {
	fmt.Fprint(w, name)
	for r, s := range sizes {
		mark := ""
		if name != "all" && s.n > most[r] {
			mark = "!"
		}
		fmt.Fprintf(w, "\t%v%s", s, mark)
	}
	fmt.Fprintln(w)
}
