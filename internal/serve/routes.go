package serve

import (
	"io"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// routes joins paths and handlers. What is not listed is not found, whatever its
// method: there is nothing else to know about.
func (s *Server) routes(l *live, forges []forge) http.Handler {
	mux := http.NewServeMux()
	long := func(h http.HandlerFunc) http.Handler { return s.forReaders(l, h) }
	brief := func(h http.HandlerFunc) http.Handler { return s.forReaders(l, s.brief(h)) }

	mux.Handle("GET /{$}", brief(s.serveHome))
	mux.Handle("GET /tasks", brief(s.serveTasks))
	mux.Handle("GET /task/{project}/{task}", brief(s.serveTask))
	mux.Handle("GET /history", brief(s.serveHistory))
	mux.Handle("GET /events", long(s.serveEvents))
	mux.Handle("GET /assets/{version}/{name}", long(s.serveAsset))

	mux.HandleFunc("GET /healthz", s.serveHealth)
	mux.HandleFunc("GET /readyz", s.serveReady)
	mux.Handle("GET /metrics", brief(promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{
		MaxRequestsInFlight: 4, Timeout: writeTimeout / 2, DisableCompression: true,
	}).ServeHTTP))

	mux.Handle("GET /api/v1/status", brief(s.serveStatus))
	mux.Handle("GET /api/v1/plan", long(s.servePlan))
	mux.Handle("GET /api/v1/state", long(s.serveState))
	mux.Handle("GET /api/v1/history", brief(s.serveEventList))
	mux.Handle("GET /api/v1/openapi.yaml", long(serveOpenAPI))
	mux.Handle("GET /api/v1/plan.schema.json", long(servePlanSchema))

	if s.cfg.Say != nil && l.tokens.acts() {
		mux.Handle("POST /api/v1/words", http.NewCrossOriginProtection().Handler(s.serveWord(l.tokens)))
	}
	if s.poker != nil {
		for _, f := range forges {
			mux.HandleFunc("POST /webhook/"+f.name, s.serveWebhook(f))
		}
	}
	mux.Handle("/", brief(s.serveNotFound))
	return mux
}

// policy lets a browser run and load the embedded files, and nothing else.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; " +
	"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// guarded sets the headers that every answer has.
func guarded(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", policy)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("X-Frame-Options", "DENY")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
		header.Set("Cross-Origin-Resource-Policy", "same-origin")
		header.Set("Cache-Control", "no-store")
		h.ServeHTTP(w, r)
	})
}

// serveHealth says that the process answers, and that its loop goes on. It asks nothing
// of the rest: what a restart does not mend is no reason for one.
func (s *Server) serveHealth(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if s.cfg.Alive != nil && !s.cfg.Alive(time.Now()) {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, "the daemon hangs; a restart loses nothing\n")
		return
	}
	_, _ = io.WriteString(w, "ok\n")
}

// serveReady says whether a person is needed, and what for.
func (s *Server) serveReady(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	l := s.look()
	reasons := s.reasons(l)
	if len(reasons) == 0 {
		_, _ = io.WriteString(w, "ready\n")
		return
	}
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = io.WriteString(w, "a person is needed\n")
	for _, r := range reasons {
		_, _ = io.WriteString(w, string(r.Code)+": "+r.Message+"\n")
		for _, c := range r.Commands {
			_, _ = io.WriteString(w, "  "+c+"\n")
		}
	}
}

// reasons says why a person is needed.
func (s *Server) reasons(l *look) []Reason {
	return append(readiness(l.status, l.digest, l.now, s.live.Load().interval), l.reloads.reasons()...)
}
