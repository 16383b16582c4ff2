package source

import (
	"bytes"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/wedatasync/wedatasync/internal/speccache"
	"github.com/wedatasync/wedatasync/internal/specfiles"
	"github.com/wedatasync/wedatasync/spec"
)

// forge saves, in place of what was parsed of a file of the task a, that it says
// version 99: only who uses the saved specs can know that number.
func forge(t testing.TB, g *Git) {
	t.Helper()
	name := "in/a.yaml"
	forged := spec.Parse(name, []byte(specOf("a", 99)))
	forged.Mark = g.index.Set.File(name).Mark
	g.index.Set.Put(forged)
	path := filepath.Join(g.config.Mirror, speccache.Name)
	must(t, speccache.Save(path, path+".new", parsedBlobs(g.index.Set)))
}

// A restart takes over what was parsed before, and reads only what has changed since.
func TestSavedSpecs(t *testing.T) {
	remote, mirror := startMemory(t), filepath.Join(t.TempDir(), "mirror.git")
	files := map[string]string{"in/a.yaml": specOf("a", 1), "in/b.yaml": specOf("b", 1), "in/c.yaml": "commits: ["}
	remote.push(files)
	g := remote.open(t, mirror)
	wantSaid(t, poll(t, g), "a v1 in/a.yaml", "b v1 in/b.yaml", "error syntax in/c.yaml")
	must(t, g.Close())

	forge(t, g)
	g = remote.open(t, mirror)
	wantSaid(t, poll(t, g), "a v99 in/a.yaml", "b v1 in/b.yaml", "error syntax in/c.yaml")
	must(t, g.Close())

	t.Run("with a push in between", func(t *testing.T) {
		files["in/b.yaml"], files["in/c.yaml"] = specOf("b", 2), specOf("c", 1)
		files["in/"+specfiles.IgnoreFile] = "# nothing\n"
		remote.push(files)
		g = remote.open(t, mirror)
		wantSaid(t, poll(t, g), "a v99 in/a.yaml", "b v2 in/b.yaml", "c v1 in/c.yaml")
		must(t, g.Close())
	})
	t.Run("with other rules", func(t *testing.T) {
		files["in/"+specfiles.IgnoreFile] = "b.yaml\n"
		remote.push(files)
		g = remote.open(t, mirror)
		wantSaid(t, poll(t, g), "a v99 in/a.yaml", "c v1 in/c.yaml", "warning not-read in/b.yaml")
		must(t, g.Close())
	})
	t.Run("with a history that was rewritten", func(t *testing.T) {
		files["in/d.yaml"] = specOf("d", 1)
		remote.commit(plumbing.ZeroHash, files)
		g = remote.open(t, mirror)
		wantSaid(t, poll(t, g), "a v99 in/a.yaml", "c v1 in/c.yaml", "d v1 in/d.yaml", "warning not-read in/b.yaml")
		must(t, g.Close())
	})
	t.Run("when the file changes, what was saved of it is over", func(t *testing.T) {
		files["in/a.yaml"] = specOf("a", 2)
		remote.push(files)
		g = remote.open(t, mirror)
		wantSaid(t, poll(t, g), "a v2 in/a.yaml", "c v1 in/c.yaml", "d v1 in/d.yaml", "warning not-read in/b.yaml")
		must(t, g.Close())
	})
}

// The saved specs are only a cache: whatever does not fit is not used, and made anew. What
// a blob says does not depend on where it comes from.
func TestSavedSpecs_notBelieved(t *testing.T) {
	top := t.TempDir()
	remote := startMemory(t)
	files := map[string]string{"in/a.yaml": specOf("a", 1), "in/in/a.yaml": specOf("b", 1), "in/in/twin.yaml": specOf("b", 1)}
	remote.push(files)
	first := remote.open(t, filepath.Join(top, "mirror.git"))
	poll(t, first)
	must(t, first.Close())
	forge(t, first)
	forged, err := os.ReadFile(filepath.Join(top, "mirror.git", speccache.Name))
	must(t, err)

	const duplicates = "error duplicate-task in/in/a.yaml\nerror duplicate-task in/in/twin.yaml\n"
	tests := []struct {
		name   string
		damage func(path string) error
		change func(c *GitConfig)
		want   string
	}{
		{name: "as it is", want: "a v99 in/a.yaml\n" + duplicates}, // the others can fail
		{name: "removed", damage: os.Remove},
		{name: "empty", damage: func(path string) error { return os.Truncate(path, 0) }},
		{name: "cut off", damage: func(path string) error { return os.Truncate(path, int64(len(forged)-1)) }},
		{name: "longer", damage: func(path string) error { return os.WriteFile(path, append(forged, 0), 0o600) }},
		{name: "of zeros", damage: func(path string) error { return os.WriteFile(path, make([]byte, len(forged)), 0o600) }},
		{name: "a folder", damage: func(path string) error {
			_ = os.Remove(path)
			return os.Mkdir(path, 0o700)
		}},
		{name: "of another path", change: func(c *GitConfig) { c.Path = "." }, want: "a v99 in/a.yaml\n" + duplicates},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			mirror := filepath.Join(t.TempDir(), "mirror.git")
			must(t, os.CopyFS(mirror, os.DirFS(filepath.Join(top, "mirror.git"))))
			config := GitConfig{URL: remote.URL, Path: "in", Mirror: mirror, Logger: slog.New(slog.NewTextHandler(t.Output(), nil))}
			if test.damage != nil {
				must(t, test.damage(filepath.Join(mirror, speccache.Name)))
			}
			if test.change != nil {
				test.change(&config)
			}
			if test.want == "" {
				test.want = "a v1 in/a.yaml\n" + duplicates
			}
			for range 2 { // the second time with what the first has saved
				g, err := OpenGit(config)
				must(t, err)
				if got := said(poll(t, g)); got != test.want {
					t.Errorf("the specs say\n%s\nwant\n%s", got, test.want)
				}
				must(t, g.Close())
			}
		})
	}
}

