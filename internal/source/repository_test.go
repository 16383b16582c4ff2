package source

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wedatasync/wedatasync/internal/gitremote"
	"github.com/wedatasync/wedatasync/internal/gitrepo"
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
		if !errors.Is(err, gitrepo.ErrCutOff) || !strings.Contains(err.Error(), "fetch-depth: 0") {
			t.Errorf("the error is %v", err)
		}
		wantError(t, r.open(GitConfig{URL: dir}), gitremote.ErrShallow, "git fetch --unshallow")
	})
	t.Run("no repository", func(t *testing.T) {
		if _, err := OpenRepository(t.TempDir()); !errors.Is(err, gitrepo.ErrNoRepository) {
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
	if got, err := repository.MergeBase(t.Context(), head, alone); !errors.Is(err, gitrepo.ErrNoRevision) {
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
