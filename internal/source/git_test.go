package source

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wedatasync/wedatasync/internal/gitremote"
	"github.com/wedatasync/wedatasync/internal/gitstore"
	"github.com/wedatasync/wedatasync/internal/source/sourcetest"
	"github.com/wedatasync/wedatasync/internal/specfiles"
	"github.com/wedatasync/wedatasync/spec"
)

func TestPollFollowsTheBranch(t *testing.T) {
	r := newRepo(t)
	first := r.Commit(map[string]string{"a.yaml": specOf("a", 1), "sub/b.yml": specOf("b", 2), "README.md": "hello"})
	g := r.open(GitConfig{})

	rev := poll(t, g)
	if rev.ID != first || rev.Author != "Ann <ann@example.com>" || rev.Subject != "change" || !rev.When.Equal(r.Now) {
		t.Errorf("the first revision is %+v, want commit %s", rev, first)
	}
	wantSaid(t, rev, "a v1 a.yaml", "b v2 sub/b.yml")

	if again := poll(t, g); again != rev {
		t.Errorf("without a push the revision is another: %+v", again)
	}

	steps := []struct {
		name  string
		files map[string]string
		git   []string
		want  []string
	}{
		{"edit", map[string]string{"a.yaml": specOf("a", 2)}, nil, []string{"a v2 a.yaml", "b v2 sub/b.yml"}},
		{"add", map[string]string{"sub/deep/c.yaml": specOf("c", 1)}, nil, []string{"a v2 a.yaml", "b v2 sub/b.yml", "c v1 sub/deep/c.yaml"}},
		{"something else", map[string]string{"README.md": "hi"}, nil, []string{"a v2 a.yaml", "b v2 sub/b.yml", "c v1 sub/deep/c.yaml"}},
		{"rename", nil, []string{"mv", "a.yaml", "z.yaml"}, []string{"a v2 z.yaml", "b v2 sub/b.yml", "c v1 sub/deep/c.yaml"}},
		{"move a folder", nil, []string{"mv", "sub", "top"}, []string{"a v2 z.yaml", "b v2 top/b.yml", "c v1 top/deep/c.yaml"}},
		{"break one", map[string]string{"z.yaml": "commits: ["}, nil, []string{"b v2 top/b.yml", "c v1 top/deep/c.yaml", "error syntax z.yaml"}},
		{"revert", nil, []string{"revert", "--no-edit", "-n", "HEAD"}, []string{"a v2 z.yaml", "b v2 top/b.yml", "c v1 top/deep/c.yaml"}},
		{"remove", map[string]string{"top/b.yml": ""}, nil, []string{"a v2 z.yaml", "c v1 top/deep/c.yaml"}},
		{"a file becomes a folder", map[string]string{"z.yaml": "", "z.yaml/x.yaml": specOf("x", 1)}, nil, []string{"c v1 top/deep/c.yaml", "x v1 z.yaml/x.yaml"}},
		{"twice the same task", map[string]string{"y.yaml": specOf("x", 1)}, nil, []string{"c v1 top/deep/c.yaml", "error duplicate-task y.yaml", "error duplicate-task z.yaml/x.yaml"}},
	}
	for _, step := range steps {
		if step.git != nil {
			r.Git(step.git...)
		}
		head := r.Commit(step.files)
		t.Log(step.name)
		next := poll(t, g)
		if next.ID != head {
			t.Fatalf("the revision is %s, want %s", next.ID, head)
		}
		wantSaid(t, next, step.want...)
		if next.Specs != rev.Specs {
			t.Fatal("the Set is another one")
		}
	}
}

// Of many files only those that differ are parsed again.
func TestPollParsesOnlyWhatDiffers(t *testing.T) {
	r := newRepo(t)
	head := r.Import("", true, sourcetest.ManyFiles(1000, 1))
	g := r.open(GitConfig{Path: "in"})
	poll(t, g)
	poll(t, g) // nothing is new: what was parsed is saved
	if g.saved.unsaved != 0 {
		t.Fatalf("%d of 1000 files are not saved", g.saved.unsaved)
	}
	r.Import(head, false, everyHundredth(1000, 2))
	poll(t, g)
	if g.saved.unsaved != 10 {
		t.Errorf("%d files were parsed for 10 that differ", g.saved.unsaved)
	}
}

// manyFiles makes n spec files in folders of 100, all of one version.
// everyHundredth is ten of n files, in as many folders as can be.
func everyHundredth(n, version int) map[string]string {
	files := make(map[string]string, 10)
	for i := 0; i < n; i += n / 10 {
		files[fmt.Sprintf("in/%04d/%06d.yaml", i/100, i)] = specOf(fmt.Sprintf("t%06d", i), version)
	}
	return files
}

