package source

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/spec"
)

// TestRepository_Past finds the specs that tasks had last, each in the newest revision
// that had it, and says when the history was read to its beginning.
func TestRepository_Past(t *testing.T) {
	r := newRepo(t)
	r.Commit(map[string]string{"readme": "before there was a folder"})
	first := r.Commit(map[string]string{"in/a.yaml": specOf("a", 1), "in/b.yaml": specOf("b", 1), "out.yaml": specOf("c", 1)})
	r.Commit(map[string]string{"in/b.yaml": "", "out.yaml": ""})
	second := r.Commit(map[string]string{"in/a.yaml": specOf("a", 2)})
	r.Commit(map[string]string{"in/a.yaml": "", "in/kept.yaml": specOf("kept", 1)})
	repo := openRepository(t, r.Work)
	keys := map[string]spec.Key{}
	for _, id := range []string{"a", "b", "c", "never"} {
		keys[id] = spec.Key{ProjectID: "1", TaskID: id}
	}
	past, err := repo.Past(t.Context(), "main", "in", []spec.Key{keys["a"], keys["b"], keys["c"], keys["never"]})
	must(t, err)
	if !past.Whole || len(past.Found) != 2 {
		t.Fatalf("%+v", past)
	}
	if got := past.Found[keys["a"]]; got.Revision != second || got.Commit.InstanceVersion != 2 {
		t.Errorf("a: version %d in %s", got.Commit.InstanceVersion, got.Revision)
	}
	if got := past.Found[keys["b"]]; got.Revision != first {
		t.Errorf("b: %s, want %s", got.Revision, first)
	}
	if past, err = repo.Past(t.Context(), "main", "in", []spec.Key{keys["a"]}); err != nil || past.Commits != 1 {
		t.Errorf("it goes on when all is found: %+v, %v", past, err)
	}
}

// TestRepository_PastIsBounded: a long history is not read to its beginning.
func TestRepository_PastIsBounded(t *testing.T) {
	r := newRepo(t)
	var b strings.Builder
	for n := range pastCommits + 2 {
		r.Now = r.Now.Add(time.Minute)
		fmt.Fprintf(&b, "commit refs/heads/main\ncommitter Bob <bob@example.com> %d +0000\ndata 0\n", r.Now.Unix())
		text := specOf("a", n+1)
		fmt.Fprintf(&b, "deleteall\nM 100644 inline in/a.yaml\ndata %d\n%s\n", len(text), text)
	}
	r.Feed(r.Dir, b.String(), "fast-import", "--quiet")
	past, err := openRepository(t, r.Dir).Past(t.Context(), "main", "in", []spec.Key{{ProjectID: "1", TaskID: "never"}})
	must(t, err)
	if past.Whole || past.Commits != pastCommits || len(past.Found) > 0 {
		t.Errorf("%+v", past)
	}
}
