package release

import (
	"cmp"
	"slices"
	"time"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// Row is one row of a history for people: an attempt from its intent to what became of it,
// with the retries before it, or an event that belongs to none.
type Row struct {
	Event  state.Event // the newest that the row has
	Key    spec.Key    // zero if it is about no task
	Wanted state.Wanted
	Stage  Stage // empty if the row is not an attempt, or of an earlier version
	// Outcome is the last answer, and At when the row began: the first try.
	Outcome  state.Outcome
	At       time.Time
	Tries    int // 0 if the row is not an attempt
	Revision string
	Author   string   // of the revision, or who gave the command
	Notes    []string // of its events, the oldest first
}

// IsAttempt reports whether the row is about an attempt.
func (r *Row) IsAttempt() bool { return r.Tries > 0 }

// Rows folds events, the newest first, into rows in the same order: an attempt has one, and
// so have tries in a row of the same commit that had to wait.
func Rows(events []state.Event) []Row {
	var rows []Row
	attempts := map[string]int{} // the row of each attempt
	last := map[spec.Key]int{}   // the row of each task's oldest attempt so far
	for i := range events {
		e := &events[i]
		if e.Attempt == "" {
			rows = append(rows, Row{Event: *e, Key: e.Key, Stage: e.Stage, Outcome: e.Outcome, At: e.At, Revision: e.Revision, Author: e.Actor, Notes: notes(nil, e)})
			continue
		}
		n, known := attempts[e.Attempt]
		if prior, ok := last[e.Key]; !known && ok && retried(&rows[prior], e) {
			n, known = prior, true
			attempts[e.Attempt] = n
			rows[n].Tries++
		}
		if !known {
			n = len(rows)
			attempts[e.Attempt] = n
			rows = append(rows, Row{Event: *e, Key: e.Key, Stage: e.Stage, Tries: 1, Revision: e.Revision, Author: e.Actor})
		}
		last[e.Key] = n
		rows[n].add(e)
	}
	return rows
}

// add takes in an event that is older than those the row has.
func (r *Row) add(e *state.Event) {
	r.At = e.At
	if r.Wanted == (state.Wanted{}) && e.Wanted != nil {
		r.Wanted = *e.Wanted
	}
	if r.Outcome.Class == "" {
		r.Outcome = e.Outcome
	}
	r.Author = cmp.Or(r.Author, e.Actor)
	if e.Kind != state.EventReadBack || r.Event.Seq == e.Seq {
		r.Notes = notes(r.Notes, e)
	}
}

// retried reports whether the event, the newest of an attempt, is a try that waited before
// the row.
func retried(row *Row, e *state.Event) bool {
	waited := e.Stage == state.StageWaiting || e.Stage == state.StageLocked
	return waited && row.IsAttempt() && row.Revision == e.Revision && e.Wanted != nil && *e.Wanted == row.Wanted
}

// notes puts the note of an older event before the others.
func notes(have []string, e *state.Event) []string {
	if e.Note == "" || e.Note == e.Outcome.Message || slices.Contains(have, e.Note) {
		return have
	}
	return append([]string{e.Note}, have...)
}