func TestPollReadsOnlyBelowThePath(t *testing.T) {
	r := newRepo(t)
	r.Commit(map[string]string{
		"a.yaml": specOf("a", 1), "in/b.yaml": specOf("b", 1), "in/c/c.yaml": specOf("c", 1), "inside/d.yaml": specOf("d", 1),
		"in/.hidden/e.yaml": specOf("e", 1), "in/.f.yaml": specOf("f", 1), "in/g.json": "{}",
	})
	for _, path := range []string{"in", "in/", "./in"} {
		wantSaid(t, poll(t, r.open(GitConfig{Path: path})), "b v1 in/b.yaml", "c v1 in/c/c.yaml", "warning not-read in/.f.yaml", "warning not-read in/.hidden/e.yaml")
	}
	wantSaid(t, poll(t, r.open(GitConfig{Path: "in/c", Branch: "refs/heads/main"})), "c v1 in/c/c.yaml")
}

func TestIgnoreFile(t *testing.T) {
	r := newRepo(t)
	r.Commit(map[string]string{
		"in/a.yaml": specOf("a", 1), "in/drafts/b.yaml": specOf("b", 1), "in/drafts/keep/c.yaml": specOf("c", 1), "in/ci.yaml": "jobs: {}",
		"in/" + specfiles.IgnoreFile: "# ours\n/ci.yaml\n*.tmp.yaml\n", ".wedatasyncignore": "in\n",
	})
	g := r.open(GitConfig{Path: "in"})
	wantSaid(t, poll(t, g), "a v1 in/a.yaml", "b v1 in/drafts/b.yaml", "c v1 in/drafts/keep/c.yaml")

	r.Commit(map[string]string{"in/" + specfiles.IgnoreFile: "drafts/*\n!drafts/keep/\n/ci.yaml\r\n"})
	wantSaid(t, poll(t, g), "a v1 in/a.yaml", "c v1 in/drafts/keep/c.yaml", "warning not-read in/drafts/b.yaml")

	r.Commit(map[string]string{"in/" + specfiles.IgnoreFile: ""})
	wantSaid(t, poll(t, g), "a v1 in/a.yaml", "b v1 in/drafts/b.yaml", "c v1 in/drafts/keep/c.yaml", "error api-version in/ci.yaml")

	t.Run("one that cannot be used stops everything", func(t *testing.T) {
		for _, text := range []string{"[a\n", "ok\n" + strings.Repeat("#", specfiles.MaxIgnore)} {
			r.Commit(map[string]string{"in/" + specfiles.IgnoreFile: text})
			if _, err := g.Poll(t.Context()); !errors.Is(err, specfiles.ErrIgnoreFile) {
				t.Errorf("the error is %v", err)
			}
		}
	})
}

// What is no plain file is complained of where it would be a spec, and never read.
func TestOddEntries(t *testing.T) {
	r := newRepo(t)
	r.Commit(map[string]string{"a.yaml": specOf("a", 1)})
	blob := r.Feed(r.Work, specOf("b", 1), "hash-object", "-w", "--stdin")
	folder := r.Feed(r.Work, "100644 blob "+blob+"\tb.yaml\x00", "mktree", "-z")
	long := strings.Repeat("x", 300)
	tree := strings.Join([]string{
		"100644 blob " + blob + "\tc\nd.yaml",
		"100644 blob " + blob + "\t" + long + ".yaml",
		"100755 blob " + blob + "\tb.yaml",
		"120000 blob " + blob + "\tlink.yaml",
		"120000 blob " + blob + "\tlink",
		"120000 blob " + blob + "\tlink.md",
		"160000 commit " + r.Git("rev-parse", "HEAD") + "\tmodule",
		"160000 commit " + r.Git("rev-parse", "HEAD") + "\tmodule.yaml",
		"040000 tree " + folder + "\tfolder.yaml",
		"040000 tree " + folder + "\to\x1bdd",
	}, "\x00") + "\x00"
	head := r.Git("commit-tree", "-m", "odd", r.Feed(r.Work, tree, "mktree", "-z"))
	r.Git("push", "-q", "-f", "origin", head+":refs/heads/main")

	g := r.open(GitConfig{})
	rev := poll(t, g)
	want := map[string]string{
		`"c\nd.yaml"`: "error file-name", `"o\x1bdd"`: "error file-name",
		"link.yaml": "error symlink", "link": "warning symlink", "module": "warning submodule", "module.yaml": "error submodule",
		"b.yaml": "error duplicate-task", "folder.yaml/b.yaml": "error duplicate-task",
	}
	got := make(map[string]string)
	for _, p := range rev.Specs.Problems() {
		if strings.HasPrefix(p.File, `"xxx`) {
			if p.Code != "file-name" || len(p.File) > 255 {
				t.Errorf("the long name makes %s", p)
			}
			continue
		}
		got[p.File] = string(p.Severity) + " " + p.Code
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("complaints (-want +got):\n%s", diff)
	}

	r.Git("push", "-q", "-f", "origin", "HEAD:refs/heads/main")
	wantSaid(t, poll(t, g), "a v1 a.yaml")
}

