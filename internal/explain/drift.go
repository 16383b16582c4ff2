package explain

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/wedatasync/wedatasync/state"
)

// Drift says on one line how a task is live and, where that is told, who did it.
func Drift(d *state.Drift) string {
	var b strings.Builder
	b.WriteString(string(d.Kind))
	for _, f := range d.Fields {
		fmt.Fprintf(&b, ", %s %s -> %s", f.Name, side(f.Applied), side(f.Live))
		if f.Git != "" && f.Git != f.Applied {
			fmt.Fprintf(&b, " (git %s)", side(f.Git))
		}
	}
	if d.Operator != "" {
		b.WriteString(", by " + d.Operator)
	}
	if d.OperatedAt != "" {
		b.WriteString(", " + state.WeDataTime(d.OperatedAt))
	}
	if d.Event != "" {
		b.WriteString(" (" + d.Event + ")")
	}
	if d.Locker != "" {
		if d.Kind != state.DriftLocked {
			b.WriteString(", locked")
		}
		b.WriteString(" by " + d.Locker)
	}
	if d.Detail != "" {
		b.WriteString(": " + d.Detail)
	}
	if d.WhyReported != "" {
		b.WriteString("; " + d.WhyReported)
	}
	return b.String()
}

func side(s string) string { return cmp.Or(s, "?") }
