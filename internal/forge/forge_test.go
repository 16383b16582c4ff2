package forge_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/wedatasync/wedatasync/internal/apiclient/apitest"
	"github.com/wedatasync/wedatasync/internal/forge"
	"github.com/wedatasync/wedatasync/internal/secret"
)

// The secrets of all tests. No error and no log may show one.
const token = "s3cr3t-token-of-the-job"

// remark is a comment on the fake forge.
type remark struct {
	id     int64
	author int64
	body   string
	bot    bool
	system bool
}

// who has which id on the fake forge.
const (
	us       = 7
	stranger = 8
)

// fakeForge answers as the forges document it.
type fakeForge struct {
	kind     forge.Kind
	anon     bool // the token may not ask whose it is
	perPage  int
	limit    int // characters of a comment
	onlyOwn  bool
	statuses []map[string]string

	mu      sync.Mutex
	remarks []remark
	faults  []fault
	asked   []string // "METHOD path" of each request
	bodies  []string
	next    int64
}

// fault answers the next request that it matches in its own way.
type fault struct {
	match  string // the start of "METHOD path"
	status int
	header map[string]string
	body   string
	after  bool // the request takes effect first
	before func(f *fakeForge)
}

func (f *fakeForge) say(author int64, body string) int64 {
	f.next++
	f.remarks = append(f.remarks, remark{id: f.next, author: author, body: body, bot: author == us})
	return f.next
}

func (f *fakeForge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	what := r.Method + " " + r.URL.EscapedPath()
	f.asked = append(f.asked, what)
	f.bodies = append(f.bodies, string(body))
	for i, fault := range f.faults {
		if !strings.HasPrefix(what, fault.match) {
			continue
		}
		f.faults = append(f.faults[:i:i], f.faults[i+1:]...)
		if fault.before != nil {
			fault.before(f)
		}
		if fault.status == 0 {
			break
		}
		if fault.after {
			f.answer(&silent{ResponseWriter: w}, r, body)
		}
		for name, value := range fault.header {
			w.Header().Set(name, value)
		}
		w.WriteHeader(fault.status)
		_, _ = io.WriteString(w, fault.body)
		return
	}
	f.answer(w, r, body)
}

// silent swallows an answer that is lost on the way.
type silent struct {
	http.ResponseWriter
	header http.Header
}

func (s *silent) Header() http.Header {
	if s.header == nil {
		s.header = http.Header{}
	}
	return s.header
}
func (s *silent) Write(p []byte) (int, error) { return len(p), nil }
func (s *silent) WriteHeader(int)             {}

func (f *fakeForge) fail(w http.ResponseWriter, status int, message string) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"message": message})
}

func (f *fakeForge) answer(w http.ResponseWriter, r *http.Request, body []byte) {
	scheme := "Bearer "
	if f.kind == forge.Gitea {
		scheme = "token "
	}
	if r.Header.Get("Authorization") != scheme+token {
		f.fail(w, 401, "Bad credentials: "+r.Header.Get("Authorization"))
		return
	}
	root := map[forge.Kind]string{forge.GitHub: "", forge.GitLab: "/api/v4", forge.Gitea: "/api/v1"}[f.kind]
	path, ok := strings.CutPrefix(r.URL.EscapedPath(), root)
	if !ok {
		f.fail(w, 404, "Not Found")
		return
	}
	list, one, edit, status := "/repos/acme/tasks/issues/7/comments", "/repos/acme/tasks/issues/comments/", "PATCH", "/repos/acme/tasks/statuses/"
	if f.kind == forge.GitLab {
		list, edit, status = "/projects/acme%2Fteam%2Ftasks/merge_requests/7/notes", "PUT", "/projects/acme%2Fteam%2Ftasks/statuses/"
		one = list + "/"
	}
	switch {
	case r.Method == "GET" && path == "/user":
		if f.anon {
			f.fail(w, 403, "Resource not accessible by integration")
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"id": us})
	case r.Method == "GET" && path == list:
		f.list(w, r)
	case r.Method == "POST" && path == list:
		f.post(w, body)
	case r.Method == edit && strings.HasPrefix(path, one):
		f.edit(w, strings.TrimPrefix(path, one), body)
	case r.Method == "POST" && strings.HasPrefix(path, status):
		var s map[string]string
		_ = json.Unmarshal(body, &s)
		s["sha"] = strings.TrimPrefix(path, status)
		f.statuses = append(f.statuses, s)
		w.WriteHeader(201)
		_, _ = io.WriteString(w, "{}")
	default:
		f.fail(w, 404, "Not Found")
	}
}

