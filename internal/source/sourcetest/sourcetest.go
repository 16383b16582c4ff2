// Package sourcetest has what the tests of all kinds of sources share: specs to write, and
// what a source says of them.
package sourcetest

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/wedatasync/wedatasync/internal/specfiles"
	"github.com/wedatasync/wedatasync/reconcile"
)

// Main runs the tests of a package. The laws are tried fewer times than rapid would, unless
// asked to by -long.
func Main(m *testing.M, long *bool) {
	flag.Parse()
	if checks := flag.Lookup("rapid.checks"); !*long && checks.Value.String() == checks.DefValue {
		if err := checks.Value.Set("25"); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// Sizes are the numbers of files to measure with.
func Sizes(long bool) []int {
	if long {
		return []int{1_000, 10_000, 100_000}
	}
	return []int{1_000, 10_000}
}

// Must ends the test at an error.
func Must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Spec is a spec file with one commit.
func Spec(task string, version int) string {
	return fmt.Sprintf("apiVersion: wedatasync/v1\ncommits:\n  - taskId: %s\n    projectId: \"1\"\n    commitType: start\n    instanceVersion: %d\n", task, version)
}

// Poll polls a source that can be read.
func Poll(t testing.TB, s reconcile.Source) *reconcile.Revision {
	t.Helper()
	rev, err := s.Poll(t.Context())
	Must(t, err)
	return rev
}

// Said returns what specs say: a line for each task, then one for each complaint.
func Said(rev *reconcile.Revision) string {
	var b strings.Builder
	for c := range rev.Specs.All() {
		fmt.Fprintf(&b, "%s v%d %s\n", c.TaskID, c.InstanceVersion, c.Pos.File)
	}
	for _, p := range rev.Specs.Problems() {
		fmt.Fprintf(&b, "%s %s %s\n", p.Severity, p.Code, p.File)
	}
	return b.String()
}

// WantSaid fails unless the specs say so.
func WantSaid(t testing.TB, rev *reconcile.Revision, lines ...string) {
	t.Helper()
	want := strings.Join(lines, "\n")
	if want != "" {
		want += "\n"
	}
	if got := Said(rev); got != want {
		t.Fatalf("the specs say\n%s\nwant\n%s", got, want)
	}
}

// Many is a file of so many commits that name tasks from first on.
func Many(first, n int) string {
	var b strings.Builder
	b.WriteString("apiVersion: wedatasync/v1\ndefaults: {projectId: p}\ncommits:\n")
	for i := range n {
		fmt.Fprintf(&b, "- {taskId: t%d, commitType: 0}\n", first+i)
	}
	return b.String()
}

// ManyFiles are n files of one commit each.
func ManyFiles(n, version int) map[string]string {
	files := make(map[string]string, n)
	for i := range n {
		files[fmt.Sprintf("in/%04d/%06d.yaml", i/100, i)] = Spec(fmt.Sprintf("t%06d", i), version)
	}
	return files
}

// LargeText is the text of a file that is not parsed again where it is as it was: a
// list of commits of which some differ from text to text, or have a line more.
func LargeText(t *rapid.T) string {
	var b strings.Builder
	b.WriteString("apiVersion: wedatasync/v1\ndefaults: {projectId: 3, commitType: start}\ncommits:\n")
	special := rapid.MapOfN(rapid.IntRange(0, 399), rapid.SampledFrom([]string{
		"instanceVersion: 2", "# two\n    instanceVersion: 2", "suspend: maybe", "taskType: 7", "versionDesc: |\n      two\n\n    instanceVersion: 2",
	}), 0, 3).Draw(t, "special")
	for i := range 400 {
		fmt.Fprintf(&b, "  - taskId: t%03d\n    eventDesc: %s\n", i, strings.Repeat("nightly ", 20))
		if line, ok := special[i]; ok {
			fmt.Fprintf(&b, "    %s\n", line)
		}
	}
	return b.String()
}

// Lookalikes are files that are no specs and look like some, or do not.
func Lookalikes() map[string]string {
	return map[string]string{
		"in/a.yaml":                  Spec("a", 1),
		"in/b.YAML":                  Spec("b", 1),
		"in/c.Yml":                   "jobs: {}",
		"in/.d.yaml":                 Spec("d", 1),
		"in/.drafts/e.yml":           Spec("e", 1),
		"in/.drafts/x/E.YAML":        Spec("f", 1),
		"in/.github/ci.yaml":         "jobs: {}\n# apiVersion: wedatasync/v1\n",
		"in/old/g.yaml":              Spec("g", 1),
		"in/old/.h.yaml":             Spec("h", 1),
		"in/old/i.yaml.bak":          Spec("i", 1),
		"in/old/k.yaml":              "{\"apiVersion\": \"wedatasync/v1\", \"commits\": []}",
		"in/old/large.yaml":          Spec("l", 1) + strings.Repeat("# nothing\n", specfiles.MaxUnreadSize/10),
		"in/old/late.yaml":           strings.Repeat("# nothing\n", (4<<10)/10+1) + Spec("m", 1),
		"in/old/binary.yaml":         "\x00\xff apiVersion: wedatasync/v1",
		"in/notes.txt":               Spec("n", 1),
		"in/" + specfiles.IgnoreFile: "old/\n!old/g.yaml\n",
		".hidden/elsewhere.yaml":     Spec("o", 1),
	}
}

// LookalikeWarnings is what a source says of them: nothing that a folder above is
// ignored for comes back by a pattern of its own, as in git.
var LookalikeWarnings = []string{
	"a v1 in/a.yaml",
	"warning not-read in/.d.yaml",
	"warning not-read in/.drafts/e.yml",
	"warning not-read in/.drafts/x/E.YAML",
	"warning not-read in/b.YAML",
	"warning not-read in/c.Yml",
	"warning not-read in/old/.h.yaml",
	"warning not-read in/old/g.yaml",
	"warning not-read in/old/k.yaml",
}
