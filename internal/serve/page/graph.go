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
	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/reconcile/plan"
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
	deps := g.dependencies(key)
	after, blocked := g.dependants(key)
	if len(deps) == 0 && len(after) == 0 {
		return nil
	}
	columns := []column{{keys: []spec.Key{key}}}
	for next := deps; len(next) > 0 && len(columns) <= graphDepth; next = g.blockersOf(columns[0].keys) {
		columns = append([]column{columnOf(g.blockersOf(columns[0].keys), next)}, columns...)
	}
	here := len(columns) - 1
	if len(after) > 0 {
		columns = append(columns, columnOf(blocked, after))
	}
	words := g.words(key, deps, after, len(blocked))
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
			nodes = append(nodes, chart.Node{Name: "and " + text.Grouped(c.more) + " more", Tone: string(explain.ToneCalm)})
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

// columnOf is a column of the tasks, those that are first, first.
func columnOf(first, all []spec.Key) column {
	c := column{keys: slices.Clone(first[:min(len(first), graphRows)])}
	for _, key := range all {
		if len(c.keys) == graphRows {
			break
		}
		if !slices.Contains(first, key) {
			c.keys = append(c.keys, key)
		}
	}
	c.more = len(all) - len(c.keys)
	return c
}

// dependencies are the tasks that the spec of the task names in dependsOn.
func (g graph) dependencies(key spec.Key) []spec.Key {
	if want := g.s.Plan().Wanted.Find(key); want != nil {
		return want.DependsOn
	}
	return nil
}

// dependants are the tasks whose specs name the task in dependsOn, and those of them that it
// blocks, in order of key.
func (g graph) dependants(key spec.Key) (all, blocked []spec.Key) {
	settled, changes := g.settled(key), g.s.Plan().Changes
	for _, c := range g.s.Plan().Wanted {
		if !slices.Contains(c.DependsOn, key) {
			continue
		}
		all = append(all, c.Key)
		if settled {
			continue
		}
		for len(changes) > 0 && changes[0].Key.Compare(c.Key) < 0 {
			changes = changes[1:]
		}
		if len(changes) > 0 && changes[0].Key == c.Key && g.waits(&changes[0]) {
			blocked = append(blocked, c.Key)
		}
	}
	return all, blocked
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
	c := g.s.Digest.Find(key)
	return c != nil && g.waits(c) && !g.settled(dep)
}

// waits reports whether the task of the change is still to be committed.
func (g graph) waits(c *plan.Change) bool {
	st, _ := g.s.Task(c.Key, c)
	return st == explain.Dependency || st == explain.ToSend
}

// settled reports whether what depends on the task need not wait for it.
func (g graph) settled(key spec.Key) bool {
	c := g.s.Digest.Find(key)
	if c == nil {
		return g.s.Wants(key)
	}
	if now, _ := g.s.Task(key, c); now != explain.StateOf(c) && now != explain.Sending {
		return now == explain.InSync // it was called in this pass
	}
	return c.Settles()
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
func (g graph) words(key spec.Key, deps, after []spec.Key, blocked int) []string {
	var words []string
	if len(deps) > 0 {
		words = append(words, "Depends on "+g.list(deps)+".")
	}
	by := "Blocked by "
	blockers := g.blockersOf([]spec.Key{key})
	for depth := 0; len(blockers) > 0 && depth < graphDepth; depth++ {
		words = append(words, by+g.list(blockers)+".")
		by, blockers = "In turn blocked by ", g.blockersOf(blockers)
	}
	if len(after) == 0 {
		return words
	}
	words = append(words, fmt.Sprintf("%s on it: %s.", dependText(len(after)), g.list(after)))
	if blocked > 0 {
		words = append(words, "It blocks "+text.PluralGrouped(blocked, "task")+".")
	}
	return words
}

func dependText(n int) string {
	if n == 1 {
		return "1 task depends"
	}
	return text.PluralGrouped(n, "task") + " depend"
}

// list names the first of the tasks, with their states.
func (g graph) list(keys []spec.Key) string {
	var parts []string
	for _, key := range keys[:min(len(keys), graphRows)] {
		parts = append(parts, g.name(key)+" ("+badgeOf(g.state(key)).Label+")")
	}
	if more := len(keys) - len(parts); more > 0 {
		parts = append(parts, text.Grouped(more)+" more")
	}
	return strings.Join(parts, ", ")
}
