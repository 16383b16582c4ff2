package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/internal/serve/admission"
	"github.com/wedatasync/wedatasync/internal/serve/problem"
	"github.com/wedatasync/wedatasync/internal/serve/snapshot"
)

const (
	// maxAnswers bounds the pages and documents that are in memory as a whole, and
	// leastAnswer is how long each is left there at the least.
	maxAnswers  = 64
	leastAnswer = 2 * time.Second
	// maxMaking bounds the answers that are built at once. More would not be ready sooner,
	// and probes would wait for the processor.
	maxMaking = 4
	// answerWithin bounds how long an answer waits for its slot.
	answerWithin = 5 * time.Second
)

// answers bounds the answers that are built in memory as a whole.
type answers struct {
	slots  *admission.Slots // one for each that is in memory
	making chan struct{}    // one for each that is being made
}

func newAnswers() *answers {
	return &answers{admission.NewSlots(maxAnswers, leastAnswer), make(chan struct{}, maxMaking)}
}

// buffered returns h with its answers built in memory and then written. A client that does
// not read holds nobody up: a newcomer takes its slot, which ends its connection.
func (a *answers) buffered(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), answerWithin)
		defer cancel()
		slot := a.slots.Acquire(ctx, func() { admission.Disconnect(r) })
		if slot == nil {
			busy(w)
			return
		}
		defer slot.Release()
		made := &buffer{header: w.Header()}
		if !a.make(ctx, func() { h.ServeHTTP(made, r) }) {
			busy(w)
			return
		}
		made.asProblem()
		// From here on the client decides how long it takes.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout))
		w.Header().Set("Content-Length", strconv.Itoa(made.body.Len()))
		made.WriteHeader(http.StatusOK)
		w.WriteHeader(made.status)
		_, _ = w.Write(made.body.Bytes())
	})
}

// make calls f as one of maxMaking, and reports whether it did before ctx was done.
func (a *answers) make(ctx context.Context, f func()) bool {
	select {
	case a.making <- struct{}{}:
	case <-ctx.Done():
		return false
	}
	defer func() { <-a.making }()
	f()
	return true
}

// buffer is an answer that is in memory as a whole.
type buffer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (b *buffer) Header() http.Header { return b.header }

func (b *buffer) WriteHeader(status int) {
	if b.status == 0 {
		b.status = status
	}
}

func (b *buffer) Write(p []byte) (int, error) {
	b.WriteHeader(http.StatusOK)
	return b.body.Write(p)
}

// asProblem makes one of an error that a library wrote as text.
func (b *buffer) asProblem() {
	kind, _, _ := mime.ParseMediaType(b.header.Get("Content-Type"))
	if b.status < http.StatusBadRequest || kind != "text/plain" {
		return
	}
	said, status := strings.TrimSpace(b.body.String()), b.status
	b.status = 0
	b.body.Reset()
	problem.Write(b, status, said)
}

// busy answers that all slots are taken.
func busy(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "5")
	problem.Write(w, http.StatusServiceUnavailable, errBusy.Error())
}

// answer writes v as JSON.
func answer(w http.ResponseWriter, status int, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		problem.Write(w, http.StatusInternalServerError, snapshot.ErrorText(err))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(data, '\n'))
}
