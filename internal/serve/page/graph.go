package page

import (
	"cmp"
	"fmt"
	"html/template"
	"slices"
	"strings"

	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/internal/serve/chart"
	"github.com/wedatasync/wedatasync/internal/serve/snapshot"
	"github.com/wedatasync/wedatasync/spec"
)

const (
	// graphRows is how many tasks a column of a graph names.
	graphRows = 8
	// graphDepth is how many columns lead from a task back to what blocks it.
	graphDepth = 3
)

// graphView is what a task waits for and what waits for it.
type graphView struct {
	Picture template.HTML
	Words   []string // the same as sentences
}

// column is some of the tasks of a graph that are equally far from its task.
type column struct {
	keys []spec.Key
	more int // that are not named
}

// graph knows the dependencies of the tasks at one moment.
type graph struct{ s *snapshot.Snapshot }

// graphOf returns the dependencies of a task; nil if it has none.
func graphOf(s *snapshot.Snapshot, key spec.Key) *graphView {
	g := graph{s}
	deps, after := g.dependencies(key), g.dependants(key)
	if len(deps) == 0 && len(after) == 0 {
		return nil
	}
	columns := []column{{keys: []spec.Key{key}}}
	for next := deps; len(next) > 0 && len(columns) <= graphDepth; next = g.blockersOf(columns[0].keys) {
		columns = append([]column{g.columnOf(next, func(dep spec.Key) bool { return g.blocksAny(dep, columns[0].keys) })}, columns...)
	}
	here := len(columns) - 1
	if len(after) > 0 {
		columns = append(columns, g.columnOf(after, func(other spec.Key) bool { return g.blocks(key, other) }))
	}
	words := g.words(key, deps, after)
	picture := chart.Graph{Title: "Dependencies of " + g.name(key), Desc: strings.Join(words, " ")}
	for i, c := range columns {
		var nodes []chart.Node
		for _, k := range c.keys {
			n := g.node(k)
			n.Here = i == here
			n.Blocks = i < len(columns)-1 && g.blocksAny(k, columns[i+1].keys)
			nodes = append(nodes, n)
		}
		if c.more > 0 {
			nodes = append(nodes, chart.Node{Name: "and " + snapshot.Grouped(c.more) + " more", Tone: string(explain.ToneCalm)})
		}
		picture.Columns = append(picture.Columns, nodes)
		if i > 0 {
			picture.Edges = append(picture.Edges, g.edges(columns, i)...)
		}
	}
	return &graphView{picture.Draw(), words}
}

// edges lead from the column before the i-th to it.
func (g graph) edges(columns []column, i int) []chart.Edge {
	var edges []chart.Edge
	for row, to := range columns[i].keys {
		for _, dep := range g.dependencies(to) {
			if from := slices.Index(columns[i-1].keys, dep); from >= 0 {
				edges = append(edges, chart.Edge{From: chart.Place{Column: i - 1, Row: from}, To: chart.Place{Column: i, Row: row}, Blocks: g.blocks(dep, to)})
			}
		}
	}
	// What blocks is drawn last, over the others.
	slices.SortStableFunc(edges, func(a, b chart.Edge) int { return cmp.Compare(rank(a.Blocks), rank(b.Blocks)) })
	return edges
}

// rank puts what is so after what is not.
func rank(is bool) int {
	if is {
		return 1
	}
	return 0
}

// columnOf is a column with the tasks that are first, first.
func (g graph) columnOf(keys []spec.Key, first func(spec.Key) bool) column {
	var c column
	for _, wanted := range []bool{true, false} {
		for _, key := range keys {
			if len(c.keys) < graphRows && first(key) == wanted {
				c.keys = append(c.keys, key)
			}
		}
	}
	c.more = len(keys) - len(c.keys)
	return c
}

// dependencies are the tasks that the spec of the task names in dependsOn.
func (g graph) dependencies(key spec.Key) []spec.Key {
	if want := g.s.Plan().Wanted.Find(key); want != nil {
		return want.DependsOn
	}
	return nil
}

// dependants are the tasks whose specs name the task in dependsOn, in order of key.
func (g graph) dependants(key spec.Key) []spec.Key {
	var keys []spec.Key
	for _, c := range g.s.Plan().Wanted {
		if slices.Contains(c.DependsOn, key) {
			keys = append(keys, c.Key)
		}
	}
	return keys
}

// blockersOf are the tasks that block one of the tasks, which depend on them, each once.
func (g graph) blockersOf(keys []spec.Key) []spec.Key {
	var blockers []spec.Key
	for _, key := range keys {
		for _, dep := range g.dependencies(key) {
			if g.blocks(dep, key) && !slices.Contains(blockers, dep) {
				blockers = append(blockers, dep)
			}
		}
	}
	return blockers
}

func (g graph) blocksAny(dep spec.Key, keys []spec.Key) bool {
	return slices.ContainsFunc(keys, func(key spec.Key) bool {
		return slices.Contains(g.dependencies(key), dep) && g.blocks(dep, key)
	})
}

// blocks reports whether the task, which depends on dep, cannot be committed before
// something becomes of that.
func (g graph) blocks(dep, key spec.Key) bool {
	switch g.state(key) {
	case explain.Dependency, explain.ToSend:
	default:
		return false
	}
	c := g.s.Digest.Find(dep)
	if c == nil {
		return !g.s.Wants(dep)
	}
	if now := g.state(dep); now != explain.StateOf(c) && now != explain.Sending {
		return now != explain.InSync // it was called in this pass
	}
	return !c.Settles()
}

func (g graph) state(key spec.Key) explain.State {
	st, _ := g.s.Task(key, g.s.Digest.Find(key))
	return st
}

// name is the task in a word: what people call it, or its id.
func (g graph) name(key spec.Key) string {
	l := linkOf(g.s, key)
	return cmp.Or(l.Name, l.Task)
}

func (g graph) node(key spec.Key) chart.Node {
	b := badgeOf(g.state(key))
	return chart.Node{Name: g.name(key), Href: linkOf(g.s, key).Href, State: b.Label, Tone: string(b.Tone)}
}

// words say what the picture shows of the task.
func (g graph) words(key spec.Key, deps, after []spec.Key) []string {
	var words []string
	if len(deps) > 0 {
		words = append(words, "Depends on "+g.list(deps)+".")
	}
	if blockers := g.blockersOf([]spec.Key{key}); len(blockers) > 0 {
		words = append(words, "Blocked by "+g.list(blockers)+".")
	}
	if len(after) == 0 {
		return words
	}
	words = append(words, fmt.Sprintf("%s on it: %s.", dependText(len(after)), g.list(after)))
	n := 0
	for _, other := range after {
		n += rank(g.blocks(key, other))
	}
	if n > 0 {
		words = append(words, "It blocks "+snapshot.Plural(n, "task")+".")
	}
	return words
}

func dependText(n int) string {
	if n == 1 {
		return "1 task depends"
	}
	return snapshot.Plural(n, "task") + " depend"
}

// list names the first of the tasks, with their states.
func (g graph) list(keys []spec.Key) string {
	var parts []string
	for _, key := range keys[:min(len(keys), graphRows)] {
		parts = append(parts, g.name(key)+" ("+badgeOf(g.state(key)).Label+")")
	}
	if more := len(keys) - len(parts); more > 0 {
		parts = append(parts, snapshot.Grouped(more)+" more")
	}
	return strings.Join(parts, ", ")
}
