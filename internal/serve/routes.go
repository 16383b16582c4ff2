package serve

import (
	"net/http"
	"strings"

	"github.com/wedatasync/wedatasync/internal/report"
	"github.com/wedatasync/wedatasync/internal/serve/access"
	"github.com/wedatasync/wedatasync/internal/serve/admission"
	"github.com/wedatasync/wedatasync/internal/serve/page"
	"github.com/wedatasync/wedatasync/internal/serve/problem"
	"github.com/wedatasync/wedatasync/spec"
)

// routes joins paths and handlers.
func (s *Server) routes(cfg *Config) http.Handler {
	mux := http.NewServeMux()
	open := func(h http.HandlerFunc) http.Handler { return forReaders(cfg, h) }
	brief := func(h http.HandlerFunc) http.Handler { return forReaders(cfg, s.answers.buffered(h)) }
	take := s.daemon.Snapshot

	mux.Handle("GET /{$}", brief(s.pages.Home))
	mux.Handle("GET /tasks", brief(s.pages.Tasks))
	mux.Handle("GET /files", brief(s.pages.Files))
	mux.Handle("GET /task/{project}/{task}", brief(s.pages.Task))
	mux.Handle("GET /releases", brief(s.pages.Releases))
	mux.Handle("GET /release/{revision}", brief(s.pages.Release))
	mux.Handle("GET /history", brief(s.pages.History))
	mux.Handle("GET /events", open(s.hub.ServeHTTP))
	mux.Handle("GET /assets/{version}/{name}", open(s.pages.Asset))

	mux.Handle("GET /healthz", health(cfg.Daemon.Alive))
	mux.Handle("GET /readyz", ready(take))
	mux.Handle("GET /metrics", brief(s.metrics.Handler(writeTimeout/2).ServeHTTP))

	mux.Handle("GET /api/v1/status", brief(statusAPI(cfg.Version, take)))
	mux.Handle("GET /api/v1/plan", open(planAPI(cfg, take, s.exports)))
	mux.Handle("GET /api/v1/state", open(stateAPI(cfg, s.state.open, s.exports)))
	mux.Handle("GET /api/v1/history", brief(historyAPI(s.state)))
	mux.Handle("GET /api/v1/tasks", brief(tasksAPI(take, s.state)))
	mux.Handle("GET /api/v1/releases", brief(releasesAPI(take)))
	mux.Handle("GET /api/v1/releases/{revision}", brief(releaseAPI(s.state)))
	mux.Handle("GET /api/v1/openapi.yaml", open(serveOpenAPI))
	mux.Handle("GET /api/v1/plan.schema.json", open(serveSchema(report.PlanSchema())))
	mux.Handle("GET /api/v1/spec.schema.json", open(serveSchema(spec.Schema())))

	if cfg.Submit != nil && access.Tokens(cfg.Tokens).Act() {
		sameOrigin := http.NewCrossOriginProtection()
		sameOrigin.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			problem.Write(w, http.StatusForbidden, "a browser sent this from the page of another site")
		}))
		submit := sameOrigin.Handler(commands(cfg))
		mux.Handle("POST /api/v1/commands", submit)
		mux.Handle("POST /api/v1/words", submit) // its earlier name; goes with 2.0
	}
	for _, f := range cfg.Webhooks.all() {
		if why := f.missing(s.trigger); why != "" {
			mux.HandleFunc("/webhook/"+f.name, func(w http.ResponseWriter, _ *http.Request) { problem.Write(w, http.StatusNotFound, why) })
			continue
		}
		mux.Handle("POST /webhook/"+f.name, webhook(f, cfg, s.trigger, s.metrics))
	}
	return guarded(access.Addressed(cfg.Hosts, withRest(mux, brief(rest(mux, s.pages)))))
}

// withRest returns mux, with rest for what has no route.
func withRest(mux *http.ServeMux, rest http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, route := mux.Handler(r); route == "" {
			rest.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// rest answers what has no route: a path with other methods, and those are named; none at
// all, with a page for people.
func rest(mux *http.ServeMux, pages *page.Pages) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		said := &buffer{header: w.Header()}
		mux.ServeHTTP(said, r)
		switch {
		case said.status == http.StatusNotFound && !isForPrograms(r):
			pages.NotFound(w, r)
		case said.status == http.StatusNotFound:
			problem.Write(w, said.status, "there is nothing at this path")
		case said.status == http.StatusMethodNotAllowed:
			problem.Write(w, said.status, "this path has only "+w.Header().Get("Allow"))
		case said.status >= http.StatusBadRequest:
			problem.Write(w, said.status, "")
		default: // it leads to the same path, without what is needless in it
			w.WriteHeader(said.status)
		}
	}
}

// forReaders returns h for bearers of a token that may read. Browsers ask for the token as
// a password and send it with every request from then on; such a password is enough to read,
// and for nothing else.
func forReaders(cfg *Config, h http.Handler) http.Handler {
	if !cfg.Private {
		return h
	}
	known := access.Tokens(cfg.Tokens)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given := access.Bearer(r)
		if _, password, ok := r.BasicAuth(); ok {
			given = password
		}
		switch t := known.Find(r, cfg.Logger, given); {
		case t == nil:
			w.Header().Add("WWW-Authenticate", `Basic realm="wedatasync", charset="UTF-8"`)
			w.Header().Add("WWW-Authenticate", `Bearer realm="wedatasync"`)
			problem.Write(w, http.StatusUnauthorized, "a token is required to read: as the password, whatever the user name, or as Authorization: Bearer TOKEN")
		case !t.May(access.VerbRead):
			problem.Write(w, http.StatusForbidden, t.Refusal(access.VerbRead))
		default:
			admission.Trust(r)
			h.ServeHTTP(w, r)
		}
	})
}

// isForPrograms reports whether the answer to a request is for a program, not for people.
func isForPrograms(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Path, "/api/") || strings.HasPrefix(r.URL.Path, "/webhook/") ||
		!strings.Contains(r.Header.Get("Accept"), "text/html")
}

// policy lets a browser run and load the embedded files, and nothing else.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; " +
	"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// guarded sets the headers of every answer.
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
