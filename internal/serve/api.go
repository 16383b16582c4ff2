package serve

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/internal/report"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

//go:embed openapi.yaml
var openAPI []byte

const (
	// exportWithin bounds how long an export may take to be fetched.
	exportWithin = 5 * time.Minute
	// maxExports bounds the exports at once, and leastExport is how long each may take
	// at the least, if others wait.
	maxExports  = 2
	leastExport = 30 * time.Second
	// maxEvents bounds how many rows of the history one answer has.
	maxEvents     = 1000
	defaultEvents = 100
)

// problem is an error as RFC 9457 writes it.
type problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
}

// fail answers with a problem.
func fail(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(problem{http.StatusText(status), status, detail})
}

// answer writes v as JSON.
func answer(w http.ResponseWriter, status int, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		fail(w, http.StatusInternalServerError, errorText(err))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(data, '\n'))
}

// errBusy says that as many are reading as may.
var errBusy = errors.New("too many are reading the state: try again in a moment")

// read opens the state for one answer. A place is waited for as long as the request
// is.
func (s *Server) read(ctx context.Context, f func(*state.Reader) error) (err error) {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout/2)
	defer cancel()
	select {
	case s.reads <- struct{}{}:
		defer func() { <-s.reads }()
	case <-ctx.Done():
		return errBusy
	}
	r, err := s.openState(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	return f(r)
}

// servePlan answers with the newest plan.
func (s *Server) servePlan(w http.ResponseWriter, r *http.Request) {
	plan := s.cfg.Status().Plan
	if plan == nil {
		w.Header().Set("Retry-After", "5")
		fail(w, http.StatusServiceUnavailable, "there is no plan yet: the first pass has not begun")
		return
	}
	ctx, out, done := s.export(w, r)
	if out == nil {
		busy(w)
		return
	}
	defer done()
	rate := float64(time.Second) / float64(s.period())
	w.Header().Set("Content-Type", "application/json")
	if err := report.JSON(out, plan, report.JSONOptions{ToolVersion: s.cfg.Version, Rate: rate}); err != nil {
		s.cfg.Logger.DebugContext(ctx, "write plan", "error", err)
		panic(http.ErrAbortHandler) // what was sent is not whole
	}
}

// serveState answers with the state, as `state export` writes it.
func (s *Server) serveState(w http.ResponseWriter, r *http.Request) {
	history, err := strconv.ParseBool(orDefault(r.URL.Query().Get("history"), "false"))
	if err != nil {
		fail(w, http.StatusBadRequest, "history is true or false")
		return
	}
	ctx, out, done := s.export(w, r)
	if out == nil {
		busy(w)
		return
	}
	defer done()
	reader, err := s.openState(ctx)
	if err != nil {
		fail(w, http.StatusServiceUnavailable, errorText(err))
		return
	}
	defer func() { _ = reader.Close() }()
	w.Header().Set("Content-Type", "application/json")
	if err := state.Export(ctx, reader, out, history); err != nil {
		s.cfg.Logger.WarnContext(ctx, "export the state", "error", err)
		// What was sent is not whole, and nothing but a broken connection can say so.
		panic(http.ErrAbortHandler)
	}
}

// export waits for a place to export in. It returns where to write, for as long as the
// context is not done, and what gives the place up; or nil, if there is none.
func (s *Server) export(w http.ResponseWriter, r *http.Request) (context.Context, io.Writer, func()) {
	ctx, cancel := context.WithTimeout(r.Context(), exportWithin)
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(time.Time{})
	wait, stop := context.WithTimeout(ctx, answerWithin)
	defer stop()
	p := s.exports.take(wait, func() {
		cancel()
		_ = rc.SetWriteDeadline(time.Now())
	})
	if p == nil {
		cancel()
		return ctx, nil, nil
	}
	return ctx, &moving{ctx, w, rc}, func() { p.leave(); cancel() }
}

// moving writes for as long as somebody reads: each part of an answer has its own time,
// and the context says when all of it has to be there.
type moving struct {
	ctx context.Context
	w   io.Writer
	rc  *http.ResponseController
}

func (m *moving) Write(p []byte) (int, error) {
	_ = m.rc.SetWriteDeadline(time.Now().Add(writeTimeout))
	if err := m.ctx.Err(); err != nil {
		return 0, err
	}
	return m.w.Write(p)
}

// eventList is a page of the history.
type eventList struct {
	Events []state.Event `json:"events"`
	// NextBefore is what before has to be for the next page; absent on the last one.
	NextBefore int64 `json:"next_before,omitempty"`
}

// serveEventList answers with rows of the history, the newest first.
func (s *Server) serveEventList(w http.ResponseWriter, r *http.Request) {
	q, err := historyQuery(r.URL.Query())
	if err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	list, err := s.events(r.Context(), q)
	if err != nil {
		fail(w, http.StatusServiceUnavailable, errorText(err))
		return
	}
	answer(w, http.StatusOK, list)
}

// events reads a page of the history.
func (s *Server) events(ctx context.Context, q state.HistoryQuery) (eventList, error) {
	limit := q.Limit
	q.Limit++ // one more says whether there is another page
	var list eventList
	err := s.read(ctx, func(r *state.Reader) (err error) {
		list.Events, err = r.History(ctx, q)
		return err
	})
	if len(list.Events) > limit {
		list.Events = list.Events[:limit]
		list.NextBefore = list.Events[limit-1].Seq
	}
	if list.Events == nil {
		list.Events = []state.Event{}
	}
	return list, err
}

func historyQuery(v url.Values) (state.HistoryQuery, error) {
	q := state.HistoryQuery{Limit: defaultEvents}
	if text := v.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxEvents {
			return q, fmt.Errorf("limit is a number from 1 to %d", maxEvents)
		}
		q.Limit = n
	}
	if text := v.Get("before"); text != "" {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 1 {
			return q, errors.New("before is the seq of an event")
		}
		q.Before = n
	}
	if text := v.Get("task"); text != "" {
		project, id, ok := strings.Cut(text, "/")
		if !ok || project == "" || id == "" {
			return q, errors.New("task is projectId/taskId")
		}
		q.Key = &spec.Key{ProjectID: project, TaskID: id}
	}
	return q, nil
}

func serveOpenAPI(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/yaml")
	_, _ = w.Write(openAPI)
}

func servePlanSchema(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/schema+json")
	_, _ = w.Write(report.PlanSchema())
}

func orDefault(s, def string) string {
	if s == "" {
		return def
	}
	return s
}
