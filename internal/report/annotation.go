package report

import (
	"fmt"

	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
)

// severity is how loud an annotation is.
type severity string

const (
	severityError   severity = "error"
	severityWarning severity = "warning"
	severityNotice  severity = "notice"
)

// annotation is one remark for the lines of a pull request.
type annotation struct {
	severity severity
	code     string // stable, such as "duplicate-task"
	title    string
	message  string
	pos      spec.Pos // zero if the remark is about no file
	subject  string   // what identifies it beside code and file: no line, no time
}

// annotations lists what a reviewer should see beside the lines, the worst first.
func (v *view) annotations() []annotation {
	as := problemAnnotations(v.plan.Problems)
	if s := unverified(v.plan); s != "" {
		as = append(as, annotation{severityError, "unverified", "Not verified", s, spec.Pos{}, "unverified"})
	}
	for _, h := range v.plan.Holds {
		as = append(as, annotation{severityWarning, "guard", "Held by guard " + h.Guard, h.Message, spec.Pos{}, h.Guard})
	}
	for _, c := range v.sends[0] {
		as = append(as, changeAnnotation(c, severityWarning, "discard-state", "State will be discarded",
			fmt.Sprintf("%s loses its state and starts again from nothing, version %s.", c.Key, versionSpan(c))))
	}
	for _, p := range v.freshStarts() {
		as = append(as, annotation{severityWarning, p.Code, "Fresh start, state not continued", p.Message, p.Pos, p.Message})
	}
	for _, c := range v.held {
		as = append(as, heldAnnotation(c))
	}
	for _, c := range v.notRunning {
		as = append(as, changeAnnotation(c, severityWarning, "not-running", "Not running", fmt.Sprintf("%s %s.", c.Key, detail(c))))
	}
	for _, c := range v.unversioned {
		as = append(as, changeAnnotation(c, severityNotice, "unversioned", "Nothing will be sent",
			fmt.Sprintf("%s changed without a new version. Give it a new instanceVersion to send the change.", c.Key)))
	}
	return as
}

func heldAnnotation(c *plan.Change) annotation {
	d := explain.Of(c)
	meaning := d.State.Info().Meaning
	if why := d.Reason(); why != "" {
		meaning += " (" + why + ")"
	}
	message := fmt.Sprintf("%s is held: %s. Next: %s.", c.Key, meaning, d.Next)
	s, title := severityNotice, "Held: "+string(c.Hold)
	switch c.Hold {
	case plan.HoldUnknown, plan.HoldRefused, plan.HoldContested, plan.HoldRecalled, plan.HoldSpent:
		s = severityWarning
	}
	if c.Impact == plan.ImpactDiscardState {
		s, title = severityWarning, title+", and discards state when it is sent"
	}
	return changeAnnotation(c, s, "held-"+string(c.Hold), title, message)
}

func changeAnnotation(c *plan.Change, s severity, code, title, message string) annotation {
	return annotation{s, code, title, message, position(c), c.Key.String()}
}

// problemAnnotations lists errors, then warnings.
func problemAnnotations(ps spec.Problems) []annotation {
	var errors, warnings []annotation
	for _, p := range ps {
		if p.Severity == spec.SeverityError {
			errors = append(errors, annotation{severityError, p.Code, "Invalid spec", p.Message, p.Pos, p.Message})
		} else {
			warnings = append(warnings, annotation{severityWarning, p.Code, "Doubtful spec", p.Message, p.Pos, p.Message})
		}
	}
	return append(errors, warnings...)
}
