package spec

import (
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/wedatasync/wedatasync/internal/text"
)

// graph is who depends on whom: the commits that have dependsOn, among those
// that are named once. It knows the dependencies on unknown tasks and the ones
// that go round in a circle.
type graph struct {
	edges   map[Key][]Key  // the DependsOn of a commit
	targets map[Key]target // the tasks that others depend on
	unread  bool           // some file may name any task

	unknown map[Key][]Key // of a commit: the dependencies that no file names
	circles map[Key][]Key // of a commit in a circle: a way round, its first task also last
}

// target is a task that others depend on.
type target struct {
	sources int  // how many commits do
	named   bool // some file names it
}

func newGraph() graph {
	return graph{
		edges:   make(map[Key][]Key),
		targets: make(map[Key]target),
		unknown: make(map[Key][]Key),
		circles: make(map[Key][]Key),
	}
}

// faulty reports whether the dependencies of a commit keep it from being used.
func (g *graph) faulty(k Key) bool { return len(g.unknown[k]) > 0 || len(g.circles[k]) > 0 }

// settle brings the graph up to date with the touched tasks of the set. It
// returns other tasks whose faults may differ. While the dependencies stay the
// same, and the tasks that others depend on stay, it costs next to nothing.
func (g *graph) settle(s *Set) (others []Key) {
	var moved []Key
	for _, k := range inOrder(s.linked) {
		var edges []Key
		if c := s.single[k]; c != nil {
			edges = c.DependsOn
		}
		if !slices.Equal(g.edges[k], edges) {
			g.replace(s, k, edges)
			moved = append(moved, k)
		}
	}
	g.findUnknown(s, slices.Values(moved))
	if g.rename(s) {
		others = slices.AppendSeq(others, maps.Keys(g.unknown))
		g.findUnknown(s, maps.Keys(g.edges))
		others = slices.AppendSeq(others, maps.Keys(g.unknown))
	}
	if len(moved) > 0 {
		others = slices.AppendSeq(others, maps.Keys(g.circles))
		g.findCircles(moved)
		others = slices.AppendSeq(others, maps.Keys(g.circles))
	}
	return others
}

// replace notes what the commit depends on now.
func (g *graph) replace(s *Set, k Key, edges []Key) {
	for _, to := range g.edges[k] {
		t := g.targets[to]
		if t.sources--; t.sources > 0 {
			g.targets[to] = t
		} else {
			delete(g.targets, to)
		}
	}
	for _, to := range edges {
		t, ok := g.targets[to]
		if !ok {
			t.named = s.named(to)
		}
		t.sources++
		g.targets[to] = t
	}
	if len(edges) > 0 {
		g.edges[k] = edges
	} else {
		delete(g.edges, k)
	}
}

// rename notes which of the touched tasks are named now, and reports whether
// that makes a difference to those who depend on them.
func (g *graph) rename(s *Set) (differs bool) {
	if len(g.targets) == 0 {
		g.unread = s.unread > 0
		return false
	}
	for _, k := range s.touched {
		if t, ok := g.targets[k]; ok && t.named != s.named(k) {
			t.named = !t.named
			g.targets[k] = t
			differs = true
		}
	}
	if unread := s.unread > 0; unread != g.unread {
		g.unread, differs = unread, true
	}
	return differs
}

// findUnknown finds which of the commits depend on tasks that no file names.
func (g *graph) findUnknown(s *Set, commits iter.Seq[Key]) {
	for k := range commits {
		var unknown []Key
		for _, to := range g.edges[k] {
			if s.Absent(to) {
				unknown = append(unknown, to)
			}
		}
		if len(unknown) > 0 {
			g.unknown[k] = unknown
		} else {
			delete(g.unknown, k)
		}
	}
}

