package source

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wedatasync/wedatasync/internal/specfiles"
)

// lookalikes are files that are no specs and look like some, or do not.
func lookalikes() map[string]string {
	return map[string]string{
		"in/a.yaml":                  specOf("a", 1),
		"in/b.YAML":                  specOf("b", 1),
		"in/c.Yml":                   "jobs: {}",
		"in/.d.yaml":                 specOf("d", 1),
		"in/.drafts/e.yml":           specOf("e", 1),
		"in/.drafts/x/E.YAML":        specOf("f", 1),
		"in/.github/ci.yaml":         "jobs: {}\n# apiVersion: wedatasync/v1\n",
		"in/old/g.yaml":              specOf("g", 1),
		"in/old/.h.yaml":             specOf("h", 1),
		"in/old/i.yaml.bak":          specOf("i", 1),
		"in/old/k.yaml":              "{\"apiVersion\": \"wedatasync/v1\", \"commits\": []}",
		"in/old/large.yaml":          specOf("l", 1) + strings.Repeat("# nothing\n", specfiles.MaxUnreadSize/10),
		"in/old/late.yaml":           strings.Repeat("# nothing\n", (4<<10)/10+1) + specOf("m", 1),
		"in/old/binary.yaml":         "\x00\xff apiVersion: wedatasync/v1",
		"in/notes.txt":               specOf("n", 1),
		"in/" + specfiles.IgnoreFile: "old/\n!old/g.yaml\n",
		".hidden/elsewhere.yaml":     specOf("o", 1),
	}
}

// lookalikeWarnings is what a source says of them: nothing that a folder above is
// ignored for comes back by a pattern of its own, as in git.
var lookalikeWarnings = []string{
	"a v1 in/a.yaml",
	"warning not-read in/.d.yaml",
	"warning not-read in/.drafts/e.yml",
	"warning not-read in/.drafts/x/E.YAML",
	"warning not-read in/b.YAML",
	"warning not-read in/c.Yml",
	"warning not-read in/old/.h.yaml",
	"warning not-read in/old/g.yaml",
	"warning not-read in/old/k.yaml",
}

// TestUnread_Git: files that look like specs and are not read are warnings, at the cost
// of what has changed.
func TestUnread_Git(t *testing.T) {
	r := newRepo(t)
	r.Commit(lookalikes())
	g := r.open(GitConfig{Path: "in"})
	wantSaid(t, poll(t, g), lookalikeWarnings...)

	r.Commit(map[string]string{"in/.github/ci.yaml": specOf("z", 1), "in/a.yaml": specOf("a", 2)})
	rev := poll(t, g)
	if got := said(rev); !strings.Contains(got, "warning not-read in/.github/ci.yaml") || !strings.Contains(got, "a v2") {
		t.Errorf("after a change the specs say\n%s", got)
	}
	r.Git("rm", "-q", "-r", "in/.drafts", "in/.github", "in/.d.yaml")
	r.Git("mv", "in/b.YAML", "in/b.yaml")
	r.Commit(map[string]string{"in/" + specfiles.IgnoreFile: "k.yaml\nbinary.yaml\nl*\n"})
	wantSaid(t, poll(t, g), "a v2 in/a.yaml", "b v1 in/b.yaml", "g v1 in/old/g.yaml",
		"warning not-read in/c.Yml", "warning not-read in/old/.h.yaml", "warning not-read in/old/k.yaml")
}

// TestUnread_Folder: the same of a folder, which has git's own files in it, and some that
// may not be read.
func TestUnread_Folder(t *testing.T) {
	dir := t.TempDir()
	files := lookalikes()
	files["in/.git/config.yaml"] = specOf("p", 1)
	for name, text := range files {
		path := filepath.Join(dir, name)
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		must(t, os.WriteFile(path, []byte(text), 0o644))
	}
	must(t, os.Symlink("/", filepath.Join(dir, "in", ".drafts", "root")))
	f, err := OpenFolder(FolderConfig{Dir: dir, Path: "in"})
	must(t, err)
	defer f.Close()
	rev, err := f.Poll(t.Context())
	must(t, err)
	wantSaid(t, rev, lookalikeWarnings...)

	must(t, os.WriteFile(filepath.Join(dir, "in", ".drafts", "e.yml"), []byte("nothing: 1"), 0o644))
	must(t, os.Remove(filepath.Join(dir, "in", "old", "k.yaml")))
	f.watch.giveBack(dirty{all: true})
	rev, err = f.Poll(t.Context())
	must(t, err)
	want := strings.Join(lookalikeWarnings, "\n") + "\n"
	for _, gone := range []string{"in/.drafts/e.yml", "in/old/k.yaml"} {
		want = strings.Replace(want, "warning not-read "+gone+"\n", "", 1)
	}
	if got := said(rev); got != want {
		t.Errorf("the specs say\n%s\nwant\n%s", got, want)
	}
}

// TestUnread_Bounds: of very many files that are ignored some are looked at, and none
// ends a poll.
func TestUnread_Bounds(t *testing.T) {
	const perFolder = 200
	files := map[string]string{"a.yaml": specOf("a", 1), specfiles.IgnoreFile: "many/\n"}
	for i := range specfiles.MaxUnread + 3*perFolder {
		files[fmt.Sprintf("many/%03d/%03d.yaml", i/perFolder, i%perFolder)] = specOf("b", 1)
	}
	r := newRepo(t)
	r.Commit(files)
	rev := poll(t, r.open(GitConfig{}))
	got := said(rev)
	if n := rev.Specs.Problems().Len(); n < specfiles.MaxUnread/2 || n > specfiles.MaxUnread+perFolder {
		t.Errorf("%d of %d files are looked at", n, len(files))
	}
	if !strings.HasPrefix(got, "a v1 a.yaml\n") || strings.Contains(got, "error") {
		t.Errorf("the specs say\n%.200s", got)
	}
}
