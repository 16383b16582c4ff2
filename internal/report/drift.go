package report

import (
	"fmt"
	"strconv"

	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/state"
)

// DriftText is [explain.Drift] as text that can be shown.
func DriftText(d *state.Drift) string { return text.Clip(text.Visible(explain.Drift(d)), maxMessage) }

// driftGroups are the lists of a plan's drift, with what they mean: what has drifted,
// and what is no drift and has to be known.
func driftGroups(p *plan.Plan) []driftGroup {
	drifted := driftGroup{name: "Drift", meaning: "live is not what was applied"}
	open := driftGroup{name: "Live", meaning: "no drift, and not simply as applied"}
	for i := range p.Drift {
		d := &p.Drift[i]
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

// drift lists the tasks that have drifted.
func (t *textWriter) drift(v *view) {
	for i, g := range driftGroups(v.plan) {
		if len(g.tasks) == 0 {
			continue
		}
		t.heading(g.name, len(g.tasks), g.meaning, []ink{yellow, faint}[i])
		for _, d := range g.tasks {
			t.line("  " + text.Visible(explain.Label(v.plan.NameOf(d.Key, nil), d.Key.String())))
			t.wrapped("", rowIndent, DriftText(d))
		}
	}
}

// drift folds the same away.
func (b *builder) drift(g *page, l level) {
	for _, group := range driftGroups(g.plan) {
		if len(group.tasks) == 0 {
			continue
		}
		b.fold(fmt.Sprintf("%s: %s (%d)", group.name, group.meaning, len(group.tasks)))
		for _, d := range group.tasks[:min(len(group.tasks), l.rows)] {
			name := text.Clip(g.plan.NameOf(d.Key, nil), maxName)
			b.linef("- %s %s", codeSpan(explain.Label(name, d.Key.String()), 2*maxID), codeSpan(DriftText(d), maxMessage))
		}
		b.moreItems(len(group.tasks) - l.rows)
		b.unfold()
	}
}

type jsonDrift struct {
	TaskID     string           `json:"task_id"`
	ProjectID  string           `json:"project_id"`
	Name       string           `json:"name,omitempty"`
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

func newJSONDrift(d *state.Drift, name string) jsonDrift {
	j := jsonDrift{
		TaskID: d.Key.TaskID, ProjectID: d.Key.ProjectID, Name: name, Kind: d.Kind, Drifted: d.Kind.Drifted(),
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
