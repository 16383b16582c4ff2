package serve

import (
	_ "embed"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/wedatasync/wedatasync/internal/release"
	"github.com/wedatasync/wedatasync/internal/serve/problem"
	"github.com/wedatasync/wedatasync/internal/serve/snapshot"
	"github.com/wedatasync/wedatasync/internal/serve/status"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

//go:embed openapi.yaml
var openAPI []byte

const (
	// maxEvents bounds how many rows of the history one answer has.
	maxEvents     = 1000
	defaultEvents = 100
)

// eventList is a page of the history.
type eventList struct {
	Events []state.Event `json:"events"`
	// NextBefore is what before has to be for the next page; absent on the last one.
	NextBefore int64 `json:"next_before,omitempty"`
}

// historyAPI answers with rows of the history, the newest first.
func historyAPI(from *stateReader) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		q, err := historyQuery(r.URL.Query())
		if err != nil {
			problem.Write(w, http.StatusBadRequest, err.Error())
			return
		}
		rows, older, err := from.Events(r.Context(), q)
		if err != nil {
			problem.Write(w, http.StatusServiceUnavailable, snapshot.ErrorText(err))
			return
		}
		answer(w, http.StatusOK, eventList{emptyNotNil(rows), older})
	}
}

func historyQuery(v url.Values) (state.HistoryQuery, error) {
	limit, err := numberUpTo(v, "limit", defaultEvents, maxEvents)
	q := state.HistoryQuery{Limit: limit}
	if err != nil {
		return q, err
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

// releaseList is the newest releases, without their tasks.
type releaseList struct {
	Releases []release.Release `json:"releases"`
}

// defaultReleases is how many releases an answer has, unless it is asked for another number.
const defaultReleases = 20

// releasesAPI answers with the newest releases, the newest first.
func releasesAPI(take func() *snapshot.Snapshot) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		limit, err := numberUpTo(r.URL.Query(), "limit", defaultReleases, state.MaxReleases)
		if err != nil {
			problem.Write(w, http.StatusBadRequest, err.Error())
			return
		}
		answer(w, http.StatusOK, releaseList{release.Newest(&take().Status.Control, limit)})
	}
}

// releaseAPI answers with one release and its tasks. Its revision is named in full, or by a
// prefix that no other has; "newest" names the newest.
func releaseAPI(from *stateReader) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		name := r.PathValue("revision")
		if name == "newest" {
			name = ""
		}
		found, err := from.Release(r.Context(), name)
		_, ambiguous := errors.AsType[*release.AmbiguousError](err)
		switch {
		case ambiguous:
			problem.Write(w, http.StatusBadRequest, err.Error())
		case errors.Is(err, release.ErrUnknown):
			problem.Write(w, http.StatusNotFound, err.Error())
		case err != nil:
			problem.Write(w, http.StatusServiceUnavailable, snapshot.ErrorText(err))
		default:
			answer(w, http.StatusOK, found)
		}
	}
}

// numberUpTo reads a parameter that is a number from 1 to most.
func numberUpTo(v url.Values, name string, otherwise, most int) (int, error) {
	text := v.Get(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		return 0, fmt.Errorf("%s is a number from 1 to %d", name, most)
	}
	return n, nil
}

func serveOpenAPI(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/yaml")
	_, _ = w.Write(openAPI)
}

// serveSchema answers with a JSON Schema.
func serveSchema(schema []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/schema+json")
		_, _ = w.Write(schema)
	}
}

// statusAPI answers with the condition of the daemon.
func statusAPI(version string, take func() *snapshot.Snapshot) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, status.Of(version, take())) }
}

func emptyNotNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
