package serve_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"mime"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"

	"github.com/wedatasync/wedatasync/internal/report"
	"github.com/wedatasync/wedatasync/internal/serve"
	"github.com/wedatasync/wedatasync/internal/serve/access"
	"github.com/wedatasync/wedatasync/internal/servetest"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/state"
)

// description is what the OpenAPI document promises.
type description struct {
	compiler *jsonschema.Compiler
	doc      map[string]any
	original map[string]any
	met      map[string]bool // "GET /path 200": which promises a test has met
}

func describe(t *testing.T, s *serve.Server) *description {
	t.Helper()
	var doc map[string]any
	if err := yaml.Unmarshal([]byte(servetest.Page(t, s, "/api/v1/openapi.yaml")), &doc); err != nil {
		t.Fatal(err)
	}
	// Through JSON, so that numbers and keys are what the compiler expects.
	data, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	var original map[string]any
	if err := json.Unmarshal(data, &original); err != nil {
		t.Fatal(err)
	}
	closeObjects(plain)
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	if err := c.AddResource("openapi.json", plain); err != nil {
		t.Fatal(err)
	}
	return &description{c, plain.(map[string]any), original, map[string]bool{}}
}

// closeObjects forbids members that the description does not name, in each object but those
// of a state, which has a format of its own.
func closeObjects(doc any) {
	schemas := doc.(map[string]any)["components"].(map[string]any)["schemas"].(map[string]any)
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if v["properties"] != nil {
				v["additionalProperties"] = false
			}
			for member := range maps.Values(v) {
				walk(member)
			}
		case []any:
			for _, member := range v {
				walk(member)
			}
		}
	}
	for name, schema := range schemas {
		if name != "State" && name != "Record" {
			walk(schema)
		}
	}
}

// operations yields each path and method of the description, and a path that it is for.
func (d *description) operations() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for path, item := range d.doc["paths"].(map[string]any) {
			for method := range item.(map[string]any) {
				if !yield(strings.ToUpper(method), path) {
					return
				}
			}
		}
	}
}

// concrete is a path that one of the description is for.
func concrete(path string) string {
	return strings.NewReplacer("{forge}", "github", "{revision}", "newest").Replace(path)
}

// refuseHeaders has a listening server refuse requests for the size of their header, where
// that is described.
func (d *description) refuseHeaders(t *testing.T, s *serve.Server) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, l) }()
	for method, path := range d.operations() {
		if _, described := d.at("#", "paths", path, strings.ToLower(method), "responses", "431"); described == nil {
			continue // every path has it: clients would have to read text beside problems
		}
		r, err := http.NewRequestWithContext(ctx, method, "http://"+l.Addr().String()+concrete(path), nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Long", strings.Repeat("x", 32<<10))
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		w.Code = answer.StatusCode
		maps.Copy(w.Header(), answer.Header)
		if _, err := w.Body.ReadFrom(answer.Body); err != nil {
			t.Error(err)
		}
		_ = answer.Body.Close()
		d.check(t, method, path, w)
	}
	stop()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// at follows the keys, and $ref where one is.
func (d *description) at(pointer string, keys ...string) (string, map[string]any) {
	node := d.doc
	for _, key := range keys {
		next, _ := node[key].(map[string]any)
		pointer += "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(key)
		if ref, ok := next["$ref"].(string); ok {
			pointer = ref
			next = d.doc
			for part := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
				next, _ = next[part].(map[string]any)
			}
		}
		node = next
	}
	return pointer, node
}

// check holds an answer to what is promised of it.
func (d *description) check(t *testing.T, method, path string, w *httptest.ResponseRecorder) {
	t.Helper()
	promise := fmt.Sprintf("%s %s %d", method, path, w.Code)
	pointer, response := d.at("#", "paths", path, strings.ToLower(method), "responses", fmt.Sprint(w.Code))
	if response == nil {
		t.Errorf("%s is not promised: %s", promise, w.Body)
		return
	}
	d.met[promise] = true
	kind, _, _ := mime.ParseMediaType(w.Header().Get("Content-Type"))
	content, _ := response["content"].(map[string]any)
	if content == nil && kind == "" && w.Body.Len() == 0 {
		return
	}
	if _, ok := content[kind]; !ok {
		t.Errorf("%s has the content type %q", promise, kind)
		return
	}
	if !strings.HasSuffix(kind, "json") && kind != "text/plain" {
		return
	}
	schema, err := d.compiler.Compile("openapi.json" + pointer + "/content/" + strings.ReplaceAll(kind, "/", "~1") + "/schema")
	if err != nil {
		t.Fatal(err)
	}
	var body any = w.Body.String()
	if kind != "text/plain" {
		if body, err = jsonschema.UnmarshalJSON(w.Body); err != nil {
			t.Fatalf("%s: %v", promise, err)
		}
	}
	if err := schema.Validate(body); err != nil {
		t.Errorf("%s is not as promised: %v", promise, err)
	}
}

// unmet lists the promises that no test has met.
func (d *description) unmet() []string {
	var list []string
	for path, item := range d.doc["paths"].(map[string]any) {
		for method, operation := range item.(map[string]any) {
			for status := range operation.(map[string]any)["responses"].(map[string]any) {
				if promise := strings.ToUpper(method) + " " + path + " " + status; !d.met[promise] {
					list = append(list, promise)
				}
			}
		}
	}
	return list
}

