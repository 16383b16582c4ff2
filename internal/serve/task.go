package serve

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/wedatasync/wedatasync/internal/report"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// historyRows is how many rows of the history are on one page.
const historyRows = 50

// taskPage is all about one task.
type taskPage struct {
	frame
	link
	badge
	Why      string
	Commands []string
	Facts    []fact // what was applied
	Wanted   []fact // what the spec says
	Attempt  []fact // the newest one, if it is open
	Fields   []fieldRow
	History  historyView
}

// fact is a line of what is known.
type fact struct {
	Name string
	Text string
	When moment
	Code bool // an id, to be shown as one
}

// historyView is a page of the history.
type historyView struct {
	Rows    []eventRow
	ForTask bool
	Newest  string // the path of the first page; empty on it
	Older   string // the path of the next page; empty on the last one
	Err     string
}

type eventRow struct {
	Seq  int64
	When moment
	Kind string
	link
	Tone      tone
	Class     string
	Text      string
	Actor     string
	Revision  string
	RequestID string
}

// serveTask answers with all about one task.
func (s *Server) serveTask(w http.ResponseWriter, r *http.Request) {
	key := spec.Key{ProjectID: r.PathValue("project"), TaskID: r.PathValue("task")}
	l := s.look()
	change := l.digest.find(key)
	rec, history, err := s.readTask(r.Context(), key, before(r.URL.Query()))
	if err == nil && rec == nil && change == nil && len(history.Events) == 0 {
		s.serveNotFound(w, r)
		return
	}
	page := l.taskPage(key, change, rec)
	page.frame = s.frame(page.Task, "", l)
	page.History = l.historyView(history, err, &key, taskPath(key), r.URL.Query())
	s.show(w, r, http.StatusOK, "taskpage", page)
}

// before returns where the page of the history begins: 0 is its newest row.
func before(v url.Values) int64 {
	n, err := strconv.ParseInt(v.Get("before"), 10, 64)
	if err != nil || n < 1 {
		return 0
	}
	return n
}

// readTask reads what the state knows of one task.
func (s *Server) readTask(ctx context.Context, key spec.Key, before int64) (rec *state.Record, list eventList, err error) {
	if err := s.read(ctx, func(r *state.Reader) (err error) {
		rec, err = r.Record(ctx, key)
		return err
	}); err != nil {
		return nil, list, err
	}
	list, err = s.events(ctx, state.HistoryQuery{Key: &key, Before: before, Limit: historyRows})
	return rec, list, err
}

func (l *look) taskPage(key spec.Key, change *reconcile.Change, rec *state.Record) taskPage {
	s, known := l.standing(key, change)
	if known == nil {
		known = rec
	}
	if rec != nil {
		e := taskOf(rec)
		s = l.stands(entry{key: key, task: &e, change: change})
	}
	b := badgeOf(s)
	if s == standUnknown && known != nil && known.Attempt != nil && known.Attempt.NeedsPerson != "" {
		b.Meaning = "it may or may not have happened, and is not repeated"
	}
	why := l.why(s, change, known)
	if d := l.status.Look.Of(key); d != nil {
		why = strings.TrimPrefix(why+"; drift: "+report.DriftText(d), "; ")
	}
	return taskPage{
		link: linkTo(key), badge: b,
		Why: why, Commands: l.commands(s, key, change, known),
		Facts: l.appliedFacts(rec), Wanted: wantedFacts(change), Attempt: l.attemptFacts(rec),
		Fields: fieldRows(change),
	}
}

func (l *look) appliedFacts(rec *state.Record) []fact {
	if rec == nil || rec.Applied == nil {
		return nil
	}
	a := rec.Applied
	facts := []fact{
		{Name: "Commit", Text: appliedText(a.CommitType, a.InstanceVersion)},
		{Name: "Task type", Text: a.TaskType.OrDefault().String()},
		{Name: "When", When: momentOf(a.At, l.now)},
		{Name: "Known by", Text: originText(a.Origin)},
	}
	return append(facts, given(
		fact{Name: "Description", Text: a.VersionDesc},
		fact{Name: "Revision", Text: a.Revision, Code: true},
		fact{Name: "Request", Text: a.RequestID, Code: true},
		fact{Name: "Awaits approval", Text: a.TaskApproveID, Code: true},
	)...)
}

