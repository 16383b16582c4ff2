package folder

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/wedatasync/wedatasync/internal/gitstore"
	"github.com/wedatasync/wedatasync/internal/source/sourcetest"
	"github.com/wedatasync/wedatasync/internal/specfiles"
	"github.com/wedatasync/wedatasync/reconcile"
)

// folder is a folder that tests change.
type folder struct {
	t   testing.TB
	dir string

	marks int // that heardAll has made
}

func newFolder(t testing.TB, files map[string]string) *folder {
	t.Helper()
	f := &folder{t: t, dir: t.TempDir()}
	f.write(files)
	return f
}

func (f *folder) path(name string) string { return filepath.Join(f.dir, filepath.FromSlash(name)) }

func (f *folder) write(files map[string]string) {
	f.t.Helper()
	for name, text := range files {
		sourcetest.Must(f.t, os.MkdirAll(filepath.Dir(f.path(name)), 0o755))
		sourcetest.Must(f.t, os.WriteFile(f.path(name), []byte(text), 0o644))
	}
}

func (f *folder) open(c Config) *Source {
	f.t.Helper()
	if c.Dir == "" {
		c.Dir = f.dir
	}
	if c.RescanInterval == 0 {
		c.RescanInterval = time.Hour
	}
	s, err := Open(c)
	sourcetest.Must(f.t, err)
	f.t.Cleanup(func() { sourcetest.Must(f.t, s.Close()) })
	return s
}

// await waits until the source says that it has changed.
func await(t testing.TB, s *Source) {
	t.Helper()
	select {
	case <-s.Changed():
	case <-time.After(20 * time.Second):
		t.Fatal("nobody told of the change")
	}
}

// pollUntil polls as often as the source says that it has changed, until the specs
// say so.
func pollUntil(t testing.TB, s *Source, lines ...string) *reconcile.Revision {
	t.Helper()
	want := strings.Join(append(lines, ""), "\n")
	got := ""
	for {
		select {
		case <-s.Changed():
		case <-time.After(20 * time.Second):
			t.Fatalf("the specs say\n%s\nwant\n%s", got, want)
		}
		rev := sourcetest.Poll(t, s)
		if got = sourcetest.Said(rev); got == want {
			return rev
		}
	}
}

// heardAll waits until the source has heard of all that was done to the folder
// before: events come in order. Each time it has another name to wait for, as
// there are two events of each, and the second may come when the first was taken.
func (f *folder) heardAll(s *Source) {
	f.t.Helper()
	f.marks++
	last := f.path(fmt.Sprintf("last%d.txt", f.marks))
	sourcetest.Must(f.t, os.WriteFile(last, nil, 0o644))
	sourcetest.Must(f.t, os.Remove(last))
	heard := func() bool {
		s.watch.mu.Lock()
		defer s.watch.mu.Unlock()
		_, ok := s.watch.dirty.paths[last]
		return ok
	}
	for !heard() {
		await(f.t, s)
	}
}