// findCircles finds all circles. One that no moved commit is part of was one
// before, so it is enough to look from the moved commits and the old circles.
func (g *graph) findCircles(moved []Key) {
	roots := slices.AppendSeq(moved, maps.Keys(g.circles))
	clear(g.circles)
	for _, component := range g.components(roots) {
		if len(component) < 2 {
			continue // Parse refuses a commit that depends on itself
		}
		way := g.way(component)
		for _, k := range component {
			g.circles[k] = way
		}
	}
}

// components returns the strongly connected components of what can be reached
// from the roots, by Tarjan's algorithm, with a stack of its own: a chain of
// dependencies can be as long as the specs.
func (g *graph) components(roots []Key) [][]Key {
	type node struct {
		key  Key
		next int  // the edge to follow next
		low  int  // the first node on the stack that it is known to lead to
		done bool // its component is complete
	}
	var (
		nodes []node // in the order in which they were met
		index = make(map[Key]int)
		calls []int // the way from the root to here
		stack []int // nodes whose components are not complete
		found [][]Key
	)
	meet := func(k Key) {
		i := len(nodes)
		index[k] = i
		nodes = append(nodes, node{key: k, low: i})
		calls, stack = append(calls, i), append(stack, i)
	}
	for _, root := range roots {
		if _, met := index[root]; !met {
			meet(root)
		}
		for len(calls) > 0 {
			v := calls[len(calls)-1]
			if edges := g.edges[nodes[v].key]; nodes[v].next < len(edges) {
				to := edges[nodes[v].next]
				nodes[v].next++
				if w, met := index[to]; !met {
					meet(to)
				} else if !nodes[w].done {
					nodes[v].low = min(nodes[v].low, w)
				}
				continue
			}
			calls = calls[:len(calls)-1]
			if len(calls) > 0 {
				u := calls[len(calls)-1]
				nodes[u].low = min(nodes[u].low, nodes[v].low)
			}
			if nodes[v].low < v {
				continue
			}
			var component []Key
			for !nodes[v].done {
				last := stack[len(stack)-1]
				stack = stack[:len(stack)-1]
				nodes[last].done = true
				component = append(component, nodes[last].key)
			}
			found = append(found, component)
		}
	}
	return found
}

// way returns a way round inside a component: from its first task in order of
// key, always along the first dependency that stays inside.
func (g *graph) way(component []Key) []Key {
	inside := make(map[Key]bool, len(component))
	for _, k := range component {
		inside[k] = true
	}
	var (
		way  []Key
		step = make(map[Key]int) // where on the way a task comes
		at   = slices.MinFunc(component, Key.Compare)
	)
	for {
		if i, met := step[at]; met {
			return append(way[i:], at)
		}
		step[at] = len(way)
		way = append(way, at)
		next := slices.IndexFunc(g.edges[at], func(to Key) bool { return inside[to] })
		at = g.edges[at][next]
	}
}

// problems complains at the commits that have faulty dependencies.
func (g *graph) problems(s *Set, add func(Problem)) {
	for k, unknown := range g.unknown {
		for _, to := range unknown {
			add(problemf(s.single[k].Pos, CodeUnknownDependency,
				"dependsOn names task %s of project %s, which is in no spec: correct it, or add the spec", quote(to.TaskID), quote(to.ProjectID)))
		}
	}
	for k, way := range g.circles {
		add(problemf(s.single[k].Pos, "dependency-cycle",
			"dependsOn goes round in a circle (%s): take one of these dependencies out", route(way, k.ProjectID)))
	}
}

// route writes a circle as "a -> b -> a", shortened if it is long.
func route(way []Key, project string) string {
	const shown = 5
	last := len(way) - 1
	var names []string
	for _, k := range way[:min(shown, last)] {
		names = append(names, within(k, project))
	}
	if last > shown {
		names = append(names, "…")
	}
	return strings.Join(append(names, within(way[last], project)), " -> ")
}

// within writes the task as dependsOn does inside the project, shortened if it
// is long.
func within(k Key, project string) string {
	if k.ProjectID == project {
		return text.Clip(k.TaskID, maxQuote)
	}
	return text.Clip(k.String(), maxQuote)
}
