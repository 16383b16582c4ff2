package report

import (
	"fmt"
	"io"

	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/internal/report/annotation"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
)

// annotations lists what a reviewer should see beside the lines, the worst first.
func annotations(v *view) []annotation.Annotation {
	as := problemAnnotations(v.plan.Problems)
	if s := unverified(v.plan); s != "" {
		as = append(as, annotation.Annotation{Severity: annotation.Error, Code: "unverified", Title: "Not verified", Message: s, Subject: "unverified"})
	}
	for _, h := range v.plan.Holds {
		as = append(as, annotation.Annotation{Severity: annotation.Warning, Code: "guard", Title: "Held by guard " + h.Guard, Message: h.Message, Subject: h.Guard})
	}
	for _, c := range v.sends[0] {
		a := changeAnnotation(c, annotation.Warning, "discard-state", "State will be discarded",
			fmt.Sprintf("%s loses its state and starts again from nothing, version %s.", c.Key, versionSpan(c)))
		a.Grave = true
		as = append(as, a)
	}
	for _, p := range freshStarts(v) {
		as = append(as, annotation.Annotation{Severity: annotation.Warning, Code: p.Code, Title: "Fresh start, state not continued", Message: p.Message, Pos: p.Pos, Subject: p.Message, Grave: true})
	}
	for _, c := range v.held {
		as = append(as, heldAnnotation(c))
	}
	for _, c := range v.notRunning {
		as = append(as, changeAnnotation(c, annotation.Warning, "not-running", "Not running", fmt.Sprintf("%s %s.", c.Key, detail(c))))
	}
	for _, c := range v.unhealthy {
		as = append(as, changeAnnotation(c, annotation.Warning, "unhealthy", "Not healthy", fmt.Sprintf("%s: %s.", c.Key, detail(c))))
	}
	for _, c := range v.unversioned {
		as = append(as, changeAnnotation(c, annotation.Notice, "unversioned", "Nothing will be sent",
			fmt.Sprintf("%s changed without a new version. Give it a new instanceVersion to send the change.", c.Key)))
	}
	return as
}

func heldAnnotation(c *plan.Change) annotation.Annotation {
	d := explain.Of(c)
	meaning := d.State.Info().Meaning
	if why := d.Reason(); why != "" {
		meaning += " (" + why + ")"
	}
	message := fmt.Sprintf("%s is held: %s. Next: %s.", c.Key, meaning, d.Next)
	s, title := annotation.Notice, "Held: "+string(c.Hold)
	switch c.Hold {
	case plan.HoldUnknown, plan.HoldRefused, plan.HoldContested, plan.HoldRecalled, plan.HoldSpent:
		s = annotation.Warning
	}
	if c.Impact == plan.ImpactDiscardState {
		s, title = annotation.Warning, title+", and discards state when it is sent"
	}
	return changeAnnotation(c, s, "held-"+string(c.Hold), title, message)
}

func changeAnnotation(c *plan.Change, s annotation.Severity, code, title, message string) annotation.Annotation {
	return annotation.Annotation{Severity: s, Code: code, Title: title, Message: message, Pos: position(c), Subject: c.Key.String()}
}

// problemAnnotations lists errors, then warnings.
func problemAnnotations(ps spec.Problems) []annotation.Annotation {
	var errors, warnings []annotation.Annotation
	for _, p := range ps {
		if p.Severity == spec.SeverityError {
			errors = append(errors, annotation.Annotation{Severity: annotation.Error, Code: p.Code, Title: "Invalid spec", Message: p.Message, Pos: p.Pos, Subject: p.Message})
		} else {
			warnings = append(warnings, annotation.Annotation{Severity: annotation.Warning, Code: p.Code, Title: "Doubtful spec", Message: p.Message, Pos: p.Pos, Subject: p.Message})
		}
	}
	return append(errors, warnings...)
}

// GitHub writes the plan's remarks as workflow commands, which GitHub shows beside the lines
// of the specs: problems, what guards hold, commits that discard state, other holds, and
// changes without a new version. An error is w's.
func GitHub(w io.Writer, p *plan.Plan, place Place) error {
	return annotation.GitHub(w, place.all(annotations(newView(p, 0))))
}

// GitLab writes the plan's remarks on the specs as a Code Quality report. An error is w's.
func GitLab(w io.Writer, p *plan.Plan, place Place) error {
	return annotation.GitLab(w, place.all(annotations(newView(p, 0))))
}

// Place returns where a file is in the repository, as remarks beside its lines need it. A
// nil Place leaves files as they are.
type Place func(file string) string

func (place Place) all(as []annotation.Annotation) []annotation.Annotation {
	for i := range as {
		if file := &as[i].Pos.File; place != nil && *file != "" {
			*file = place(*file)
		}
	}
	return as
}
