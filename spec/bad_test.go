package spec_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf16"

	"github.com/wedatasync/wedatasync/spec"
)

// What any file may cost before it is refused.
const (
	maxTime   = 100 * time.Millisecond * slowdown
	maxAlloc  = 16 << 20 // bytes
	maxReport = 512      // bytes of a complaint
)

// bad is a file with one fault.
type bad struct {
	name string
	data []byte
	code string // of the first complaint, if it is not in a golden file
}

// Every file of testdata/bad has one fault, which its name says. The complaint
// beside it is the promise of what the user reads.
func TestBadFilesSayWhatIsWrong(t *testing.T) {
	for _, b := range badFiles(t) {
		t.Run(strings.TrimSuffix(b.name, ".yaml"), func(t *testing.T) {
			f := spec.Parse(b.name, b.data)
			golden(t, filepath.Join("testdata", "bad", strings.TrimSuffix(b.name, ".yaml")+".want"), describe(f))
		})
	}
}

// describe writes down all that Parse found.
func describe(f *spec.File) string {
	var b strings.Builder
	for _, p := range f.Problems {
		fmt.Fprintf(&b, "%s\n    [%s %s]\n", p, p.Severity, p.Code)
	}
	for _, c := range f.Commits {
		fmt.Fprintf(&b, "usable: %s\n", c.Key)
	}
	for _, k := range f.Broken {
		fmt.Fprintf(&b, "broken: %s\n", k.Key)
	}
	if f.Unread {
		b.WriteString("unread\n")
	}
	return b.String()
}

func badFiles(t testing.TB) []bad {
	names, err := filepath.Glob(filepath.Join("testdata", "bad", "*.yaml"))
	if err != nil || len(names) == 0 {
		t.Fatal("no testdata/bad", err)
	}
	var files []bad
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, bad{name: filepath.Base(name), data: data})
	}
	return files
}

