package source

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

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

// repo is a bare repository that tests push to with the git command.
type repo struct {
	t    testing.TB
	dir  string // bare
	work string // a checkout of it
	now  time.Time
}

func newRepo(t testing.TB) *repo {
	t.Helper()
	top := t.TempDir()
	r := &repo{t: t, dir: filepath.Join(top, "origin.git"), work: filepath.Join(top, "work"), now: time.Unix(1_700_000_000, 0)}
	r.run(top, "init", "-q", "--bare", "-b", "main", r.dir)
	r.run(top, "init", "-q", "-b", "main", r.work)
	r.git("remote", "add", "origin", r.dir)
	return r
}

// git runs a git command in the checkout, and returns what it says.
func (r *repo) git(args ...string) string { r.t.Helper(); return r.run(r.work, args...) }

// bare runs a git command in the bare repository.
func (r *repo) bare(args ...string) string { r.t.Helper(); return r.run(r.dir, args...) }

func (r *repo) run(dir string, args ...string) string {
	r.t.Helper()
	return r.feed(dir, "", args...)
}

// feed runs a git command with input.
func (r *repo) feed(dir, input string, args ...string) string {
	r.t.Helper()
	cmd := exec.CommandContext(r.t.Context(), "git", args...)
	cmd.Dir = dir
	cmd.Env = gitEnv(r.now)
	cmd.Stdin = strings.NewReader(input)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		r.t.Fatalf("git %s: %v: %s", strings.Join(args, " "), err, &stderr)
	}
	return strings.TrimSpace(string(out))
}

// gitEnv keeps the machine's configuration away from the git command.
func gitEnv(now time.Time) []string {
	date := fmt.Sprintf("%d +0000", now.Unix())
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent", "LC_ALL=C",
		"GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null",
		"GIT_AUTHOR_NAME=Ann", "GIT_AUTHOR_EMAIL=ann@example.com", "GIT_AUTHOR_DATE=" + date,
		"GIT_COMMITTER_NAME=Bob", "GIT_COMMITTER_EMAIL=bob@example.com", "GIT_COMMITTER_DATE=" + date,
	}
}

// write writes files into the checkout; an empty text removes one.
func (r *repo) write(files map[string]string) {
	r.t.Helper()
	for name, text := range files {
		if text == "" {
			must(r.t, os.Remove(filepath.Join(r.work, name)))
		}
	}
	for name, text := range files {
		if text != "" {
			path := filepath.Join(r.work, name)
			must(r.t, os.MkdirAll(filepath.Dir(path), 0o755))
			must(r.t, os.WriteFile(path, []byte(text), 0o644))
		}
	}
}

// commit writes files, commits and pushes them, and returns the commit.
func (r *repo) commit(files map[string]string) string {
	r.t.Helper()
	r.write(files)
	return r.push("change")
}

// push commits all there is in the checkout, pushes it and returns the commit.
func (r *repo) push(message string) string {
	r.t.Helper()
	r.now = r.now.Add(time.Minute)
	r.git("add", "-A")
	r.git("commit", "-q", "--allow-empty", "-m", message)
	r.git("push", "-q", "-f", "origin", "HEAD:main")
	return r.git("rev-parse", "HEAD")
}

// open opens a source that is closed with the test.
func (r *repo) open(c GitConfig) *Git {
	r.t.Helper()
	if c.URL == "" {
		c.URL = r.dir
	}
	if c.Mirror == "" {
		c.Mirror = filepath.Join(r.t.TempDir(), "mirror.git")
	}
	g, err := OpenGit(c)
	must(r.t, err)
	r.t.Cleanup(func() { must(r.t, g.Close()) })
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

// mergeBases returns what git says are the best common ancestors, or nothing.
func (r *repo) mergeBases(a, b string) string {
	r.t.Helper()
	return r.feed(r.work, "", "-c", "alias.bases=!git merge-base --all "+a+" "+b+" || true", "bases")
}

func (r *repo) isAncestor(old, commit string) bool {
	r.t.Helper()
	return r.git("rev-list", "--count", "--ancestry-path", old+".."+commit) != "0" || old == commit
}

// importFiles commits files to the bare repository without a checkout, in place of
// what the parent has or beside it, and returns the commit. A text that starts with
// -> is a link. A parent may be empty.
func (r *repo) importFiles(parent string, inPlace bool, files map[string]string) string {
	r.t.Helper()
	r.now = r.now.Add(time.Minute)
	var b strings.Builder
	fmt.Fprintf(&b, "commit refs/heads/main\ncommitter Bob <bob@example.com> %d +0000\ndata 0\n", r.now.Unix())
	if parent != "" {
		fmt.Fprintf(&b, "from %s\n", parent)
	}
	if inPlace {
		b.WriteString("deleteall\n")
	}
	for name, text := range files {
		mode := "100644"
		if target, ok := strings.CutPrefix(text, "->"); ok {
			mode, text = "120000", target
		}
		fmt.Fprintf(&b, "M %s inline %s\ndata %d\n%s\n", mode, name, len(text), text)
	}
	r.feed(r.dir, b.String(), "fast-import", "--quiet", "--force")
	return r.bare("rev-parse", "main")
}
