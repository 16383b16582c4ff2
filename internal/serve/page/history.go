package page

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/internal/release"
	"github.com/wedatasync/wedatasync/internal/serve/snapshot"
	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// historyPage is the history of everything.
type historyPage struct {
	frame
	History historyView
}

const (
	// historyRows is how many rows of the history are on one page.
	historyRows = 50
	// historyEvents is how many events are read for them: an attempt has about three.
	historyEvents = 3 * historyRows
)

// historyView is a page of the history.
type historyView struct {
	Rows    []historyRow
	ForTask bool
	Newest  string // the path of the first page; empty on it
	Older   string // the path of the next page; empty on the last one
	Err     string
}

// historyRow is an attempt, or an event that belongs to none.
type historyRow struct {
	When moment
	Kind string
	link
	badge    // its Label is empty if there is no outcome
	Commit   string
	Text     string
	Actor    string
	Revision string
	Release  string // the path of its page; empty if that is not remembered

	RequestID string
}

// historyPart is a part of the history, of a task or of everything.
type historyPart struct {
	key    *spec.Key // nil: of everything
	path   string    // of its page
	before int64     // where it begins; 0 is the newest event
	events []state.Event
	older  int64 // where the events after these begin; 0 if there are none
	err    error
}

// historyOf folds the events of a part into rows. An attempt that goes over the end of a page
// has a row on both.
func historyOf(s *snapshot.Snapshot, part historyPart) historyView {
	h := historyView{ForTask: part.key != nil}
	if part.err != nil {
		h.Err = snapshot.ErrorText(part.err)
	}
	rows := release.Rows(part.events)
	if len(rows) > historyRows {
		part.older = rows[historyRows].Event.Seq + 1
		rows = rows[:historyRows]
	}
	for i := range rows {
		h.Rows = append(h.Rows, historyRowOf(s, &rows[i]))
	}
	if part.before > 0 {
		h.Newest = part.path
	}
	if part.older > 0 {
		h.Older = part.path + "?before=" + strconv.FormatInt(part.older, 10)
	}
	return h
}

// before returns where the page of the history begins: 0 is its newest event.
func before(v url.Values) int64 {
	n, err := strconv.ParseInt(v.Get("before"), 10, 64)
	if err != nil || n < 1 {
		return 0
	}
	return n
}

func historyRowOf(s *snapshot.Snapshot, r *release.Row) historyRow {
	row := historyRow{
		When: momentOf(r.Event.At, s.Now), Kind: text.Visible(r.Kind()), Commit: text.Visible(explain.Version(r.Wanted.CommitType, r.Wanted.InstanceVersion)), Text: rowText(r),
		Actor: text.Visible(authorName(r.Author)), Revision: text.Visible(snapshot.Short(r.Revision)), Release: releaseHref(s, r.Revision),
		RequestID: text.Visible(r.Outcome.RequestID),
	}
	switch {
	case r.Stage != "":
		row.badge = badgeFor(explain.OfStage(r.Stage, r.Outcome))
	case r.Outcome.Class != "":
		row.badge = badge{Tone: classTone(r.Outcome.Class), Label: text.Visible(string(r.Outcome.Class))}
	}
	if r.Key != (spec.Key{}) {
		row.link = linkOf(s, r.Key)
		if row.link.Name == "" {
			row.link.Name = text.Visible(r.Wanted.Name)
		}
	}
	return row
}

// rowText is the row without its kind and its outcome.
func rowText(r *release.Row) string {
	var parts []string
	add := func(part string) {
		if part != "" {
			parts = append(parts, part)
		}
	}
	if r.Tries > 1 {
		add(fmt.Sprintf("%d tries in %s", r.Tries, snapshot.Span(r.Event.At.Sub(r.At))))
	}
	add(text.Visible(explain.Answer(r.Outcome)))
	for _, note := range r.Notes {
		if note != string(r.Stage) { // which is said already
			add(text.Visible(note))
		}
	}
	if e := &r.Event; !r.IsAttempt() {
		if e.Before != nil {
			add("live before: " + liveText(e.Before))
		}
		if e.After != nil {
			add("live: " + liveText(e.After))
		}
	}
	return strings.Join(parts, "; ")
}
