package report

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
)

// shortHashLen is how many hexadecimal digits name a plan to people. Approve takes
// nothing but all of them.
const shortHashLen = 16

// ShortHash returns the start of a plan's hash, as it is shown.
func ShortHash(hash string) string {
	digits := hash[strings.IndexByte(hash, ':')+1:]
	return digits[:min(len(digits), shortHashLen)]
}

// shortRevision returns a revision as people name it.
func shortRevision(revision string) string { return revision[:min(len(revision), 12)] }

// unverified says in a sentence why the revision of p is not the newest, or "" if it is.
func unverified(p *plan.Plan) string {
	if p.Source.Unverified == "" {
		return ""
	}
	return "Revision " + text.Visible(shortRevision(p.Source.Revision)) + ", the last one that was verified, stays: " + text.Visible(p.Source.Unverified)
}

// approveCommand is the exact way past the guards that hold p, or "" if an
// approval does not help.
func approveCommand(p *plan.Plan) string {
	for _, h := range p.Holds {
		if !h.Approvable {
			return ""
		}
	}
	if len(p.Holds) == 0 {
		return ""
	}
	return "wedatasync approve " + p.Hash
}

// impactWords says what commits of an impact do to the data.
type impactWords struct {
	one, many     string // "1 discards state", "2 discard state"
	happens       string // to the task of one commit
	name, meaning string // of a group of commits
}

var impactTable = map[plan.Impact]impactWords{
	plan.ImpactDiscardState: {"discards state", "discard state", "discards state, restarts", "Discard state", "stopped, state lost, started again"},
	plan.ImpactFreshStart:   {"starts fresh", "start fresh", "fresh start, state not continued", "Fresh start", "it runs, and is started again: state not continued"},
	plan.ImpactPause:        {"pauses and continues", "pause and continue", "pauses, continues with state", "Pause", "paused, then continued with state"},
	plan.ImpactStart:        {"starts", "start", "starts", "Start", "started at once"},
	plan.ImpactKeepState:    {"keeps state", "keep state", "continues with state", "Keep state", "continued with state"},
	plan.ImpactSubmit:       {"submits only", "submit only", "submits only", "Submit", "submitted, nothing runs"},
}

// wordsOf returns the words of an impact; one that is not known changes nothing that runs.
func wordsOf(i plan.Impact) impactWords {
	if w, ok := impactTable[i]; ok {
		return w
	}
	return impactTable[plan.ImpactSubmit]
}

// verb says what n commits do to the data.
func verb(i plan.Impact, n int) string { return pick(n, wordsOf(i).one, wordsOf(i).many) }

// keepsState is the way to release a task that runs without a fresh start.
const keepsState = "to keep the state, write commitType: resume, or pause-resume"

// freshStarts returns a warning for each commit that starts a task afresh that runs.
func freshStarts(v *view) spec.Problems {
	var warnings spec.Problems
	for _, c := range v.sends[impactRank(plan.ImpactFreshStart)] {
		warnings = append(warnings, spec.Problem{
			Pos: position(c), Severity: spec.SeverityWarning, Code: string(plan.ImpactFreshStart),
			Message: explain.Label(c.Name(), c.Key.String()) + " runs, and start is a fresh start: its state is not continued; " + keepsState,
		})
	}
	return warnings
}

// marker is the sign of a commit at the start of its line.
func marker(c *plan.Change) string {
	switch {
	case c.Impact == plan.ImpactDiscardState:
		return "-/+"
	case c.Reason == plan.ReasonNew:
		return "+"
	default:
		return "~"
	}
}

// why says which rule asks for the call, and that the task was removed before.
func why(c *plan.Change) string {
	switch {
	case c.Have != nil && c.Have.Removed != nil && c.Reason != "":
		return rule(c.Reason) + ", spec is back"
	case c.Reason == plan.ReasonNew && c.Action == plan.ActionCommit && c.Detail != "":
		return "first commit, or applied before"
	default:
		return rule(c.Reason)
	}
}

// rule says which rule asks for the call, also for one that was requested before.
func rule(r plan.Reason) string { return cmp.Or(explain.Rule(r), "requested before") }

// detail says how the task of a change stands that is held or followed and what an operator
// can do, or what is healed.
func detail(c *plan.Change) string {
	if waits(c) {
		return explain.Of(c).Sentence()
	}
	return c.Detail
}

// because is detail in a list whose heading says what an operator can do.
func because(c *plan.Change) string {
	if waits(c) {
		return explain.Of(c).Reason()
	}
	return c.Detail
}

func waits(c *plan.Change) bool {
	return c.Action == plan.ActionHold || c.Action == plan.ActionFollow
}

// maxNames bounds the field names that are listed for one change.
const maxNames = 4

// fieldNames lists what differs, without what the reason says already.
func fieldNames(c *plan.Change) []string {
	if c.Reason == plan.ReasonNew {
		return nil
	}
	byVersion := c.Reason == plan.ReasonVersion || c.Reason == plan.ReasonRollback || c.Reason == plan.ReasonDrift
	var names []string
	for _, f := range c.Fields {
		if byVersion && f.Name == "instanceVersion" || c.Reason == plan.ReasonRerun && f.Name == "rerun" {
			continue
		}
		if len(names) == maxNames {
			names[maxNames-1] = "…"
			break
		}
		names = append(names, f.Name)
	}
	return names
}

// version writes an instance version, or what stands for none.
func version(n int64, none string) string {
	if n == 0 {
		return none
	}
	return strconv.FormatInt(n, 10)
}
