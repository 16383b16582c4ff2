package listing

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/approval"
	"github.com/wedatasync/wedatasync/reconcile/internal/fixture"
	"github.com/wedatasync/wedatasync/reconcile/pace"
	"github.com/wedatasync/wedatasync/state"
)

// list is WeData's list of approvals, in pages of two.
type list struct {
	ids   []string
	first int // the number of the first page
	err   error
	asked []int
}

// Approvals implements [Lister].
func (l *list) Approvals(ctx context.Context, page int, gate pace.Gate) (rows []approval.Row, err error) {
	if err := gate(ctx); err != nil {
		return nil, err
	}
	l.asked = append(l.asked, page)
	switch {
	case l.err != nil:
		return nil, l.err
	case page < l.first:
		return nil, errors.Join(&refusal{state.ClassRefused}, ErrNoPage)
	}
	for i, id := range l.ids {
		if i/2 == page-l.first {
			rows = append(rows, approval.Row{ID: id, TaskApproval: state.TaskApproval{Status: "new"}})
		}
	}
	return rows, nil
}

// refusal is an answer without a result.
type refusal struct{ class state.Class }

func (e *refusal) Error() string           { return "refused" }
func (e *refusal) Answered() state.Outcome { return state.Outcome{Class: e.class} }

func awaiting(task, id string, since time.Time) *state.Record {
	return &state.Record{Key: fixture.Task(task), Status: state.StatusApplied, Attempt: &state.Attempt{ID: task, Since: since, Outcome: state.Outcome{TaskApproveID: id}}}
}

func newWatch(l *list) (*Watch, *bytes.Buffer) {
	log := new(bytes.Buffer)
	return &Watch{Lister: l, Limit: pace.New(20), Logger: slog.New(slog.NewTextHandler(log, nil)), Random: func() float64 { return 0.5 }}, log
}

// TestPages: the list is read as far as it has what is waited for, whatever its first page
// is called, and no further than it is bounded.
func TestPages(t *testing.T) {
	var many []string
	for i := range 100 {
		many = append(many, fmt.Sprint(i))
	}
	for _, tt := range []struct {
		name         string
		list         list
		want         []string
		asked, found int
	}{
		{"on the first page", list{ids: many}, []string{"1"}, 1, 1},
		{"on the first page, which is 1", list{ids: many, first: 1}, []string{"1"}, 2, 1},
		{"on two pages", list{ids: many}, []string{"1", "4"}, 3, 2},
		{"on two pages, from 1", list{ids: many, first: 1}, []string{"1", "4"}, 4, 2},
		{"not in the list", list{ids: []string{"1", "2", "3"}}, []string{"x"}, 3, 0},
		{"an empty list", list{}, []string{"x"}, 2, 0},
		{"too far behind", list{ids: many}, []string{"99"}, maxPages, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			w, _ := newWatch(&tt.list)
			var waiting []*state.Record
			for i, id := range tt.want {
				waiting = append(waiting, awaiting(fmt.Sprint(i), id, time.Now()))
			}
			rows, _ := w.List(t.Context(), waiting)
			if len(tt.list.asked) != tt.asked || len(rows) != tt.found {
				t.Errorf("%s: asked for pages %v, found %v", tt.name, tt.list.asked, rows)
			}
		})
	}
}

// TestDue: one listing is for all that wait, soon after one begins to, and then less often;
// nothing is asked for while none does.
func TestDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &list{ids: []string{"1"}}
		w, _ := newWatch(l)
		if due := w.Due(nil, time.Now()); !due.IsZero() {
			t.Errorf("due at %v, and nothing waits", due)
		}
		waiting := []*state.Record{awaiting("a", "1", time.Now()), awaiting("b", "2", time.Now())}
		run := func(d time.Duration) (listings int) {
			for end := time.Now().Add(d); ; listings++ {
				due := w.Due(waiting, time.Now())
				if due.After(end) {
					time.Sleep(time.Until(end))
					return listings
				}
				time.Sleep(time.Until(due))
				w.List(t.Context(), waiting)
			}
		}
		if n := run(time.Hour); n < 120 || n > 160 {
			t.Errorf("%d listings in an hour", n)
		}
		waiting = append(waiting, awaiting("c", "3", time.Now()))
		if n := run(every.Min); n == 0 {
			t.Error("no listing when another one began to wait")
		}
	})
}

// TestDenied: that the list cannot be read is said once, and it is tried again now and then,
// or with other credentials.
func TestDenied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &list{err: &refusal{state.ClassUnauthorized}}
		w, log := newWatch(l)
		waiting := []*state.Record{awaiting("a", "1", time.Now())}
		for range 3 {
			time.Sleep(time.Until(w.Due(waiting, time.Now())))
			w.List(t.Context(), waiting)
		}
		if n := strings.Count(log.String(), "cannot be followed"); n != 1 || time.Until(w.Due(waiting, time.Now())) != deniedFor {
			t.Errorf("said %d times, next in %v", n, time.Until(w.Due(waiting, time.Now())))
		}
		w.Renew()
		l.err = nil
		if w.Due(waiting, time.Now()).After(time.Now()) {
			t.Error("other credentials are not tried")
		}
		w.List(t.Context(), waiting)
		l.err = errors.New("no usable answer")
		w.List(t.Context(), waiting)
		if next := time.Until(w.Due(waiting, time.Now())); next > every.Max || strings.Count(log.String(), "cannot be followed") != 1 {
			t.Errorf("after a passing fault the next is in %v: %s", next, log)
		}
		l.err = &refusal{state.ClassUnauthorized}
		w.List(t.Context(), waiting)
		if n := strings.Count(log.String(), "cannot be followed"); n != 2 {
			t.Errorf("said %d times when it is so anew", n)
		}
	})
}

// TestTold: what the list tells counts for the commit that it was asked for, and for no
// other.
func TestTold(t *testing.T) {
	rows := []approval.Row{{ID: "1", TaskApproval: state.TaskApproval{Status: "reject"}}}
	asked := awaiting("a", "1", time.Now())
	if tr, ok := Told(asked, asked, rows, fixture.Noon); !ok || tr.Record.Attempt.Approval.State != state.ApprovalRejected || tr.Events[0].Stage != state.StageApproval {
		t.Errorf("%+v, %v", tr, ok)
	}
	another := awaiting("a", "1", time.Now())
	another.Attempt.ID = "b"
	live := &state.Record{Key: asked.Key, Status: state.StatusApplied, Applied: &state.Applied{}}
	for _, rec := range []*state.Record{nil, another, live} {
		if tr, ok := Told(asked, rec, rows, fixture.Noon); ok {
			t.Errorf("%+v", tr)
		}
	}
}
