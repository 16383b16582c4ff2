package serve

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/internal/report"
	"github.com/wedatasync/wedatasync/reconcile"
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

// serveHome answers with the status page.
func (s *Server) serveHome(w http.ResponseWriter, r *http.Request) {
	s.show(w, r, http.StatusOK, "home", s.homePage(r.Context(), s.look()))
}

func (s *Server) homePage(ctx context.Context, l *look) homePage {
	reasons, all := s.reasons(l), s.catalog.peek(ctx)
	h := homePage{
		frame:    s.frame("Status", "/", l),
		Revision: s.revisionView(l),
		Source:   s.sourceView(l),
		Progress: l.progressView(),
		Needs:    l.needs(reasons),
		Waits:    l.waits(),
		Notes:    l.notes(all, s.live.Load().interval),
		Counts:   l.counts(),
		Problems: l.problems(),
	}
	h.Known = l.status.Plan != nil || len(all.tasks) > 0
	h.OneProject = l.oneProject(all)
	h.Bar = bar(h.Counts)
	h.Tone, h.Headline, h.Sub = l.headline(reasons, s.started)
	if h.Tone != toneOK {
		h.Title = h.Headline
	}
	for _, c := range s.tracker.recent() {
		h.Calls = append(h.Calls, l.callRow(c))
	}
	h.LastChange = s.changeView(l)
	return h
}

func (s *Server) revisionView(l *look) *revisionView {
	from := l.plan().Source
	if from.Revision == "" {
		return nil
	}
	return &revisionView{
		Short: report.Visible(short(from.Revision)), ID: report.Visible(from.Revision),
		Author: report.Visible(authorName(from.Author)), Subject: report.Visible(from.Subject),
		Degraded: l.digest.errors > 0,
		Seen:     momentOf(s.tracker.seen(from.Revision), l.now),
		Plan:     l.planText(), Approved: report.Visible(l.plan().Approved),
	}
}

// planText is the start of the plan's hash, if there is anything to send in it.
func (l *look) planText() string {
	if l.digest.actions[reconcile.ActionCommit] == 0 && len(l.plan().Holds) == 0 {
		return ""
	}
	return report.ShortHash(l.plan().Hash)
}

// changeView tells of the last pass that has changed anything; of one before this
// process only when that was.
func (s *Server) changeView(l *look) *changeView {
	if last := s.tracker.changed(); !last.At.IsZero() {
		return &changeView{momentOf(last.At, l.now), passText(last)}
	}
	for _, c := range s.tracker.recent() {
		if c.Outcome.Class == state.ClassApplied {
			return &changeView{When: momentOf(c.At, l.now)}
		}
	}
	return nil
}

// authorName leaves the address out of "Name <address>".
func authorName(author string) string {
	if name, _, ok := strings.Cut(author, " <"); ok && name != "" {
		return name
	}
	return author
}

func (s *Server) sourceView(l *look) sourceView {
	from := l.plan().Source
	if l.status.Plan == nil {
		from = s.cfg.Source
	}
	return sourceView{
		URL: report.Visible(from.URL), Branch: report.Visible(from.Branch),
		Polled: momentOf(l.status.Source.OK, l.now), Failing: l.status.Source.Err != nil,
	}
}

func (l *look) progressView() *progressView {
	p, ok := l.progress()
	if !ok {
		return nil
	}
	v := &progressView{Done: p.Done, Calls: p.Calls}
	if p.Done < p.Calls {
		v.Left = span(p.Left)
	}
	for _, key := range l.status.Flying[:min(len(l.status.Flying), sendingRows)] {
		v.Sending = append(v.Sending, linkTo(key))
	}
	v.More = len(l.status.Flying) - len(v.Sending)
	return v
}

