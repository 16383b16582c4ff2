package gitstore

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/wedatasync/wedatasync/internal/gitstore/gittest"
)

// Each object of a real pack is read as git reads it, by many goroutines at once.
func TestReadsWhatGitReads(t *testing.T) {
	r := gittest.New(t)
	random := rand.New(rand.NewPCG(3, 4))
	text := strings.Repeat("a line that is in every version\n", 200)
	for i := range 12 { // deltas of deltas
		at := random.IntN(len(text))
		text = text[:at] + fmt.Sprintf("version %d\n", i) + text[at:]
		r.Write(map[string]string{"large.txt": text, fmt.Sprintf("f%d/%d.yaml", i%3, i): fmt.Sprintf("version: %d\n", i)})
		r.Push("change")
	}
	r.Git("tag", "-a", "-m", "tag", "v1")
	r.Git("push", "-q", "origin", "v1")
	for _, packed := range []string{"loose", "packed", "packed with names of bases"} {
		t.Run(packed, func(t *testing.T) {
			switch packed {
			case "packed":
				r.Bare("repack", "-adfq", "--depth=50")
			case "packed with names of bases":
				r.Bare("-c", "repack.useDeltaBaseOffset=false", "repack", "-adfq")
			}
			s, err := Open(true, filepath.Join(r.Dir, "objects"))
			gittest.Must(t, err)
			defer s.Close()
			list := strings.Fields(r.Bare("cat-file", "--batch-all-objects", "--batch-check=%(objectname)|%(objecttype)|%(objectsize)"))
			if len(list) < 40 {
				t.Fatalf("there are only %d objects", len(list))
			}
			done := make(chan error)
			for range 4 {
				go func() { done <- readAll(s, list) }()
			}
			for range 4 {
				if err := <-done; err != nil {
					t.Error(err)
				}
			}
			if s.Has(plumbing.NewHash(strings.Repeat("12", 20))) {
				t.Error("it has what is not there")
			}
		})
	}
}

// readAll reads objects, which are checked against their names, and their sizes.
func readAll(s *Store, list []string) error {
	list = slices.Clone(list)
	rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	for _, line := range list {
		var size int64
		hash, rest, _ := strings.Cut(line, "|")
		word, digits, _ := strings.Cut(rest, "|")
		if _, err := fmt.Sscan(digits, &size); err != nil {
			return err
		}
		kind, err := plumbing.ParseObjectType(word)
		if err != nil {
			return err
		}
		h := plumbing.NewHash(hash)
		data, err := s.Read(h, kind, size)
		if err != nil {
			return err
		}
		if int64(len(data)) != size {
			return fmt.Errorf("%s has %d bytes, want %d", hash, len(data), size)
		}
		if size == 0 {
			continue
		}
		if _, err := s.Object(h, size-1); err == nil {
			return fmt.Errorf("%s was read beyond its limit", hash)
		}
	}
	return nil
}

// A clone that shares the objects of another repository has those, too, by whatever path.
// One that names itself ends.
func TestAlternates(t *testing.T) {
	r := gittest.New(t)
	head := plumbing.NewHash(r.Commit(map[string]string{"a": "a"}))
	shared := filepath.Join(t.TempDir(), "shared.git")
	r.Git("clone", "-q", "--bare", "--shared", r.Dir, shared)
	objects := filepath.Join(shared, "objects")
	dirs, err := Alternates(objects)
	gittest.Must(t, err)
	if want := []string{objects, filepath.Join(r.Dir, "objects")}; !slices.Equal(dirs, want) {
		t.Errorf("they are %v, want %v", dirs, want)
	}
	s, err := Open(true, dirs...)
	gittest.Must(t, err)
	defer s.Close()
	if _, err := s.Commit(head); err != nil {
		t.Error(err)
	}
	write := func(text string) {
		gittest.Must(t, os.WriteFile(filepath.Join(objects, "info", "alternates"), []byte(text), 0o600))
	}
	for _, text := range []string{"../objects\n", "# odd\n\n" + objects + "/\n../../shared.git/objects"} {
		write(text)
		if dirs, err := Alternates(objects); err != nil || !slices.Equal(dirs, []string{objects}) {
			t.Errorf("a circle is %v: %v", dirs, err)
		}
	}
	for text, want := range map[string]string{
		`"/a b"`: "/a b", `"/a\tb\"\\\303\266"`: "/a\tb\"\\ö", `"/not closed`: filepath.Join(objects, `"/not closed`), `/a"b"`: `/a"b"`, "`/a`": filepath.Join(objects, "`/a`"),
	} {
		write(text + "\n")
		if dirs, err := Alternates(objects); err != nil || !slices.Equal(dirs, []string{objects, want}) {
			t.Errorf("%s is %v: %v", text, dirs, err)
		}
	}
	var many strings.Builder
	for i := range maxAlternates {
		fmt.Fprintf(&many, "/nowhere/%d\n", i)
	}
	write(many.String())
	if dirs, err := Alternates(objects); err == nil {
		t.Errorf("%d are read", len(dirs))
	}
}

