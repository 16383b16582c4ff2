package source

import (
	"errors"
	"os"
	"testing"

	"github.com/wedatasync/wedatasync/internal/gitremote"
)

// TestHead: where the branch is can be asked without fetching anything.
func TestHead(t *testing.T) {
	r := newRepo(t)
	want := r.Commit(map[string]string{"a.yaml": specOf("a", 1)})
	g := r.open(GitConfig{})
	if got, err := g.Head(t.Context()); err != nil || got != want {
		t.Errorf("the branch is at %s (%v), want %s", got, err, want)
	}
	if _, err := os.Stat(g.config.Mirror); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("something was fetched: %v", err)
	}
	if _, err := r.open(GitConfig{Branch: "release"}).Head(t.Context()); !errors.Is(err, gitremote.ErrNoBranch) {
		t.Errorf("a branch that is not there: %v, want %v", err, gitremote.ErrNoBranch)
	}
}
