package source

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wedatasync/wedatasync/internal/gitremote"
	"github.com/wedatasync/wedatasync/internal/gitstore"
	"github.com/wedatasync/wedatasync/internal/source/sourcetest"
	"github.com/wedatasync/wedatasync/internal/specfiles"
)

func openRepository(t testing.TB, dir string) *Repository {
	t.Helper()
	r, err := OpenRepository(dir)
	must(t, err)
	t.Cleanup(func() { must(t, r.Close()) })
	return r
}

func TestRepositoryResolves(t *testing.T) {
	r := newRepo(t)
	r.Commit(map[string]string{"in/a.yaml": specOf("a", 1)})
	r.Git("tag", "light")
	r.Git("tag", "-a", "-m", "tag", "heavy")
	r.Git("tag", "-a", "-m", "tag", "heavier", "heavy")
	r.Git("switch", "-q", "-c", "side/branch")
	r.Commit(map[string]string{"in/b.yaml": specOf("b", 1)})
	r.Git("switch", "-q", "main")
	r.Commit(map[string]string{"in/c.yaml": specOf("c", 1)})
	r.Git("merge", "-q", "--no-ff", "-m", "merge", "side/branch")
	r.Push("last")
	r.Git("fetch", "-q")
	names := []string{
		"main", "HEAD", "refs/heads/main", "heads/main", "origin/main", "light", "heavy", "heavier", "side/branch",
		"main~1", "main~2", "main^", "main^^", "main^1", "main~1^2", "HEAD~3", "main~0", "main^0", "heavy^{commit}",
		r.Git("rev-parse", "main"), r.Git("rev-parse", "--short=9", "main"), r.Git("rev-parse", "heavy"),
	}
	check := func(t *testing.T, dir string) {
		repository := openRepository(t, dir)
		for _, name := range names {
			got, err := repository.Resolve(name)
			if want := r.Git("rev-parse", name+"^{commit}"); err != nil || got != want {
				t.Errorf("%s is %s, %v; git says %s", name, got, err, want)
			}
		}
		for _, name := range []string{"none", "origin/none", "main~99", "main^3", strings.Repeat("1", 40), "", "../x", "main:in", r.Git("rev-parse", "main^{tree}")} {
			if got, err := repository.Resolve(name); !errors.Is(err, ErrNoRevision) {
				t.Errorf("%q is %s, %v", name, got, err)
			}
		}
	}
	t.Run("loose", func(t *testing.T) { check(t, r.Work) })
	r.Git("gc", "-q")
	t.Run("packed", func(t *testing.T) { check(t, filepath.Join(r.Work, "in")) })
	t.Run("a linked worktree", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "linked")
		r.Git("worktree", "add", "-q", "--detach", dir, "main")
		check(t, dir)
	})
	t.Run("a clone that borrows", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "clone")
		r.Git("clone", "-q", "--shared", r.Work, dir)
		if got, err := openRepository(t, dir).Resolve("origin/side/branch"); err != nil || got != r.Git("rev-parse", "side/branch") {
			t.Errorf("it is %s, %v", got, err)
		}
	})
}

func TestRepositoryReadsRevisions(t *testing.T) {
	r := newRepo(t)
	r.Commit(map[string]string{"a.yaml": specOf("a", 1), "in/b.yaml": specOf("b", 1)})
	r.Commit(map[string]string{"in/b.yaml": specOf("b", 2), "in/c.yaml": specOf("c", 1)})
	r.Write(map[string]string{"in/b.yaml": "not committed"})
	repository := openRepository(t, filepath.Join(r.Work, "in"))
	if p := repository.Prefix(); p != "in" {
		t.Errorf("the prefix is %q", p)
	}
	at := func(rev, path string) string {
		revision, err := repository.SpecsAt(t.Context(), rev, path)
		must(t, err)
		return said(revision)
	}
	if got := at("HEAD~1", "."); got != "a v1 a.yaml\nb v1 in/b.yaml\n" {
		t.Errorf("HEAD~1 says %s", got)
	}
	if got := at("main", "in"); got != "b v2 in/b.yaml\nc v1 in/c.yaml\n" {
		t.Errorf("main says %s", got)
	}
	if _, err := repository.SpecsAt(t.Context(), "main", "out"); !errors.Is(err, gitstore.ErrNoPath) {
		t.Errorf("the error is %v", err)
	}
	if openRepository(t, r.Dir).Prefix() != "." || openRepository(t, r.Work).Prefix() != "." {
		t.Error("the prefix of a root is not .")
	}

	t.Run("a path that is new", func(t *testing.T) {
		r.Write(map[string]string{"new/d.yaml": specOf("d", 1)})
		r.Push("new")
		changes, err := repository.Changes(t.Context(), "HEAD~1", "HEAD", "new")
		if err != nil || len(changes) != 1 || changes[0].Base != nil || changes[0].Head.Commits[0].TaskID != "d" {
			t.Errorf("the changes are %+v, %v", changes, err)
		}
		if _, err := repository.Changes(t.Context(), "HEAD~1", "HEAD", "none"); !errors.Is(err, gitstore.ErrNoPath) {
			t.Errorf("the error is %v", err)
		}
	})
	t.Run("an ignore file that is new", func(t *testing.T) {
		r.Commit(map[string]string{"in/" + specfiles.IgnoreFile: "c.yaml\n"})
		changes, err := repository.Changes(t.Context(), "HEAD~1", "HEAD", "in")
		if err != nil || len(changes) != 1 || changes[0].Name != "in/c.yaml" || changes[0].Head == nil || len(changes[0].Head.Commits) > 0 {
			t.Errorf("the changes are %+v, %v", changes, err)
		}
	})
	t.Run("a shallow clone says what to do", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "shallow")
		r.Git("clone", "-q", "--depth=1", "file://"+r.Dir, dir)
		shallow := openRepository(t, dir)
		if _, err := shallow.SpecsAt(t.Context(), "HEAD", "in"); err != nil {
			t.Error(err)
		}
		_, err := shallow.SpecsAt(t.Context(), "HEAD~1", "in")
		if !errors.Is(err, ErrNoRevision) || !strings.Contains(err.Error(), "fetch-depth: 0") {
			t.Errorf("the error is %v", err)
		}
		wantError(t, r.open(GitConfig{URL: dir}), gitremote.ErrShallow, "git fetch --unshallow")
	})
	t.Run("no repository", func(t *testing.T) {
		if _, err := OpenRepository(t.TempDir()); !errors.Is(err, gitremote.ErrNoRepository) {
			t.Errorf("the error is %v", err)
		}
	})
}