// What is saved is saved again when enough has changed, so that it costs a share of
// what the changes cost; and in any case at the end. It waits for a poll without news: what
// follows from a new revision comes first.
func TestSavedSpecs_amortised(t *testing.T) {
	remote, mirror := startMemory(t), filepath.Join(t.TempDir(), "mirror.git")
	files := make(map[string]string)
	for i := range 10 * savedShare {
		files[fmt.Sprintf("in/%d.yaml", i)] = specOf(fmt.Sprint("t", i), 1)
	}
	remote.push(files)
	g := remote.open(t, mirror)
	saved := func() []byte {
		g.saved.working.Wait()
		data, err := os.ReadFile(filepath.Join(mirror, speccache.Name))
		must(t, err)
		return data
	}
	idle := func() []byte {
		poll(t, g)
		return saved()
	}
	poll(t, g)
	g.saved.working.Wait()
	if _, err := os.Stat(filepath.Join(mirror, speccache.Name)); err == nil {
		t.Error("it was saved while the revision was new")
	}
	before := idle()
	for version := 2; version <= 11; version++ {
		if !bytes.Equal(before, idle()) {
			t.Fatalf("it was saved after %d of %d files have changed", version-2, len(files))
		}
		files["in/1.yaml"] = specOf("t1", version)
		remote.push(files)
		poll(t, g)
	}
	if before = idle(); !bytes.Contains(before, []byte("t1")) || g.saved.unsaved != 0 {
		t.Errorf("after 10 of %d files have changed, %d changes are not saved", len(files), g.saved.unsaved)
	}
	files["in/2.yaml"] = specOf("t2", 2)
	remote.push(files)
	poll(t, g)
	must(t, g.Close())
	if bytes.Equal(before, saved()) {
		t.Error("it was not saved at the end")
	}
	g = remote.open(t, mirror)
	poll(t, g)
	before = saved()
	must(t, g.Close())
	if !bytes.Equal(before, saved()) {
		t.Error("it was saved although nothing had changed")
	}
}

// That it cannot be saved is no reason to stop.
func TestSavedSpecs_notSaved(t *testing.T) {
	remote, mirror := startMemory(t), filepath.Join(t.TempDir(), "mirror.git")
	remote.push(map[string]string{"in/a.yaml": specOf("a", 1)})
	g := remote.open(t, mirror)
	var log strings.Builder
	g.saved.log = slog.New(slog.NewTextHandler(&log, nil))
	poll(t, g)
	poll(t, g)
	g.saved.working.Wait()
	must(t, os.Remove(filepath.Join(mirror, speccache.Name)))
	must(t, os.MkdirAll(filepath.Join(mirror, speccache.Name, "in the way"), 0o700))
	remote.push(map[string]string{"in/a.yaml": specOf("a", 2)})
	wantSaid(t, poll(t, g), "a v2 in/a.yaml")
	must(t, g.Close())
	if n := strings.Count(log.String(), "the parsed specs could not be saved"); n != 1 {
		t.Errorf("it was said %d times:\n%s", n, &log)
	}
	if left, _ := filepath.Glob(filepath.Join(mirror, "objects", "pack", "tmp_*")); left != nil {
		t.Errorf("it left %v", left)
	}
}

// Of a temporary mirror nothing is saved.
func TestSavedSpecs_temporaryMirror(t *testing.T) {
	remote := startMemory(t)
	remote.push(map[string]string{"in/a.yaml": specOf("a", 1)})
	g := remote.open(t, "")
	poll(t, g)
	if _, err := os.Stat(filepath.Join(g.config.Mirror, speccache.Name)); err == nil {
		t.Error("there is saved specs in a temporary mirror")
	}
	must(t, g.Close())
}

// A mirror that is made anew gets what is known saved in it, too.
func TestSavedSpecs_anew(t *testing.T) {
	remote, mirror := startMemory(t), filepath.Join(t.TempDir(), "mirror.git")
	g := remote.open(t, mirror)
	files := make(map[string]string)
	for i := range 4 {
		must(t, g.dropMirror())
		files[fmt.Sprintf("in/%d.yaml", i)] = specOf(fmt.Sprint("t", i), 1)
		remote.push(maps.Clone(files))
		poll(t, g)
	}
	must(t, g.Close())
	if c, err := speccache.Open(filepath.Join(mirror, speccache.Name)); err != nil || c.Len() != 4 {
		t.Errorf("%d files are saved, %v", c.Len(), err)
	}
}