// notes are facts about everything that are good to know and ask nothing of anyone.
func (l *look) notes(all *listing, interval time.Duration) []string {
	var notes []string
	if s := l.status.Control.Suspended; s.Active(l.now) {
		notes = append(notes, fmt.Sprintf("Everything is suspended by %s%s: %s. To go on: wedatasync unsuspend",
			report.Visible(s.Actor), untilText(l, s), report.Visible(s.Reason)))
	}
	for _, p := range l.pauses() {
		if passes(p) {
			notes = append(notes, capital(pauseText(p))+"; tried again "+l.clock(p.Until))
		}
	}
	for _, h := range l.plan().Holds {
		if h.Guard == guardWindows {
			notes = append(notes, fmt.Sprintf("Nothing is sent: %s. To send it all the same: %s", report.Visible(h.Message), approveCommand(l.plan())))
		}
	}
	for _, a := range l.status.Control.Approvals {
		if l.now.Before(a.Expires) {
			notes = append(notes, fmt.Sprintf("Plan %s is approved by %s, good for %s", report.ShortHash(a.PlanHash), report.Visible(a.Actor), span(a.Expires.Sub(l.now))))
		}
	}
	if _, red := sourceReason(l.status.Source, l.status.Plan, l.now, interval); l.status.Source.Err != nil && !red {
		notes = append(notes, "The last poll of the source failed: "+errorText(l.status.Source.Err))
	}
	notes = append(notes, l.driftNotes()...)
	if all.err != nil {
		notes = append(notes, "The list of tasks may be out of date: "+errorText(all.err))
	}
	return notes
}

// driftRows is how many tasks that have drifted the status page names.
const driftRows = 3

// driftNotes say which tasks are live otherwise than they were applied.
func (l *look) driftNotes() []string {
	seen := l.status.Look
	if seen == nil {
		return nil
	}
	var notes []string
	if n := seen.Count(); n > 0 {
		var tasks []string
		for i := range seen.Drifted[:min(len(seen.Drifted), driftRows)] {
			d := &seen.Drifted[i]
			tasks = append(tasks, report.Visible(d.Key.String())+" "+report.DriftText(d))
		}
		if more := n - len(tasks); more > 0 {
			tasks = append(tasks, fmt.Sprintf("and %d more: wedatasync status", more))
		}
		notes = append(notes, fmt.Sprintf("%s not live as applied, looked at %s: %s", driftedText(n), l.clock(seen.At), strings.Join(tasks, "; ")))
	}
	if seen.Unknown > 0 {
		notes = append(notes, fmt.Sprintf("Whether %s live as applied is not known: %s", driftedText(seen.Unknown), report.Visible(seen.Error)))
	}
	return notes
}

func driftedText(n int) string {
	if n == 1 {
		return "1 task is"
	}
	return fmt.Sprintf("%d tasks are", n)
}

func untilText(l *look, s *state.Suspension) string {
	if s.Until.IsZero() {
		return ""
	}
	return " for " + span(s.Until.Sub(l.now))
}

func (l *look) callRow(c call) callRow {
	row := callRow{
		When: momentOf(c.At, l.now), link: linkTo(c.Key), Commit: c.Commit,
		Class: string(c.Outcome.Class), Answer: answerText(c.Outcome), RequestID: report.Visible(c.Outcome.RequestID),
		Tone: classTone(c.Outcome.Class),
	}
	if id := c.Outcome.TaskApproveID; id != "" {
		row.Tone, row.Answer = toneWait, "waits for approval "+report.Visible(id)+" in WeData"
	}
	return row
}

func classTone(c state.Class) tone {
	switch c {
	case state.ClassApplied:
		return toneOK
	case state.ClassWaiting, state.ClassThrottled, state.ClassNotSent:
		return toneWait
	default:
		return toneBad
	}
}

func (l *look) problems() problemList {
	all := l.plan().Problems
	list := problemList{}
	switch errors, warnings := l.digest.errors, l.digest.warnings; {
	case warnings == 0:
		list.Summary = plural(errors, "error")
	case errors == 0:
		list.Summary = plural(warnings, "warning")
	default:
		list.Summary = plural(errors, "error") + ", " + plural(warnings, "warning")
	}
	for _, severity := range []spec.Severity{spec.SeverityError, spec.SeverityWarning} {
		for i := range all {
			if p := &all[i]; p.Severity == severity && len(list.Rows) < problemRows {
				list.Rows = append(list.Rows, problemRow{severity == spec.SeverityError, report.Visible(p.Pos.String()), report.Visible(p.Message)})
			}
		}
	}
	list.More = all.Len() - len(list.Rows)
	return list
}

func passText(p lastPass) string {
	var parts []string
	if p.Applied > 0 {
		parts = append(parts, plural(p.Applied, "commit"))
	}
	if p.Forgotten > 0 {
		parts = append(parts, plural(p.Forgotten, "task")+" removed from the state")
	}
	if p.Returned > 0 {
		parts = append(parts, plural(p.Returned, "task")+" managed again")
	}
	if p.Took >= time.Second {
		parts = append(parts, "took "+span(p.Took))
	}
	return strings.Join(parts, ", ")
}
