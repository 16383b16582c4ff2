package chart

import (
	"html/template"
	"slices"
)

// Pace is how many requests left in each second, beside how many may.
type Pace struct {
	Seconds []int // the oldest first
	Limit   float64
	Title   string
	Desc    string
}

// The measures of a pace, in units.
const (
	paceColumn = 10
	paceHeight = 100
)

// Columns draws the pace: a column a second, and a dashed line at the limit.
func (p Pace) Columns() template.HTML {
	c := new(canvas)
	width := paceColumn * len(p.Seconds)
	top := max(p.Limit, float64(slices.Max(append([]int{1}, p.Seconds...)))) * 1.1
	height := func(n float64) float64 { return n * paceHeight / top }
	c.write(`<svg class="pace" viewBox="0 0 %d %d" preserveAspectRatio="none" role="img" aria-labelledby="pace-name pace-desc">`, width, paceHeight)
	c.write(`<title id="pace-name">%s</title><desc id="pace-desc">%s</desc>`, esc(p.Title), esc(p.Desc))
	for i, n := range p.Seconds {
		if h := height(float64(n)); n > 0 {
			c.write(`<rect x="%d" y="%.1f" width="%d" height="%.1f"/>`, i*paceColumn+1, paceHeight-h, paceColumn-2, h)
		}
	}
	y := paceHeight - height(p.Limit)
	c.write(`<line class="limit" x1="0" y1="%.1f" x2="%d" y2="%.1f"/></svg>`, y, width, y)
	return c.html()
}