// TestEveryRouteIsDescribed, but for the pages and what they load.
func TestEveryRouteIsDescribed(t *testing.T) {
	source, err := os.ReadFile("routes.go")
	if err != nil {
		t.Fatal(err)
	}
	pages := []string{"/{$}", "/tasks", "/files", "/releases", "/release/{revision}", "/task/{project}/{task}", "/history", "/events", "/assets/{version}/{name}", "/"}
	var routes []string
	for _, m := range regexp.MustCompile(`mux\.Handle(?:Func)?\("(?:[A-Z]+ )?(/[^"]*)"`).FindAllStringSubmatch(string(source), -1) {
		route := m[1]
		if strings.HasSuffix(route, "/webhook/") {
			route += "{forge}"
		}
		if !slices.Contains(pages, route) {
			routes = append(routes, route)
		}
	}
	d := servetest.NewDaemon(t, reconcile.Status{})
	paths := slices.Sorted(maps.Keys(describe(t, d.Serve(t)).doc["paths"].(map[string]any)))
	slices.Sort(routes)
	routes = slices.Compact(routes) // a webhook is there in two ways
	if diff := cmp.Diff(routes, paths); diff != "" {
		t.Errorf("paths of the description (-routes +description):\n%s", diff)
	}
}

// TestOtherMethods: each path that is described says which methods it has, to every other one,
// as a problem.
func TestOtherMethods(t *testing.T) {
	t.Parallel()
	d := servetest.NewDaemon(t, servetest.Healthy(servetest.EmptyPlan(), time.Now()))
	secret := servetest.SecretFile(t, newSecret)
	d.Config.Trigger = func() {}
	d.Config.Tokens = []access.Token{actionToken(secret)}
	d.Config.Webhooks = serve.Webhooks{GitHub: secret}
	d.Config.Submit = func(context.Context, state.Command) (state.CommandResult, error) { return state.CommandResult{}, nil }
	s := d.Serve(t)
	for method, path := range describe(t, s).operations() {
		want := method
		if method == http.MethodGet {
			want = "GET, HEAD"
		}
		for _, other := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
			if strings.Contains(want, other) {
				continue
			}
			w := servetest.Do(t, s, other, concrete(path), nil)
			if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != want {
				t.Errorf("%s %s = %d, allowing %q, want 405 and %s", other, path, w.Code, w.Header().Get("Allow"), want)
			}
			checkProblem(t, w)
		}
	}
}

// TestErrorsAreProblems: also those that have no handler, and for whoever asks for no page.
func TestErrorsAreProblems(t *testing.T) {
	t.Parallel()
	s := servetest.NewDaemon(t, servetest.Healthy(servetest.EmptyPlan(), time.Now())).Serve(t)
	for path, accept := range map[string]string{
		"/nowhere": "*/*", "/nowhere/else": "application/json", "/api/nowhere": "text/html", "/api/v1/releases/none": "text/html",
		"/webhook/gitlab": "text/html", "/webhook/nobody": "text/html", "/api/v1/history?limit=0": "text/html", "/healthz/": "",
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
		r.Header.Set("Accept", accept)
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		if w.Code < 400 {
			t.Errorf("%s = %d", path, w.Code)
		}
		checkProblem(t, w)
	}
	if w := servetest.Get(t, s, "/nowhere"); w.Code != http.StatusNotFound || w.Header().Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("people are told of %d in %s", w.Code, w.Header().Get("Content-Type"))
	}
}

// checkProblem holds an answer to RFC 9457.
func checkProblem(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	var said struct {
		Title, Detail string
		Status        int
	}
	err := json.Unmarshal(w.Body.Bytes(), &said)
	if kind := w.Header().Get("Content-Type"); err != nil || kind != "application/problem+json" || said.Status != w.Code || said.Title != http.StatusText(w.Code) || said.Detail == "" {
		t.Errorf("%d as %s: %s", w.Code, kind, w.Body)
	}
}

// TestOpenAPIHasThePlan: the description of plans is that of their schema, but for the
// conditions, which generators of clients do not know.
func TestOpenAPIHasThePlan(t *testing.T) {
	var schema struct {
		Defs map[string]any `json:"$defs"`
	}
	if err := json.Unmarshal(report.PlanSchema(), &schema); err != nil {
		t.Fatal(err)
	}
	described := describe(t, servetest.NewDaemon(t, reconcile.Status{}).Serve(t)).original["components"].(map[string]any)["schemas"].(map[string]any)
	names := map[string]string{"plan": "Plan"}
	for name := range schema.Defs {
		if !slices.Contains([]string{"plan", "failure", "format_version", "tool_version"}, name) {
			names[name] = "Plan" + strings.ToUpper(name[:1]) + name[1:]
		}
	}
	var plain func(any) any
	plain = func(v any) any {
		switch v := v.(type) {
		case map[string]any:
			out := map[string]any{}
			for key, value := range v {
				if key != "allOf" {
					out[key] = plain(value)
				}
			}
			if ref, ok := out["$ref"].(string); ok {
				name := strings.TrimPrefix(ref, "#/$defs/")
				if names[name] == "" { // it is so small that it is in its place
					delete(out, "$ref")
					maps.Copy(out, schema.Defs[name].(map[string]any))
				} else {
					out["$ref"] = "#/components/schemas/" + names[name]
				}
			}
			return out
		case []any:
			out := make([]any, len(v))
			for i := range v {
				out[i] = plain(v[i])
			}
			return out
		default:
			return v
		}
	}
	for def, name := range names {
		if diff := cmp.Diff(plain(schema.Defs[def]), described[name]); diff != "" {
			t.Errorf("%s (-plan.schema.json +openapi.yaml):\n%s", name, diff)
		}
	}
}
