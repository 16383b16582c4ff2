package folder

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wedatasync/wedatasync/internal/gitstore"
	"github.com/wedatasync/wedatasync/internal/source/sourcetest"
)

// A folder is within the bounds, too, also where much is moved.
func TestTooLarge_Folder(t *testing.T) {
	f := newFolder(t, map[string]string{"a.yaml": sourcetest.Many(0, 30_000), "b.yaml": sourcetest.Many(30_000, 30_000)})
	s := f.open(Config{})
	sourcetest.Poll(t, s)
	change := func(files map[string]string) error {
		f.write(files)
		s.watch.giveBack(dirty{all: true})
		_, err := s.Poll(t.Context())
		return err
	}
	sourcetest.Must(t, change(map[string]string{"a.yaml": "", "b.yaml": "", "c.yaml": sourcetest.Many(0, 30_000), "d.yaml": sourcetest.Many(30_000, 30_000)}))
	if n := s.revision.Specs.Len(); n != 60_000 {
		t.Errorf("%d specs", n)
	}
	// Both places of 60,000 tasks are mistakes.
	if err := change(map[string]string{"e.yaml": sourcetest.Many(0, 30_000), "f.yaml": sourcetest.Many(30_000, 30_000)}); err != nil {
		t.Errorf("what is named once in this step is counted when the next is: %v", err)
	}
	if err := change(map[string]string{"g.yaml": sourcetest.Many(90_000, 1)}); !errors.Is(err, gitstore.ErrTooLarge) {
		t.Errorf("the error is %v", err)
	}
	sourcetest.Must(t, change(map[string]string{"e.yaml": "", "f.yaml": ""}))
}

// TestUnread_Folder: the same of a folder, which has git's own files in it, and some that
// may not be read.
func TestUnread_Folder(t *testing.T) {
	dir := t.TempDir()
	files := sourcetest.Lookalikes()
	files["in/.git/config.yaml"] = sourcetest.Spec("p", 1)
	for name, text := range files {
		path := filepath.Join(dir, name)
		sourcetest.Must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		sourcetest.Must(t, os.WriteFile(path, []byte(text), 0o644))
	}
	sourcetest.Must(t, os.Symlink("/", filepath.Join(dir, "in", ".drafts", "root")))
	f, err := Open(Config{Dir: dir, Path: "in"})
	sourcetest.Must(t, err)
	defer f.Close()
	rev, err := f.Poll(t.Context())
	sourcetest.Must(t, err)
	sourcetest.WantSaid(t, rev, sourcetest.LookalikeWarnings...)

	sourcetest.Must(t, os.WriteFile(filepath.Join(dir, "in", ".drafts", "e.yml"), []byte("nothing: 1"), 0o644))
	sourcetest.Must(t, os.Remove(filepath.Join(dir, "in", "old", "k.yaml")))
	f.watch.giveBack(dirty{all: true})
	rev, err = f.Poll(t.Context())
	sourcetest.Must(t, err)
	want := strings.Join(sourcetest.LookalikeWarnings, "\n") + "\n"
	for _, gone := range []string{"in/.drafts/e.yml", "in/old/k.yaml"} {
		want = strings.Replace(want, "warning not-read "+gone+"\n", "", 1)
	}
	if got := sourcetest.Said(rev); got != want {
		t.Errorf("the specs say\n%s\nwant\n%s", got, want)
	}
}
