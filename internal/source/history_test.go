package source

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// The law of Git: whatever is pushed, polling step by step gives what reading the
// last revision from scratch gives.
func TestIncrementalEqualsFromScratch(t *testing.T) {
	r := newRepo(t)
	root := r.commit(map[string]string{"README.md": "hello"})
	rapid.Check(t, func(rt *rapid.T) {
		g, err := OpenGit(GitConfig{URL: r.dir, Mirror: filepath.Join(t.TempDir(), "mirror.git")})
		must(t, err)
		defer g.Close()
		states, heads := []map[string]string{{}}, []string{root}
		for range rapid.IntRange(1, 4).Draw(rt, "pushes") {
			// Most pushes go on from the last one; others rewrite history or undo.
			from, like := len(heads)-1, len(states)-1
			if rapid.IntRange(0, 3).Draw(rt, "rewrite") == 0 {
				from = rapid.IntRange(0, from).Draw(rt, "from")
				like = rapid.IntRange(0, like).Draw(rt, "like")
			}
			state := randomEdits(rt, states[like])
			head := r.importFiles(heads[from], true, state)
			states, heads = append(states, state), append(heads, head)

			got := poll(t, g)
			scratch, err := OpenRepository(r.dir)
			must(t, err)
			want, err := scratch.SpecsAt(t.Context(), "main", ".")
			must(t, err)
			must(t, scratch.Close())
			if got.ID != head || want.ID != head {
				rt.Fatalf("the revision is %s, from scratch %s, want %s", got.ID, want.ID, head)
			}
			if diff := cmp.Diff(said(want), said(got)); diff != "" {
				rt.Fatalf("the specs differ from those read from scratch (-want +got):\n%s", diff)
			}
			if a, b := want.Specs.Files(), got.Specs.Files(); a != b {
				rt.Fatalf("there are %d files, want %d", b, a)
			}
		}
	})
}

// randomEdits changes some of the files. A text that starts with -> is a link.
func randomEdits(t *rapid.T, files map[string]string) map[string]string {
	files = maps.Clone(files)
	names := rapid.SampledFrom([]string{
		"a.yaml", "b.yml", "in/a.yaml", "in/b.yaml", "in/deep/c.yaml", "drafts/d.yaml", "x.txt", "in/.hidden/e.yaml", ".f.yaml", "g.yaml/h.yaml", "g.yaml",
	})
	folders := rapid.SampledFrom([]string{"in/", "drafts/", "in/deep/", "other/"})
	for range rapid.IntRange(1, 4).Draw(t, "edits") {
		switch rapid.IntRange(0, 5).Draw(t, "edit") {
		case 0:
			delete(files, names.Draw(t, "gone"))
		case 1: // a folder is moved, and replaces what was there
			from, to := folders.Draw(t, "from folder"), folders.Draw(t, "to folder")
			for name, text := range maps.Clone(files) {
				if rest, ok := strings.CutPrefix(name, from); ok {
					delete(files, name)
					files[to+rest] = text
				}
			}
		case 2:
			files[IgnoreFile] = rapid.SampledFrom([]string{"drafts\n", "*.yml\n", "in/*\n!in/a.yaml\n", "# nothing\n"}).Draw(t, "ignore")
		default:
			task := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "task")
			files[names.Draw(t, "name")] = rapid.SampledFrom([]string{
				specOf(task, 1), specOf(task, 2), "commits: [", "apiVersion: v9\n", "\x00", "->a.yaml",
			}).Draw(t, "text")
		}
	}
	if _, ok := files["g.yaml/h.yaml"]; ok {
		delete(files, "g.yaml")
	}
	return files
}

// Each object of a real pack is read as git reads it, by many goroutines at once.
func TestReadsWhatGitReads(t *testing.T) {
	r := newRepo(t)
	random := rand.New(rand.NewPCG(3, 4))
	text := strings.Repeat("a line that is in every version\n", 200)
	for i := range 12 { // deltas of deltas
		at := random.IntN(len(text))
		text = text[:at] + fmt.Sprintf("version %d\n", i) + text[at:]
		r.write(map[string]string{"large.txt": text, fmt.Sprintf("f%d/%d.yaml", i%3, i): specOf("t", i+1)})
		r.push("change")
	}
	r.git("tag", "-a", "-m", "tag", "v1")
	r.git("push", "-q", "origin", "v1")
	for _, packed := range []string{"loose", "packed", "packed with names of bases"} {
		t.Run(packed, func(t *testing.T) {
			switch packed {
			case "packed":
				r.bare("repack", "-adfq", "--depth=50")
			case "packed with names of bases":
				r.bare("-c", "repack.useDeltaBaseOffset=false", "repack", "-adfq")
			}
			s, err := openStore(true, filepath.Join(r.dir, "objects"))
			must(t, err)
			defer s.close()
			list := strings.Fields(r.bare("cat-file", "--batch-all-objects", "--batch-check=%(objectname)|%(objecttype)|%(objectsize)"))
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
			if s.has(plumbing.NewHash(strings.Repeat("12", 20))) {
				t.Error("it has what is not there")
			}
		})
	}
}

// readAll reads objects, which are checked against their names, and their sizes.
func readAll(s *store, list []string) error {
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
		data, err := s.read(h, kind, size)
		if err != nil {
			return err
		}
		if int64(len(data)) != size {
			return fmt.Errorf("%s has %d bytes, want %d", hash, len(data), size)
		}
		if size == 0 {
			continue
		}
		if _, err := s.load(h, size-1); err == nil {
			return fmt.Errorf("%s was read beyond its limit", hash)
		}
	}
	return nil
}
