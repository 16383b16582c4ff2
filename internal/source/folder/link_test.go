package folder

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/internal/gitstore"
	"github.com/wedatasync/wedatasync/internal/source/sourcetest"
)

// volume is what a kubelet makes of a ConfigMap: each file is a link into ..data, which is a
// link to a folder that is exchanged with all its files.
type volume struct {
	*folder
	name string // of the volume, below the folder
	n    int
}

func (v *volume) update(files map[string]string) {
	v.t.Helper()
	v.n++
	stamp := fmt.Sprintf("..2026_11_30_12_00_%02d.%09d", v.n%60, v.n)
	at := func(name string) string { return v.path(filepath.Join(v.name, name)) }
	for name, text := range files {
		sourcetest.Must(v.t, os.MkdirAll(at(stamp), 0o755))
		sourcetest.Must(v.t, os.WriteFile(filepath.Join(at(stamp), name), []byte(text), 0o644))
	}
	old, _ := os.Readlink(at("..data"))
	sourcetest.Must(v.t, os.Symlink(stamp, at("..data_tmp")))
	sourcetest.Must(v.t, os.Rename(at("..data_tmp"), at("..data")))
	for name := range files {
		_ = os.Symlink(filepath.Join("..data", name), at(name)) // it may be there
	}
	if old != "" {
		sourcetest.Must(v.t, os.RemoveAll(at(old)))
	}
}

// worktrees is what git-sync keeps: a work tree for each commit, and a link that is exchanged.
type worktrees struct {
	*folder
	n int
}

func (w *worktrees) update(files map[string]string) {
	w.t.Helper()
	w.n++
	tree := fmt.Sprintf(".worktrees/%040d", w.n)
	below := make(map[string]string)
	for name, text := range files {
		below[tree+"/"+name] = text
	}
	w.write(below)
	old, _ := os.Readlink(w.path("current"))
	sourcetest.Must(w.t, os.Symlink(filepath.FromSlash(tree), w.path("tmp-link")))
	sourcetest.Must(w.t, os.Rename(w.path("tmp-link"), w.path("current")))
	if old != "" && w.n%2 == 0 { // git-sync keeps the others for a while
		sourcetest.Must(w.t, os.RemoveAll(w.path(old)))
	}
}

// exchanged are the folders that are exchanged as a whole, and how they are read.
func exchanged(t *testing.T) map[string]struct {
	update func(files map[string]string)
	config Config
	prefix string // of the files' names
} {
	configMap := &volume{folder: newFolder(t, map[string]string{"specs/README.md": "hello"}), name: "specs"}
	top := &volume{folder: newFolder(t, nil)}
	link, below, inside := &worktrees{folder: newFolder(t, nil)}, &worktrees{folder: newFolder(t, nil)}, &worktrees{folder: newFolder(t, nil)}
	inSpecs := func(update func(map[string]string)) func(map[string]string) {
		return func(files map[string]string) {
			moved := make(map[string]string)
			for name, text := range files {
				moved["specs/"+name] = text
			}
			update(moved)
		}
	}
	type way = struct {
		update func(files map[string]string)
		config Config
		prefix string
	}
	return map[string]way{
		"a ConfigMap's volume":                 {top.update, Config{Dir: top.dir}, ""},
		"a ConfigMap's volume below the root":  {configMap.update, Config{Dir: configMap.dir}, "specs/"},
		"git-sync's link":                      {link.update, Config{Dir: link.path("current")}, ""},
		"a folder behind git-sync's link":      {inSpecs(below.update), Config{Dir: below.dir, Path: "current/specs"}, "current/specs/"},
		"git-sync's root, with the link in it": {inside.update, Config{Dir: inside.dir}, "current/"},
	}
}

// TestExchanged: a folder that is exchanged is seen within a second, as a whole.
func TestExchanged(t *testing.T) {
	for name, way := range exchanged(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			way.update(map[string]string{"a.yaml": sourcetest.Spec("a", 1), "b.yaml": sourcetest.Spec("b", 1)})
			way.config.FollowLinks, way.config.RescanInterval = true, time.Hour
			s, err := Open(way.config)
			sourcetest.Must(t, err)
			defer s.Close()
			sourcetest.WantSaid(t, sourcetest.Poll(t, s), "a v1 "+way.prefix+"a.yaml", "b v1 "+way.prefix+"b.yaml")
			for version := 2; version < 6; version++ {
				way.update(map[string]string{"a.yaml": sourcetest.Spec("a", version), "b.yaml": sourcetest.Spec("b", version)})
				start := time.Now()
				pollUntil(t, s, fmt.Sprintf("a v%d %sa.yaml", version, way.prefix), fmt.Sprintf("b v%d %sb.yaml", version, way.prefix))
				took := time.Since(start)
				if took > 5*time.Second { // a second, on a machine that has nothing else to do
					t.Errorf("version %d is seen after %v", version, took)
				}
				t.Logf("version %d is seen after %v", version, took.Round(time.Millisecond))
			}
			before := sourcetest.Poll(t, s)
			if again := sourcetest.Poll(t, s); again != before {
				t.Error("without a change the revision is another")
			}
		})
	}
}