func (f *fakeForge) list(w http.ResponseWriter, r *http.Request) {
	from, to, page := 0, len(f.remarks), 1
	if f.kind != forge.Gitea { // it has no pages here
		size, _ := strconv.Atoi(r.URL.Query().Get("per_page"))
		if f.perPage > 0 {
			size = f.perPage
		}
		page, _ = strconv.Atoi(r.URL.Query().Get("page"))
		from = min((page-1)*size, len(f.remarks))
		to = min(from+size, len(f.remarks))
	}
	if to < len(f.remarks) {
		next := url.URL{Scheme: "https", Host: "elsewhere.example.com", Path: r.URL.Path, RawQuery: "page=" + strconv.Itoa(page+1)}
		w.Header().Set("Link", fmt.Sprintf(`<https://elsewhere.example.com/?page=1>; rel="first", <%s>; rel="next"`, &next))
	}
	if f.kind == forge.GitLab {
		w.Header().Del("Link") // some proxies do
		w.Header().Set("X-Next-Page", "")
		if to < len(f.remarks) {
			w.Header().Set("X-Next-Page", strconv.Itoa(page+1))
		}
	}
	all := []any{}
	for _, c := range f.remarks[from:to] {
		all = append(all, f.json(c))
	}
	_ = json.NewEncoder(w).Encode(all)
}

func (f *fakeForge) json(c remark) map[string]any {
	author := map[string]any{"id": c.author, "type": "User"}
	if c.bot {
		author["type"] = "Bot"
	}
	if f.kind == forge.GitLab {
		return map[string]any{"id": c.id, "body": c.body, "author": author, "system": c.system}
	}
	return map[string]any{"id": c.id, "body": c.body, "user": author, "html_url": fmt.Sprintf("https://forge.example.com/7#%d", c.id)}
}

func (f *fakeForge) post(w http.ResponseWriter, body []byte) {
	var in struct{ Body string }
	_ = json.Unmarshal(body, &in)
	if f.limit > 0 && len([]rune(in.Body)) > f.limit {
		f.fail(w, 422, "Body is too long")
		return
	}
	f.say(us, in.Body)
	w.WriteHeader(201)
	_ = json.NewEncoder(w).Encode(f.json(f.remarks[len(f.remarks)-1]))
}

func (f *fakeForge) edit(w http.ResponseWriter, id string, body []byte) {
	var in struct{ Body string }
	_ = json.Unmarshal(body, &in)
	for i := range f.remarks {
		c := &f.remarks[i]
		if strconv.FormatInt(c.id, 10) != id {
			continue
		}
		if f.onlyOwn && c.author != us {
			f.fail(w, 403, "Must be the author")
			return
		}
		c.body = in.Body
		_ = json.NewEncoder(w).Encode(f.json(*c))
		return
	}
	f.fail(w, 404, "Not Found")
}

// writes lists what was not only read.
func (f *fakeForge) writes() []string {
	var all []string
	for _, what := range f.asked {
		if !strings.HasPrefix(what, "GET ") {
			method, _, _ := strings.Cut(what, " ")
			all = append(all, method)
		}
	}
	return all
}

// count counts the requests that start with what.
func (f *fakeForge) count(what string) int {
	n := 0
	for _, asked := range f.asked {
		if strings.HasPrefix(asked, what) {
			n++
		}
	}
	return n
}

// open opens the fake forge.
func (f *fakeForge) open(t *testing.T, change ...func(*forge.Config)) *forge.Forge {
	t.Helper()
	c := forge.Config{
		Kind:        f.kind,
		BaseURL:     map[forge.Kind]string{forge.GitHub: "https://api.example.com", forge.GitLab: "https://gitlab.example.com/api/v4", forge.Gitea: "https://gitea.example.com/api/v1/"}[f.kind],
		Repository:  "acme/tasks",
		PullRequest: 7,
		Token:       secret.Text(token),
		Logger:      slog.New(slog.NewTextHandler(apitest.Leaks{T: t}, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Transport:   apitest.Insecure{Transport: apitest.Serve(t, f)},
	}
	if f.kind == forge.GitLab {
		c.Repository = "acme/team/tasks"
	}
	for _, change := range change {
		change(&c)
	}
	forge, err := forge.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { forge.Close() })
	return forge
}
