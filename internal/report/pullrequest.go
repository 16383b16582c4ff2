package report

import (
	"slices"
	"strconv"
	"strings"

	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
)

// next says what comes next on a pull request, and who can do it.
func (b *builder) next(g *page) {
	if !g.o.PullRequest {
		return
	}
	if s := g.nextStep(); s != "" {
		b.line("")
		b.line("**Next step:** " + s)
	}
}

func (g *page) nextStep() string {
	s := g.summary
	switch {
	case s.errors > 0:
		return "the author corrects the invalid specs. Merged as it is, they are skipped."
	case s.guards > 0 && approveCommand(g.plan) != "":
		return "a reviewer merges this. The daemon holds the plan until an operator approves it."
	case s.guards > 0:
		return "the author changes the specs, or an operator the guard. The daemon holds the plan until then."
	case len(g.losing) > 0:
		return "a reviewer makes sure that the tasks may lose their state, and merges this. The daemon sends the commits then."
	case s.commits > 0:
		return "a reviewer merges this. The daemon sends the commits then."
	case s.held > 0:
		return "a reviewer merges this. The daemon sends the commits when nothing holds them any more; see below."
	case s.quiet():
		return ""
	default:
		return "a reviewer merges this. The daemon sends nothing for it."
	}
}

// order folds away which commits wait for others, in the order in which they are sent.
func (b *builder) order(g *page, l level) {
	commits := map[spec.Key]*plan.Change{}
	for _, group := range g.sends {
		for _, c := range group {
			commits[c.Key] = c
		}
	}
	waiting := map[spec.Key][]spec.Key{} // for other commits of the plan
	for key, c := range commits {
		for _, other := range c.Want.DependsOn {
			if commits[other] != nil {
				waiting[key] = append(waiting[key], other)
			}
		}
	}
	if len(waiting) == 0 {
		return
	}
	sorted := inOrder(waiting)
	b.fold("Order: " + pick(len(sorted), "1 commit waits for others", strconv.Itoa(len(sorted))+" commits wait for others"))
	for _, key := range sorted[:min(len(sorted), l.rows)] {
		var after []string
		for _, other := range waiting[key][:min(len(waiting[key]), maxListed)] {
			after = append(after, g.span(commits[other]))
		}
		if more := len(waiting[key]) - len(after); more > 0 {
			after = append(after, strconv.Itoa(more)+" more")
		}
		b.linef("1. %s after %s", g.span(commits[key]), strings.Join(after, ", "))
	}
	b.moreItems(len(sorted) - l.rows)
	b.unfold()
}

// inOrder sorts the tasks that wait, each after those that it waits for.
func inOrder(waiting map[spec.Key][]spec.Key) []spec.Key {
	depth := map[spec.Key]int{}
	var measure func(key spec.Key) int
	measure = func(key spec.Key) int {
		if d, known := depth[key]; known {
			return d
		}
		depth[key] = 0 // specs have no cycles, and one would end here
		d := 0
		for _, other := range waiting[key] {
			d = max(d, measure(other)+1)
		}
		depth[key] = d
		return d
	}
	var keys []spec.Key
	for key := range waiting {
		measure(key)
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b spec.Key) int {
		if depth[a] != depth[b] {
			return depth[a] - depth[b]
		}
		return a.Compare(b)
	})
	return keys
}
