package serve

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/wedatasync/wedatasync/internal/report"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// historyPage is the history of everything.
type historyPage struct {
	frame
	History historyView
}

// serveHistory answers with a page of the history of everything.
func (s *Server) serveHistory(w http.ResponseWriter, r *http.Request) {
	l := s.look()
	list, err := s.events(r.Context(), state.HistoryQuery{Before: before(r.URL.Query()), Limit: historyRows})
	if errors.Is(err, errNoState) {
		err = nil
	}
	f := s.frame("History", "/history", l)
	f.OneProject = l.oneProject(s.catalog.peek(r.Context()))
	s.show(w, r, http.StatusOK, "history", historyPage{
		frame:   f,
		History: l.historyView(list, err, nil, "/history", r.URL.Query()),
	})
}

// historyView shows a page of the history, of the task or of everything.
func (l *look) historyView(list eventList, err error, key *spec.Key, path string, v url.Values) historyView {
	h := historyView{ForTask: key != nil}
	if err != nil {
		h.Err = errorText(err)
	}
	for i := range list.Events {
		h.Rows = append(h.Rows, l.eventRow(&list.Events[i]))
	}
	if before(v) > 0 {
		h.Newest = path
	}
	if list.NextBefore > 0 {
		h.Older = path + "?before=" + strconv.FormatInt(list.NextBefore, 10)
	}
	return h
}

func (l *look) eventRow(e *state.Event) eventRow {
	row := eventRow{
		Seq: e.Seq, When: momentOf(e.At, l.now), Kind: kindText(e.Kind), Tone: toneCalm,
		Text: eventText(e), Actor: report.Visible(authorName(e.Actor)), Revision: report.Visible(short(e.Revision)),
		RequestID: report.Visible(e.Outcome.RequestID),
	}
	if e.Key != (spec.Key{}) {
		row.link = linkTo(e.Key)
	}
	if e.Outcome.Class != "" {
		row.Class, row.Tone = report.Visible(string(e.Outcome.Class)), classTone(e.Outcome.Class)
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
	case state.EventWord:
		return "word"
	case state.EventPause:
		return "pause"
	case state.EventRevision:
		return "revision"
	case state.EventState:
		return "state"
	default:
		return report.Visible(string(k))
	}
}

// eventText says what happened, beyond its kind.
func eventText(e *state.Event) string {
	var parts []string
	for _, part := range []string{answerText(e.Outcome), report.Visible(e.Note)} {
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
