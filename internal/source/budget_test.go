package source

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/internal/gitstore"
)

// many is a file of so many commits that name tasks from first on.
func many(first, n int) string {
	var b strings.Builder
	b.WriteString("apiVersion: wedatasync/v1\ndefaults: {projectId: p}\ncommits:\n")
	for i := range n {
		fmt.Fprintf(&b, "- {taskId: t%d, commitType: 0}\n", first+i)
	}
	return b.String()
}

// A revision that is too large leaves the one before, costs once, and is over with the
// next that is not. It does not matter in how many steps it came.
func TestTooLarge(t *testing.T) {
	m := newMemoryRemote()
	g := m.open(t, t.TempDir())
	m.push(map[string]string{"in/a.yaml": many(0, 20_000)})
	before := poll(t, g)
	var last error
	for n := 1; n < 10; n++ {
		files := map[string]string{"in/a.yaml": many(0, 20_000)}
		for i := range n {
			files[fmt.Sprintf("in/%d.yaml", i)] = many(0, 20_000) + fmt.Sprintf("# %d\n", i)
		}
		m.push(files)
		if _, last = g.Poll(t.Context()); last != nil {
			break
		}
	}
	if !errors.Is(last, gitstore.ErrTooLarge) || !strings.Contains(last.Error(), "100000 mistakes") || strings.Count(last.Error(), "too large") != 1 {
		t.Fatalf("the error is %v", last)
	}
	if n := g.revision.Specs.Files(); n < 3 || n > 5 || before.Specs != g.revision.Specs {
		t.Errorf("%d files stay", n)
	}
	start := time.Now()
	for range 100 {
		wantError(t, g, gitstore.ErrTooLarge, "mistakes")
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("to find it out again took %v", took)
	}
	m.push(map[string]string{"in/b.yaml": many(0, 20_000), "in/c.yaml": many(20_000, 1)}) // moved
	rev := poll(t, g)
	if rev.Specs.Len() != 20_001 || rev.Specs.Problems() != nil || rev.Specs.Weight().Complaints != 0 {
		t.Errorf("%d specs, %v", rev.Specs.Len(), rev.Specs.Weight())
	}
}

// A folder is within the bounds, too, also where much is moved.
func TestTooLarge_Folder(t *testing.T) {
	f := newFolder(t, map[string]string{"a.yaml": many(0, 30_000), "b.yaml": many(30_000, 30_000)})
	s := f.open(FolderConfig{})
	poll(t, s)
	change := func(files map[string]string) error {
		f.write(files)
		s.watch.giveBack(dirty{all: true})
		_, err := s.Poll(t.Context())
		return err
	}
	must(t, change(map[string]string{"a.yaml": "", "b.yaml": "", "c.yaml": many(0, 30_000), "d.yaml": many(30_000, 30_000)}))
	if n := s.revision.Specs.Len(); n != 60_000 {
		t.Errorf("%d specs", n)
	}
	// Both places of 60,000 tasks are mistakes.
	if err := change(map[string]string{"e.yaml": many(0, 30_000), "f.yaml": many(30_000, 30_000)}); err != nil {
		t.Errorf("what is named once in this step is counted when the next is: %v", err)
	}
	if err := change(map[string]string{"g.yaml": many(90_000, 1)}); !errors.Is(err, gitstore.ErrTooLarge) {
		t.Errorf("the error is %v", err)
	}
	must(t, change(map[string]string{"e.yaml": "", "f.yaml": ""}))
}
