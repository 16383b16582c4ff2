// Package listing asks WeData for its list of approvals: once for all commits that wait for
// one, within a budget of its own, and bounded.
package listing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/approval"
	"github.com/wedatasync/wedatasync/reconcile/pace"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

const (
	// maxPages bounds one listing: what is not among so many of the newest approvals is not
	// looked for any further.
	maxPages = 20
	// deniedFor is how long it is believed that the list may not be read, or is not there.
	deniedFor = 10 * time.Minute
)

// every is the time between two listings: soon after a commit has begun to wait, and less
// and less often as long as none does.
var every = plan.Backoff{Min: 2 * time.Second, Max: 30 * time.Second}

// Lister reads the list of approvals of tasks.
type Lister interface {
	// Approvals returns a page of the list, the newest approvals first. Its gate and errors are those of
	// reconcile.Reader; ErrNoPage says that the list has no such page.
	Approvals(ctx context.Context, page int, gate pace.Gate) ([]approval.Row, error)
}

// ErrNoPage says that the list refuses the number of a page.
var ErrNoPage = errors.New("no such page")

// Watch decides when the list is asked for. Its methods are for any goroutine.
type Watch struct {
	Lister Lister
	Limit  *pace.Limiter // of the list's requests
	Logger *slog.Logger
	Random func() float64

	mu    sync.Mutex
	known map[spec.Key]string // the approvals of the last listing's commits
	tries int                 // listings since a commit began to wait
	next  time.Time
	said  bool // that the list cannot be read
}

// Due returns when the list is to be asked for, at now or later, by the records of commits
// that wait for an approval; the zero time if none does.
func (w *Watch) Due(waiting []*state.Record, now time.Time) time.Time {
	if w == nil || len(waiting) == 0 {
		return time.Time{}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.said && now.Before(w.next) {
		return w.next
	}
	for _, rec := range waiting {
		if a := rec.Attempt; w.known[rec.Key] != a.Outcome.TaskApproveID {
			w.tries = 0
			if soon := a.Since.Add(every.Min); w.next.IsZero() || soon.Before(w.next) {
				w.next = soon
			}
		}
	}
	return w.next
}

// Renew lets the list be asked for at once: the credentials are others.
func (w *Watch) Renew() {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.said, w.next = false, time.Time{}
}

// List asks for the list, as far as the records' approvals are in it. What it returns was so
// at a time not before at.
func (w *Watch) List(ctx context.Context, waiting []*state.Record) (rows []approval.Row, at time.Time) {
	at = time.Now()
	rows, err := w.pages(ctx, waiting)
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	w.known = make(map[spec.Key]string, len(waiting))
	for _, rec := range waiting {
		w.known[rec.Key] = rec.Attempt.Outcome.TaskApproveID
	}
	w.tries++
	w.next = now.Add(every.After(w.tries, w.Random()))
	switch {
	case err == nil:
		w.said = false
	case ctx.Err() != nil:
	case isTemporary(err):
		w.Logger.DebugContext(ctx, "list approvals", "error", err)
	default:
		w.next = now.Add(deniedFor)
		if !w.said {
			w.said = true
			w.Logger.WarnContext(ctx, "approvals in WeData cannot be followed: commits that wait for one are read until they are live", "error", err)
		}
	}
	return rows, at
}

// Told returns what the list, asked for at on behalf of the record asked, tells of its
// approval, if that is something new. rec is the record by now; it may be nil.
func Told(asked, rec *state.Record, rows []approval.Row, at time.Time) (t state.Transition, ok bool) {
	if rec == nil || !approval.Awaits(rec) || rec.Attempt.ID != asked.Attempt.ID {
		return t, false
	}
	next := approval.Seen(rec, rows, at)
	if next == nil {
		return t, false
	}
	e := plan.Event(state.EventReadBack, rec, time.Now())
	e.Note = state.Clip(approval.Describe(rec.Attempt.Outcome.TaskApproveID, next.Attempt.Approval))
	return plan.Transition(rec.Key, next, e), true
}

// isTemporary reports whether the list may be had if it is asked for again.
func isTemporary(err error) bool {
	answered, ok := errors.AsType[plan.AnsweredError](err)
	if !ok {
		return true
	}
	switch answered.Answered().Class {
	case state.ClassUnauthorized, state.ClassRefused, state.ClassAuth:
		return false
	default:
		return true
	}
}

// pages reads the list until it has told of all approvals that are waited for. The examples
// of the API's document number the first page 0, and other lists of the API number it 1: a
// list that has no page 0 begins with 1, and where both are the first it is read twice.
func (w *Watch) pages(ctx context.Context, waiting []*state.Record) (rows []approval.Row, err error) {
	wanted := make(map[string]bool, len(waiting))
	for _, rec := range waiting {
		wanted[rec.Attempt.Outcome.TaskApproveID] = true
	}
	seen := make(map[string]bool)
	for number := range maxPages {
		page, err := w.page(ctx, number)
		switch {
		case number == 0 && errors.Is(err, ErrNoPage):
			continue
		case err != nil:
			return rows, fmt.Errorf("list approvals: %w", err)
		}
		for _, row := range page {
			seen[row.ID], seen[row.ApplyID] = true, true
			if wanted[row.ID] || wanted[row.ApplyID] {
				rows = append(rows, row)
			}
		}
		found := 0
		for id := range wanted {
			if seen[id] {
				found++
			}
		}
		if found == len(wanted) || number > 0 && len(page) == 0 {
			break
		}
	}
	return rows, nil
}

// page reads one page in its turn.
func (w *Watch) page(ctx context.Context, number int) ([]approval.Row, error) {
	sent := time.Now()
	page, err := w.Lister.Approvals(ctx, number, func(ctx context.Context) (err error) {
		sent, err = w.Limit.Wait(ctx)
		return err
	})
	if errors.Is(err, plan.ErrReadThrottled) {
		w.Limit.Rejected(sent)
	}
	return page, err
}
