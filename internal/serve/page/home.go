package page

import (
	"fmt"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/internal/report"
	"github.com/wedatasync/wedatasync/internal/serve/snapshot"
	"github.com/wedatasync/wedatasync/internal/serve/tasklist"
	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

const (
	// groupRows is how many tasks of a group the status page names.
	groupRows = 8
	// problemRows is how many complaints about specs it has.
	problemRows = 50
	// sendingRows is how many calls in flight it names.
	sendingRows = 8
)

// homePageOf builds the status page, but for its frame. source is shown before there is
// a plan, and started is when this program was.
func homePageOf(s *snapshot.Snapshot, all *tasklist.List, source plan.SourceInfo, started time.Time, links Links) homePage {
	reasons := s.Reasons()
	h := homePage{
		Revision:   revisionOf(s),
		Source:     sourceOf(s, source),
		Progress:   progressOf(s),
		Needs:      needs(s, reasons),
		Waits:      waits(s),
		Notes:      notes(s, all),
		Counts:     countsOf(s),
		Problems:   problemsOf(s, links),
		Timeline:   timelineOf(s, releaseRows),
		LastChange: lastChange(s),
	}
	h.Known = s.Status.Plan != nil || len(all.Tasks) > 0
	h.OneProject = oneProject(s, all)
	h.Bar = bar(h.Counts)
	h.Tone, h.Headline, h.Sub = headline(s, reasons, started)
	h.Title = "Status"
	if h.Tone != explain.ToneOK {
		h.Title = h.Headline
	}
	for _, c := range s.Activity.Calls {
		h.Calls = append(h.Calls, callRowOf(s, c))
	}
	return h
}

func revisionOf(s *snapshot.Snapshot) *revisionView {
	from := s.Plan().Source
	if from.Revision == "" {
		return nil
	}
	return &revisionView{
		Href:  releasePath(from.Revision),
		Short: text.Visible(snapshot.Short(from.Revision)), ID: text.Visible(from.Revision),
		Author: text.Visible(authorName(from.Author)), Subject: text.Visible(from.Subject),
		Degraded: s.Digest.Errors > 0,
		Seen:     momentOf(s.Activity.RevisionSeen, s.Now),
		Plan:     planText(s), Approved: text.Visible(s.Plan().Approved),
	}
}

// planText is the start of the plan's hash, if there is anything to send in it.
func planText(s *snapshot.Snapshot) string {
	if s.Digest.Actions[plan.ActionCommit] == 0 && len(s.Plan().Holds) == 0 {
		return ""
	}
	return report.ShortHash(s.Plan().Hash)
}

// authorName leaves the address out of "Name <address>".
func authorName(author string) string {
	if name, _, ok := strings.Cut(author, " <"); ok && name != "" {
		return name
	}
	return author
}

// lastChange is the last pass that has changed anything; of one before this process only
// the time is known.
func lastChange(s *snapshot.Snapshot) *changeView {
	if last := s.Activity.LastChange; !last.At.IsZero() {
		return &changeView{momentOf(last.At, s.Now), passText(last)}
	}
	for _, c := range s.Activity.Calls {
		if c.Outcome.Class == state.ClassApplied {
			return &changeView{When: momentOf(c.At, s.Now)}
		}
	}
	return nil
}

func sourceOf(s *snapshot.Snapshot, from plan.SourceInfo) sourceView {
	if s.Status.Plan != nil {
		from = s.Plan().Source
	}
	return sourceView{
		URL: text.Visible(from.URL), Branch: text.Visible(from.Branch),
		Polled: momentOf(s.Status.Source.OK, s.Now), Failing: s.Status.Source.Err != nil,
	}
}

func progressOf(s *snapshot.Snapshot) *progressView {
	p, ok := s.Progress()
	if !ok {
		return nil
	}
	v := &progressView{Done: p.Done, Calls: p.Calls}
	if p.Done < p.Calls {
		v.Left = snapshot.Span(p.Left)
	}
	for _, key := range s.Status.InFlight[:min(len(s.Status.InFlight), sendingRows)] {
		v.Sending = append(v.Sending, linkOf(s, key))
	}
	v.More = len(s.Status.InFlight) - len(v.Sending)
	v.Pace, v.PaceText = paceOf(s)
	return v
}

// untilText says for how long a suspension lasts; nothing if it has no end.
func untilText(s *state.Suspension, now time.Time) string {
	if s.Until.IsZero() {
		return ""
	}
	return " for " + snapshot.Span(s.Until.Sub(now))
}

// notes are facts that ask nothing of an operator.
func notes(s *snapshot.Snapshot, all *tasklist.List) []string {
	var notes []string
	if all := s.Status.Control.Suspended; all.Active(s.Now) {
		notes = append(notes, fmt.Sprintf("Everything is suspended by %s%s: %s. To resume: wedatasync unsuspend",
			text.Visible(all.Actor), untilText(all, s.Now), text.Visible(all.Reason)))
	}
	for _, p := range s.Pauses() {
		if explain.PassesByItself(p) {
			notes = append(notes, capital(explain.PauseText(p))+"; tried again "+snapshot.Ago(p.Until, s.Now))
		}
	}
	for _, h := range s.Plan().Holds {
		if h.Guard == explain.GuardWindows {
			notes = append(notes, fmt.Sprintf("Nothing is sent: %s. To send it all the same: %s", text.Visible(h.Message), explain.ApproveCommand(s.Plan())))
		}
	}
	for _, a := range s.Status.Control.Approvals {
		if s.Now.Before(a.Expires) {
			notes = append(notes, fmt.Sprintf("Plan %s is approved by %s, good for %s", report.ShortHash(a.PlanHash), text.Visible(a.Actor), snapshot.Span(a.Expires.Sub(s.Now))))
		}
	}
	if _, red := snapshot.SourceReason(s.Status.Source, s.Status.Plan, s.Now, s.Interval); s.Status.Source.Err != nil && !red {
		notes = append(notes, "The last poll of the source failed: "+snapshot.ErrorText(s.Status.Source.Err))
	}
	notes = append(notes, driftNotes(s)...)
	if all.Err != nil {
		notes = append(notes, "The list of tasks may be out of date: "+snapshot.ErrorText(all.Err))
	}
	return notes
}

// driftRows is how many tasks that have drifted the status page names.
const driftRows = 3

// driftNotes name the tasks that have drifted from what was applied.
func driftNotes(s *snapshot.Snapshot) []string {
	seen := s.Status.DriftScan
	if seen == nil {
		return nil
	}
	var notes []string
	if n := seen.Count(); n > 0 {
		var tasks []string
		for i := range seen.Drifted[:min(len(seen.Drifted), driftRows)] {
			d := &seen.Drifted[i]
			tasks = append(tasks, text.Visible(explain.Label(s.Name(d.Key, nil), d.Key.String()))+": "+report.DriftText(d))
		}
		if more := n - len(tasks); more > 0 {
			tasks = append(tasks, fmt.Sprintf("and %d more: wedatasync status", more))
		}
		notes = append(notes, fmt.Sprintf("%s drifted, last checked %s: %s", text.PluralGrouped(n, "task"), snapshot.Ago(seen.At, s.Now), strings.Join(tasks, "; ")))
	}
	if seen.Unknown > 0 {
		notes = append(notes, fmt.Sprintf("%s could not be checked for drift: %s", text.PluralGrouped(seen.Unknown, "task"), text.Visible(seen.Error)))
	}
	return notes
}

func callRowOf(s *snapshot.Snapshot, c snapshot.Call) callRow {
	row := callRow{
		When: momentOf(c.At, s.Now), link: linkOf(s, c.Key), Commit: c.Commit,
		Class: string(c.Outcome.Class), Answer: text.Visible(explain.Answer(c.Outcome)), RequestID: text.Visible(c.Outcome.RequestID),
		Tone: classTone(c.Outcome.Class),
	}
	if id := c.Outcome.TaskApproveID; id != "" {
		row.Tone, row.Answer = explain.ToneWait, "waits for approval "+text.Visible(id)+" in WeData"
	}
	return row
}

func classTone(c state.Class) explain.Tone {
	switch c {
	case state.ClassApplied:
		return explain.ToneOK
	case state.ClassWaiting, state.ClassThrottled, state.ClassNotSent:
		return explain.ToneWait
	default:
		return explain.ToneBad
	}
}

func problemsOf(s *snapshot.Snapshot, links Links) problemList {
	all := s.Plan().Problems
	list := problemList{}
	switch errors, warnings := s.Digest.Errors, s.Digest.Warnings; {
	case warnings == 0:
		list.Summary = text.PluralGrouped(errors, "error")
	case errors == 0:
		list.Summary = text.PluralGrouped(warnings, "warning")
	default:
		list.Summary = text.PluralGrouped(errors, "error") + ", " + text.PluralGrouped(warnings, "warning")
	}
	for _, severity := range []spec.Severity{spec.SeverityError, spec.SeverityWarning} {
		for i := range all {
			if p := &all[i]; p.Severity == severity && len(list.Rows) < problemRows {
				list.Rows = append(list.Rows, problemRow{
					Error: severity == spec.SeverityError, Place: text.Visible(p.Pos.String()), Message: text.Visible(p.Message),
					Href: links.File(s.Plan().Source.Revision, p.File, p.Line),
				})
			}
		}
	}
	list.More = all.Len() - len(list.Rows)
	return list
}

func passText(p snapshot.LastPass) string {
	var parts []string
	if p.Applied > 0 {
		parts = append(parts, text.PluralGrouped(p.Applied, "commit"))
	}
	if p.Forgotten > 0 {
		parts = append(parts, text.PluralGrouped(p.Forgotten, "task")+" removed from the state")
	}
	if p.Returned > 0 {
		parts = append(parts, text.PluralGrouped(p.Returned, "task")+" managed again")
	}
	if p.Took >= time.Second {
		parts = append(parts, "took "+snapshot.Span(p.Took))
	}
	return strings.Join(parts, ", ")
}