func TestFolderFollowsEdits(t *testing.T) {
	f := newFolder(t, map[string]string{"a.yaml": sourcetest.Spec("a", 1), "in/b.yml": sourcetest.Spec("b", 1), ".git/c.yaml": "x", "in/.d.yaml": "x", "README.md": "hi"})
	s := f.open(Config{})
	rev := sourcetest.Poll(t, s)
	sourcetest.WantSaid(t, rev, "a v1 a.yaml", "b v1 in/b.yml")
	if !strings.HasPrefix(rev.ID, "dir:") || rev.Author != "" || !rev.When.IsZero() {
		t.Errorf("the revision is %+v", rev)
	}
	set := rev.Specs

	steps := []struct {
		name string
		do   func() error
		want []string
	}{
		{"rewrite", func() error { f.write(map[string]string{"a.yaml": sourcetest.Spec("a", 2)}); return nil }, []string{"a v2 a.yaml", "b v1 in/b.yml"}},
		{"rename over", func() error {
			f.write(map[string]string{"a.yaml.tmp": sourcetest.Spec("a", 3)})
			return os.Rename(f.path("a.yaml.tmp"), f.path("a.yaml"))
		}, []string{"a v3 a.yaml", "b v1 in/b.yml"}},
		{"and again", func() error { f.write(map[string]string{"a.yaml": sourcetest.Spec("a", 4)}); return nil }, []string{"a v4 a.yaml", "b v1 in/b.yml"}},
		{"new folders", func() error { f.write(map[string]string{"x/y/z/c.yaml": sourcetest.Spec("c", 1)}); return nil }, []string{"a v4 a.yaml", "b v1 in/b.yml", "c v1 x/y/z/c.yaml"}},
		{"in a new folder", func() error { f.write(map[string]string{"x/y/z/c.yaml": sourcetest.Spec("c", 2)}); return nil }, []string{"a v4 a.yaml", "b v1 in/b.yml", "c v2 x/y/z/c.yaml"}},
		{"move a folder", func() error { return os.Rename(f.path("x/y"), f.path("in/y")) }, []string{"a v4 a.yaml", "b v1 in/b.yml", "c v2 in/y/z/c.yaml"}},
		{"in a moved folder", func() error { f.write(map[string]string{"in/y/z/c.yaml": sourcetest.Spec("c", 3)}); return nil }, []string{"a v4 a.yaml", "b v1 in/b.yml", "c v3 in/y/z/c.yaml"}},
		{"remove a folder", func() error { return os.RemoveAll(f.path("in/y")) }, []string{"a v4 a.yaml", "b v1 in/b.yml"}},
		{"remove a file", func() error { return os.Remove(f.path("in/b.yml")) }, []string{"a v4 a.yaml"}},
		{"a link", func() error { return os.Symlink("a.yaml", f.path("l.yaml")) }, []string{"a v4 a.yaml", "error symlink l.yaml"}},
		{"no link", func() error { return os.Remove(f.path("l.yaml")) }, []string{"a v4 a.yaml"}},
		{"ignore", func() error { f.write(map[string]string{specfiles.IgnoreFile: "a.yaml\n"}); return nil }, []string{"warning not-read a.yaml"}},
		{"do not", func() error { return os.Remove(f.path(specfiles.IgnoreFile)) }, []string{"a v4 a.yaml"}},
	}
	for _, step := range steps {
		start := time.Now()
		sourcetest.Must(t, step.do())
		next := pollUntil(t, s, step.want...)
		t.Logf("%s: seen after %v", step.name, time.Since(start).Round(time.Millisecond))
		if next.Specs != set || next.ID == rev.ID {
			t.Errorf("%s: the revision is %s, before it was %s", step.name, next.ID, rev.ID)
		}
		rev = next
		if again := sourcetest.Poll(t, s); again != rev {
			t.Errorf("%s: without a change the revision is another", step.name)
		}
	}
}

// The same files make the same revision, in whatever way they came about.
func TestFolderRevision(t *testing.T) {
	f := newFolder(t, map[string]string{"a.yaml": sourcetest.Spec("a", 1), "b.yaml": sourcetest.Spec("b", 1)})
	s := f.open(Config{})
	first := sourcetest.Poll(t, s).ID
	f.write(map[string]string{"a.yaml": sourcetest.Spec("a", 2)})
	second := pollUntil(t, s, "a v2 a.yaml", "b v1 b.yaml").ID
	f.write(map[string]string{"a.yaml": sourcetest.Spec("a", 1)})
	if third := pollUntil(t, s, "a v1 a.yaml", "b v1 b.yaml").ID; first == second || first != third {
		t.Errorf("the revisions are %s, %s, %s", first, second, third)
	}
	if other := sourcetest.Poll(t, f.open(Config{})).ID; other != first {
		t.Errorf("another source says %s, want %s", other, first)
	}
}

// What cannot be read is no information: the tasks in it stay as they are.
func TestFolderUnreadable(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may read everything")
	}
	f := newFolder(t, map[string]string{"a.yaml": sourcetest.Spec("a", 1), "in/b.yaml": sourcetest.Spec("b", 1)})
	s := f.open(Config{})
	sourcetest.Poll(t, s)
	sourcetest.Must(t, os.Chmod(f.path("in"), 0))
	sourcetest.Must(t, os.Chmod(f.path("a.yaml"), 0))
	t.Cleanup(func() { sourcetest.Must(t, os.Chmod(f.path("in"), 0o755)) })
	pollUntil(t, s, "b v1 in/b.yaml", "error unreadable a.yaml", "error unreadable in")
	f.write(map[string]string{"c.yaml": sourcetest.Spec("c", 1)})
	pollUntil(t, s, "b v1 in/b.yaml", "c v1 c.yaml", "error unreadable a.yaml", "error unreadable in")
	sourcetest.Must(t, os.Remove(f.path("c.yaml")))
	sourcetest.Must(t, os.Chmod(f.path("in"), 0o755))
	sourcetest.Must(t, os.Chmod(f.path("a.yaml"), 0o644))
	pollUntil(t, s, "a v1 a.yaml", "b v1 in/b.yaml")
}

