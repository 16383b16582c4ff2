package gitrepo_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wedatasync/wedatasync/internal/gitrepo"
	"github.com/wedatasync/wedatasync/internal/gitstore"
	"github.com/wedatasync/wedatasync/internal/gitstore/gittest"
)

func open(t testing.TB, dir string) *gitrepo.Repository {
	t.Helper()
	r, err := gitrepo.Open(dir)
	gittest.Must(t, err)
	t.Cleanup(func() { gittest.Must(t, r.Close()) })
	return r
}

// Every name is the commit that git says it is.
func TestResolve(t *testing.T) {
	r := gittest.New(t)
	r.Commit(map[string]string{"in/a.yaml": "a"})
	r.Git("tag", "light")
	r.Git("tag", "-a", "-m", "tag", "heavy")
	r.Git("tag", "-a", "-m", "tag", "heavier", "heavy")
	r.Git("switch", "-q", "-c", "side/branch")
	r.Commit(map[string]string{"in/b.yaml": "b"})
	r.Git("switch", "-q", "main")
	r.Commit(map[string]string{"in/c.yaml": "c"})
	r.Git("merge", "-q", "--no-ff", "-m", "merge", "side/branch")
	r.Push("last")
	r.Git("fetch", "-q")
	r.Git("remote", "set-head", "origin", "main")
	r.Git("symbolic-ref", "refs/heads/alias", "refs/heads/side/branch")
	names := []string{
		"main", "HEAD", "@", "refs/heads/main", "heads/main", "origin/main", "origin", "light", "heavy", "heavier", "side/branch", "alias",
		"main~1", "main~2", "main^", "main^^", "main^1", "main~1^2", "HEAD~3", "@~2", "main~0", "main^0", "heavy^{commit}", "heavier^{}~0", "FETCH_HEAD",
		r.Git("rev-parse", "main"), r.Git("rev-parse", "--short=9", "main"), strings.ToUpper(r.Git("rev-parse", "--short=9", "main")),
		r.Git("rev-parse", "heavy"), r.Git("rev-parse", "--short=12", "heavy"), r.Git("describe", "--long", "--tags", "main"),
	}
	check := func(t *testing.T, dir string, names []string) {
		repository := open(t, dir)
		for _, name := range names {
			got, err := repository.Resolve(name)
			if want := r.Feed(dir, "", "rev-parse", name+"^{commit}"); err != nil || got.String() != want {
				t.Errorf("%s is %s, %v; git says %s", name, got, err, want)
			}
		}
		for _, name := range []string{
			"none", "origin/none", "main~99", "main^3", "main^^^^^^^^^", strings.Repeat("1", 40), "", "../x", "main:in", "config", ".git/config",
			r.Git("rev-parse", "main^{tree}"), r.Git("rev-parse", "--short=12", "main^{tree}"), "main^{tree}", "main@{1}", "@{upstream}", ":/last", "main..side/branch", "main^{/last}",
		} {
			if got, err := repository.Resolve(name); !errors.Is(err, gitrepo.ErrNoRevision) {
				t.Errorf("%q is %s, %v", name, got, err)
			}
		}
	}
	t.Run("loose", func(t *testing.T) { check(t, r.Work, names) })
	r.Git("gc", "-q")
	t.Run("packed", func(t *testing.T) { check(t, filepath.Join(r.Work, "in"), names) })
	t.Run("a linked work tree", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "linked")
		r.Git("worktree", "add", "-q", "--detach", dir, "main~0")
		r.Feed(dir, "", "update-ref", "refs/worktree/own", "main~1")
		own := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name == "FETCH_HEAD" })
		check(t, dir, append(own, "worktree/own"))
	})
	t.Run("a clone that borrows", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "clone")
		r.Git("clone", "-q", "--shared", r.Work, dir)
		check(t, dir, []string{"origin/side/branch", "main", "HEAD~2", r.Git("rev-parse", "--short=9", "main~1")})
	})
}

// Where git picks one of several and warns, the name is refused, with what to write.
func TestAmbiguousNames(t *testing.T) {
	r := gittest.New(t)
	first := r.Commit(map[string]string{"a": "a"})
	r.Commit(map[string]string{"a": "b"})
	r.Git("fetch", "-q")
	r.Git("tag", "same", "main")
	r.Git("branch", "same")
	r.Git("tag", "-a", "-m", "also", "also", "main")
	r.Git("branch", "also")
	r.Git("tag", "release", first)
	r.Git("branch", "release")
	r.Git("branch", "origin/main", first)
	r.Git("branch", "-f", "HEAD2", first)
	r.Git("update-ref", "refs/heads/HEAD", first)
	repository := open(t, r.Work)
	for name, says := range map[string]string{
		"release":     "release is both refs/tags/release and refs/heads/release: name one of them in full",
		"release~0":   "refs/tags/release and refs/heads/release",
		"origin/main": "origin/main is both refs/heads/origin/main and refs/remotes/origin/main",
	} {
		if got, err := repository.Resolve(name); !errors.Is(err, gitrepo.ErrAmbiguous) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s is %s, %v", name, got, err)
		}
	}
	for _, name := range []string{"same", "also", "tags/release", "heads/release", "refs/remotes/origin/main", "HEAD"} {
		if got, err := repository.Resolve(name); err != nil || got.String() != r.Git("rev-parse", name+"^{commit}") {
			t.Errorf("%s is %s, %v", name, got, err)
		}
	}
	t.Run("the beginning of two commits", func(t *testing.T) {
		var commits strings.Builder
		for i := range 2000 {
			fmt.Fprintf(&commits, "commit refs/heads/many\ncommitter Bob <b@example.com> %d +0000\ndata 0\n", 1_600_000_000+i)
		}
		r.Feed(r.Work, commits.String(), "fast-import", "--quiet")
		count := make(map[string]int)
		for h := range strings.FieldsSeq(r.Git("rev-list", "--all")) {
			count[h[:4]]++
		}
		repository := open(t, r.Work)
		twice, once := 0, 0
		for digits, n := range count {
			if n == 1 && once == 50 {
				continue
			}
			_, err := repository.Resolve(digits)
			if n > 1 && !errors.Is(err, gitrepo.ErrAmbiguous) || n == 1 && err != nil {
				t.Errorf("%d commits begin with %s: %v", n, digits, err)
			}
			if n > 1 {
				twice++
			} else {
				once++
			}
		}
		if twice == 0 || once == 0 {
			t.Errorf("%d beginnings are of several commits, %d of one", twice, once)
		}
	})
}

