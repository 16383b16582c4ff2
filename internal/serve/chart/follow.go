package chart

import "html/template"

// Follow is what reads of a job have shown since its start, oldest first.
type Follow struct {
	Looks       []Look
	Bound       int64 // its lag has to be below; 0: no bound
	Title, Desc string
}

// Look is one read of a job.
type Look struct {
	After     int64 // seconds since the first
	Lag       int64 // seconds; negative: not known
	Restarted bool  // since the one before
}

// The measures of a Follow, in units.
const (
	followWidth  = 600
	followHeight = 100
)

// Draw draws the lag as a line, with a gap where it is not known, a dashed line at its
// bound, and a mark below for each look that has found a restart.
func (f Follow) Draw() template.HTML {
	c := new(canvas)
	last, top := int64(1), max(f.Bound, 1)
	for _, l := range f.Looks {
		last, top = max(last, l.After), max(top, l.Lag)
	}
	x := func(l Look) float64 { return float64(l.After) * followWidth / float64(last) }
	y := func(lag int64) float64 { return followHeight - float64(lag)*followHeight/(1.1*float64(top)) }
	c.write(`<svg class="follow" viewBox="0 -4 %d %d" preserveAspectRatio="none" role="img" aria-labelledby="follow-name follow-desc">`, followWidth, followHeight+16)
	c.write(`<title id="follow-name">%s</title><desc id="follow-desc">%s</desc>`, esc(f.Title), esc(f.Desc))
	if f.Bound > 0 {
		c.write(`<line class="limit" x1="0" y1="%.1f" x2="%d" y2="%.1f"/>`, y(f.Bound), followWidth, y(f.Bound))
	}
	open := false
	for _, l := range f.Looks {
		switch {
		case l.Lag < 0 && open:
			c.write(`"/>`)
			open = false
		case l.Lag < 0:
		case open:
			c.write(`L%.1f %.1f`, x(l), y(l.Lag))
		default:
			c.write(`<path class="lag" d="M%.1f %.1fh1`, x(l), y(l.Lag))
			open = true
		}
	}
	if open {
		c.write(`"/>`)
	}
	for _, l := range f.Looks {
		if l.Restarted {
			c.write(`<rect class="restart" x="%.1f" y="%d" width="3" height="8"/>`, min(x(l), followWidth-3), followHeight+2)
		}
	}
	c.write(`</svg>`)
	return c.html()
}
