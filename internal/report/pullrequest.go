package report

import (
	"slices"

	"github.com/wedatasync/wedatasync/spec"
)

// nextStep says what comes next on a pull request, and who can do it.
func nextStep(g *page) string {
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
