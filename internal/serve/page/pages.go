package page

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"time"

	"github.com/wedatasync/wedatasync/internal/release"
	"github.com/wedatasync/wedatasync/internal/serve/problem"
	"github.com/wedatasync/wedatasync/internal/serve/snapshot"
	"github.com/wedatasync/wedatasync/internal/serve/tasklist"
	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

//go:embed assets templates
var embedded embed.FS

// Config is what the pages are made from. Everything but Source is required.
type Config struct {
	Version string          // of this program
	Started time.Time       // when this program was
	Source  plan.SourceInfo // as it is shown before there is a plan
	Logger  *slog.Logger
	// Snapshot returns the daemon as it is now.
	Snapshot func() *snapshot.Snapshot
	Links    func() Links
	Tasks    TaskList
	State    State
}

// TaskList has all managed tasks.
type TaskList interface {
	// Peek returns the newest list, without waiting: before the first, it is empty.
	Peek(context.Context) *tasklist.List
	// Get waits for the first list.
	Get(context.Context) *tasklist.List
}

// State reads the state.
type State interface {
	// Record returns what is known of a task, or nil.
	Record(context.Context, spec.Key) (*state.Record, error)
	// Release returns a release with its tasks: see [release.Read].
	Release(ctx context.Context, revision string) (release.Release, error)
	// Events returns rows of the history, the newest first, and where the older ones
	// begin; 0 if there are none.
	Events(context.Context, state.HistoryQuery) (rows []state.Event, older int64, err error)
}

// Pages answers requests for pages and for the files that they load.
type Pages struct {
	cfg       Config
	templates *template.Template
	assets    map[string]asset
}

// asset is a file that a page loads.
type asset struct {
	data    []byte
	kind    string // its content type
	version string // of its content: it is in the path, so that the file can be kept
}

// New returns the pages.
func New(cfg Config) (*Pages, error) {
	p := &Pages{cfg: cfg, assets: make(map[string]asset)}
	kinds := map[string]string{
		"style.css":   "text/css; charset=utf-8",
		"live.js":     "text/javascript; charset=utf-8",
		"favicon.svg": "image/svg+xml",
	}
	for name, kind := range kinds {
		data, err := fs.ReadFile(embedded, "assets/"+name)
		if err != nil {
			return nil, fmt.Errorf("read embedded file: %w", err)
		}
		sum := sha256.Sum256(data)
		p.assets[name] = asset{data, kind, hex.EncodeToString(sum[:6])}
	}
	var err error
	p.templates, err = template.New("pages").Funcs(template.FuncMap{
		"asset":   func(name string) string { return "/assets/" + p.assets[name].version + "/" + name },
		"grouped": text.Grouped,
	}).ParseFS(embedded, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("parse pages: %w", err)
	}
	return p, nil
}

// Home answers with the status page.
func (p *Pages) Home(w http.ResponseWriter, r *http.Request) {
	s := p.cfg.Snapshot()
	page := homePageOf(s, p.cfg.Tasks.Peek(r.Context()), p.cfg.Source, p.cfg.Started, p.cfg.Links())
	page.frame = p.frame(page.Title, "/", s, page.OneProject)
	p.show(w, r, http.StatusOK, "home", page)
}

// Tasks answers with a page of the list of all tasks.
func (p *Pages) Tasks(w http.ResponseWriter, r *http.Request) {
	s, all := p.cfg.Snapshot(), p.cfg.Tasks.Get(r.Context())
	page := tasksPageOf(s, all, tasksQueryOf(r.URL.Query()))
	page.frame = p.frame("Tasks", "/tasks", s, oneProject(s, all))
	p.show(w, r, http.StatusOK, "tasks", page)
}

// Files answers with a page of the files with specs.
func (p *Pages) Files(w http.ResponseWriter, r *http.Request) {
	s, all := p.cfg.Snapshot(), p.cfg.Tasks.Get(r.Context())
	page := filesPageOf(s, all, filesQueryOf(r.URL.Query()))
	page.frame = p.frame("Files", "/files", s, false)
	p.show(w, r, http.StatusOK, "files", page)
}

