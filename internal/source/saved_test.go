package source

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cespare/xxhash/v2"
	"github.com/go-git/go-git/v5/plumbing"
)

// forge saves, in place of what was parsed of a file of the task a, that it says
// version 99: only who uses the saved catalog can know that number.
func forge(t testing.TB, g *Git) {
	t.Helper()
	of, err := g.savedOf()
	must(t, err)
	path := filepath.Join(g.config.Mirror, savedFile)
	s, err := openSaved(of, path)
	must(t, err)
	name := "in/a.yaml"
	forged := parseSpec(name, []byte(specOf("a", 99)))
	if forged.Mark = s.catalog.set.Mark(name); forged.Mark == "" {
		t.Fatalf("%s is not among the saved files", name)
	}
	s.catalog.set.Put(forged)
	must(t, s.catalog.save(of, s.root, path+".new", path))
}

// A restart takes over what was parsed before, and reads only what has changed since.
func TestSavedSpecs(t *testing.T) {
	remote, mirror := newMemoryRemote(), filepath.Join(t.TempDir(), "mirror.git")
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
		files["in/"+IgnoreFile] = "# nothing\n"
		remote.push(files)
		g = remote.open(t, mirror)
		wantSaid(t, poll(t, g), "a v99 in/a.yaml", "b v2 in/b.yaml", "c v1 in/c.yaml")
		must(t, g.Close())
	})
	t.Run("with other rules", func(t *testing.T) {
		files["in/"+IgnoreFile] = "b.yaml\n"
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

// The saved catalog is only a cache: whatever does not fit is not used, and made anew.
func TestSavedSpecs_notBelieved(t *testing.T) {
	top := t.TempDir()
	remote := newMemoryRemote()
	files := map[string]string{"in/a.yaml": specOf("a", 1), "in/in/a.yaml": specOf("b", 1)}
	remote.push(files)
	first := remote.open(t, filepath.Join(top, "mirror.git"))
	poll(t, first)
	must(t, first.Close())
	forge(t, first)
	forged, err := os.ReadFile(filepath.Join(top, "mirror.git", savedFile))
	must(t, err)

	tests := []struct {
		name   string
		damage func(path string) error
		change func(c *GitConfig)
		want   string
	}{
		{name: "as it is", want: "a v99 in/a.yaml\nb v1 in/in/a.yaml\n"}, // the others can fail
		{name: "removed", damage: os.Remove},
		{name: "empty", damage: func(path string) error { return os.Truncate(path, 0) }},
		{name: "cut off", damage: func(path string) error { return os.Truncate(path, int64(len(forged)-1)) }},
		{name: "longer", damage: func(path string) error { return os.WriteFile(path, append(forged, 0), 0o600) }},
		{name: "of zeros", damage: func(path string) error { return os.WriteFile(path, make([]byte, len(forged)), 0o600) }},
		{name: "of another program", damage: func(path string) error {
			hash, err := program()
			must(t, err)
			return os.WriteFile(path, resum(bytes.Replace(forged, []byte(hash), bytes.Repeat([]byte("0"), len(hash)), 1)), 0o600)
		}},
		{name: "of another format", damage: func(path string) error {
			return os.WriteFile(path, resum(bytes.Replace(forged, []byte("specs\n"), []byte("specz\n"), 1)), 0o600)
		}},
		{name: "a folder", damage: func(path string) error {
			_ = os.Remove(path)
			return os.Mkdir(path, 0o700)
		}},
		{name: "of another branch", change: func(c *GitConfig) { c.Branch = "other" }},
		{name: "of another path", change: func(c *GitConfig) { c.Path = "in/in" }, want: "b v1 in/in/a.yaml\n"},
		{name: "of another source", change: func(c *GitConfig) { c.URL = "/elsewhere" }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			mirror := filepath.Join(t.TempDir(), "mirror.git")
			must(t, os.CopyFS(mirror, os.DirFS(filepath.Join(top, "mirror.git"))))
			config := GitConfig{URL: "/nowhere", Path: "in", Mirror: mirror, Logger: slog.New(slog.NewTextHandler(t.Output(), nil))}
			if test.damage != nil {
				must(t, test.damage(filepath.Join(mirror, savedFile)))
			}
			if test.change != nil {
				test.change(&config)
			}
			if test.want == "" {
				test.want = "a v1 in/a.yaml\nb v1 in/in/a.yaml\n"
			}
			for range 2 { // the second time with what the first has saved
				g, err := OpenGit(config)
				must(t, err)
				g.remote = remote
				if got := said(poll(t, g)); got != test.want {
					t.Errorf("the specs say\n%s\nwant\n%s", got, test.want)
				}
				must(t, g.Close())
			}
		})
	}
}

// Not a bit may be flipped, and not a byte be missing.
func TestParseSaved_damaged(t *testing.T) {
	of := savedOf{"program", "/nowhere", "refs/heads/main", "in"}
	whole := savedOfFiles(t, of, map[string]string{"in/a.yaml": specOf("a", 1), "in/b.yaml": "commits: ["})
	if _, _, err := parseSaved(of, bytes.NewReader(whole)); err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		for bit := range 8 {
			whole[i] ^= 1 << bit
			if _, _, err := parseSaved(of, bytes.NewReader(whole)); err == nil {
				t.Errorf("with bit %d of byte %d flipped it is believed", bit, i)
			}
			whole[i] ^= 1 << bit
		}
		if _, _, err := parseSaved(of, bytes.NewReader(whole[:i])); err == nil {
			t.Errorf("cut off after %d bytes it is believed", i)
		}
	}
}

