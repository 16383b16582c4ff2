package source

import (
	"fmt"
	"strings"
	"testing"

	"github.com/wedatasync/wedatasync/internal/source/sourcetest"
	"github.com/wedatasync/wedatasync/internal/specfiles"
)

// TestUnread_Git: files that look like specs and are not read are warnings, at the cost
// of what has changed.
func TestUnread_Git(t *testing.T) {
	r := newRepo(t)
	r.Commit(sourcetest.Lookalikes())
	g := r.open(GitConfig{Path: "in"})
	wantSaid(t, poll(t, g), sourcetest.LookalikeWarnings...)

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