// Task answers with all about one task.
func (p *Pages) Task(w http.ResponseWriter, r *http.Request) {
	s := p.cfg.Snapshot()
	key := spec.Key{ProjectID: r.PathValue("project"), TaskID: r.PathValue("task")}
	change := s.Digest.Find(key)
	rec, err := p.cfg.State.Record(r.Context(), key)
	h := historyPart{key: &key, path: taskPath(key), before: before(r.URL.Query()), err: err}
	if err == nil {
		h.events, h.older, h.err = p.cfg.State.Events(r.Context(), state.HistoryQuery{Key: &key, Before: h.before, Limit: historyEvents})
	}
	if h.err == nil && rec == nil && change == nil && s.Plan().FindSkipped(key) == nil && len(h.events) == 0 {
		p.NotFound(w, r)
		return
	}
	page := taskPageOf(s, key, change, rec, p.cfg.Links())
	page.frame = p.frame(cmp.Or(page.link.Name, page.link.Task), "", s, false)
	page.History = historyOf(s, h)
	p.show(w, r, http.StatusOK, "taskpage", page)
}

// Releases answers with all releases that are remembered.
func (p *Pages) Releases(w http.ResponseWriter, r *http.Request) {
	s := p.cfg.Snapshot()
	p.show(w, r, http.StatusOK, "releases", releasesPage{p.frame("Releases", "/releases", s, false), timelineOf(s, state.MaxReleases)})
}

// Release answers with all about one release.
func (p *Pages) Release(w http.ResponseWriter, r *http.Request) {
	s := p.cfg.Snapshot()
	found, err := p.cfg.State.Release(r.Context(), r.PathValue("revision"))
	if _, ambiguous := errors.AsType[*release.AmbiguousError](err); ambiguous || errors.Is(err, release.ErrUnknown) {
		p.NotFound(w, r)
		return
	}
	if err != nil {
		p.show(w, r, http.StatusServiceUnavailable, "failed", failedPage{p.frame("Release", "", s, false), snapshot.ErrorText(err)})
		return
	}
	page := releasePageOf(s, &found, p.cfg.Links())
	page.frame = p.frame(page.Heading, "/releases", s, oneProject(s, p.cfg.Tasks.Peek(r.Context())))
	p.show(w, r, http.StatusOK, "releasepage", page)
}

// failedPage says why a page cannot be shown now.
type failedPage struct {
	frame
	Why string
}

// History answers with a page of the history of everything.
func (p *Pages) History(w http.ResponseWriter, r *http.Request) {
	s := p.cfg.Snapshot()
	h := historyPart{path: "/history", before: before(r.URL.Query())}
	h.events, h.older, h.err = p.cfg.State.Events(r.Context(), state.HistoryQuery{Before: h.before, Limit: historyEvents})
	if errors.Is(h.err, tasklist.ErrNoState) {
		h.err = nil
	}
	p.show(w, r, http.StatusOK, "history", historyPage{
		frame:   p.frame("History", "/history", s, oneProject(s, p.cfg.Tasks.Peek(r.Context()))),
		History: historyOf(s, h),
	})
}

// NotFound answers requests without a route, and those for a task that nobody knows.
func (p *Pages) NotFound(w http.ResponseWriter, r *http.Request) {
	p.show(w, r, http.StatusNotFound, "notfound", struct{ frame }{p.frame("Not found", "", p.cfg.Snapshot(), false)})
}

// Asset answers with an embedded file.
func (p *Pages) Asset(w http.ResponseWriter, r *http.Request) {
	a, ok := p.assets[r.PathValue("name")]
	if !ok || r.PathValue("version") != a.version {
		p.NotFound(w, r)
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	w.Header().Set("Content-Type", a.kind)
	_, _ = w.Write(a.data)
}

func (p *Pages) frame(title, here string, s *snapshot.Snapshot, oneProject bool) frame {
	return frame{Title: title, Here: here, Version: p.cfg.Version, At: momentOf(s.Now, s.Now), OneProject: oneProject}
}

// show answers with a page, or with an error if the template fails: no byte is sent before.
func (p *Pages) show(w http.ResponseWriter, r *http.Request, status int, name string, data any) {
	var b bytes.Buffer
	if err := p.templates.ExecuteTemplate(&b, name, data); err != nil {
		p.cfg.Logger.ErrorContext(r.Context(), "make page", "page", name, "error", err)
		problem.Write(w, http.StatusInternalServerError, "the page could not be made")
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
}