func TestHugeFile(t *testing.T) {
	r := newRepo(t)
	r.Commit(map[string]string{"a.yaml": specOf("a", 1), "huge.yaml": strings.Repeat("# nothing\n", spec.MaxFileSize/10+1)})
	wantSaid(t, poll(t, r.open(GitConfig{})), "a v1 a.yaml", "error too-large huge.yaml")
}

func TestDescends(t *testing.T) {
	r := newRepo(t)
	root := r.Commit(map[string]string{"a.yaml": specOf("a", 1)})
	r.Git("switch", "-q", "-c", "side")
	r.Now = r.Now.AddDate(-1, 0, 0) // a clock that is wrong
	side := r.Commit(map[string]string{"b.yaml": specOf("b", 1)})
	r.Now = r.Now.AddDate(1, 0, 0)
	r.Git("switch", "-q", "main")
	left := r.Commit(map[string]string{"a.yaml": specOf("a", 2)})
	r.Git("merge", "-q", "--no-ff", "-m", "merge", "side")
	merge := r.Push("after")
	g := r.open(GitConfig{})
	poll(t, g)

	r.Git("checkout", "-q", "--orphan", "other")
	other := r.Push("unrelated")
	poll(t, g)

	tests := []struct {
		name     string
		old, new string
		want     bool
	}{
		{"itself", merge, merge, true},
		{"its first parent", left, merge, true},
		{"the merged branch", side, merge, true},
		{"the root", root, merge, true},
		{"backwards", merge, root, false},
		{"sideways", left, side, false},
		{"unrelated", merge, other, false},
		{"unknown", strings.Repeat("1", 40), other, false},
		{"no hash", "dir:12", other, false},
	}
	for _, test := range tests {
		got, err := g.Descends(t.Context(), test.old, test.new)
		if err != nil || got != test.want {
			t.Errorf("%s: %v, %v; want %v", test.name, got, err, test.want)
		}
	}
}

// TestSameSpecs: what counts is which files are specs and what is in them, and nothing
// beside.
func TestSameSpecs(t *testing.T) {
	r := newRepo(t)
	first := r.Commit(map[string]string{"tasks/a.yaml": specOf("a", 1), "tasks/b.yaml": specOf("b", 1), "README": "one"})
	second := r.Commit(map[string]string{"README": "two", "tasks/notes.txt": "nothing"})
	other := r.Commit(map[string]string{"tasks/a.yaml": specOf("a", 2)})
	ignores := r.Commit(map[string]string{"tasks/a.yaml": specOf("a", 1), "tasks/.wedatasyncignore": "b.yaml\n"})
	g := r.open(GitConfig{Path: "tasks"})
	poll(t, g)
	r.Git("reset", "-q", "--hard", first)
	r.Git("commit", "-q", "--amend", "-m", "the same in other words")
	amended := r.Push("amended")
	poll(t, g)
	r.Git("mv", "tasks", "elsewhere")
	r.Git("commit", "-q", "-m", "moved")
	moved := strings.TrimSpace(r.Git("rev-parse", "HEAD"))

	tests := []struct {
		name     string
		old, new string
		want     bool
	}{
		{"another message", first, amended, true},
		{"a file that is no spec", first, second, true},
		{"both", second, amended, true},
		{"another version", other, amended, false},
		{"a spec that was ignored", ignores, amended, false},
		{"a commit that is not in the mirror", moved, amended, false},
		{"no hash", "dir:12", amended, false},
	}
	for _, test := range tests {
		got, err := g.SameSpecs(t.Context(), test.old, test.new)
		if err != nil || got != test.want {
			t.Errorf("%s: %v, %v; want %v", test.name, got, err, test.want)
		}
	}
}

// A rewritten history is read like any other: that it was rewritten is for
// Descends to say.
func TestForcePush(t *testing.T) {
	r := newRepo(t)
	base := r.Commit(map[string]string{"a.yaml": specOf("a", 1), "b.yaml": specOf("b", 1)})
	old := r.Commit(map[string]string{"a.yaml": specOf("a", 2)})
	g := r.open(GitConfig{})
	poll(t, g)

	r.Git("reset", "-q", "--hard", base)
	next := r.Commit(map[string]string{"b.yaml": specOf("b", 2)})
	wantSaid(t, poll(t, g), "a v1 a.yaml", "b v2 b.yaml")
	if ok, err := g.Descends(t.Context(), old, next); ok || err != nil {
		t.Errorf("the new history descends from the old: %v, %v", ok, err)
	}
	if ok, err := g.Descends(t.Context(), base, next); !ok || err != nil {
		t.Errorf("the new history does not descend from the base: %v, %v", ok, err)
	}
}