// Git may pack objects again while they are read: what was loose, or in a pack that is gone.
func TestPackedMeanwhile(t *testing.T) {
	r := gittest.New(t)
	r.Commit(map[string]string{"a": "a"})
	s, err := Open(true, filepath.Join(r.Work, ".git", "objects"))
	gittest.Must(t, err)
	defer s.Close()
	for i, pack := range [][]string{{"repack", "-q", "-a", "-d"}, {"repack", "-q", "-a", "-d", "-f"}, {"gc", "-q", "--prune=now"}} {
		head := plumbing.NewHash(r.Commit(map[string]string{"a": fmt.Sprint("b", i)}))
		r.Git(pack...)
		c, err := s.Commit(head)
		if err != nil {
			t.Fatalf("after %v: %v", pack, err)
		}
		if _, err := s.Tree(c.TreeHash); err != nil {
			t.Errorf("after %v: %v", pack, err)
		}
	}
	if _, err := s.Object(plumbing.NewHash(strings.Repeat("12", 20)), MaxObject); !errors.Is(err, ErrMissing) || !errors.Is(err, ErrDamaged) {
		t.Errorf("what is not there: %v", err)
	}
}

// A chain of deltas is as long as git writes one, with fast-import, and is read from its end.
func TestLongestChain(t *testing.T) {
	r := gittest.New(t)
	var b strings.Builder
	const longest = 8191
	for i := range longest + 1 {
		text := fmt.Sprintf("%s%d\n", strings.Repeat("a line of a file\n", 20), i)
		fmt.Fprintf(&b, "blob\nmark :%d\ndata %d\n%s\n", i+1, len(text), text)
	}
	fmt.Fprintf(&b, "commit refs/heads/main\ncommitter Bob <b@c> 1 +0000\ndata 0\nM 100644 :%d a\n", longest+1)
	r.Feed(r.Dir, b.String(), "-c", "fastimport.unpackLimit=0", "fast-import", "--quiet", fmt.Sprint("--depth=", longest))
	packs, err := filepath.Glob(filepath.Join(r.Dir, "objects", "pack", "*.pack"))
	gittest.Must(t, err)
	if stat := r.Bare("verify-pack", "-s", packs[0]); !strings.Contains(stat, fmt.Sprintf("chain length = %d: 1 object", longest)) {
		t.Fatalf("the chains are %s", stat[max(0, len(stat)-200):])
	}
	s, err := Open(true, filepath.Join(r.Dir, "objects"))
	gittest.Must(t, err)
	defer s.Close()
	want := r.Bare("cat-file", "-p", "main:a")
	got, err := s.Read(plumbing.NewHash(r.Bare("rev-parse", "main:a")), plumbing.BlobObject, MaxObject)
	if err != nil || strings.TrimSpace(string(got)) != want {
		t.Errorf("the last one has %d bytes: %v", len(got), err)
	}
	pack, err := os.Open(packs[0])
	gittest.Must(t, err)
	defer pack.Close()
	if _, err := Receive(t.Context(), pack, t.TempDir(), 1<<30); err != nil {
		t.Errorf("as a server sends it: %v", err)
	}
}