// A configuration stops nothing, unless it changes how objects or refs are stored.
func TestConfiguration(t *testing.T) {
	r := gittest.New(t)
	head := r.Commit(map[string]string{"in/a.yaml": "a"})
	linked := filepath.Join(t.TempDir(), "linked")
	r.Git("worktree", "add", "-q", "--detach", linked)
	config := filepath.Join(r.Work, ".git", "config")
	before, err := os.ReadFile(config)
	gittest.Must(t, err)
	for _, text := range []string{
		"[extensions]\n\tpartialClone = origin\n\tworktreeConfig = true\n",
		"[core]\n\trepositoryformatversion = 1\n[extensions]\n\tpreciousObjects = true\n\trelativeWorktrees = true\n\tnoop\n\tnoop-v1\n\tnotKnown = 1\n",
		"[branch \"x\"]\n\tmerge = not a ref\n[remote \"y\"]\n\tfetch = odd\n\tfetch = ^refs/heads/x\n",
		"[alias\n",
		"[alias]\n\tobjectFormat = sha256\n\trefStorage = reftable\n",
		"# [extensions]\n; objectFormat = sha256\n[x \"extensions\"]\nobjectFormat = sha256\n[include]\n\tpath = /nowhere\n",
		"[x]\n\ty = \"a\\\n[extensions]objectFormat = sha256\"\n",
		"[extensions]\n\tobjectFormat = SHA1\n\trefStorage = \"files\" ; the default\n\tcompatObjectFormat = sha256\n",
	} {
		gittest.Must(t, os.WriteFile(config, append([]byte("\xef\xbb\xbf"), append(before, text...)...), 0o600))
		for _, dir := range []string{filepath.Join(r.Work, "in"), linked} {
			got, err := open(t, dir).Resolve("HEAD")
			if err != nil || got.String() != head {
				t.Errorf("with %q, %s is at %s: %v", text, dir, got, err)
			}
		}
	}
	for _, tt := range []struct {
		text, says string
		kind       error
	}{
		{"[extensions]\n\tobjectFormat = sha256\n", "uses SHA-256 names, which are not supported", gitstore.ErrSHA256},
		{"[Extensions] OBJECTFORMAT=\"sha\"256 # x\n", "uses SHA-256 names", gitstore.ErrSHA256},
		{"[extensions]\r\n\tobjectFormat = sha256\r\n", "uses SHA-256 names", gitstore.ErrSHA256},
		{"[extensions]\n\tobjectFormat = sha1\n\tobjectFormat = sha\\\n256\n", "uses SHA-256 names", gitstore.ErrSHA256},
		{"[extensions]\n\tobjectFormat = blake3\n", `extensions.objectFormat is "blake3"`, gitrepo.ErrFormat},
		{"[extensions]\n\trefStorage=reftable\n", `extensions.refStorage is "reftable": plan in a clone with ordinary refs`, gitrepo.ErrFormat},
		{"[extensions]\n\trefStorage = reftable:///srv/refs\n", `"reftable:///srv/refs"`, gitrepo.ErrFormat},
		{"[core]\n\trepositoryFormatVersion = 2\n", "core.repositoryFormatVersion is 2", gitrepo.ErrFormat},
	} {
		gittest.Must(t, os.WriteFile(config, append(before, tt.text...), 0o600))
		if _, err := gitrepo.Open(linked); !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("with %q: %v", tt.text, err)
		}
	}
}

// Git takes what InitBare makes for an empty repository.
func TestInitBare(t *testing.T) {
	r, dir := gittest.New(t), t.TempDir()
	gittest.Must(t, gitrepo.InitBare(dir, "refs/heads/release"))
	if got := r.Feed(dir, "", "rev-parse", "--is-bare-repository"); got != "true" {
		t.Errorf("it is bare: %s", got)
	}
	if got := r.Feed(dir, "", "symbolic-ref", "HEAD"); got != "refs/heads/release" {
		t.Errorf("its HEAD is %s", got)
	}
	r.Feed(dir, "", "fsck", "--strict")
	if _, err := open(t, dir).Resolve("HEAD"); !errors.Is(err, gitrepo.ErrNoRevision) || !strings.Contains(err.Error(), "has no commit yet") {
		t.Errorf("HEAD: %v", err)
	}
}