func TestWhatIsNotThere(t *testing.T) {
	r := newRepo(t)
	tests := []struct {
		name   string
		config GitConfig
		kind   error
		say    string
	}{
		{"no repository", GitConfig{URL: filepath.Join(t.TempDir(), "none.git")}, gitremote.ErrNoRepository, "check the path"},
		{"not a repository", GitConfig{URL: "file://" + t.TempDir()}, gitremote.ErrNoRepository, "does not appear to be a git repository"},
		{"an empty one", GitConfig{}, gitremote.ErrEmptyRepository, "push a branch"},
	}
	for _, test := range tests {
		wantError(t, r.open(test.config), test.kind, test.say)
	}
	r.Commit(map[string]string{"a.yaml": specOf("a", 1), "in/b.yaml": specOf("b", 1)})
	for _, branch := range []string{"b1", "b2", "b3", "b4", "b5"} {
		r.Git("push", "-q", "origin", "HEAD:refs/heads/"+branch)
	}
	wantError(t, r.open(GitConfig{Branch: "master"}), gitremote.ErrNoBranch, `master: it has b1, b2, b3, b4, b5 and 1 more`)
	wantError(t, r.open(GitConfig{Path: "out"}), gitstore.ErrNoPath, `there is no "out"`)
	wantError(t, r.open(GitConfig{Path: "a.yaml"}), gitstore.ErrNoPath, `"a.yaml" is not a folder`)

	t.Run("any more", func(t *testing.T) {
		g := r.open(GitConfig{Branch: "b1", Path: "in"})
		rev := poll(t, g)
		r.Git("push", "-q", "origin", ":refs/heads/b1")
		wantError(t, g, gitremote.ErrNoBranch, "b2")
		r.Write(map[string]string{"in/b.yaml": ""})
		r.Push("empty")
		r.Git("push", "-q", "origin", "HEAD:refs/heads/b1")
		wantError(t, g, gitstore.ErrNoPath, "")
		wantSaid(t, rev, "b v1 in/b.yaml")
	})
}

// wantError fails unless a poll fails so.
func wantError(t testing.TB, g *Git, kind error, say string) *Error {
	t.Helper()
	rev, err := g.Poll(t.Context())
	if rev != nil || !errors.Is(err, kind) {
		t.Errorf("the poll gave %v, %v; want the error %v", rev, err, kind)
		return new(Error)
	}
	e, ok := errors.AsType[*Error](err)
	if !ok {
		t.Errorf("the error is a %T", err)
	}
	if !strings.Contains(err.Error(), say) || strings.Contains(err.Error(), "\n") {
		t.Errorf("the error says %q, want %q in it", err, say)
	}
	return e
}

func TestBadConfiguration(t *testing.T) {
	tests := []struct {
		config GitConfig
		want   string
	}{
		{GitConfig{URL: "https://ann:hunter2@example.com/x.git"}, "must not hold a password"},
		{GitConfig{URL: "https://hunter2@example.com/x.git"}, "must not hold a password"},
		{GitConfig{URL: "ssh://git:hunter2@example.com/x.git"}, "must not hold a password"},
		{GitConfig{URL: "ann:hunter2@example.com:x.git"}, "must not hold a password"},
		{GitConfig{URL: "https://example.com/x.git?token=hunter2"}, "query"},
		{GitConfig{URL: "https://example.com/%zzhunter2"}, "not a valid URL"},
		{GitConfig{URL: "git://example.com/x.git"}, "scheme"},
		{GitConfig{URL: "ext::sh -c touch% /tmp/x"}, ""},
		{GitConfig{URL: "git@example.com:x.git"}, "private key"},
		{GitConfig{URL: "git@example.com:x.git", SSHKeyFile: "k"}, "known_hosts"},
		{GitConfig{URL: "/x.git", Branch: "refs/tags/v1"}, "branch"},
		{GitConfig{URL: "/x.git", Branch: "../../x"}, "branch"},
		{GitConfig{URL: "/x.git", Branch: "-x"}, "branch"},
		{GitConfig{URL: "/x.git", Path: "../x"}, "path"},
		{GitConfig{URL: "/x.git", Path: "/x"}, "path"},
	}
	for _, test := range tests {
		test.config.Mirror = filepath.Join(t.TempDir(), "m")
		g, err := OpenGit(test.config)
		if err == nil {
			_, err = g.Poll(t.Context())
			must(t, g.Close())
		}
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%+v: the error is %v, want %q in it", test.config, err, test.want)
		}
	}
}
