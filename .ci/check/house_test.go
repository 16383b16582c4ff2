package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// code returns a file of so many lines.
func code(lines int, text string) *fstest.MapFile {
	text = "package p\n" + text
	return &fstest.MapFile{Data: []byte(text + strings.Repeat("\n", lines-strings.Count(text, "\n")))}
}

// functionOf returns a function of so many lines.
func functionOf(lines int) string {
	return "func F() {\n" + strings.Repeat("\n", lines-2) + "}\n"
}

// packageOf returns n files of so many lines, each with a method of T where it is said.
func packageOf(n, lines int, method bool) fstest.MapFS {
	all := fstest.MapFS{}
	for i := range n {
		text := ""
		if method {
			text = fmt.Sprintf("func (t *T[K]) M%d() {}\n", i)
		}
		all[fmt.Sprintf("p/f%d.go", i)] = code(lines, text)
	}
	return all
}

// TestEachBreachIsFound: what is at a limit is fine, and what is over it is not.
func TestEachBreachIsFound(t *testing.T) {
	for _, tt := range []struct {
		rule       rule
		fine, over fstest.MapFS
	}{
		{lines, packageOf(10, 300, false), packageOf(10, 301, false)},
		{files, packageOf(16, 9, false), packageOf(17, 9, false)},
		{methods, packageOf(3, 9, true), packageOf(4, 9, true)},
		{function, fstest.MapFS{"p/f.go": code(90, functionOf(65))}, fstest.MapFS{"p/f.go": code(90, functionOf(66))}},
		{file, packageOf(1, 400, false), packageOf(1, 401, false)},
		{test, fstest.MapFS{"p/f_test.go": code(500, "")}, fstest.MapFS{"p/f_test.go": code(501, "")}},
	} {
		t.Run(names[tt.rule], func(t *testing.T) {
			if got := breachesIn(t, tt.fine); len(got) > 0 {
				t.Errorf("at the limit: %q", got)
			}
			got := breachesIn(t, tt.over)
			if len(got) != 1 || !strings.HasPrefix(got[0], "p: "+names[tt.rule]+": ") {
				t.Errorf("over it: %q", got)
			}
		})
	}
}

func TestWhatIsMeasured(t *testing.T) {
	long := code(401, "")
	got := breachesIn(t, fstest.MapFS{
		"x.go": long, "a/x.go": long, ".ci/x/x.go": long, // measured
		".git/x.go": long, "dist/x.go": long, "a/testdata/x.go": long, "browser/node_modules/x.go": long, "a/x.txt": long,
	})
	for i, b := range got {
		got[i], _, _ = strings.Cut(b, ":")
	}
	if want := []string{".", ".ci/x", "a"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTable(t *testing.T) {
	packages, err := measure(fstest.MapFS{
		"a/a.go":      code(420, "type T int\n\nfunc (T) M() {\n}\n"),
		"b/b.go":      code(9, "func F() {}\n"),
		"b/b_test.go": code(30, ""),
	})
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	printTable(&out, packages)
	want := `package  lines  files  type's files  function  file       test file
a        420    1      1 T           2 M       420 a.go!  0
b        9      1      0             1 F       9 b.go     30 b_test.go
all      429    2      1 T           2 M       420 a.go   30 b_test.go
2 packages, and 30 lines of tests
`
	if out.String() != want {
		t.Errorf("got:\n%s", &out)
	}
}

func breachesIn(t *testing.T, fsys fstest.MapFS) []string {
	t.Helper()
	packages, err := measure(fsys)
	if err != nil {
		t.Fatal(err)
	}
	return judge(packages)
}