// openGone opens a source whose folder is moved away after its first poll: what was read
// stays.
func openGone(t *testing.T) (*folder, *Source, *reconcile.Revision) {
	t.Helper()
	f := newFolder(t, map[string]string{"in/a.yaml": sourcetest.Spec("a", 1)})
	s := f.open(Config{Dir: f.path("in")})
	rev := sourcetest.Poll(t, s)
	sourcetest.Must(t, os.Rename(f.path("in"), f.path("away")))
	await(t, s)
	if _, err := s.Poll(t.Context()); !errors.Is(err, ErrNoFolder) {
		t.Errorf("the error is %v", err)
	}
	sourcetest.WantSaid(t, rev, "a v1 a.yaml")
	return f, s, rev
}

func TestFolderThatGoes(t *testing.T) {
	f, s, _ := openGone(t)

	f.write(map[string]string{"in/b.yaml": sourcetest.Spec("b", 1)})
	sourcetest.WantSaid(t, sourcetest.Poll(t, s), "b v1 b.yaml")
	f.write(map[string]string{"in/b.yaml": sourcetest.Spec("b", 2)})
	pollUntil(t, s, "b v2 b.yaml")

	if _, err := Open(Config{Dir: f.path("none")}); !errors.Is(err, ErrNoFolder) {
		t.Errorf("the error is %v", err)
	}
	if _, err := Open(Config{Dir: f.dir, Path: "none"}); !errors.Is(err, gitstore.ErrNoPath) {
		t.Errorf("the error is %v", err)
	}
}

func TestFolderIgnoreFileThatIsNone(t *testing.T) {
	f := newFolder(t, map[string]string{"a.yaml": sourcetest.Spec("a", 1)})
	s := f.open(Config{})
	rev := sourcetest.Poll(t, s)
	f.write(map[string]string{specfiles.IgnoreFile: "[a\n"})
	await(t, s)
	for range 2 {
		if _, err := s.Poll(t.Context()); !errors.Is(err, specfiles.ErrIgnoreFile) || !strings.Contains(err.Error(), specfiles.IgnoreFile+":1") {
			t.Errorf("the error is %v", err)
		}
	}
	sourcetest.WantSaid(t, rev, "a v1 a.yaml")
	sourcetest.Must(t, os.Remove(f.path(specfiles.IgnoreFile)))
	pollUntil(t, s, "a v1 a.yaml")
}

// A folder that moves makes the watch begin anew. What cannot be read in the same
// moment must not leave nothing watched.
func TestFolderIsWatchedAfterAnError(t *testing.T) {
	f := newFolder(t, map[string]string{"in/a.yaml": sourcetest.Spec("a", 1)})
	s := f.open(Config{})
	sourcetest.Poll(t, s)
	sourcetest.Must(t, os.Rename(f.path("in"), f.path("out")))
	sourcetest.Must(t, os.Symlink("out/a.yaml", f.path(specfiles.IgnoreFile)))
	f.heardAll(s)
	if _, err := s.Poll(t.Context()); err == nil {
		t.Fatal("a link is read as the ignore file")
	}
	sourcetest.Must(t, os.Remove(f.path(specfiles.IgnoreFile)))
	f.heardAll(s)
	sourcetest.WantSaid(t, sourcetest.Poll(t, s), "a v1 out/a.yaml")
}

// A rescan finds what nobody was told of.
func TestFolderRescans(t *testing.T) {
	f := newFolder(t, map[string]string{"a.yaml": sourcetest.Spec("a", 1)})
	s := f.open(Config{RescanInterval: 200 * time.Millisecond})
	sourcetest.Poll(t, s)
	sourcetest.Must(t, s.watch.events.Close())
	f.write(map[string]string{"a.yaml": sourcetest.Spec("a", 2), "in/b.yaml": sourcetest.Spec("b", 1)})
	pollUntil(t, s, "a v2 a.yaml", "b v1 in/b.yaml")
}

