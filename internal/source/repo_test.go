package source

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wedatasync/wedatasync/internal/gitstore/gittest"
	"github.com/wedatasync/wedatasync/reconcile"
)

var long = flag.Bool("long", false, "run the longest tests and benchmarks")

// TestMain makes the laws be tried fewer times than rapid would, unless asked to.
func TestMain(m *testing.M) {
	flag.Parse()
	if checks := flag.Lookup("rapid.checks"); !*long && checks.Value.String() == checks.DefValue {
		if err := checks.Value.Set("25"); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// repo is a repository that tests push to, and open as a source.
type repo struct{ *gittest.Repo }

func newRepo(t testing.TB) *repo {
	t.Helper()
	return &repo{gittest.New(t)}
}

// open opens a source that is closed with the test.
func (r *repo) open(c GitConfig) *Git {
	r.T.Helper()
	if c.URL == "" {
		c.URL = r.Dir
	}
	if c.Mirror == "" {
		c.Mirror = filepath.Join(r.T.TempDir(), "mirror.git")
	}
	g, err := OpenGit(c)
	must(r.T, err)
	r.T.Cleanup(func() { must(r.T, g.Close()) })
	return g
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// specOf is a spec file with one commit.
func specOf(task string, version int) string {
	return fmt.Sprintf("apiVersion: wedatasync/v1\ncommits:\n  - taskId: %s\n    projectId: \"1\"\n    commitType: start\n    instanceVersion: %d\n", task, version)
}

func poll(t testing.TB, s reconcile.Source) *reconcile.Revision {
	t.Helper()
	rev, err := s.Poll(t.Context())
	must(t, err)
	return rev
}

// said returns what specs say: a line for each task, then one for each complaint.
func said(rev *reconcile.Revision) string {
	var b strings.Builder
	for c := range rev.Specs.All() {
		fmt.Fprintf(&b, "%s v%d %s\n", c.TaskID, c.InstanceVersion, c.Pos.File)
	}
	for _, p := range rev.Specs.Problems() {
		fmt.Fprintf(&b, "%s %s %s\n", p.Severity, p.Code, p.File)
	}
	return b.String()
}

// wantSaid fails unless the specs say so.
func wantSaid(t testing.TB, rev *reconcile.Revision, lines ...string) {
	t.Helper()
	want := strings.Join(lines, "\n")
	if want != "" {
		want += "\n"
	}
	if got := said(rev); got != want {
		t.Fatalf("the specs say\n%s\nwant\n%s", got, want)
	}
}
