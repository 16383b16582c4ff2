package release

import (
	"cmp"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/state"
)

// AskedFor says what the first plan of the release asked for.
func (r *Release) AskedFor() string {
	parts := []string{text.Plural(r.Commits, "commit")}
	if r.Removed > 0 {
		parts = append(parts, text.Plural(r.Removed, "task")+" removed from state")
	}
	if r.Returned > 0 {
		parts = append(parts, text.Plural(r.Returned, "task")+" managed again")
	}
	return strings.Join(parts, ", ")
}

// EndedAt returns when the task was live, or ran where its spec waits for that; zero if it
// did not come to that.
func (t *Task) EndedAt() time.Time {
	if t.RunningAt.After(t.LiveAt) {
		return t.RunningAt
	}
	return t.LiveAt
}

// What says what the task waited for. It can hold text of others.
func (w *Wait) What() string {
	if w.Locker != "" {
		return "locked by " + w.Locker
	}
	return cmp.Or(w.Code, "an answer")
}

// Kind says in a word or two what the row is about.
func (r *Row) Kind() string {
	if r.IsAttempt() {
		return "commit"
	}
	switch k := r.Event.Kind; k {
	case state.EventForgotten:
		return "removed"
	case state.EventReturned:
		return "managed again"
	case state.EventReadBack:
		return "read back"
	case state.EventCommand:
		return "operator action"
	default:
		return string(k)
	}
}
