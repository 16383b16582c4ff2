package report

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/state"
)

// DriftText says on one line how a task is live and, where that is told, who did it.
func DriftText(d *state.Drift) string {
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
		b.WriteString(", " + d.OperatedAt)
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
	return text.Clip(Visible(b.String()), maxMessage)
}

func side(s string) string { return cmp.Or(s, "?") }

// driftGroups are the lists of a plan's drift, with what they mean: what has drifted,
// and what is no drift and has to be known.
func (v *view) driftGroups() []driftGroup {
	drifted := driftGroup{name: "Drift", meaning: "live is not what was applied"}
	open := driftGroup{name: "Live", meaning: "no drift, and not simply as applied"}
	for i := range v.plan.Drift {
		d := &v.plan.Drift[i]
		switch {
		case d.Kind.Drifted():
			drifted.tasks = append(drifted.tasks, d)
		case d.Kind != state.DriftNone && d.Kind != state.DriftUnmanaged:
			open.tasks = append(open.tasks, d)
		}
	}
	return []driftGroup{drifted, open}
}

type driftGroup struct {
	name, meaning string
	tasks         []*state.Drift
}

// drift lists tasks that are live otherwise than they were applied.
func (t *textWriter) drift(v *view) {
	for i, g := range v.driftGroups() {
		if len(g.tasks) == 0 {
			continue
		}
		t.heading(g.name, len(g.tasks), g.meaning, []ink{yellow, faint}[i])
		for _, d := range g.tasks {
			t.line("  " + Visible(d.Key.String()))
			t.wrapped("", rowIndent, DriftText(d))
		}
	}
}

// drift folds the same away.
func (b *builder) drift(g *page, l level) {
	for _, group := range g.driftGroups() {
		if len(group.tasks) == 0 {
			continue
		}
		b.fold(fmt.Sprintf("%s: %s (%d)", group.name, group.meaning, len(group.tasks)))
		for _, d := range group.tasks[:min(len(group.tasks), l.rows)] {
			b.linef("- %s %s", codeSpan(d.Key.String(), 2*maxID), codeSpan(DriftText(d), maxMessage))
		}
		b.moreItems(len(group.tasks) - l.rows)
		b.unfold()
	}
}

type jsonDrift struct {
	TaskID     string           `json:"task_id"`
	ProjectID  string           `json:"project_id"`
	Kind       state.DriftKind  `json:"kind"`
	Drifted    bool             `json:"drifted"`
	Fields     []jsonDriftField `json:"fields"`
	Operator   string           `json:"operator,omitempty"`
	OperatedAt string           `json:"operated_at,omitempty"`
	Event      string           `json:"event,omitempty"`
	Locker     string           `json:"locker,omitempty"`
	Detail     string           `json:"detail,omitempty"`
	Answer     string           `json:"answer,omitempty"`
}

type jsonDriftField struct {
	Name    string `json:"name"`
	Git     any    `json:"git"`
	Applied any    `json:"applied"`
	Live    any    `json:"live"`
}

func newJSONDrift(d *state.Drift) jsonDrift {
	j := jsonDrift{
		TaskID: d.Key.TaskID, ProjectID: d.Key.ProjectID, Kind: d.Kind, Drifted: d.Kind.Drifted(),
		Fields: make([]jsonDriftField, 0, len(d.Fields)), Operator: d.Operator, OperatedAt: d.OperatedAt,
		Event: d.Event, Locker: d.Locker, Detail: d.Detail, Answer: d.WhyReported,
	}
	for _, f := range d.Fields {
		j.Fields = append(j.Fields, jsonDriftField{f.Name, jsonSide(f.Git), jsonSide(f.Applied), jsonSide(f.Live)})
	}
	return j
}

// jsonSide writes a version as a number, and what is not known as null.
func jsonSide(s string) any {
	if s == "" {
		return nil
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n
	}
	return s
}
