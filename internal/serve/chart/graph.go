package chart

import (
	"html/template"
	"strings"
)

// Graph is tasks and what each waits for, in columns: what is waited for is on the left.
type Graph struct {
	Title, Desc string
	Columns     [][]Node
	Edges       []Edge
}

// Node is a task of a graph, or a number of them.
type Node struct {
	Href   string // empty: it leads nowhere
	Name   string
	State  string // in words
	Tone   string // its class
	Here   bool   // the graph is about it
	Blocks bool   // another one of the graph cannot go on before it
}

// Edge leads from a node to one that waits for it.
type Edge struct {
	From, To Place
	Blocks   bool
}

// Place is where a node is in the columns.
type Place struct{ Column, Row int }

// The measures of a graph, in units.
const (
	nodeWidth  = 204
	nodeHeight = 46
	columnGap  = 56
	rowGap     = 12
	margin     = 4
	textLeft   = 16
	arrow      = 7
)

// Draw draws the graph.
func (g Graph) Draw() template.HTML {
	c := new(canvas)
	rows := 1
	for _, column := range g.Columns {
		rows = max(rows, len(column))
	}
	width := len(g.Columns)*(nodeWidth+columnGap) - columnGap + 2*margin
	height := rows*(nodeHeight+rowGap) - rowGap + 2*margin
	c.write(`<svg class="graph" viewBox="0 0 %d %d" width="%[1]d" height="%[2]d" role="group" aria-labelledby="graph-name graph-desc">`, width, height)
	c.write(`<title id="graph-name">%s</title><desc id="graph-desc">%s</desc>`, esc(g.Title), esc(g.Desc))
	at := func(p Place) (x, y int) {
		top := (height - len(g.Columns[p.Column])*(nodeHeight+rowGap) + rowGap) / 2
		return margin + p.Column*(nodeWidth+columnGap), top + p.Row*(nodeHeight+rowGap)
	}
	for _, e := range g.Edges {
		x, y := at(e.From)
		toX, toY := at(e.To)
		c.edge(x+nodeWidth, y+nodeHeight/2, toX, toY+nodeHeight/2, e.Blocks)
	}
	for i, column := range g.Columns {
		for j, n := range column {
			x, y := at(Place{i, j})
			c.node(n, x, y)
		}
	}
	c.write(`</svg>`)
	return c.html()
}

// edge draws a curve with an arrow at its end.
func (c *canvas) edge(x, y, toX, toY int, blocks bool) {
	class := "edge"
	if blocks {
		class += " blocks"
	}
	bend := (toX - x) / 2
	c.write(`<g class="%s"><path class="line" d="M%d %dC%d %[3]d %[4]d %[6]d %[5]d %[6]d"/>`, class, x, y, x+bend, toX-arrow, toY)
	c.write(`<path class="head" d="M%d %dl%d %d v%dz"/></g>`, toX, toY, -arrow, -arrow/2-1, 2*(arrow/2+1))
}

// node draws a task: its name, its state in words, and a stripe in the state's colour. What
// does not fit is cut by the frame of the text, and not in the text itself: a screen reader
// has all of it.
func (c *canvas) node(n Node, x, y int) {
	class, state := "node "+n.Tone, n.State
	if n.Here {
		class += " here"
	}
	if n.Blocks {
		class += " blocks"
		state += ", blocks"
	}
	end := `</g>`
	if n.Href != "" {
		end = `</a>`
		c.write(`<a class="%s" href="%s" aria-label="%s">`, esc(class), esc(n.Href), esc(strings.TrimSpace(n.Name+" "+state)))
	} else {
		c.write(`<g class="%s">`, esc(class))
	}
	c.write(`<rect class="box" x="%d" y="%d" width="%d" height="%d" rx="6"/>`, x, y, nodeWidth, nodeHeight)
	c.write(`<rect class="stripe" x="%d" y="%d" width="6" height="%d" rx="3"/>`, x, y, nodeHeight)
	c.write(`<svg x="%d" y="%d" width="%d" height="%d">`, x+textLeft, y, nodeWidth-textLeft-6, nodeHeight)
	line := 19
	if state == "" {
		line = nodeHeight/2 + 4
	}
	c.write(`<text class="name" y="%d">%s</text>`, line, esc(n.Name))
	if state != "" {
		c.write(` <text class="state" y="36">%s</text>`, esc(state))
	}
	c.write("</svg>%s", end)
}
