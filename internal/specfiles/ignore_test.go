package specfiles

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/wedatasync/wedatasync/internal/gitstore/gittest"
)

// besides are stars beside other text: git before 2.40 takes them for "**" now and then,
// by where its memory is.
var besides = regexp.MustCompile(`[^/\n\r!]\*\*|\*\*[^/\n\r]`)

// TestIgnores_AsGit compares the patterns with git's, over a tree of odd names.
func TestIgnores_AsGit(t *testing.T) {
	r := gittest.New(t)
	names := []string{"a", "b", "ab", "a.b", "a b", "a ", "*", "[a]", `\a`, "-", "é", "A9_"}
	var paths []string
	for _, x := range names {
		for _, y := range names[:6] {
			for _, z := range []string{"a", "b.a", "aab"} {
				paths = append(paths, x+"/"+y+"/"+z)
			}
			paths = append(paths, x+"/"+y+".yaml")
		}
		paths = append(paths, "x."+x)
	}
	files := map[string]string{}
	for _, p := range paths {
		files[p] = "x"
	}
	r.Write(files)
	var all []string // folders, too
	for _, p := range paths {
		for ; p != "."; p = filepath.ToSlash(filepath.Dir(p)) {
			all = append(all, p)
		}
	}
	slices.Sort(all)
	all = slices.Compact(all)
	parts := []string{
		"a", "b", "*", "**", "/", "/", "?", "[ab]", "[!a]", "[^b]", "[a-c]", "[a-]", "[]a]", "[[:alpha:]]", "[[:digit:][:punct:]]", "[[:a]",
		"!", "#", " ", `\ `, `\a`, `\*`, `\!`, `\\`, ".", "-", "a/**/b", "**/", "/**", "***", "é", "x", "yaml",
	}
	rapid.Check(t, func(rt *rapid.T) {
		var lines []string
		for range rapid.IntRange(1, 4).Draw(rt, "lines") {
			lines = append(lines, strings.Join(rapid.SliceOfN(rapid.SampledFrom(parts), 1, 6).Draw(rt, "line"), ""))
		}
		text := strings.Join(lines, rapid.SampledFrom([]string{"\n", "\r\n"}).Draw(rt, "end")) + "\n"
		rules, err := ParseRules([]byte(text))
		if err != nil || besides.MatchString(text) {
			rt.Skip("git takes it for a pattern that fits nothing")
		}
		gittest.Must(t, os.WriteFile(filepath.Join(r.Work, ".gitignore"), []byte(text), 0o600))
		out := r.Feed(r.Work, strings.Join(all, "\x00")+"\x00", "-c", "core.quotePath=false", "-c", "alias.check=!git check-ignore --no-index -z --stdin || true", "check")
		var want []string
		for p := range strings.SplitSeq(out, "\x00") {
			if p != "" {
				want = append(want, p)
			}
		}
		var got []string
		for _, p := range all {
			info, err := os.Stat(filepath.Join(r.Work, p))
			gittest.Must(t, err)
			if ignoredBelow(rules.ignore, p, info) {
				got = append(got, p)
			}
		}
		slices.Sort(want)
		if !slices.Equal(got, want) {
			rt.Fatalf("of %q are ignored\n%q; git says\n%q", text, without(got, want), without(want, got))
		}
	})
}

// without returns what of the one list is not in the other.
func without(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return slices.Contains(b, s) })
}

// ignoredBelow reports whether the path, or a folder that it is in, is ignored.
func ignoredBelow(ps ignores, p string, info fs.FileInfo) bool {
	parts := strings.Split(p, "/")
	for i := range parts {
		if ok, _ := ps.match(parts[:i+1], i+1 < len(parts) || info.IsDir()); ok {
			return true
		}
	}
	return false
}

// What is no pattern to git hides nothing, and whoever wrote it thinks that it does.
func TestRulesThatAreNone(t *testing.T) {
	for _, text := range []string{"[a", `a\`, "[[:what:]]", "a[b/c]d", "ok\n[z-"} {
		if _, err := ParseRules([]byte(text)); !errors.Is(err, ErrIgnoreFile) {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, text := range []string{"", "\n\n", "# only words [", "!", "/", "   ", "\ufeff# a"} {
		if r, err := ParseRules([]byte(text)); err != nil || len(r.ignore) > 0 {
			t.Errorf("%q: %v, %v", text, r, err)
		}
	}
}

// Whatever is written into an ignore file, a name costs no more steps than the product of
// their lengths.
func FuzzIgnores(f *testing.F) {
	f.Add(strings.Repeat("*a*a*a*a*b\n", 100), strings.Repeat("a", 200))
	f.Add("**/a/**/b/**/[!c-e]*\n!x/**\n/[[:alpha:]]?/\n", "a/b/c/a/b")
	f.Add("a/**/**/**/b\n**a**/**\n", "a/a/a/a/a/a/a/b")
	f.Fuzz(func(t *testing.T, text, name string) {
		rules, err := ParseRules([]byte(text))
		if err != nil || name == "" {
			return
		}
		for _, folder := range []bool{false, true} {
			_, steps := rules.ignore.match(strings.Split(name, "/"), folder)
			if most := (len(text) + 2) * (len(name) + 2); steps > most {
				t.Errorf("%q and %q took %d steps, more than %d", text, name, steps, most)
			}
		}
	})
}

// Whatever a name holds, it is shown as text.
func FuzzShown(f *testing.F) {
	f.Add("a\nb.yaml")
	f.Add(strings.Repeat("\xff", 200))
	f.Fuzz(func(t *testing.T, name string) {
		if said := Shown(name); name != "" && !presentable(said) {
			t.Errorf("%q is shown as %q", name, said)
		}
	})
}
