package spec

import (
	"maps"
	"slices"
	"strings"
)

// graph is who depends on whom: the commits that have dependsOn, among those
// that are named once. It finds the unknown names and the circles.
type graph struct {
	edges   map[Key][]Key     // the DependsOn of a commit
	targets map[Key]target    // the tasks that others depend on
	faults  map[Key]depFaults // of the commits that have any
	stale   bool              // faults may differ
	unread  bool              // what Set.unread said when faults were found
}

// target is a task that others depend on.
type target struct {
	sources int  // how many commits depend on it
	named   bool // what Set.named said when faults were found
}

// depFaults is what is wrong with the dependencies of a commit.
type depFaults struct {
	unknown []Key
	circle  []Key // a way from a task back to itself that the commit is part of, or leads to
}

func newGraph() graph {
	return graph{edges: make(map[Key][]Key), targets: make(map[Key]target)}
}

func (g *graph) faulty(k Key) bool {
	_, ok := g.faults[k]
	return ok
}

// settle brings the graph up to date with the touched tasks, and returns those
// whose faults differ. It costs nothing more unless a dependency, or a task that
// others depend on, came or went.
func (g *graph) settle(s *Set) []Key {
	for k := range s.touched {
		var edges []Key
		if c := s.once[k]; c != nil {
			edges = c.DependsOn
		}
		if old := g.edges[k]; !slices.Equal(old, edges) {
			g.replace(k, old, edges)
		}
		if t, ok := g.targets[k]; ok && t.named != s.named(k) {
			g.stale = true
		}
	}
	if unread := s.unread > 0; unread != g.unread {
		g.unread, g.stale = unread, true
	}
	if !g.stale {
		return nil
	}
	g.stale = false
	old := g.faults
	g.faults = g.find(s)
	return changedFaults(old, g.faults)
}

func (g *graph) replace(k Key, old, edges []Key) {
	g.stale = true
	for _, to := range old {
		g.count(to, -1)
	}
	for _, to := range edges {
		g.count(to, +1)
	}
	if len(edges) == 0 {
		delete(g.edges, k)
	} else {
		g.edges[k] = edges
	}
}

func (g *graph) count(to Key, by int) {
	t := g.targets[to]
	if t.sources += by; t.sources == 0 {
		delete(g.targets, to)
	} else {
		g.targets[to] = t
	}
}

// find finds all that is wrong with dependencies.
func (g *graph) find(s *Set) map[Key]depFaults {
	faults := make(map[Key]depFaults)
	for to, t := range g.targets {
		t.named = s.named(to)
		g.targets[to] = t
	}
	for k, edges := range g.edges {
		for _, to := range edges {
			if s.Absent(to) {
				f := faults[k]
				f.unknown = append(f.unknown, to)
				faults[k] = f
			}
		}
	}
	for _, circle := range g.circles() {
		way := g.way(circle)
		for k := range circle {
			f := faults[k]
			f.circle = way
			faults[k] = f
		}
	}
	return faults
}

// circles returns the sets of tasks that all depend on one another.
func (g *graph) circles() []map[Key]bool {
	keys := slices.Collect(maps.Keys(g.edges))
	index := make(map[Key]int, len(keys))
	for i, k := range keys {
		index[k] = i
	}
	successors := make([][]int, len(keys))
	for i, k := range keys {
		for _, to := range g.edges[k] {
			if j, ok := index[to]; ok {
				successors[i] = append(successors[i], j)
			}
		}
	}
	var circles []map[Key]bool
	for _, nodes := range components(successors) {
		if len(nodes) < 2 {
			continue // Parse refuses a commit that depends on itself
		}
		circle := make(map[Key]bool, len(nodes))
		for _, i := range nodes {
			circle[keys[i]] = true
		}
		circles = append(circles, circle)
	}
	return circles
}

// way returns a way round inside the circle, its first task also last: from its
// first task in order of key, always along the first dependency that stays inside.
func (g *graph) way(circle map[Key]bool) []Key {
	at := slices.MinFunc(slices.Collect(maps.Keys(circle)), Key.Compare)
	step := make(map[Key]int) // where on the way a task comes
	var way []Key
	for {
		if i, ok := step[at]; ok {
			return append(way[i:], at)
		}
		step[at] = len(way)
		way = append(way, at)
		next := slices.IndexFunc(g.edges[at], func(to Key) bool { return circle[to] })
		at = g.edges[at][next]
	}
}

// components returns the strongly connected components (Tarjan's algorithm,
// with a stack of its own: a chain of dependencies can be as long as the specs).
func components(successors [][]int) [][]int {
	type frame struct{ node, next int }
	var (
		found [][]int
		calls []frame
		stack []int
		count int
		order = make([]int, len(successors)) // when a node was met; 0 is not yet
		low   = make([]int, len(successors)) // the earliest node on the stack it leads to
		done  = make([]bool, len(successors))
	)
	for root := range successors {
		if order[root] != 0 {
			continue
		}
		calls = append(calls, frame{node: root})
		for len(calls) > 0 {
			f := &calls[len(calls)-1]
			v := f.node
			if f.next == 0 {
				count++
				order[v], low[v] = count, count
				stack = append(stack, v)
			}
			if f.next < len(successors[v]) {
				w := successors[v][f.next]
				f.next++
				if order[w] == 0 {
					calls = append(calls, frame{node: w})
				} else if !done[w] {
					low[v] = min(low[v], order[w])
				}
				continue
			}
			calls = calls[:len(calls)-1]
			if len(calls) > 0 {
				u := calls[len(calls)-1].node
				low[u] = min(low[u], low[v])
			}
			if low[v] == order[v] {
				i := len(stack)
				for !done[v] {
					i--
					done[stack[i]] = true
				}
				found = append(found, slices.Clone(stack[i:]))
				stack = stack[:i]
			}
		}
	}
	return found
}

// changedFaults returns the tasks that have faults in only one of the two.
func changedFaults(a, b map[Key]depFaults) []Key {
	var keys []Key
	for k := range a {
		if _, ok := b[k]; !ok {
			keys = append(keys, k)
		}
	}
	for k := range b {
		if _, ok := a[k]; !ok {
			keys = append(keys, k)
		}
	}
	return keys
}

// problems complains at the commit that has the faults.
func (f depFaults) problems(c *Commit) Problems {
	var ps Problems
	for _, k := range f.unknown {
		ps = append(ps, problemf(c.Pos, "unknown-dependency",
			"dependsOn names task %s of project %s, which is in no spec: correct it, or add the spec", quote(k.TaskID), quote(k.ProjectID)))
	}
	if len(f.circle) > 0 {
		ps = append(ps, problemf(c.Pos, "dependency-cycle",
			"dependsOn goes round in a circle (%s): take one of these dependencies out", f.path(c.ProjectID)))
	}
	return ps
}

// path writes the circle as "a -> b -> a", shortened if it is long.
func (f depFaults) path(project string) string {
	const shown = 5
	var names []string
	for i, k := range f.circle {
		switch {
		case i >= shown && i < len(f.circle)-1:
			if i == shown {
				names = append(names, "…")
			}
		case k.ProjectID == project:
			names = append(names, clip(k.TaskID, maxQuote))
		default:
			names = append(names, clip(k.String(), maxQuote))
		}
	}
	return strings.Join(names, " -> ")
}
