package explain

import (
	"cmp"
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
		begins := func(s string) bool { return strings.HasPrefix(s, said) }
		switch {
		case seen[c.Key]:
			return
		case c.Key.String() == said || c.Key.TaskID == said:
			tiers[0] = append(tiers[0], c)
		case c.Name == said:
			tiers[1] = append(tiers[1], c)
		case prefixes && said != "" && (begins(c.Key.TaskID) || begins(c.Key.String()) || begins(c.Name)):
			tiers[2] = append(tiers[2], c)
		default:
			return
		}
		seen[c.Key] = true
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