// A file that is written slowly is read when it is quiet.
func TestFolderWaitsForQuiet(t *testing.T) {
	f := newFolder(t, map[string]string{"a.yaml": sourcetest.Spec("a", 1)})
	s := f.open(Config{})
	sourcetest.Poll(t, s)
	file, err := os.Create(f.path("a.yaml"))
	sourcetest.Must(t, err)
	text := sourcetest.Spec("a", 2)
	for i := range len(text) {
		_, err := file.WriteString(text[i : i+1])
		sourcetest.Must(t, err)
	}
	sourcetest.Must(t, file.Close())
	f.heardAll(s)
	sourcetest.WantSaid(t, sourcetest.Poll(t, s), "a v2 a.yaml")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f.write(map[string]string{"a.yaml": sourcetest.Spec("a", 3)})
	await(t, s)
	s.watch.note(dirty{all: true})
	if _, err := s.Poll(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
	sourcetest.WantSaid(t, sourcetest.Poll(t, s), "a v3 a.yaml")
}

// The law of Folder: whatever is done to it, polling gives what reading it from
// scratch gives.
func TestFolderIncrementalEqualsFromScratch(t *testing.T) {
	names := []string{"a.yaml", "b.yml", "in/a.yaml", "in/deep/c.yaml", "x/y/d.yaml", "x.txt", specfiles.IgnoreFile}
	rapid.Check(t, func(rt *rapid.T) {
		f := newFolder(t, map[string]string{"a.yaml": sourcetest.Spec("a", 1)})
		s, err := Open(Config{Dir: f.dir, RescanInterval: time.Hour})
		sourcetest.Must(t, err)
		s.watch.mu.Lock()
		s.watch.quiet = time.Millisecond
		s.watch.mu.Unlock()
		defer s.Close()
		sourcetest.Poll(t, s)
		for range rapid.IntRange(1, 3).Draw(rt, "polls") {
			for range rapid.IntRange(1, 5).Draw(rt, "edits") {
				name := rapid.SampledFrom(names).Draw(rt, "name")
				switch rapid.IntRange(0, 5).Draw(rt, "edit") {
				case 0:
					if dir := filepath.Dir(name); dir != "." {
						_ = os.RemoveAll(f.path(dir))
					}
				case 1:
					_ = os.Rename(f.path(name), f.path(rapid.SampledFrom(names).Draw(rt, "to")))
				case 2:
					_ = os.Rename(f.path("in"), f.path(rapid.SampledFrom([]string{"x", "x/y", "new"}).Draw(rt, "to")))
				case 3:
					_ = os.Symlink("a.yaml", f.path(name))
				default:
					text := rapid.SampledFrom([]string{sourcetest.Spec("a", 1), sourcetest.Spec("b", 2), "commits: [", ""}).Draw(rt, "text")
					if text == "" {
						text = sourcetest.LargeText(rt)
					}
					if name == specfiles.IgnoreFile {
						text = rapid.SampledFrom([]string{"in\n", "*.yml\n", "# nothing\n"}).Draw(rt, "ignore")
					}
					_ = os.Remove(f.path(name))
					if os.MkdirAll(filepath.Dir(f.path(name)), 0o755) == nil {
						_ = os.WriteFile(f.path(name), []byte(text), 0o644)
					}
				}
			}
			f.heardAll(s)
			got, err := s.Poll(t.Context())
			scratch, err2 := Open(Config{Dir: f.dir})
			sourcetest.Must(t, err2)
			want, err2 := scratch.Poll(t.Context())
			sourcetest.Must(t, scratch.Close())
			if err != nil || err2 != nil {
				if fmt.Sprint(err) != fmt.Sprint(err2) {
					rt.Fatalf("the error is %v, from scratch %v", err, err2)
				}
				continue
			}
			if diff := cmp.Diff(sourcetest.Said(want), sourcetest.Said(got)); diff != "" || want.ID != got.ID {
				rt.Fatalf("the specs differ from those read from scratch (-want +got):\n%s", diff)
			}
		}
	})
}
