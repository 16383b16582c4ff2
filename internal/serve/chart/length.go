package chart

import (
	"html/template"
	"math"
	"time"
)

// Length is how long something took, beside others.
type Length struct {
	Took  time.Duration
	Most  time.Duration // of all that are shown: the full width
	Tone  string        // its class
	Open  bool          // it has not ended
	Label string        // for those who cannot see it
}

// lengthWidth is the full width of a length, in units.
const lengthWidth = 200

// Bar draws a length as a bar. The scale is logarithmic, so that a release that waited for a
// night leaves those of seconds to be seen. One that has not ended has a dashed outline.
func (l Length) Bar() template.HTML {
	c := new(canvas)
	class := l.Tone
	if l.Open {
		class += " open"
	}
	c.write(`<svg class="length" viewBox="0 0 %d 10" preserveAspectRatio="none" role="img" aria-label="%s"><rect class="track" width="%[1]d" height="10"/>`, lengthWidth, esc(l.Label))
	c.write(`<rect class="%s" width="%d" height="10"/></svg>`, esc(class), l.width())
	return c.html()
}

func (l Length) width() int {
	const least = 4
	most := math.Log1p(max(l.Most, l.Took, time.Second).Seconds())
	return max(least, int(math.Round(lengthWidth*math.Log1p(max(l.Took, 0).Seconds())/most)))
}
