package source

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// listing is the files of a folder with their sizes.
func listing(t *testing.T, dir string) map[string]int64 {
	t.Helper()
	found := map[string]int64{}
	must(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		found[path] = info.Size()
		return err
	}))
	return found
}

// A command reads the mirror of a daemon that runs, fetches only what is new, and leaves no
// trace there.
func TestShared(t *testing.T) {
	r := newRepo(t)
	files := map[string]string{"in/a.yaml": specOf("a", 1), "in/b.yaml": specOf("b", 1)}
	r.Commit(files)
	web := r.startWeb(false)
	dir := filepath.Join(t.TempDir(), "m", "mirror.git")
	c := GitConfig{URL: web.url, Mirror: dir}
	daemon := r.open(c)
	poll(t, daemon)
	forge(t, daemon) // who uses its parsed specs reads version 99
	open := func(s string) *Git {
		g, err := OpenGit(GitConfig{URL: web.url, Shared: s})
		must(t, err)
		t.Cleanup(func() { must(t, g.Close()) })
		return g
	}

	before := listing(t, dir)
	web.asked()
	wantSaid(t, poll(t, open(dir)), "a v99 in/a.yaml", "b v1 in/b.yaml")
	if got := web.asked(); got != "refs" {
		t.Errorf("with nothing new it asked %s", got)
	}
	files["in/b.yaml"] = specOf("b", 2)
	r.Commit(files)
	g := open(dir)
	wantSaid(t, poll(t, g), "a v99 in/a.yaml", "b v2 in/b.yaml")
	if n := g.mirror.store.PackCount(); n != 2 {
		t.Errorf("it has %d packs, want the daemon's and one with what is new", n)
	}
	if diff := cmp.Diff(before, listing(t, dir)); diff != "" {
		t.Errorf("it has changed the mirror of the daemon (-before +after):\n%s", diff)
	}
	wantSaid(t, poll(t, daemon), "a v99 in/a.yaml", "b v2 in/b.yaml")

	t.Run("the mirror is replaced meanwhile", func(t *testing.T) {
		g := open(dir)
		poll(t, g)
		moved := dir + ".moved"
		must(t, os.Rename(dir, moved))
		defer func() { must(t, os.Rename(moved, dir)) }()
		files["in/a.yaml"] = specOf("a", 3)
		r.Commit(files)
		wantSaid(t, poll(t, g), "a v3 in/a.yaml", "b v2 in/b.yaml")
	})
	t.Run("a mirror that is damaged", func(t *testing.T) {
		copied := filepath.Join(t.TempDir(), "mirror.git")
		must(t, os.CopyFS(copied, os.DirFS(dir)))
		packs, err := filepath.Glob(filepath.Join(copied, "objects", "pack", "*.pack"))
		must(t, err)
		for _, p := range packs {
			data, err := os.ReadFile(p)
			must(t, err)
			for i := len(data) / 2; i < len(data); i++ {
				data[i] ^= 0xff
			}
			must(t, os.Chmod(p, 0o600))
			must(t, os.WriteFile(p, data, 0o600))
		}
		wantSaid(t, poll(t, open(copied)), "a v3 in/a.yaml", "b v2 in/b.yaml")
	})
	t.Run("a mirror of another source", func(t *testing.T) {
		other := newRepo(t)
		other.Commit(map[string]string{"c.yaml": specOf("c", 1)})
		g, err := OpenGit(GitConfig{URL: other.Dir, Shared: dir})
		must(t, err)
		defer g.Close()
		wantSaid(t, poll(t, g), "c v1 c.yaml")
	})
	t.Run("no mirror", func(t *testing.T) {
		for _, none := range []string{filepath.Join(t.TempDir(), "none"), t.TempDir()} {
			wantSaid(t, poll(t, open(none)), "a v3 in/a.yaml", "b v2 in/b.yaml")
			if entries, err := os.ReadDir(none); len(entries) > 0 {
				t.Errorf("there are %v now (%v)", entries, err)
			}
		}
	})
	t.Run("a history that was rewritten", func(t *testing.T) {
		r.Feed(r.Dir, "", "update-ref", "-d", "refs/heads/main")
		r.Commit(map[string]string{"in/d.yaml": specOf("d", 1)})
		wantSaid(t, poll(t, open(dir)), "a v3 in/a.yaml", "b v2 in/b.yaml", "d v1 in/d.yaml")
	})
}
