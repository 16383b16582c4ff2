package source

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/internal/gitstore"
	"github.com/wedatasync/wedatasync/internal/source/sourcetest"
)

// A revision that is too large leaves the one before, costs once, and is over with the
// next that is not. It does not matter in how many steps it came.
func TestTooLarge(t *testing.T) {
	m := startMemory(t)
	g := m.open(t, t.TempDir())
	m.push(map[string]string{"in/a.yaml": sourcetest.Many(0, 20_000)})
	before := poll(t, g)
	var last error
	for n := 1; n < 10; n++ {
		files := map[string]string{"in/a.yaml": sourcetest.Many(0, 20_000)}
		for i := range n {
			files[fmt.Sprintf("in/%d.yaml", i)] = sourcetest.Many(0, 20_000) + fmt.Sprintf("# %d\n", i)
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
	m.push(map[string]string{"in/b.yaml": sourcetest.Many(0, 20_000), "in/c.yaml": sourcetest.Many(20_000, 1)}) // moved
	rev := poll(t, g)
	if rev.Specs.Len() != 20_001 || rev.Specs.Problems() != nil || rev.Specs.Weight().Complaints != 0 {
		t.Errorf("%d specs, %v", rev.Specs.Len(), rev.Specs.Weight())
	}
}