// generated are the bad files that are too large, or no text, to lie in testdata.
func generated() []bad {
	var all []bad
	add := func(code, name, data string) { all = append(all, bad{name + ".yaml", []byte(data), code}) }
	commit := func(field string) string {
		return head + "commits:\n- {taskId: bad, projectId: 1, commitType: start, " + field + "}\n"
	}
	good := commit("versionDesc: v1")

	// Bytes that are no text.
	add("not-utf8", "utf16-little-endian", utf16Text(binary.LittleEndian, "\ufeff"+good))
	add("not-utf8", "utf16-big-endian", utf16Text(binary.BigEndian, "\ufeff"+good))
	add("control-character", "utf16-without-mark", utf16Text(binary.LittleEndian, good))
	add("not-utf8", "latin-1", head+"# caf\xe9\n")
	add("not-utf8", "half-a-character", head+"# \xe4\xbd")
	add("not-utf8", "surrogate", head+"# \xed\xa0\x80\n")
	add("not-utf8", "overlong", head+"# \xc0\xaf\n")
	add("control-character", "nul", head+"commits: []\x00\n")
	add("control-character", "binary", "\x7fELF\x02\x01\x01\x00\x00\x00")
	add("control-character", "gzip", "\x1f\x8b\x08\x00\x00")
	add("control-character", "escape", head+"# \x1b[31m\n")
	add("control-character", "delete", head+"# \x7f\n")
	add("control-character", "c1", head+"# \u009b31m\n")
	add("control-character", "next-line", head+"# a\u0085commits: []\n")
	add("control-character", "line-separator", head+"# a\u2028commits: []\n")
	add("control-character", "paragraph-separator", head+"# a\u2029commits: []\n")
	add("control-character", "form-feed", head+"\fcommits: []\n")
	add("control-character", "mark-inside", head+"\ufeffcommits: []\n")
	add("control-character", "noncharacter", head+"# \uffff\n")
	add("control-character", "carriage-returns-only", strings.ReplaceAll(good, "\n", "\r"))
	add("control-character", "carriage-return-at-end", "\"\r")
	add("control-character", "carriage-return-inside", head+"# a\rcommits: []\n")
	for _, r := range "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069" {
		add("bidi-control", fmt.Sprintf("bidi-%U", r), head+"# "+string(r)+"\n")
	}

	// Sizes.
	add("file-too-large", "too-large", strings.Repeat("#", spec.MaxFileSize+1))
	add("file-too-large", "much-too-large", strings.Repeat(good, 1<<17))
	add("too-many-keys", "keys-201", head+"commits:\n- {"+numbered("k%d: 1, ", 201)+"}\n")
	add("duplicate-key", "keys-repeated-200", head+"commits:\n- {"+strings.Repeat("a: 1, ", 200)+"}\n")
	add("too-many-values", "keys-repeated-8KB", head+"commits: [{"+strings.Repeat("a,", 4<<10)+"}]\n")
	add("too-many-values", "keys-repeated-40KB", head+"commits: [{"+strings.Repeat("a,", 20<<10)+"}]\n")
	add("too-many-keys", "keys-repeated-40KB-longer", head+"commits: [{"+strings.Repeat("aaa, ", 8<<10)+"}]\n")
	add("too-many-keys", "keys-unique-64KB", head+"commits: [{"+numbered("k%d: 1, ", 6000)+"}]\n")
	add("too-many-keys", "keys-unique-100KB", head+"commits: [{"+numbered("k%d,", 15_000)+"}]\n")
	add("too-many-keys", "top-keys-201", head+numbered("k%d: 1\n", 201))
	add("too-many-keys", "ext-201", commit("extConfig: {"+numbered("k%d: 1, ", 201)+"}"))
	add("too-many-entries", "ext-list-201", commit("extConfig: ["+numbered("{name: k%d, value: 1}, ", 201)+"]"))
	add("too-many-entries", "depends-201", commit("dependsOn: ["+numbered("t%d, ", 201)+"]"))
	add("too-many-values", "commas-64KB", head+"commits: ["+strings.Repeat("a,", 32<<10)+"]\n")
	add("too-many-values", "commas-4MB", head+"commits: ["+strings.Repeat(",", 4<<20-100)+"]\n")
	add("too-many-values", "dashes-64KB", head+"commits:\n"+strings.Repeat("-\n", 32<<10))
	add("too-many-values", "brackets-64KB", head+"commits: "+strings.Repeat("[", 64<<10))
	add("too-many-values", "braces-4MB", head+"commits: "+strings.Repeat("{", 4<<20-100))
	add("empty-document", "documents-16000", strings.Repeat("---\n", 16<<10))
	add("empty-document", "documents-1000000", strings.Repeat("---\n", 1<<20))

	// Depth.
	for _, depth := range []int{16, 17, 100, 300} {
		add("wrong-type", fmt.Sprintf("brackets-%d", depth), head+"commits: {a: "+strings.Repeat("[", depth)+strings.Repeat("]", depth)+"}\n")
	}
	add("nesting", "brackets-17-in-a-commit", commit("extConfig: "+strings.Repeat("[", 17)+strings.Repeat("]", 17)))
	add("nesting", "braces-20-in-a-commit", commit("extConfig: "+strings.Repeat("{a: ", 20)+"b"+strings.Repeat("}", 20)))
	add("nesting", "indented-50", commit("versionDesc: v1")+"- extConfig:\n"+indented(50))
	add("nesting", "brackets-11000", head+"commits:\n"+strings.Repeat("# filler\n", 9000)+"- "+strings.Repeat("[", 11_000))
	add("nesting", "dashes-11000", head+"commits:\n"+strings.Repeat("# filler\n", 9000)+"  "+strings.Repeat("- ", 11_000))

	// Values that cost more to read than to write.
	add("anchor", "alias-bomb", head+"commits:\n"+aliasBomb(9))
	add("anchor", "alias-to-itself", head+"commits: &a [*a]\n")
	add("anchor", "anchors-1000", head+"commits:\n"+numbered("- &a%d x\n", 1000))
	add("directive", "tag-directives-64KB", numbered("%%TAG !%d! t\n", 4000)+"---\n"+good)
	add("bad-number", "number-64KB", commit("instanceVersion: "+strings.Repeat("9", 64<<10)))
	add("bad-number", "number-of-underscores-64KB", commit("instanceVersion: 1"+strings.Repeat("_", 64<<10)))
	add("bad-number", "number-of-exponents", commit("instanceVersion: 1e999999999"))
	add("bad-commit-type", "commit-type-64KB", head+"commits: [{taskId: a, projectId: 1, commitType: "+strings.Repeat("s", 64<<10)+"}]")
	add("text-too-long", "text-200KB", commit("versionDesc: "+strings.Repeat("long ", 40<<10)))
	add("text-too-long", "text-4097-characters", commit("versionDesc: "+strings.Repeat("é", 4096)+"x"))
	add("bad-id", "id-256KB", commit("rerun: a")+"- {taskId: "+strings.Repeat("x", 256<<10)+", projectId: 1, commitType: 1}\n")
	add("unknown-key", "unknown-keys-200", head+"commits: [{"+numbered("instanceVersio%d: 1, ", 200)+"}]\n")
	add("syntax", "key-64KB", head+strings.Repeat("k", 64<<10)+": 1\n")
	add("syntax", "quote-64KB", head+"commits: \""+strings.Repeat("a\n ", 21<<10))
	add("no-document", "comments-64KB", strings.Repeat("#\n", 32<<10))
	add("missing-key", "comments-after-head-64KB", head+strings.Repeat("#\n", 32<<10))
	add("wrong-type", "comments-between-items-60KB", head+"commits:\n"+strings.Repeat("# a\n- b\n", 7<<10))
	add("no-document", "newlines-256KB", strings.Repeat("\n", 256<<10))
	add("no-document", "spaces-256KB", strings.Repeat(" ", 256<<10))
	add("no-document", "mark-only", "\ufeff")
	return all
}

