package explain

import (
	"cmp"
	"slices"
	"strings"

	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// Candidate is a task that somebody may mean.
type Candidate struct {
	Key  spec.Key
	Name string // what people call it
}

// Candidates returns the tasks that somebody may mean: those that have what was said as their
// id, or as projectId/taskId; else those that have it as their name; else, with prefixes,
// those of which one of these begins so. records are what the state finds; p may be nil.
func Candidates(said string, prefixes bool, p *plan.Plan, records []*state.Record) []Candidate {
	var tiers [3][]Candidate
	seen := map[spec.Key]bool{}
	match := func(c Candidate) {
		tier := tierOf(&c, said, prefixes)
		if tier < 0 || seen[c.Key] {
			return
		}
		seen[c.Key] = true
		tiers[tier] = append(tiers[tier], c)
	}
	if p != nil {
		for _, want := range p.Wanted {
			match(Candidate{want.Key, want.Name})
		}
		for i := range p.Changes {
			match(Candidate{p.Changes[i].Key, p.Changes[i].Name()})
		}
		for i := range p.Skipped {
			match(Candidate{p.Skipped[i].Key, p.Skipped[i].Have.Name()})
		}
	}
	for _, rec := range records {
		name := rec.Name()
		if p != nil {
			name = cmp.Or(p.NameOf(rec.Key, rec), name)
		}
		match(Candidate{rec.Key, name})
	}
	for _, found := range tiers {
		if len(found) > 0 {
			return found
		}
	}
	return nil
}

// tierOf says how well the candidate matches what was said: 0 by its id, 1 by its name, 2 by the
// beginning of one of them, -1 not at all. It allocates nothing: all tasks are tried.
func tierOf(c *Candidate, said string, prefixes bool) int {
	id, ofProject := strings.CutPrefix(said, c.Key.ProjectID)
	if ofProject {
		id, ofProject = strings.CutPrefix(id, "/")
	}
	switch {
	case c.Key.TaskID == said || ofProject && c.Key.TaskID == id:
		return 0
	case c.Name == said:
		return 1
	case !prefixes || said == "":
		return -1
	case strings.HasPrefix(c.Key.TaskID, said), strings.HasPrefix(c.Name, said),
		strings.HasPrefix(c.Key.ProjectID, said), ofProject && strings.HasPrefix(c.Key.TaskID, id):
		return 2
	default:
		return -1
	}
}

// Narrow returns p without the changes, the specs and the skipped tasks that are not about what
// somebody may mean by said.
func Narrow(p *plan.Plan, said string) *plan.Plan {
	narrow := *p
	narrow.Wanted, narrow.Changes, narrow.Skipped = nil, nil, nil
	found := Candidates(said, true, p, nil)
	slices.SortFunc(found, func(a, b Candidate) int { return a.Key.Compare(b.Key) })
	for _, c := range found {
		if want := p.Wanted.Find(c.Key); want != nil {
			narrow.Wanted = append(narrow.Wanted, want)
		}
		if change := p.Find(c.Key); change != nil {
			narrow.Changes = append(narrow.Changes, *change)
		}
		if skipped := p.FindSkipped(c.Key); skipped != nil {
			narrow.Skipped = append(narrow.Skipped, *skipped)
		}
	}
	return &narrow
}
