package serve

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"strings"

	"github.com/wedatasync/wedatasync/internal/report"
	"github.com/wedatasync/wedatasync/spec"
)

//go:embed assets pages
var embedded embed.FS

// pages are the templates, and the files that the pages load.
type pages struct {
	templates *template.Template
	assets    map[string]asset
}

// asset is a file that a page loads.
type asset struct {
	data    []byte
	kind    string // its content type
	version string // of its content: it is in the path, so that the file can be kept
}

func newPages() (*pages, error) {
	p := &pages{assets: make(map[string]asset)}
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
		"grouped": grouped,
	}).ParseFS(embedded, "pages/*.html")
	if err != nil {
		return nil, fmt.Errorf("parse pages: %w", err)
	}
	return p, nil
}

// frame is what every page has.
type frame struct {
	Title   string
	Here    string // the path of the page among those of the menu
	Version string
	At      moment
	// OneProject says that all tasks are of the same project, which then says nothing.
	OneProject bool
}

func (s *Server) frame(title, here string, l *look) frame {
	return frame{Title: title, Here: here, Version: s.cfg.Version, At: momentOf(l.now, l.now)}
}

// show answers with a page. It is made as a whole before its first byte is sent.
func (s *Server) show(w http.ResponseWriter, r *http.Request, status int, name string, data any) {
	var b bytes.Buffer
	if err := s.pages.templates.ExecuteTemplate(&b, name, data); err != nil {
		s.cfg.Logger.ErrorContext(r.Context(), "make page", "page", name, "error", err)
		http.Error(w, "the page could not be made", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
}

// serveAsset answers with an embedded file.
func (s *Server) serveAsset(w http.ResponseWriter, r *http.Request) {
	a, ok := s.pages.assets[r.PathValue("name")]
	if !ok || r.PathValue("version") != a.version {
		s.serveNotFound(w, r)
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	w.Header().Set("Content-Type", a.kind)
	_, _ = w.Write(a.data)
}

// serveNotFound answers whatever is not there, and whatever may not be done.
func (s *Server) serveNotFound(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/api/") {
		fail(w, http.StatusNotFound, "there is nothing at this path for this method")
		return
	}
	s.show(w, r, http.StatusNotFound, "notfound", struct{ frame }{s.frame("Not found", "", s.look())})
}

// link is a task as a page names it.
type link struct {
	Href    string // empty if no path can name the task
	Task    string
	Project string
}

func linkTo(key spec.Key) link {
	l := link{Task: report.Visible(key.TaskID), Project: report.Visible(key.ProjectID)}
	if isSegment(key.ProjectID) && isSegment(key.TaskID) {
		l.Href = taskPath(key)
	}
	return l
}

// isSegment reports whether s can be a segment of a path: browsers resolve dots away,
// however they are written.
func isSegment(s string) bool { return s != "" && s != "." && s != ".." }

func taskPath(key spec.Key) string {
	return "/task/" + url.PathEscape(key.ProjectID) + "/" + url.PathEscape(key.TaskID)
}

// badge is how something stands, in a word.
type badge struct {
	Tone    tone
	Label   string
	Meaning string
}

func badgeOf(s standing) badge {
	i := s.info()
	return badge{i.tone, i.label, i.meaning}
}
