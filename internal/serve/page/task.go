package page

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/internal/report"
	"github.com/wedatasync/wedatasync/internal/serve/snapshot"
	"github.com/wedatasync/wedatasync/internal/serve/tasklist"
	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// taskPage is all about one task.
type taskPage struct {
	frame
	link
	badge
	Console  string // its address in the WeData console; empty if that is not known
	Why      string
	Next     string // what an operator can do, with the commands
	Commands []string
	Facts    []fact // what was applied
	Wanted   []fact // what the spec says
	Attempt  []fact // the newest one, if it is open
	Fields   []fieldRow
	Follow   *followView // nil if it was not followed
	Graph    *graphView  // nil if it depends on nothing, and nothing on it
	History  historyView
}

// fact is a line about the task.
type fact struct {
	Name string
	Text string
	When moment
	Code bool   // an id, to be shown as one
	Href string // where it leads; empty: nowhere
}

// taskPageOf builds the page of the task, but for its frame and its history. change and
// rec may be nil.
func taskPageOf(s *snapshot.Snapshot, key spec.Key, change *plan.Change, rec *state.Record, links Links) taskPage {
	ts, known := s.Task(key, change)
	if known == nil {
		known = rec
	}
	if rec != nil {
		e := tasklist.Of(rec)
		ts = entryState(s, entry{key: key, task: &e, change: change})
	}
	b := badgeOf(ts)
	if ts == explain.Unknown && known != nil && known.Attempt != nil && known.Attempt.NeedsOperator != "" {
		b.Meaning = "it may or may not have happened, and is not repeated"
	}
	why := s.Why(ts, key, change, known)
	if d := s.Status.DriftScan.Of(key); d != nil {
		why = strings.TrimPrefix(why+"; drift: "+report.DriftText(d), "; ")
	}
	return taskPage{
		link: linkTo(key, s.Name(key, rec)), badge: b,
		Why: why, Next: s.Step(ts, key, change, known), Commands: s.Commands(ts, key, change, known),
		Facts: appliedFacts(s, rec), Wanted: wantedFacts(s, change, links), Attempt: attemptFacts(s, rec),
		Fields: fieldRows(change), Follow: followOf(rec), Graph: graphOf(s, key), Console: links.Task(key),
	}
}

func appliedFacts(s *snapshot.Snapshot, rec *state.Record) []fact {
	if rec == nil || rec.Applied == nil {
		return nil
	}
	a := rec.Applied
	facts := []fact{
		{Name: "Commit", Text: explain.Version(a.CommitType.String(), a.InstanceVersion)},
		{Name: "Task type", Text: a.TaskType.OrDefault().String()},
		{Name: "When", When: momentOf(a.At, s.Now)},
		{Name: "From", Text: explain.Origin(a.Origin)},
	}
	return append(facts, given(
		fact{Name: "Description", Text: a.VersionDesc},
		fact{Name: "Revision", Text: a.Revision, Code: true, Href: releaseHref(s, a.Revision)},
		fact{Name: "Request", Text: a.RequestID, Code: true},
		fact{Name: "Awaits approval", Text: a.TaskApproveID, Code: true},
	)...)
}

// given leaves out the facts that are not there, and makes the others visible.
func given(facts ...fact) []fact {
	var list []fact
	for _, f := range facts {
		if f.Text != "" {
			f.Text = text.Visible(f.Text)
			list = append(list, f)
		}
	}
	return list
}

func wantedFacts(s *snapshot.Snapshot, c *plan.Change, links Links) []fact {
	if c == nil || c.Want == nil {
		return nil
	}
	w := c.Want
	facts := []fact{
		{Name: "Commit", Text: explain.Version(w.CommitType.String(), w.InstanceVersion)},
		{Name: "Impact", Text: impactText(c.Impact)},
	}
	return append(facts, given(
		fact{Name: "Why", Text: explain.Rule(c.Reason)},
		fact{Name: "Description", Text: w.VersionDesc},
		fact{Name: "Event", Text: w.EventDesc},
		fact{Name: "Spec", Text: w.Pos.String(), Code: true, Href: links.File(s.Plan().Source.Revision, w.Pos.File, w.Pos.Line)},
	)...)
}

func impactText(i plan.Impact) string {
	switch i {
	case plan.ImpactDiscardState:
		return "stops, discards its state, starts again"
	case plan.ImpactFreshStart:
		return "fresh start: it runs, and its state is not continued; resume and pause-resume keep it"
	case plan.ImpactPause:
		return "pauses, continues with its state"
	case plan.ImpactStart:
		return "starts"
	case plan.ImpactKeepState:
		return "continues with its state"
	default:
		return "submits only; nothing runs"
	}
}

func attemptFacts(s *snapshot.Snapshot, rec *state.Record) []fact {
	if rec == nil || rec.Attempt == nil {
		return nil
	}
	a := rec.Attempt
	facts := []fact{
		{Name: "Commit", Text: explain.Version(a.Wanted.CommitType.String(), a.Wanted.InstanceVersion)},
		{Name: "Begun", When: momentOf(a.At, s.Now)},
	}
	if !a.Since.IsZero() {
		facts = append(facts, fact{Name: "Like this since", When: momentOf(a.Since, s.Now)})
	}
	if !a.NextAt.IsZero() {
		facts = append(facts, fact{Name: "Next", When: momentOf(a.NextAt, s.Now)})
	}
	if a.Before != nil {
		facts = append(facts, fact{Name: "Live before", Text: liveText(a.Before)})
	}
	return append(facts, given(
		fact{Name: "Answer", Text: explain.Answer(a.Outcome)},
		fact{Name: "Locked by", Text: a.Outcome.Locker, Code: true},
		fact{Name: "Request", Text: a.Outcome.RequestID, Code: true},
		fact{Name: "Revision", Text: a.Wanted.Revision, Code: true, Href: releaseHref(s, a.Wanted.Revision)},
		fact{Name: "Author", Text: authorName(a.Author)},
		fact{Name: "Spec", Text: fmt.Sprintf("%s:%d", a.File, a.Line), Code: true},
		fact{Name: "Attempt", Text: a.ID, Code: true},
	)...)
}

// liveText is a task as WeData has it.
func liveText(v *state.Live) string {
	if v.Missing {
		return "not known to WeData"
	}
	s := statusText(v.Status)
	if v.InstanceVersion != 0 {
		s = fmt.Sprintf("version %d, %s", v.InstanceVersion, s)
	}
	if v.Locked {
		s += ", locked by " + text.Visible(v.Locker)
	}
	return s
}

func statusText(s state.TaskStatus) string {
	switch s {
	case state.TaskNotStarted:
		return "not started"
	case state.TaskInOperation:
		return "in operation"
	case state.TaskRunning:
		return "running"
	case state.TaskPaused:
		return "paused"
	case state.TaskStopping:
		return "stopping"
	case state.TaskStopped:
		return "stopped"
	case state.TaskFailed:
		return "failed"
	default:
		return "status " + strconv.Itoa(int(s))
	}
}
