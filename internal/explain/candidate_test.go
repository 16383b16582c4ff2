package explain

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
)

// TestTierOf: how well a task matches depends on its texts alone, whatever is in them.
func TestTierOf(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		part := rapid.StringOfN(rapid.SampledFrom([]rune("ab/")), 1, 4, -1)
		c := Candidate{spec.Key{ProjectID: part.Draw(t, "project"), TaskID: part.Draw(t, "task")}, part.Draw(t, "name")}
		said, prefixes := rapid.StringOfN(rapid.SampledFrom([]rune("ab/")), 0, 9, -1).Draw(t, "said"), rapid.Bool().Draw(t, "prefixes")
		begins := func(s string) bool { return strings.HasPrefix(s, said) }
		want := -1
		switch {
		case c.Key.String() == said || c.Key.TaskID == said:
			want = 0
		case c.Name == said:
			want = 1
		case prefixes && said != "" && (begins(c.Key.TaskID) || begins(c.Key.String()) || begins(c.Name)):
			want = 2
		}
		if got := tierOf(&c, said, prefixes); got != want {
			t.Fatalf("%q matches %s %q in tier %d, want %d", said, c.Key, c.Name, got, want)
		}
	})
}

// TestNarrow: a plan that is narrowed down finds the same tasks by a name, and says the same of
// them.
func TestNarrow(t *testing.T) {
	key := func(id string) spec.Key { return spec.Key{ProjectID: "1", TaskID: id} }
	p := &plan.Plan{
		Wanted:  spec.Commits{{Key: key("a"), Name: "orders"}, {Key: key("b"), Name: "orders eu"}, {Key: key("c"), Name: "clicks"}},
		Changes: []plan.Change{{Key: key("b"), Action: plan.ActionCommit}, {Key: key("d"), Action: plan.ActionForget}},
		Skipped: []plan.Skipped{{Key: key("e")}},
		Holds:   []plan.GuardHold{{Guard: "maxChanges"}},
		Hash:    "sha256:1",
	}
	for said, want := range map[string]struct{ wanted, changes, skipped int }{
		"orders": {1, 0, 0}, // the one with that name, and not those that begin so
		"order":  {2, 1, 0},
		"1/d":    {0, 1, 0},
		"e":      {0, 0, 1},
		"1/":     {3, 2, 1},
		"none":   {0, 0, 0},
	} {
		got := Narrow(p, said)
		if len(got.Wanted) != want.wanted || len(got.Changes) != want.changes || len(got.Skipped) != want.skipped {
			t.Errorf("%s: %d specs, %d changes, %d skipped, want %+v", said, len(got.Wanted), len(got.Changes), len(got.Skipped), want)
		}
		if len(got.Holds) != 1 || got.Hash != p.Hash {
			t.Errorf("%s: the holds or the hash are gone", said)
		}
		for _, c := range Candidates(said, true, p, nil) {
			if change := p.Find(c.Key); (change == nil) != (got.Find(c.Key) == nil) {
				t.Errorf("%s: the change of %s is %v", said, c.Key, got.Find(c.Key))
			}
		}
	}
}
