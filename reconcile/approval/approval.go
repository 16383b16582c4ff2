package approval

import (
	"fmt"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/proof"
	"github.com/wedatasync/wedatasync/state"
)

// Row is a row of WeData's list of approvals.
type Row struct {
	ID      string // ApproveId
	ApplyID string
	state.TaskApproval
}

// margin is how far the time at which an approval was created may be from its commit, by
// the clocks of two machines.
const margin = 15 * time.Minute

// isOf reports whether the row is about the approval that the attempt waits for. Which of
// the two ids the answer to a commit names is not documented, so the time has to fit, too.
func (r *Row) isOf(a *state.Attempt) bool {
	id := a.Outcome.TaskApproveID
	if r.ID != id && r.ApplyID != id {
		return false
	}
	created, ok := state.ParseWeDataTime(r.CreatedAt)
	if !ok {
		var err error
		created, err = time.Parse(time.RFC3339, r.CreatedAt) // as in the examples of the API's document
		ok = err == nil
	}
	return !ok || created.After(a.At.Add(-margin)) && created.Before(a.Since.Add(margin))
}

// Awaits reports whether the record's commit waits for an approval.
func Awaits(rec *state.Record) bool { return rec.Accepted() && rec.Attempt.Outcome.TaskApproveID != "" }

// Decided reports whether the list says that the record's approval has come to an end.
func Decided(rec *state.Record) bool {
	t := rec.Attempt.Approval
	return t != nil && (t.State == state.ApprovalPassed || t.State.Ended())
}

// ReadAt returns when to read a task whose approval has come to an end: a read from then on
// shows what has become of the commit.
func ReadAt(rec *state.Record, horizon time.Duration) time.Time {
	t := rec.Attempt.Approval
	if t.State.Ended() {
		return t.SeenAt.Add(proof.LagWithin(horizon))
	}
	return t.SeenAt
}

// Seen returns the record after the list, asked for at, told the row of its approval; nil if
// that is nothing new. Rows of one approval that contradict each other tell no state.
func Seen(rec *state.Record, rows []Row, at time.Time) *state.Record {
	var told *state.TaskApproval
	for i := range rows {
		row := rows[i].TaskApproval
		row.State = StateOf(row.Status)
		switch {
		case !rows[i].isOf(rec.Attempt):
		case told == nil:
			told = &row
		case told.State != row.State:
			told.State = ""
		}
	}
	was := rec.Attempt.Approval
	if told == nil {
		return nil
	}
	told.SeenAt = at
	if was != nil && was.State == told.State {
		told.SeenAt = was.SeenAt
	}
	if was != nil && *was == *told {
		return nil
	}
	next, a := *rec, *rec.Attempt
	a.Approval, next.Attempt = told, &a
	return &next
}

// Verdict is what becomes of a commit that waits for an approval.
type Verdict int

// The verdicts of Judge.
const (
	Waits   Verdict = iota // for the approval, or to be seen live
	Live                   // a read shows it
	Counts                 // it counts as live: the approval has passed, and reads cannot show it
	NotSeen                // the approval has passed, and no read has shown it in time
	Ended                  // it will not take effect
)

// Judge says what becomes of a commit that waits for an approval and that a read does not
// prove to be live. The read may have failed: e.Live is nil then; denied says that it is not
// permitted.
//
// The list alone ends no commit where what is live can be read: a read that was sent when no
// answer could be older than the end has to show that the commit is not live.
func Judge(rec *state.Record, e *proof.Evidence, denied bool) Verdict {
	a := rec.Attempt
	if a.Approval == nil {
		return Waits
	}
	passed, ended := a.Approval.State == state.ApprovalPassed, a.Approval.State.Ended()
	since := e.At.Sub(a.Approval.SeenAt)
	switch {
	case denied && passed:
		return Counts
	case denied && ended:
		return Ended
	case e.Live == nil || !passed && !ended:
		return Waits
	case arrived(a, e.Live), passed && moved(a, e.Live):
		return Live
	case passed && !proof.Showable(a, e.Live):
		return Counts
	case passed && since >= proof.SettleTime:
		return NotSeen
	case ended && !e.At.Before(ReadAt(rec, e.Horizon)):
		return Ended
	default:
		return Waits
	}
}

// arrived reports whether the wanted version is live and was not before. Whoever brought
// it, it is what was asked for.
func arrived(a *state.Attempt, live *state.Live) bool {
	want := a.Wanted.InstanceVersion
	return want != 0 && !live.Missing && live.InstanceVersion == want && (a.Before == nil || a.Before.InstanceVersion != want)
}

// moved reports whether the task was operated since before the commit. Of a commit whose
// approval has passed that shows that it took effect.
func moved(a *state.Attempt, live *state.Live) bool {
	want := a.Wanted.InstanceVersion
	if a.Before == nil || live.Missing || want != 0 && live.InstanceVersion != 0 && live.InstanceVersion != want {
		return false
	}
	return proof.Operated(a, live)
}

// codes are the codes of commits whose approval has ended.
var codes = map[state.ApprovalState]string{
	state.ApprovalRejected:  "ApprovalRejected",
	state.ApprovalWithdrawn: "ApprovalWithdrawn",
	state.ApprovalFailed:    "ApprovalFailed",
}

// End returns the record of a commit whose approval has ended without effect: it is refused,
// and what was applied before it is what is applied.
func End(rec *state.Record, now time.Time) *state.Record {
	next, a := *rec, *rec.Attempt
	next.Status, next.Applied, next.Attempt = state.StatusRefused, a.Prior, &a
	a.Outcome.Class, a.Outcome.Code = state.ClassRefused, codes[a.Approval.State]
	a.Outcome.Message = state.Clip(Describe(a.Outcome.TaskApproveID, a.Approval))
	a.Prior, a.NeedsOperator, a.NextAt, a.Since = nil, "", time.Time{}, now
	return &next
}

// Describe says how the approval stands.
func Describe(id string, t *state.TaskApproval) string { return "approval " + id + " " + Standing(t) }

// Standing says how an approval stands, as the rest of a sentence about it.
func Standing(t *state.TaskApproval) string {
	said, decided := "", by(t.Approver)+at(t.DecidedAt)
	switch t.State {
	case state.ApprovalOpen:
		said = "is not decided" + asked(t)
		if t.Approver != "" {
			said += "; " + t.Approver + " has to decide"
		}
	case state.ApprovalUnderWay:
		said = "is under way" + by(t.Approver) + asked(t)
	case state.ApprovalPassed:
		said = "has passed" + decided
	case state.ApprovalRejected:
		said = "was rejected" + decided
	case state.ApprovalWithdrawn:
		said = "was withdrawn" + at(t.DecidedAt)
	case state.ApprovalFailed:
		said = "failed" + decided
	default:
		said = fmt.Sprintf("has the status %q, which is not recognized%s", t.Status, decided)
	}
	for _, text := range []string{t.Remark, t.Error} {
		if text != "" {
			said += ": " + text
		}
	}
	return said
}

func asked(t *state.TaskApproval) string {
	if t.Applicant == "" && t.CreatedAt == "" {
		return ""
	}
	return ", requested" + by(t.Applicant) + at(t.CreatedAt)
}

func by(who string) string {
	if who == "" {
		return ""
	}
	return " by " + who
}

func at(when string) string {
	if when == "" {
		return ""
	}
	return " at " + state.WeDataTime(when)
}
