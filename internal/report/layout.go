package report

import (
	"slices"
	"strconv"
	"strings"

	"github.com/wedatasync/wedatasync/internal/report/cell"
	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/reconcile/plan"
)

// rowIndent is where a change's task stands, after its marker.
const rowIndent = "      "

// maxColumn bounds a column's width: one long name must not push all others out.
const maxColumn = 64

// minPlace is how many columns of a place are still worth showing.
const minPlace = 16

// row is the line of one change, in columns of inert text.
type row struct {
	marker string
	task   string
	before string // applied version
	after  string // wanted version
	why    string
	place  string // file:line
}

func newRow(c *plan.Change, project string, inPlan bool) row {
	r := row{marker: marker(c), task: taskText(c, project)}
	if pos := position(c); pos.File != "" {
		r.place = text.Visible(pos.File + ":" + strconv.Itoa(pos.Line))
	}
	r.before, r.after = versions(c)
	names := text.Visible(strings.Join(fieldNames(c), ", "))
	switch c.Action {
	case plan.ActionForget:
		r.marker = "#"
	case plan.ActionReturn:
		r.marker, r.why = "^", names
	case plan.ActionUnversioned:
		r.marker, r.why = "=", names
	case plan.ActionFollow:
		r.marker, r.why = followMarker(c), names
	default:
		r.why = why(c)
		if names != "" {
			r.why += ": " + names
		}
		if c.Action == plan.ActionHold && !inPlan {
			r.marker, r.why = heldMarker(c), verb(c.Impact, 1)+", "+r.why
		}
	}
	return r
}

// heldMarker tells a commit that will not be made from one that may have been.
func heldMarker(c *plan.Change) string {
	if c.Hold == plan.HoldUnknown {
		return "?"
	}
	return "x"
}

// followMarker tells a task that does not run from one that may soon.
func followMarker(c *plan.Change) string {
	if c.NotRunning() || c.Unhealthy() || c.NotLive() {
		return "!"
	}
	return ">"
}

// versions returns the two ends of the arrow; one that stands alone has no other.
func versions(c *plan.Change) (before, after string) {
	b, a := versionBefore(c), versionAfter(c)
	switch {
	case b == 0 && a == 0:
		return "", ""
	case c.Action == plan.ActionForget, a == b:
		return version(b, ""), ""
	default:
		return version(b, "-"), version(a, "-")
	}
}

// layout is the widths of the columns, in cells of a terminal.
type layout struct {
	task, before, after, why, place int
	below                           bool // why and where stand on a line of their own
}

// newLayouts fits the groups of rows to a terminal; no columns is no bound. If the
// page does not fit, each group has its own columns after the versions.
func newLayouts(groups [][]row, columns int) []layout {
	var page layout
	for _, rows := range groups {
		page.fit(rows)
	}
	layouts := slices.Repeat([]layout{page}, len(groups))
	if columns <= 0 || page.left(columns) >= page.place {
		return layouts
	}
	for i, rows := range groups {
		l := layout{task: page.task, before: page.before, after: page.after}
		l.fit(rows)
		left := l.left(columns)
		l.below = left < min(l.place, minPlace)
		l.place = min(l.place, max(left, minPlace))
		layouts[i] = l
	}
	return layouts
}

// fit makes room for the rows.
func (l *layout) fit(rows []row) {
	widen := func(column *int, s string) { *column = min(max(*column, cell.Count(s)), maxColumn) }
	for _, r := range rows {
		widen(&l.task, r.task)
		widen(&l.before, r.before)
		widen(&l.after, r.after)
		widen(&l.why, r.why)
		widen(&l.place, r.place)
	}
}

// left is how many columns there are for places.
func (l *layout) left(columns int) int {
	return columns - len(rowIndent) - l.task - len("  ") - l.before - len(arrow) - l.after - len("  ") - l.why - len("  ")
}

// arrow stands between two versions.
const arrow = " -> "

// row writes one change.
func (t *textWriter) row(r row, l layout, color ink) {
	line := "  " + t.ink(color, cell.PadRight(r.marker, len(rowIndent)-2)) + cell.PadRight(r.task, l.task)
	if l.before+l.after > 0 {
		between := arrow
		if r.after == "" {
			between = strings.Repeat(" ", len(arrow))
		}
		line += "  " + cell.PadLeft(r.before, l.before) + between + cell.PadRight(r.after, l.after)
	}
	switch {
	case r.place == "":
		t.line(strings.TrimRight(line+"  "+r.why, " "))
	case l.below:
		t.line(strings.TrimRight(line, " "))
		t.wrapped(faint, rowIndent, r.place+": "+r.why)
	default:
		place := r.place
		if t.Width > 0 {
			place = cell.ClipLeft(place, l.place)
		}
		t.line(line + "  " + cell.PadRight(r.why, l.why) + "  " + t.ink(faint, place))
	}
}

// wrapped writes s in lines of the terminal's width, each after indent. A word
// that is too long keeps its line: ids are there to be copied.
func (t *textWriter) wrapped(color ink, indent, s string) {
	if t.Width <= 0 {
		t.line(indent + t.ink(color, s))
		return
	}
	line := ""
	for word := range strings.FieldsSeq(s) {
		if line != "" && len(indent)+cell.Count(line)+1+cell.Count(word) > t.Width {
			t.line(indent + t.ink(color, line))
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	t.line(indent + t.ink(color, line))
}
