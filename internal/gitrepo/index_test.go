package gitrepo

import (
	"bytes"
	"crypto/sha1"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wedatasync/wedatasync/internal/gitstore/gittest"
)

// Every kind of index lists what git ls-files lists.
func TestIndex(t *testing.T) {
	files := map[string]string{"top": "x", "a/b/c.yaml": "x", "a/b/d.yaml": "x", "a/bb": "x", "ünï/x": "x", "z/z/z/z": "x"}
	for i := range 40 {
		files[fmt.Sprintf("many/%03d/%s", i, strings.Repeat("n", i*5+1))] = "x"
	}
	for _, tt := range []struct {
		name string
		do   func(r *gittest.Repo)
	}{
		{"version 2", func(*gittest.Repo) {}},
		{"version 3", func(r *gittest.Repo) {
			r.Write(map[string]string{"later": "x"})
			r.Git("add", "-N", "later")
			r.Git("update-index", "--skip-worktree", "top")
		}},
		{"version 4", func(r *gittest.Repo) { r.Git("update-index", "--index-version", "4") }},
		{"split", func(r *gittest.Repo) { r.Git("update-index", "--split-index") }},
		{"split, and changed", func(r *gittest.Repo) {
			r.Git("update-index", "--index-version", "4", "--split-index")
			r.Write(map[string]string{"late/late": "x", "top": "y"})
			r.Git("-c", "core.splitIndex=true", "-c", "splitIndex.maxPercentChange=100", "add", ".")
		}},
		{"split no more", func(r *gittest.Repo) {
			r.Git("update-index", "--split-index")
			r.Git("update-index", "--no-split-index")
		}},
		{"with caches", func(r *gittest.Repo) {
			r.Git("update-index", "--untracked-cache", "--force-write-index")
			r.Git("-c", "index.recordEndOfIndexEntries=true", "-c", "index.recordOffsetTable=true", "-c", "index.threads=2", "reset", "-q", "--hard")
		}},
		{"sparse", func(r *gittest.Repo) { r.Git("sparse-checkout", "set", "--cone", "--sparse-index", "a") }},
		{"a long name", func(r *gittest.Repo) {
			r.Git("update-index", "--add", "--cacheinfo", "100644,"+r.Git("rev-parse", "HEAD:top")+","+strings.Repeat("long/", 900)+"x")
		}},
		{"a conflict", func(r *gittest.Repo) {
			r.Git("switch", "-q", "-c", "other", "HEAD~1")
			r.Write(map[string]string{"top": "other"})
			r.Git("commit", "-q", "-a", "-m", "other")
			r.Git("-c", "alias.try=!git merge -q main 2>&1 || true", "try")
		}},
		{"no checksum", func(r *gittest.Repo) {
			name := filepath.Join(r.Work, ".git", "index")
			data, err := os.ReadFile(name)
			gittest.Must(t, err)
			copy(data[len(data)-sha1.Size:], make([]byte, sha1.Size))
			gittest.Must(t, os.WriteFile(name, data, 0o600))
		}},
		{"none", func(r *gittest.Repo) { gittest.Must(t, os.Remove(filepath.Join(r.Work, ".git", "index"))) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := gittest.New(t)
			r.Commit(files)
			r.Commit(map[string]string{"top": "second"})
			tt.do(r)
			entries, err := index(filepath.Join(r.Work, ".git"))
			gittest.Must(t, err)
			var got []string
			for _, e := range entries {
				if strings.HasSuffix(e.name, "/") != (!e.tree.IsZero()) {
					t.Errorf("%s has the tree %s", e.name, e.tree)
				}
				got = append(got, e.name)
			}
			slices.Sort(got)
			got = slices.Compact(got)
			want := strings.Split(strings.TrimSuffix(r.Git("ls-files", "--cached", "--sparse", "-z"), "\x00"), "\x00")
			slices.Sort(want)
			want = slices.DeleteFunc(slices.Compact(want), func(s string) bool { return s == "" })
			if !slices.Equal(got, want) {
				t.Errorf("it lists %q\ngit lists %q", got, want)
			}
		})
	}
}

// What is cut off or changed is an error, and never an index of less.
func TestIndex_damaged(t *testing.T) {
	r := gittest.New(t)
	r.Commit(map[string]string{"a": "x", "b": "x", "c/d": "x"})
	name := filepath.Join(r.Work, ".git", "index")
	good, err := os.ReadFile(name)
	gittest.Must(t, err)
	for _, v := range []string{"2", "4"} {
		r.Git("update-index", "--index-version", v)
		good, err = os.ReadFile(name)
		gittest.Must(t, err)
		for n := range len(good) - 1 {
			cut := bytes.Clone(good[:n])
			gittest.Must(t, os.WriteFile(name, cut, 0o600))
			if _, err := index(filepath.Dir(name)); !errors.Is(err, errIndex) {
				t.Fatalf("version %s, cut to %d bytes: %v", v, n, err)
			}
		}
		gittest.Must(t, os.WriteFile(name, good, 0o600))
	}
	good[7] = 9
	sum := sha1.Sum(good[:len(good)-sha1.Size])
	copy(good[len(good)-sha1.Size:], sum[:])
	gittest.Must(t, os.WriteFile(name, good, 0o600))
	if _, err := index(filepath.Dir(name)); err == nil || !strings.Contains(err.Error(), "version 9 is not known") {
		t.Errorf("another version: %v", err)
	}
}

// Whatever an index, a configuration or a ref holds, it is read to an end.
func FuzzFiles(f *testing.F) {
	f.Add([]byte("[core]\n\tworktree = \"a\\\"b\" \\\n c ; d\n[x \"y\\\\z\"]k=v"))
	f.Add([]byte("ref: refs/heads/main\n"))
	f.Add([]byte("ref:"))
	f.Add([]byte("0123456789012345678901234567890123456789 refs/heads/main\n"))
	f.Add([]byte("DIRC\x00\x00\x00\x04\x00\x00\x00\x01" + strings.Repeat("x", 62) + "\x00a\x00" + strings.Repeat("\x00", 20)))
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		for _, name := range []string{"config", "index", "HEAD", "packed-refs"} {
			gittest.Must(t, os.WriteFile(filepath.Join(dir, name), data, 0o600))
		}
		for key := range settings(data) {
			if !strings.Contains(key, ".") {
				t.Errorf("a key is %q", key)
			}
		}
		entries, err := index(dir)
		if err == nil && len(entries) > len(data) {
			t.Errorf("%d bytes have %d entries", len(data), len(entries))
		}
		l := &layout{dir: dir, common: dir, config: new(config)}
		if h, err := l.lookup("HEAD"); err == nil && !bytes.Contains(bytes.ToLower(data), []byte(h.String())) {
			t.Errorf("HEAD is %s", h)
		}
	})
}
