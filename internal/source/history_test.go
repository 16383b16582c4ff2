package source

import (
	"maps"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/wedatasync/wedatasync/internal/specfiles"
)

// The law of Git: whatever is pushed, polling step by step gives what reading the
// last revision from scratch gives.
func TestIncrementalEqualsFromScratch(t *testing.T) {
	r := newRepo(t)
	root := r.Commit(map[string]string{"README.md": "hello"})
	rapid.Check(t, func(rt *rapid.T) {
		g, err := OpenGit(GitConfig{URL: r.Dir, Mirror: filepath.Join(t.TempDir(), "mirror.git")})
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
			head := r.Import(heads[from], true, state)
			states, heads = append(states, state), append(heads, head)

			got := poll(t, g)
			scratch, err := OpenRepository(r.Dir)
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
			files[specfiles.IgnoreFile] = rapid.SampledFrom([]string{"drafts\n", "*.yml\n", "in/*\n!in/a.yaml\n", "# nothing\n"}).Draw(t, "ignore")
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
