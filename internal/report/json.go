package report

import (
	"bytes"
	_ "embed"
	"io"
	"slices"

	"github.com/wedatasync/wedatasync/internal/report/jsondoc"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// FormatVersion is the version of the JSON documents. A minor version adds
// members, a major one changes or removes some.
const FormatVersion = "1.2"

// JSONOptions say how a JSON document is written.
type JSONOptions struct {
	ToolVersion string // of the program, for tool_version
	ShowValues  bool   // with the values of extConfig, which are masked otherwise
	// Rate is how many calls a second eta_ms is made for; 0 is the API's limit of 20.
	Rate float64
}

// JSON writes the plan as the document that [PlanSchema] describes. Changes are
// written one at a time, each on a line of its own, in the plan's order. An error
// is w's.
func JSON(w io.Writer, p *plan.Plan, o JSONOptions) error {
	v := newView(p, o.Rate)
	s := v.summary
	d := newDocument(w, o)
	d.Member("plan_hash", p.Hash)
	d.Member("source", jsonSource{p.Source.URL, p.Source.Branch, p.Source.Revision, p.Source.Unverified})
	d.Member("state", jsonStateOf(p.State))
	if p.Against != "" {
		d.Member("against", p.Against)
	}
	if p.Approved != "" {
		d.Member("approved_by", p.Approved)
	}
	d.Member("summary", jsonSummary{
		Commit:      s.commits,
		Unchanged:   s.unchanged,
		Forget:      s.removed,
		Return:      s.returned,
		Hold:        s.held + s.planHeld,
		Invalid:     s.errors,
		Unversioned: s.unversioned,
		Follow:      s.notRunning + s.following(),
		Calls:       s.commits,
		ETA:         estimate(s.commits, o.Rate).Milliseconds(),
	})
	jsondoc.List(d, "holds", slices.Values(p.Holds), func(h plan.GuardHold) any {
		return jsonHold{h.Guard, h.Message, h.Approvable}
	})
	jsondoc.List(d, "changes", slices.Values(p.Changes), func(c plan.Change) any {
		return newJSONChange(&c, o.ShowValues)
	})
	if p.Drift != nil {
		jsondoc.List(d, "drift", slices.Values(p.Drift), func(f state.Drift) any { return newJSONDrift(&f, p.NameOf(f.Key, nil)) })
	}
	writeDiagnostics(d, slices.Concat(p.Problems, freshStarts(v)))
	return d.Close()
}

type jsonSource struct {
	URL      string `json:"url"`
	Branch   string `json:"branch"`
	Revision string `json:"revision"`

	Unverified string `json:"unverified,omitempty"`
}

type jsonState struct {
	Lineage string `json:"lineage"`
	Serial  int64  `json:"serial"`
}

// jsonStateOf returns nil when the plan was compared with no state.
func jsonStateOf(s plan.StateInfo) *jsonState {
	if s == (plan.StateInfo{}) {
		return nil
	}
	return &jsonState{s.Lineage, s.Serial}
}

type jsonSummary struct {
	Commit      int   `json:"commit"`
	Unchanged   int   `json:"unchanged"`
	Forget      int   `json:"forget"`
	Return      int   `json:"return"`
	Hold        int   `json:"hold"`
	Invalid     int   `json:"invalid"`
	Unversioned int   `json:"unversioned"`
	Follow      int   `json:"follow"`
	Calls       int   `json:"calls"`
	ETA         int64 `json:"eta_ms"`
}

type jsonHold struct {
	Guard      string `json:"guard"`
	Message    string `json:"message"`
	Approvable bool   `json:"approvable"`
}

type jsonChange struct {
	TaskID     string           `json:"task_id"`
	ProjectID  string           `json:"project_id"`
	Name       string           `json:"name,omitempty"`
	File       string           `json:"file,omitempty"`
	Line       int              `json:"line,omitempty"`
	Action     plan.Action      `json:"action"`
	Reason     plan.Reason      `json:"reason,omitempty"`
	Hold       plan.HoldReason  `json:"hold,omitempty"`
	Detail     string           `json:"detail,omitempty"`
	Impact     plan.Impact      `json:"impact,omitempty"`
	Actions    []string         `json:"actions"`
	CommitType *spec.CommitType `json:"commit_type,omitempty"`
	TaskType   spec.TaskType    `json:"task_type,omitempty"`
	Before     *jsonVersion     `json:"before"`
	After      *jsonVersion     `json:"after"`
	Fields     []jsonField      `json:"fields"`
}

type jsonVersion struct {
	InstanceVersion int64 `json:"instance_version,omitempty"`
}

type jsonField struct {
	Name      string `json:"name"`
	Before    any    `json:"before"`
	After     any    `json:"after"`
	Sensitive bool   `json:"sensitive,omitempty"`
}

func newJSONChange(c *plan.Change, showValues bool) jsonChange {
	pos := position(c)
	j := jsonChange{
		TaskID:    c.Key.TaskID,
		ProjectID: c.Key.ProjectID,
		Name:      c.Name(),
		File:      pos.File,
		Line:      pos.Line,
		Action:    c.Action,
		Reason:    c.Reason,
		Hold:      c.Hold,
		Detail:    detail(c),
		Impact:    c.Impact,
		Actions:   steps(c),
		Fields:    make([]jsonField, 0, len(c.Fields)),
	}
	if c.Have != nil && c.Have.Applied != nil {
		j.Before = &jsonVersion{versionBefore(c)}
	}
	if c.Action != plan.ActionForget {
		j.After = &jsonVersion{versionAfter(c)}
	}
	if c.Want != nil {
		j.CommitType, j.TaskType = &c.Want.CommitType, c.Want.TaskType.OrDefault()
	}
	for _, f := range c.Fields {
		j.Fields = append(j.Fields, newJSONField(c, f, showValues))
	}
	return j
}

// steps lists what sending the change does. It has "discard_state" whenever
// state can be lost, also while the change is held, so that a program that looks
// for it never misses one.
func steps(c *plan.Change) []string {
	switch c.Action {
	case plan.ActionCommit, plan.ActionHold:
		if c.Impact == plan.ImpactDiscardState {
			return []string{"commit", "discard_state"}
		}
		return []string{"commit"}
	default:
		return []string{}
	}
}

func newJSONField(c *plan.Change, f plan.Field, showValues bool) jsonField {
	j := jsonField{f.Name, f.Before, f.After, f.Secret}
	switch {
	case !f.Secret:
	case !showValues:
		j.Before, j.After = mask(f.Before), mask(f.After)
	case isWholeExt(f) && c.Want != nil:
		params := make([]jsonParam, 0, len(c.Want.ExtConfig))
		for _, p := range c.Want.ExtConfig {
			params = append(params, jsonParam(p))
		}
		j.Before, j.After = notKept, params
	}
	return j
}

type jsonParam struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

func mask(v any) any {
	if v == nil {
		return nil
	}
	return masked
}

type jsonDiagnostic struct {
	Severity spec.Severity `json:"severity"`
	File     string        `json:"file,omitempty"`
	Line     int           `json:"line,omitempty"`
	Column   int           `json:"column,omitempty"`
	Code     string        `json:"code"`
	Message  string        `json:"message"`
}

// newDocument starts the object with what all documents have.
func newDocument(w io.Writer, o JSONOptions) *jsondoc.Document {
	d := jsondoc.New(w)
	d.Member("format_version", FormatVersion)
	d.Member("tool_version", o.ToolVersion)
	return d
}

// writeDiagnostics writes what is wrong with the specs.
func writeDiagnostics(d *jsondoc.Document, ps spec.Problems) {
	jsondoc.List(d, "diagnostics", slices.Values(ps), func(p spec.Problem) any {
		return jsonDiagnostic{p.Severity, p.File, p.Line, p.Column, p.Code, p.Message}
	})
}

//go:embed plan.schema.json
var planSchema []byte

// PlanSchema returns the JSON Schema (draft 2020-12) of what [JSON] and
// [Failure.JSON] write. It lets members pass that it does not know, because a minor
// version may add some.
func PlanSchema() []byte { return bytes.Clone(planSchema) }
