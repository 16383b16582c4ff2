package gitstore

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/wedatasync/wedatasync/internal/gitstore/gittest"
)

// Histories are read as git reads them, with merges, merges across one another, and clocks
// that are wrong: the merge base is one of those that git names, what descends from what
// is the same, and so are the first parents between two commits.
func TestHistories_AsGit(t *testing.T) {
	r := gittest.New(t)
	commits := randomHistory(r, rand.New(rand.NewPCG(5, 6)), 60)
	s, err := Open(true, filepath.Join(r.Work, ".git", "objects"))
	gittest.Must(t, err)
	defer s.Close()
	random := rand.New(rand.NewPCG(7, 8))
	none := 0
	for range 60 {
		a, b := commits[random.IntN(len(commits))], commits[random.IntN(len(commits))]
		left, right := plumbing.NewHash(a), plumbing.NewHash(b)
		want := r.Git("-c", "alias.bases=!git merge-base --all "+a+" "+b+" || true", "bases")
		got, ok, err := s.MergeBase(t.Context(), left, right)
		switch {
		case err != nil || ok != (want != "") || ok && !strings.Contains(want, got.String()):
			t.Errorf("of %s and %s it is %s, %v, %v; git says %q", a, b, got, ok, err, want)
		case !ok:
			none++
		}
		after := r.Git("rev-list", "--count", "--ancestry-path", a+".."+b) != "0" || a == b
		if ok, err := s.Descends(t.Context(), left, right); err != nil || ok != after {
			t.Errorf("%s descends from %s: %v, %v", b, a, ok, err)
		}
		path := strings.Fields(r.Git("log", "--first-parent", "--format=%H", a+".."+b))
		between, err := s.FirstParents(t.Context(), left, right)
		if said := texts(between); err != nil || a != b && !slices.Equal(said, path[min(1, len(path)):]) {
			t.Errorf("from %s to %s there is %v, %v; git says %v", a, b, said, err, path)
		}
	}
	if none == 0 {
		t.Error("no two commits were without a common one")
	}
}

// randomHistory makes commits of at most two parents, and a branch at each.
func randomHistory(r *gittest.Repo, random *rand.Rand, n int) (commits []string) {
	tree := r.Feed(r.Work, "", "mktree")
	var refs strings.Builder
	for i := range n {
		args := []string{"commit-tree", "-m", fmt.Sprint(i), tree}
		for range min(len(commits), random.IntN(3)) {
			args = append(args, "-p", commits[len(commits)-1-random.IntN(min(len(commits), 8))])
		}
		r.Now = r.Now.AddDate(0, 0, random.IntN(5)-1)
		commits = append(commits, r.Feed(r.Work, "", args...))
		fmt.Fprintf(&refs, "create refs/heads/c%d %s\n", i, commits[i])
	}
	r.Feed(r.Work, refs.String(), "update-ref", "--stdin")
	return commits
}

func texts(hashes []plumbing.Hash) []string {
	var texts []string
	for _, h := range hashes {
		texts = append(texts, h.String())
	}
	return texts
}
