package page

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/wedatasync/wedatasync/internal/explain"
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

// historyRows is how many rows of the history are on one page.
const historyRows = 50

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
	Tone      explain.Tone
	Class     string
	Text      string
	Actor     string
	Revision  string
	Release   string // the path of its page; empty if that is not remembered
	RequestID string
}

// historyPart is a part of the history, of a task or of everything.
type historyPart struct {
	key    *spec.Key // nil: of everything
	path   string    // of its page
	before int64     // where it begins; 0 is the newest row
	rows   []state.Event
	older  int64 // where the next page begins; 0 if there is none
	err    error
}

func historyOf(s *snapshot.Snapshot, part historyPart) historyView {
	h := historyView{ForTask: part.key != nil}
	if part.err != nil {
		h.Err = snapshot.ErrorText(part.err)
	}
	for i := range part.rows {
		h.Rows = append(h.Rows, eventRowOf(s, &part.rows[i]))
	}
	if part.before > 0 {
		h.Newest = part.path
	}
	if part.older > 0 {
		h.Older = part.path + "?before=" + strconv.FormatInt(part.older, 10)
	}
	return h
}

// before returns where the page of the history begins: 0 is its newest row.
func before(v url.Values) int64 {
	n, err := strconv.ParseInt(v.Get("before"), 10, 64)
	if err != nil || n < 1 {
		return 0
	}
	return n
}

func eventRowOf(s *snapshot.Snapshot, e *state.Event) eventRow {
	row := eventRow{
		Seq: e.Seq, When: momentOf(e.At, s.Now), Kind: kindText(e.Kind), Tone: explain.ToneCalm,
		Text: eventText(e), Actor: text.Visible(authorName(e.Actor)), Revision: text.Visible(snapshot.Short(e.Revision)),
		RequestID: text.Visible(e.Outcome.RequestID),
	}
	row.Release = releaseHref(s, e.Revision)
	if e.Key != (spec.Key{}) {
		row.link = linkOf(s, e.Key)
		if e.Wanted != nil && row.link.Name == "" {
			row.link.Name = text.Visible(e.Wanted.Name)
		}
	}
	if e.Outcome.Class != "" {
		row.Class, row.Tone = text.Visible(string(e.Outcome.Class)), classTone(e.Outcome.Class)
	}
	return row
}

func kindText(k state.EventKind) string {
	switch k {
	case state.EventIntent:
		return "sending"
	case state.EventOutcome:
		return "answer"
	case state.EventReadBack:
		return "read back"
	case state.EventForgotten:
		return "removed"
	case state.EventReturned:
		return "managed again"
	case state.EventApproval:
		return "approval"
	case state.EventAdopted:
		return "taken over"
	case state.EventDrift:
		return "drift"
	case state.EventCommand:
		return "word"
	case state.EventPause:
		return "pause"
	case state.EventRevision:
		return "revision"
	case state.EventState:
		return "state"
	default:
		return text.Visible(string(k))
	}
}

// eventText is the event without its kind.
func eventText(e *state.Event) string {
	var parts []string
	for _, part := range []string{text.Visible(explain.Answer(e.Outcome)), text.Visible(e.Note)} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	if e.Before != nil {
		parts = append(parts, "live before: "+liveText(e.Before))
	}
	if e.After != nil {
		parts = append(parts, "live: "+liveText(e.After))
	}
	return strings.Join(parts, "; ")
}