func numbered(format string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

func indented(depth int) string {
	var b strings.Builder
	for i := range depth {
		fmt.Fprintf(&b, "%*sa:\n", i+4, "")
	}
	return b.String()
}

// aliasBomb is a list whose last entry would be 9^n values.
func aliasBomb(n int) string {
	var b strings.Builder
	b.WriteString("- &a0 x\n")
	for i := range n {
		fmt.Fprintf(&b, "- &a%d [%s*a%d]\n", i+1, strings.Repeat(fmt.Sprintf("*a%d,", i), 8), i)
	}
	return b.String()
}

func utf16Text(order binary.ByteOrder, s string) string {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = append(b, 0, 0)
		order.PutUint16(b[len(b)-2:], u)
	}
	return string(b)
}

// A bad file is refused at little cost, in few words, with a place in the file,
// and does not stop the good file beside it.
func TestBadFilesAreCheapAndHarmless(t *testing.T) {
	all := append(generated(), badFiles(t)...)
	if len(all) < 150 {
		t.Errorf("only %d bad files", len(all))
	}
	good := []byte(head + "commits:\n- {taskId: neighbour, projectId: 1, commitType: start, instanceVersion: 3}\n")
	for _, b := range all {
		t.Run(b.name, func(t *testing.T) {
			var f *spec.File
			elapsed, allocated := cost(func() { f = spec.Parse(b.name, b.data) })
			if elapsed > maxTime || allocated > maxAlloc {
				t.Errorf("took %v and allocated %d KiB", elapsed, allocated>>10)
			}
			checkProblems(t, f, b.data)
			if f.Problems.Errors() == 0 || b.code != "" && f.Problems[0].Code != b.code {
				t.Errorf("want an error %s, got:\n%s", b.code, describe(f))
			}
			set := spec.NewSet()
			set.Put(spec.Parse("neighbour.yaml", good))
			set.Put(f)
			if c := set.Get(key("1", "neighbour")); c == nil || c.InstanceVersion != 3 {
				t.Errorf("the good file beside it is not used:\n%v", set.Problems())
			}
		})
	}
}

// cost returns what f took and allocated, at the least: other things run on the
// machine, too.
func cost(f func()) (elapsed time.Duration, allocated uint64) {
	elapsed, allocated = 1<<62, 1<<62
	for range 10 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		f()
		elapsed = min(elapsed, time.Since(start))
		runtime.ReadMemStats(&after)
		allocated = min(allocated, after.TotalAlloc-before.TotalAlloc)
		if elapsed <= maxTime && allocated <= maxAlloc {
			break
		}
	}
	return elapsed, allocated
}

// checkProblems checks what holds for the complaints about any file.
func checkProblems(t testing.TB, f *spec.File, data []byte) {
	t.Helper()
	lines := 1 + strings.Count(string(data), "\n")
	for _, p := range f.Problems {
		s := p.String()
		switch {
		case len(s) > maxReport || len(p.Message) > maxReport:
			t.Errorf("%d bytes of complaint: %s", len(s), s)
		case strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }):
			t.Errorf("unprintable: %q", s)
		case p.File != f.Name || p.Line < 1 || p.Line > lines || p.Column < 1:
			t.Errorf("no place of the file: %s", s)
		case p.Message == "" || p.Code == "" || strings.Trim(p.Code, "abcdefghijklmnopqrstuvwxyz0123456789-") != "":
			t.Errorf("no message or code: %+v", p)
		case p.Severity != spec.SeverityError && p.Severity != spec.SeverityWarning:
			t.Errorf("no severity: %+v", p)
		}
	}
}