// savedOfFiles returns what is saved of some files.
func savedOfFiles(t testing.TB, of savedOf, files map[string]string) []byte {
	t.Helper()
	c := newCatalog()
	for name, text := range files {
		f := parseSpec(name, []byte(text))
		f.Mark = leaf{kind: kindSpec, hash: plumbing.ComputeHash(plumbing.BlobObject, []byte(text))}.mark()
		c.set.Put(f)
	}
	path := filepath.Join(t.TempDir(), savedFile)
	must(t, c.save(of, plumbing.ComputeHash(plumbing.TreeObject, nil), path+".new", path))
	data, err := os.ReadFile(path)
	must(t, err)
	return data
}

// resum gives changed data a checksum that fits.
func resum(data []byte) []byte {
	body := data[:len(data)-savedSum]
	return binary.BigEndian.AppendUint64(bytes.Clone(body), xxhash.Sum64(body))
}

// Even with a checksum that fits, nothing that was saved breaks the reader.
func FuzzParseSaved(f *testing.F) {
	of := savedOf{"program", "/nowhere", "refs/heads/main", "in"}
	whole := savedOfFiles(f, of, map[string]string{"in/a.yaml": specOf("a", 1), "in/b.yaml": "commits: ["})
	head := len(savedMagic) + bytes.IndexByte(whole[len(savedMagic):], '\n') + 1
	f.Add(whole[head : len(whole)-savedSum])
	f.Fuzz(func(t *testing.T, body []byte) {
		c, _, err := parseSaved(of, bytes.NewReader(resum(append(append(bytes.Clone(whole[:head]), body...), make([]byte, savedSum)...))))
		if err == nil && c.set.Files() != len(slices.Collect(c.set.InOrder())) {
			t.Errorf("the Set has %d files, and others", c.set.Files())
		}
	})
}

// A program is known by the id that Go's own tool says, where it has one.
func TestBuildID(t *testing.T) {
	exe, err := os.Executable()
	must(t, err)
	file, err := os.Open(exe)
	must(t, err)
	defer file.Close()
	want, err := exec.CommandContext(t.Context(), "go", "tool", "buildid", exe).Output()
	must(t, err)
	if id := buildID(file); id == "" || id != strings.TrimSpace(string(want)) {
		t.Errorf("the id is %q, Go says %q", id, want)
	}
	if id := buildID(strings.NewReader("#!/bin/sh\n")); id != "" {
		t.Errorf("a script has the id %q", id)
	}
}

// What is saved is saved again when enough has changed, so that it costs a share of
// what the changes cost; and in any case at the end.
func TestSavedSpecs_amortised(t *testing.T) {
	remote, mirror := newMemoryRemote(), filepath.Join(t.TempDir(), "mirror.git")
	files := make(map[string]string)
	for i := range 10 * savedShare {
		files[fmt.Sprintf("in/%d.yaml", i)] = specOf(fmt.Sprint("t", i), 1)
	}
	remote.push(files)
	g := remote.open(t, mirror)
	saved := func() []byte {
		data, err := os.ReadFile(filepath.Join(mirror, savedFile))
		must(t, err)
		return data
	}
	poll(t, g)
	before := saved()
	for version := 2; version <= 11; version++ {
		if !bytes.Equal(before, saved()) {
			t.Fatalf("it was saved after %d of %d files have changed", version-2, len(files))
		}
		files["in/1.yaml"] = specOf("t1", version)
		remote.push(files)
		poll(t, g)
	}
	if before = saved(); !bytes.Contains(before, []byte("t1")) || g.unsaved != 0 {
		t.Errorf("after 10 of %d files have changed, %d changes are not saved", len(files), g.unsaved)
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
	remote, mirror := newMemoryRemote(), filepath.Join(t.TempDir(), "mirror.git")
	remote.push(map[string]string{"in/a.yaml": specOf("a", 1)})
	g := remote.open(t, mirror)
	var log strings.Builder
	g.log = slog.New(slog.NewTextHandler(&log, nil))
	poll(t, g)
	must(t, os.Remove(filepath.Join(mirror, savedFile)))
	must(t, os.MkdirAll(filepath.Join(mirror, savedFile, "in the way"), 0o700))
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
	remote := newMemoryRemote()
	remote.push(map[string]string{"in/a.yaml": specOf("a", 1)})
	g := remote.open(t, "")
	poll(t, g)
	if _, err := os.Stat(filepath.Join(g.config.Mirror, savedFile)); err == nil {
		t.Error("there is a saved catalog in a temporary mirror")
	}
	must(t, g.Close())
}

// A mirror that is made anew gets what is known saved in it, too.
func TestSavedSpecs_compacted(t *testing.T) {
	remote, mirror := newMemoryRemote(), filepath.Join(t.TempDir(), "mirror.git")
	g := remote.open(t, mirror)
	g.packs = 2
	files := make(map[string]string)
	for i := range 4 {
		files[fmt.Sprintf("in/%d.yaml", i)] = specOf(fmt.Sprint("t", i), 1)
		remote.push(maps.Clone(files))
		poll(t, g)
	}
	must(t, g.Close())
	of, err := g.savedOf()
	must(t, err)
	if s, err := openSaved(of, filepath.Join(mirror, savedFile)); err != nil || s.catalog.set.Files() != 4 {
		t.Errorf("what is saved is %v, %v", s.catalog, err)
	}
}
