// Package gittest makes git repositories with the git command, for tests.
package gittest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Repo is a bare repository that tests push to with the git command.
type Repo struct {
	T    testing.TB
	Dir  string    // the bare one
	Work string    // a checkout of it
	Now  time.Time // of the next commits
}

// New makes an empty repository and a checkout of it.
func New(t testing.TB) *Repo {
	t.Helper()
	top := t.TempDir()
	r := &Repo{T: t, Dir: filepath.Join(top, "origin.git"), Work: filepath.Join(top, "work"), Now: time.Unix(1_700_000_000, 0)}
	r.Feed(top, "", "init", "-q", "--bare", "-b", "main", r.Dir)
	r.Feed(top, "", "init", "-q", "-b", "main", r.Work)
	r.Git("remote", "add", "origin", r.Dir)
	return r
}

// Git runs a git command in the checkout, and returns what it says.
func (r *Repo) Git(args ...string) string { r.T.Helper(); return r.Feed(r.Work, "", args...) }

// Bare runs a git command in the bare repository.
func (r *Repo) Bare(args ...string) string { r.T.Helper(); return r.Feed(r.Dir, "", args...) }

// Feed runs a git command with input, and returns what it says.
func (r *Repo) Feed(dir, input string, args ...string) string {
	r.T.Helper()
	return strings.TrimSpace(r.Raw(dir, input, args...))
}

// Raw is Feed with all that the command writes.
func (r *Repo) Raw(dir, input string, args ...string) string {
	r.T.Helper()
	cmd := exec.CommandContext(r.T.Context(), "git", args...)
	cmd.Dir = dir
	cmd.Env = Env(r.Now)
	cmd.Stdin = strings.NewReader(input)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		r.T.Fatalf("git %s: %v: %s", strings.Join(args, " "), err, &stderr)
	}
	return string(out)
}

// Env keeps the machine's configuration away from the git command.
func Env(now time.Time) []string {
	date := fmt.Sprintf("%d +0000", now.Unix())
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent", "LC_ALL=C",
		"GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null",
		"GIT_AUTHOR_NAME=Ann", "GIT_AUTHOR_EMAIL=ann@example.com", "GIT_AUTHOR_DATE=" + date,
		"GIT_COMMITTER_NAME=Bob", "GIT_COMMITTER_EMAIL=bob@example.com", "GIT_COMMITTER_DATE=" + date,
	}
}

// Write writes files into the checkout; an empty text removes one.
func (r *Repo) Write(files map[string]string) {
	r.T.Helper()
	for name, text := range files {
		if text == "" {
			Must(r.T, os.Remove(filepath.Join(r.Work, name)))
		}
	}
	for name, text := range files {
		if text != "" {
			path := filepath.Join(r.Work, name)
			Must(r.T, os.MkdirAll(filepath.Dir(path), 0o755))
			Must(r.T, os.WriteFile(path, []byte(text), 0o644))
		}
	}
}

// Commit writes files, commits and pushes them, and returns the commit.
func (r *Repo) Commit(files map[string]string) string {
	r.T.Helper()
	r.Write(files)
	return r.Push("change")
}

// Push commits all there is in the checkout, pushes it and returns the commit.
func (r *Repo) Push(message string) string {
	r.T.Helper()
	r.Now = r.Now.Add(time.Minute)
	r.Git("add", "-A")
	r.Git("commit", "-q", "--allow-empty", "-m", message)
	r.Git("push", "-q", "-f", "origin", "HEAD:main")
	return r.Git("rev-parse", "HEAD")
}

// Import commits files to the bare repository without a checkout, in place of
// what the parent has or beside it, and returns the commit. A text that starts with
// -> is a link. A parent may be empty.
func (r *Repo) Import(parent string, inPlace bool, files map[string]string) string {
	r.T.Helper()
	r.Now = r.Now.Add(time.Minute)
	var b strings.Builder
	fmt.Fprintf(&b, "commit refs/heads/main\ncommitter Bob <bob@example.com> %d +0000\ndata 0\n", r.Now.Unix())
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
	r.Feed(r.Dir, b.String(), "fast-import", "--quiet", "--force")
	return r.Bare("rev-parse", "main")
}

// Must ends the test if there is an error.
func Must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
