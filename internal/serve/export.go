package serve

import (
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/internal/report"
	"github.com/wedatasync/wedatasync/internal/serve/admission"
	"github.com/wedatasync/wedatasync/internal/serve/problem"
	"github.com/wedatasync/wedatasync/internal/serve/snapshot"
)

const (
	// exportWithin bounds how long an export may take to be fetched.
	exportWithin = 5 * time.Minute
	// maxExports bounds the exports at once, and leastExport is how long each may take
	// at the least, if others wait.
	maxExports  = 2
	leastExport = 30 * time.Second
)

// exports bounds the answers that are written as they are made.
type exports struct{ slots *admission.Slots }

func newExports() *exports { return &exports{admission.NewSlots(maxExports, leastExport)} }

// begin waits for a slot. It returns a writer, which fails once the context is done, and
// what gives the slot up; the writer is nil if there is no slot.
func (e *exports) begin(w http.ResponseWriter, r *http.Request) (context.Context, io.Writer, func()) {
	ctx, cancel := context.WithTimeout(r.Context(), exportWithin)
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(time.Time{})
	wait, stop := context.WithTimeout(ctx, answerWithin)
	defer stop()
	slot := e.slots.Acquire(wait, func() {
		cancel()
		_ = rc.SetWriteDeadline(time.Now())
	})
	if slot == nil {
		cancel()
		return ctx, nil, nil
	}
	return ctx, &stream{ctx, w, rc}, func() { slot.Release(); cancel() }
}

// stream gives each part of an answer its own time to be written, and ends with the context.
type stream struct {
	ctx context.Context
	w   io.Writer
	rc  *http.ResponseController
}

func (s *stream) Write(p []byte) (int, error) {
	_ = s.rc.SetWriteDeadline(time.Now().Add(writeTimeout))
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.w.Write(p)
}

// planAPI answers with the newest plan, or with what it has of the tasks that somebody means.
func planAPI(cfg *Config, take func() *snapshot.Snapshot, e *exports) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s := take()
		if s.Status.Plan == nil {
			w.Header().Set("Retry-After", "5")
			problem.Write(w, http.StatusServiceUnavailable, "no plan yet: the first pass has not begun")
			return
		}
		ctx, out, done := e.begin(w, r)
		if out == nil {
			busy(w)
			return
		}
		defer done()
		rate := float64(time.Second) / float64(s.Period)
		out, end := compressed(w, r, out)
		w.Header().Set("Content-Type", "application/json")
		p := s.Plan()
		if task := r.URL.Query().Get("task"); task != "" {
			p = explain.Narrow(p, task)
		}
		if err := errors.Join(report.JSON(out, p, report.JSONOptions{ToolVersion: cfg.Version, Rate: rate}), end()); err != nil {
			cfg.Logger.DebugContext(ctx, "write plan", "error", err)
			panic(http.ErrAbortHandler) // what was sent is not whole
		}
	}
}

// compressed returns a writer that compresses, where the client understands that, and what
// ends it. A client asks again whenever the state has changed, and it shrinks to a tenth.
func compressed(w http.ResponseWriter, r *http.Request, out io.Writer) (to io.Writer, end func() error) {
	w.Header().Add("Vary", "Accept-Encoding")
	for coding := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, weight, _ := strings.Cut(strings.ReplaceAll(coding, " ", ""), ";")
		if (name == "gzip" || name == "*") && weight != "q=0" && weight != "q=0.0" {
			w.Header().Set("Content-Encoding", "gzip")
			z, _ := gzip.NewWriterLevel(out, gzip.BestSpeed) // the level is a valid one
			return z, z.Close
		}
	}
	return out, func() error { return nil }
}

// stateTag is the ETag of an export: what the state is at is its lineage and its serial,
// and how that is written is for the version of the program to say. It is a weak one, as
// the answer may be compressed or not.
func stateTag(ctx context.Context, version string, r Reader, history bool) (string, error) {
	serial, err := r.Serial(ctx)
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%d\n%t", version, r.Lineage(), serial, history))
	return `W/"` + hex.EncodeToString(sum[:16]) + `"`, err
}

// stateAPI answers with the state, as `state export` writes it.
func stateAPI(cfg *Config, open func(context.Context) (Reader, error), e *exports) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		history, err := strconv.ParseBool(orDefault(r.URL.Query().Get("history"), "false"))
		if err != nil {
			problem.Write(w, http.StatusBadRequest, "history is true or false")
			return
		}
		ctx, out, done := e.begin(w, r)
		if out == nil {
			busy(w)
			return
		}
		defer done()
		reader, err := open(ctx)
		if err != nil {
			problem.Write(w, http.StatusServiceUnavailable, snapshot.ErrorText(err))
			return
		}
		defer func() { _ = reader.Close() }()
		tag, err := stateTag(ctx, cfg.Version, reader, history)
		if err != nil {
			problem.Write(w, http.StatusServiceUnavailable, snapshot.ErrorText(err))
			return
		}
		w.Header().Set("ETag", tag)
		if strings.Contains(r.Header.Get("If-None-Match"), strings.TrimPrefix(tag, "W/")) {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		out, end := compressed(w, r, out)
		w.Header().Set("Content-Type", "application/json")
		if err := errors.Join(reader.Export(ctx, out, history), end()); err != nil {
			cfg.Logger.WarnContext(ctx, "export the state", "error", err)
			// What was sent is not whole, and nothing but a broken connection can say so.
			panic(http.ErrAbortHandler)
		}
	}
}

func orDefault(s, def string) string {
	if s == "" {
		return def
	}
	return s
}