// TestExchanged_NeverHalf: however fast a folder is exchanged, each poll gives one of its
// states, or an error.
func TestExchanged_NeverHalf(t *testing.T) {
	const files = 30
	for name, way := range exchanged(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			state := func(version int) map[string]string {
				all := make(map[string]string)
				for i := range files {
					all[fmt.Sprintf("t%02d.yaml", i)] = sourcetest.Spec(fmt.Sprintf("t%02d", i), version)
				}
				return all
			}
			way.update(state(1))
			way.config.FollowLinks = true
			s, err := Open(way.config)
			sourcetest.Must(t, err)
			defer s.Close()
			s.watch.mu.Lock()
			s.watch.quiet = 0
			s.watch.mu.Unlock()
			done := make(chan struct{})
			var updating sync.WaitGroup
			updating.Go(func() {
				for version := 2; ; version++ {
					select {
					case <-done:
						return
					default:
						way.update(state(version))
					}
				}
			})
			polls, failed := 0, 0
			for end := time.Now().Add(time.Second); time.Now().Before(end); {
				s.watch.giveBack(dirty{all: true})
				rev, err := s.Poll(t.Context())
				if err != nil {
					failed++
					if !errors.Is(err, ErrNoFolder) && !errors.Is(err, gitstore.ErrNoPath) {
						t.Errorf("the error is %v", err)
					}
					continue
				}
				polls++
				versions := make(map[int64]int)
				for c := range rev.Specs.All() {
					versions[c.InstanceVersion]++
				}
				if len(versions) != 1 || rev.Specs.Len() != files || rev.Specs.Problems() != nil {
					t.Errorf("%d specs of the versions %v, %v", rev.Specs.Len(), versions, rev.Specs.Problems())
					break
				}
			}
			close(done)
			updating.Wait()
			s.watch.giveBack(dirty{all: true})
			sourcetest.Poll(t, s)
			t.Logf("%d polls, and %d that were overtaken", polls, failed)
		})
	}
}

// TestFolderThatComesBack is read again within a second, also where it is another one.
func TestFolderThatComesBack(t *testing.T) {
	for _, another := range []bool{false, true} {
		f, s, rev := openGone(t)
		for len(s.Changed()) > 0 {
			<-s.Changed()
		}
		if another {
			f.write(map[string]string{"new/a.yaml": sourcetest.Spec("a", 2)})
			sourcetest.Must(t, os.Rename(f.path("new"), f.path("in")))
			pollUntil(t, s, "a v2 a.yaml")
			f.write(map[string]string{"in/a.yaml": sourcetest.Spec("a", 3)})
			pollUntil(t, s, "a v3 a.yaml")
			continue
		}
		sourcetest.Must(t, os.Rename(f.path("away"), f.path("in")))
		start := time.Now()
		await(t, s) // a source that polls too seldom is told
		if again := sourcetest.Poll(t, s); again != rev {
			t.Errorf("the revision is another: %s", sourcetest.Said(again))
		}
		t.Logf("told after %v", time.Since(start).Round(time.Millisecond))
		f.write(map[string]string{"in/a.yaml": sourcetest.Spec("a", 3)})
		pollUntil(t, s, "a v3 a.yaml")
	}
}

// TestLinks: only links count that lead to what is below the root and is not read otherwise.
func TestLinks(t *testing.T) {
	outside := newFolder(t, map[string]string{"o.yaml": sourcetest.Spec("o", 1)})
	f := newFolder(t, map[string]string{
		"in/a.yaml": sourcetest.Spec("a", 1), "shared/b.yaml": sourcetest.Spec("b", 1), "shared/deep/c.yaml": sourcetest.Spec("c", 1),
		"in/.old/d.yaml": sourcetest.Spec("d", 1), "in/.hidden/e.yaml": sourcetest.Spec("e", 1), ".git/config": "token: s3cr3t\n", ".git/f.yaml": sourcetest.Spec("f", 1),
		"ignored.txt": "old.yaml\n",
	})
	for name, target := range map[string]string{
		"b.yaml": "../shared/b.yaml", "deep": "../shared/deep", "hidden": ".hidden", // followed
		"a2.yaml": "a.yaml", "self": ".", "up": "..", "twice": ".hidden", // read already
		"o.yaml": outside.path("o.yaml"), "out": "../../..", "none.yaml": "none", "circle.yaml": "circle.yaml", // leads nowhere
		"git.yaml": "../.git/f.yaml", "config.yaml": "../.GIT/config", "git": "../.git",
		"README.md": "../shared/b.yaml", "old.yaml": "../shared/b.yaml", // nothing, and ignored
		".wedatasyncignore": "../ignored.txt",
	} {
		sourcetest.Must(t, os.Symlink(filepath.FromSlash(target), f.path("in/"+name)))
	}
	s := f.open(Config{Path: "in", FollowLinks: true})
	rev := sourcetest.Poll(t, s)
	sourcetest.WantSaid(t, rev,
		"a v1 in/a.yaml", "b v1 in/b.yaml", "c v1 in/deep/c.yaml", "e v1 in/hidden/e.yaml", "warning not-read in/.old/d.yaml",
		"error symlink in/a2.yaml", "error symlink in/circle.yaml", "error symlink in/config.yaml", "warning symlink in/git", "error symlink in/git.yaml",
		"error symlink in/none.yaml", "error symlink in/o.yaml", "warning symlink in/out", "warning symlink in/self", "warning symlink in/twice", "warning symlink in/up")
	for _, p := range rev.Specs.Problems() {
		if strings.Contains(p.Message, "s3cr3t") {
			t.Errorf("a complaint shows what git keeps: %s", p.Message)
		}
	}

	f.write(map[string]string{"shared/b.yaml": sourcetest.Spec("b", 2), "shared/deep/c.yaml": sourcetest.Spec("c", 2)})
	for sourcetest.Said(rev) == "" || !strings.Contains(sourcetest.Said(rev), "b v2 in/b.yaml\nc v2 in/deep/c.yaml") {
		await(t, s)
		rev = sourcetest.Poll(t, s)
	}
}
