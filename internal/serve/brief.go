package serve

import (
	"bytes"
	"context"
	"net/http"
	"strconv"
	"time"
)

const (
	// maxAnswers bounds the pages and documents that are in memory as a whole, and
	// leastAnswer is how long each is left there at the least.
	maxAnswers  = 64
	leastAnswer = 2 * time.Second
	// maxMade bounds those that are made at once. More would not be made sooner, and
	// probes would have to wait for the processor.
	maxMade = 4
	// answerWithin bounds how long an answer waits for its place.
	answerWithin = 5 * time.Second
)

// made is an answer that is in memory as a whole.
type made struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (m *made) Header() http.Header { return m.header }

func (m *made) WriteHeader(status int) {
	if m.status == 0 {
		m.status = status
	}
}

func (m *made) Write(p []byte) (int, error) {
	m.WriteHeader(http.StatusOK)
	return m.body.Write(p)
}

// brief returns h for answers that are made in memory and then written. Who does not read
// them holds up nobody: a newcomer ends its connection.
func (s *Server) brief(h http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), answerWithin)
		defer cancel()
		p := s.answers.take(ctx, func() { unseat(r) })
		if p == nil {
			busy(w)
			return
		}
		defer p.leave()
		answer := &made{header: w.Header()}
		if !s.make(ctx, func() { h(answer, r) }) {
			busy(w)
			return
		}
		// Only the writing depends on the reader.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout))
		w.Header().Set("Content-Length", strconv.Itoa(answer.body.Len()))
		answer.WriteHeader(http.StatusOK)
		w.WriteHeader(answer.status)
		_, _ = w.Write(answer.body.Bytes())
	})
}

// make calls f once few others are made, and reports whether it did before ctx was done.
func (s *Server) make(ctx context.Context, f func()) bool {
	select {
	case s.making <- struct{}{}:
	case <-ctx.Done():
		return false
	}
	defer func() { <-s.making }()
	f()
	return true
}

// busy says that as many are served as can be.
func busy(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "5")
	fail(w, http.StatusServiceUnavailable, errBusy.Error())
}