func originText(o state.Origin) string {
	switch o {
	case state.OriginCommit:
		return "WeData's answer"
	case state.OriginReadBack:
		return "reading it back"
	case state.OriginResolved:
		return "a person's word"
	case state.OriginAdopted, state.OriginImported:
		return "being taken over, without a call"
	case state.OriginDrift:
		return "being adopted as others had changed it, without a call"
	default:
		return report.Visible(string(o))
	}
}

// given leaves out the facts that are not there, and makes the others visible.
func given(facts ...fact) []fact {
	var list []fact
	for _, f := range facts {
		if f.Text != "" {
			f.Text = report.Visible(f.Text)
			list = append(list, f)
		}
	}
	return list
}

func wantedFacts(c *reconcile.Change) []fact {
	if c == nil || c.Want == nil {
		return nil
	}
	w := c.Want
	facts := []fact{
		{Name: "Commit", Text: appliedText(w.CommitType, w.InstanceVersion)},
		{Name: "Impact", Text: impactText(c.Impact)},
	}
	return append(facts, given(
		fact{Name: "Why", Text: whyText(c.Reason)},
		fact{Name: "Description", Text: w.VersionDesc},
		fact{Name: "Event", Text: w.EventDesc},
		fact{Name: "Spec", Text: w.Pos.String(), Code: true},
	)...)
}

func impactText(i reconcile.Impact) string {
	switch i {
	case reconcile.ImpactDiscardState:
		return "stops, discards its state, starts again"
	case reconcile.ImpactFreshStart:
		return "fresh start: it runs, and its state is not continued; resume and pause-resume keep it"
	case reconcile.ImpactPause:
		return "pauses, continues with its state"
	case reconcile.ImpactStart:
		return "starts"
	case reconcile.ImpactKeepState:
		return "continues with its state"
	default:
		return "submits only; nothing runs"
	}
}

func (l *look) attemptFacts(rec *state.Record) []fact {
	if rec == nil || rec.Attempt == nil {
		return nil
	}
	a := rec.Attempt
	facts := []fact{
		{Name: "Commit", Text: appliedText(a.Wanted.CommitType, a.Wanted.InstanceVersion)},
		{Name: "Begun", When: momentOf(a.At, l.now)},
	}
	if !a.Since.IsZero() {
		facts = append(facts, fact{Name: "Like this since", When: momentOf(a.Since, l.now)})
	}
	if !a.NextAt.IsZero() {
		facts = append(facts, fact{Name: "Next", When: momentOf(a.NextAt, l.now)})
	}
	if a.Before != nil {
		facts = append(facts, fact{Name: "Live before", Text: liveText(a.Before)})
	}
	return append(facts, given(
		fact{Name: "Answer", Text: answerText(a.Outcome)},
		fact{Name: "Locked by", Text: a.Outcome.Locker, Code: true},
		fact{Name: "Request", Text: a.Outcome.RequestID, Code: true},
		fact{Name: "Revision", Text: a.Wanted.Revision, Code: true},
		fact{Name: "Author", Text: authorName(a.Author)},
		fact{Name: "Spec", Text: fmt.Sprintf("%s:%d", a.File, a.Line), Code: true},
		fact{Name: "Attempt", Text: a.ID, Code: true},
	)...)
}

// liveText is what WeData says of a task.
func liveText(v *state.Live) string {
	if v.Missing {
		return "not known to WeData"
	}
	text := statusText(v.Status)
	if v.InstanceVersion != 0 {
		text = fmt.Sprintf("version %d, %s", v.InstanceVersion, text)
	}
	if v.Locked {
		text += ", locked by " + report.Visible(v.Locker)
	}
	return text
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