// A pull request is compared with its merge base; without a common history there is none.
func TestMergeBase(t *testing.T) {
	r := newRepo(t)
	base := r.Commit(map[string]string{"a.yaml": specOf("a", 1)})
	head := r.Commit(map[string]string{"a.yaml": specOf("a", 2)})
	r.Git("checkout", "-q", "-b", "side", base)
	side := r.Commit(map[string]string{"b.yaml": specOf("b", 1)})
	alone := r.Git("commit-tree", "-m", "alone", r.Git("rev-parse", "HEAD^{tree}"))
	repository := openRepository(t, r.Work)
	if got, err := repository.MergeBase(t.Context(), head, side); err != nil || got != base {
		t.Errorf("it is %s, %v; want %s", got, err, base)
	}
	if got, err := repository.MergeBase(t.Context(), head, alone); !errors.Is(err, ErrNoRevision) {
		t.Errorf("without a common history it is %s, %v", got, err)
	}
}

func TestChangesBetweenRevisions(t *testing.T) {
	r := newRepo(t)
	base := r.Import("", true, sourcetest.ManyFiles(1000, 1))
	files := everyHundredth(1000, 2)
	files["in/new.yaml"], files["out.yaml"], files["in/readme.txt"] = specOf("new", 1), specOf("out", 1), "hello"
	head := r.Import(base, false, files)

	repository := openRepository(t, r.Dir)
	changes, err := repository.Changes(t.Context(), base, head, "in")
	must(t, err)
	var names []string
	for _, c := range changes {
		names = append(names, c.Name)
	}
	if want := strings.Fields(r.Bare("diff", "--name-only", base, head, "--", "in/*.yaml")); !slices.Equal(names, want) {
		t.Errorf("the changes are %v, want %v", names, want)
	}
	for _, c := range changes {
		if c.Head.Commits[0].InstanceVersion != 2 && c.Name != "in/new.yaml" || (c.Base == nil) != (c.Name == "in/new.yaml") {
			t.Errorf("%s: base %v, head %v", c.Name, c.Base, c.Head)
		}
	}
	back, err := repository.Changes(t.Context(), head, base, "in")
	if err != nil || len(back) != len(changes) || back[len(back)-1].Head != nil {
		t.Errorf("the way back is %v, %v", back, err)
	}
}

// What is configured for a checkout stops nothing, unless it changes how objects or refs
// are stored.
func TestRepositoryConfiguration(t *testing.T) {
	r := newRepo(t)
	head := r.Commit(map[string]string{"in/a.yaml": specOf("a", 1)})
	linked := filepath.Join(t.TempDir(), "linked")
	r.Git("worktree", "add", "-q", "--detach", linked)
	config := filepath.Join(r.Work, ".git", "config")
	before, err := os.ReadFile(config)
	must(t, err)
	for _, text := range []string{
		"[extensions]\n\tpartialClone = origin\n\tworktreeConfig = true\n",
		"[core]\n\trepositoryformatversion = 1\n[extensions]\n\tpreciousObjects = true\n\trelativeWorktrees = true\n",
		"[branch \"x\"]\n\tmerge = not a ref\n[remote \"y\"]\n\tfetch = odd\n",
		"[alias\n",
	} {
		must(t, os.WriteFile(config, append(before, text...), 0o600))
		for _, dir := range []string{filepath.Join(r.Work, "in"), linked} {
			got, err := openRepository(t, dir).Resolve("HEAD")
			if err != nil || got != head {
				t.Errorf("with %q, %s is at %s: %v", text, dir, got, err)
			}
		}
	}
	for _, text := range []string{"[extensions]\n\tobjectFormat = sha256\n", "[extensions]\n\trefStorage=reftable\n"} {
		must(t, os.WriteFile(config, append(before, text...), 0o600))
		if _, err := OpenRepository(linked); !errors.Is(err, gitremote.ErrNoRepository) || !strings.Contains(err.Error(), "not supported") {
			t.Errorf("with %q: %v", text, err)
		}
	}
}
