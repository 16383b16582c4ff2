package serve_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/wedatasync/wedatasync/internal/report"
	"github.com/wedatasync/wedatasync/internal/serve"
	"github.com/wedatasync/wedatasync/internal/serve/access"
	"github.com/wedatasync/wedatasync/internal/servetest"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
	"github.com/wedatasync/wedatasync/state/sqlstore"
)

// releases are two that end badly, whose revisions begin alike, and the one of the plan.
func releases(now time.Time) []state.Release {
	list := []state.Release{
		{Revision: strings.Repeat("4", 40), Outcome: state.ReleaseFailed, Left: map[string]int{"refused": 1}, EndedAt: now},
		{Revision: "4444" + strings.Repeat("5", 36), Outcome: state.ReleaseOvertaken, OvertakenBy: servetest.Revision, EndedAt: now},
		{
			Revision: servetest.Revision, Author: "Ada", Committer: "Bo", Subject: "s", PlanHash: servetest.PlanHash, Approver: "lin",
			CommittedAt: now, Outcome: state.ReleaseHeld, Guard: "maxChanges", Why: "w", Commits: 2, Removed: 1, Returned: 1,
		},
	}
	for i := range list {
		list[i].SeenAt = now.Add(time.Duration(i-3) * time.Hour)
	}
	return list
}

// TestAPIKeepsItsDescription has each path answer with each status that it can have,
// and validates what it says.
func TestAPIKeepsItsDescription(t *testing.T) {
	t.Parallel()
	now := time.Now()
	history := []state.Transition{
		servetest.Saved(servetest.Record(servetest.Key(1), state.StatusUnknown, state.Outcome{Class: state.ClassUnknown, Code: "Timeout"}, now), state.Event{
			At: now, Kind: state.EventOutcome, Actor: "Ada", Revision: servetest.Revision, PlanHash: servetest.PlanHash, Attempt: "01J", Note: "n", Stage: state.StageWaiting,
			Wanted:  &state.Wanted{Name: "orders", CommitType: "start", InstanceVersion: 4, Reason: "version", File: "a.yaml", Line: 2},
			Outcome: state.Outcome{Class: state.ClassUnknown, Code: "Timeout", Message: "m", RequestID: "r", Locker: "1", TaskApproveID: "a"},
			Before:  &state.Live{InstanceVersion: 3, Status: state.TaskRunning}, After: &state.Live{},
		}),
		servetest.Saved(servetest.Record(servetest.Key(2), state.StatusRefused, state.Outcome{}, now), state.Event{At: now, Kind: state.EventIntent}),
		{Events: []state.Event{{At: now, Kind: state.EventPause}}, Control: &state.Control{Pauses: []state.Pause{{Code: "x"}}, Releases: releases(now)}},
	}
	d := servetest.NewDaemon(t, servetest.TroubledStatus(now), history...)
	d.Status.Control.Releases = releases(now)
	var said error
	answer := state.CommandResult{OK: true, Message: "done"}
	secret := servetest.SecretFile(t, newSecret)
	d.Config.Tokens = []access.Token{
		actionToken(secret),
		{Name: "lin", File: servetest.SecretFile(t, oldSecret), Verbs: []state.Verb{state.VerbApprove, access.VerbRead}},
		{Name: "bo", File: servetest.SecretFile(t, boSecret), Verbs: []state.Verb{state.VerbRetry}},
	}
	alive := true
	d.Config.Daemon.Alive = func(time.Time) bool { return alive }
	d.Config.Trigger = func() {}
	d.Config.Webhooks = serve.Webhooks{GitHub: secret, GitLab: secret, Gitea: secret}
	d.Config.Submit = func(context.Context, state.Command) (state.CommandResult, error) { return answer, said }
	s := d.Serve(t)
	api := describe(t, s)
	read := func(path, query string) {
		t.Helper()
		api.check(t, "GET", path, servetest.Get(t, s, path+query))
	}

	read("/healthz", "")
	alive = false
	read("/healthz", "")
	read("/readyz", "")
	read("/metrics", "")
	read("/api/v1/openapi.yaml", "")
	read("/api/v1/plan.schema.json", "")
	read("/api/v1/spec.schema.json", "")
	if got := servetest.Page(t, s, "/api/v1/spec.schema.json"); got != string(spec.Schema()) {
		t.Errorf("the schema of specs is another one: %.100s", got)
	}
	read("/api/v1/status", "")
	read("/api/v1/plan", "")
	read("/api/v1/state", "")
	read("/api/v1/state", "?history=true")
	read("/api/v1/state", "?history=perhaps")
	again := httptest.NewRequest(http.MethodGet, "/api/v1/state", nil)
	again.Header.Set("If-None-Match", servetest.Get(t, s, "/api/v1/state").Header().Get("ETag"))
	unchanged := httptest.NewRecorder()
	s.Handler().ServeHTTP(unchanged, again)
	api.check(t, "GET", "/api/v1/state", unchanged)
	for _, query := range []string{"", "?name=", "?name=x&prefix=perhaps", "?name=nowhere", "?name=" + servetest.Key(2).String(), "?name=" + servetest.Key(1).TaskID[:4] + "&prefix=true"} {
		read("/api/v1/tasks", query)
	}
	read("/api/v1/history", "")
	read("/api/v1/history", "?limit=1&task="+servetest.Key(1).String())
	for _, query := range []string{"?limit=0", "?limit=1001", "?limit=x", "?before=0", "?before=x", "?task=1", "?task=/", "?task=1/"} {
		read("/api/v1/history", query)
	}

	const oneRelease = "/api/v1/releases/{revision}"
	for _, revision := range []string{servetest.Revision, "newest", "nowhere", "4444"} {
		api.check(t, "GET", oneRelease, servetest.Get(t, s, "/api/v1/releases/"+revision))
	}
	for _, query := range []string{"", "?limit=1", "?limit=0"} {
		read("/api/v1/releases", query)
	}

	// With calls under way, and after a pass.
	o := s.Observer()
	p := servetest.EmptyPlan()
	servetest.Calls(p, 3)
	d.Status = servetest.Healthy(p, now)
	o.Planned(p)
	o.Called(&p.Changes[0], &state.Record{Key: servetest.Key(0), Status: state.StatusApplied}, state.Outcome{Class: state.ClassApplied, RequestID: "r"})
	read("/api/v1/status", "")
	read("/readyz", "")
	o.Passed(&reconcile.Result{Plan: p, Left: servetest.EmptyPlan()})
	read("/api/v1/status", "")

	// Before there is a plan, and without a state.
	d.Status = reconcile.Status{}
	read("/api/v1/status", "")
	read("/api/v1/plan", "")
	d.Path += ".gone"
	read("/api/v1/state", "")
	read("/api/v1/tasks", "?name=x")
	read("/api/v1/history", "")
	api.check(t, "GET", oneRelease, servetest.Get(t, s, "/api/v1/releases/newest"))

	post := func(body, token, kind string) {
		t.Helper()
		for _, path := range commandPaths {
			r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
			r.Header.Set("Authorization", "Bearer "+token)
			r.Header.Set("Content-Type", kind)
			w := httptest.NewRecorder()
			s.Handler().ServeHTTP(w, r)
			api.check(t, "POST", path, w)
		}
	}
	const body, kind = `{"verb":"retry","target":"1/a"}`, "application/json"
	post(body, newSecret, kind)
	post(body, "wrong", kind)
	post(body, oldSecret, kind)
	post(body, newSecret, "text/plain")
	post(`{`, newSecret, kind)
	post(`{"target":"`+strings.Repeat("x", 1<<16)+`"}`, newSecret, kind)
	answer = state.CommandResult{Message: "nothing to retry"}
	post(body, newSecret, kind)
	said = fmt.Errorf("submit: %w", serve.ErrPending)
	post(body, newSecret, kind)
	said = errors.New("no state")
	post(body, newSecret, kind)

	ask := func(forge string, body io.Reader, header, value string) {
		t.Helper()
		api.check(t, "POST", "/webhook/{forge}", hook(s, "/webhook/"+forge, body, header, value))
	}
	ask("github", nil, "X-Hub-Signature-256", "sha256="+sign(newSecret, nil))
	ask("gitea", nil, "X-Gitea-Signature", sign(newSecret, nil))
	ask("gitlab", nil, "X-Gitlab-Token", newSecret)
	ask("gitlab", nil, "X-Gitlab-Token", "wrong")
	ask("gitea", new(endless), "X-Gitea-Signature", sign(newSecret, nil))
	api.refuseHeaders(t, s)

	// A request for another host, and one without the token to read.
	for path := range api.doc["paths"].(map[string]any) {
		method, concrete := http.MethodGet, strings.NewReplacer("{forge}", "github", "{revision}", "newest").Replace(path)
		if slices.Contains(commandPaths, path) || strings.Contains(path, "{forge}") {
			method = http.MethodPost
		}
		r := httptest.NewRequest(method, concrete, nil)
		r.Host = "evil.example"
		w := httptest.NewRecorder()
		if s.Handler().ServeHTTP(w, r); w.Code == http.StatusMisdirectedRequest {
			api.check(t, method, path, w)
		}
	}
	// When there are too many requests for those to be answered who wait.
	gone, leave := context.WithCancel(t.Context())
	leave()
	for _, path := range []string{"/api/v1/status", "/api/v1/releases", "/metrics"} {
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, httptest.NewRequestWithContext(gone, http.MethodGet, path, nil))
		api.check(t, "GET", path, w)
	}
	// Without a token that may act, and without a secret of a forge.
	d.Config.Tokens, d.Config.Webhooks.GitLab = d.Config.Tokens[2:], ""
	d.Config.Tokens[0].Verbs = []state.Verb{access.VerbRead}
	s = d.Serve(t)
	post(body, newSecret, kind)
	ask("gitlab", nil, "X-Gitlab-Token", newSecret)

	d.Config.Private = true
	d.Config.Tokens[0].Verbs = []state.Verb{state.VerbRetry}
	s = d.Serve(t)
	for path := range api.doc["paths"].(map[string]any) {
		if slices.Contains(commandPaths, path) || strings.Contains(path, "{forge}") || path == "/healthz" || path == "/readyz" {
			continue
		}
		concrete := strings.Replace(path, "{revision}", "newest", 1)
		api.check(t, "GET", path, servetest.Get(t, s, concrete))
		api.check(t, "GET", path, doAs(t, s, concrete, "Authorization", "Bearer "+boSecret))
	}

	for _, promise := range api.unmet() {
		t.Errorf("no answer was %s", promise)
	}
}

// TestPlanOfOneTask: the plan of the API can be had for one task, with what is said of the whole.
func TestPlanOfOneTask(t *testing.T) {
	d := servetest.NewDaemon(t, servetest.Healthy(servetest.Troubled(time.Now()), time.Now()))
	whole := d.Status.Plan
	key := whole.Changes[1].Key
	var got struct {
		Hash    string `json:"plan_hash"`
		Holds   []any  `json:"holds"`
		Changes []struct {
			TaskID string `json:"task_id"`
		} `json:"changes"`
	}
	page := servetest.Page(t, d.Serve(t), "/api/v1/plan?task="+url.QueryEscape(key.String()))
	if err := json.Unmarshal([]byte(page), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Changes) != 1 || got.Changes[0].TaskID != key.TaskID || got.Hash != whole.Hash || len(got.Holds) != len(whole.Holds) {
		t.Errorf("of %s the API has %+v", key, got)
	}
}

// TestPlanIsThatOfReport: the plan of the API is the one of the command line, and
// shows no value.
func TestPlanIsThatOfReport(t *testing.T) {
	d := servetest.NewDaemon(t, servetest.Healthy(servetest.Troubled(time.Now()), time.Now()))
	got := servetest.Page(t, d.Serve(t), "/api/v1/plan")
	var want bytes.Buffer
	if err := report.JSON(&want, d.Status.Plan, report.JSONOptions{ToolVersion: "1.4.0", Rate: 20}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.String(), got); diff != "" {
		t.Errorf("plan (-want +got):\n%s", diff)
	}
	if strings.Contains(got, "hunter") {
		t.Error("a value of extConfig is shown")
	}
	schema, err := jsonschema.UnmarshalJSON(strings.NewReader(servetest.Page(t, d.Serve(t), "/api/v1/plan.schema.json")))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("plan.schema.json", schema); err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(got))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.MustCompile("plan.schema.json").Validate(doc); err != nil {
		t.Error(err)
	}
}

// TestHistoryIsPaged: each event once, the newest first.
func TestHistoryIsPaged(t *testing.T) {
	now := time.Now()
	var history []state.Transition
	for i := range 25 {
		k := servetest.Key(i % 2)
		history = append(history, servetest.Saved(&state.Record{Key: k, Status: state.StatusApplied, Applied: servetest.Applied(now)}, state.Event{At: now, Kind: state.EventAdopted, Note: fmt.Sprint(i)}))
	}
	s := servetest.NewDaemon(t, servetest.Healthy(servetest.EmptyPlan(), now), history...).Serve(t)
	var notes []string
	pages := 0
	for before := int64(0); pages < 10; pages++ {
		query := "/api/v1/history?limit=5&task=" + servetest.Key(1).String()
		if before > 0 {
			query += fmt.Sprint("&before=", before)
		}
		var list struct {
			Events     []state.Event `json:"events"`
			NextBefore int64         `json:"next_before"`
		}
		if err := json.Unmarshal([]byte(servetest.Page(t, s, query)), &list); err != nil {
			t.Fatal(err)
		}
		for _, e := range list.Events {
			notes = append(notes, e.Note)
		}
		if before = list.NextBefore; before == 0 {
			break
		}
	}
	if diff := cmp.Diff([]string{"23", "21", "19", "17", "15", "13", "11", "9", "7", "5", "3", "1"}, notes); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
}

// TestStateIsTheExport that the command line takes back.
func TestStateIsTheExport(t *testing.T) {
	now := time.Now()
	d := servetest.NewDaemon(t, servetest.Healthy(servetest.EmptyPlan(), now), servetest.Saved(&state.Record{Key: servetest.Key(1), Status: state.StatusApplied, Applied: servetest.Applied(now)}, state.Event{At: now, Kind: state.EventAdopted}))
	got := servetest.Page(t, d.Serve(t), "/api/v1/state?history=true")
	r, err := sqlstore.OpenReader(t.Context(), d.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var want bytes.Buffer
	if err := sqlstore.Export(t.Context(), r, &want, true); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.String(), got); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
}

// TestADamagedStateBreaksTheExport: a document that is not whole never looks whole.
func TestADamagedStateBreaksTheExport(t *testing.T) {
	t.Parallel()
	now := time.Now()
	var many []state.Transition
	for i := range 300 {
		many = append(many, servetest.Saved(&state.Record{Key: servetest.Key(i), Status: state.StatusApplied, Applied: servetest.Applied(now)}, state.Event{At: now, Kind: state.EventAdopted}))
	}
	d := servetest.NewDaemon(t, servetest.Healthy(servetest.EmptyPlan(), now), many...)
	data, err := os.ReadFile(d.Path)
	if err != nil {
		t.Fatal(err)
	}
	other := servetest.Key(290).TaskID[:35] + "x"
	data = bytes.ReplaceAll(data, []byte(servetest.Key(290).TaskID), []byte(other))
	if err := os.WriteFile(d.Path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	resp, err := http.Get("http://" + start(t, d.Serve(t)) + "/api/v1/state")
	if err != nil {
		return // broken before its first byte
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(new(any)); resp.StatusCode == http.StatusOK && err == nil {
		t.Error("a damaged state is exported as if it were whole")
	}
}

// TestStatusIsBounded with many of everything.
func TestStatusIsBounded(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s := servetest.Healthy(servetest.EmptyPlan(), now)
	for i := range 10_000 {
		servetest.Held(s.Plan, servetest.Key(i), plan.HoldLocked, servetest.Record(servetest.Key(i), state.StatusWaiting, state.Outcome{Locker: "1", Message: strings.Repeat("x", 500)}, now))
		s.InFlight = append(s.InFlight, servetest.Key(20_000+i))
		s.Plan.Problems = append(s.Plan.Problems, spec.Problem{Severity: spec.SeverityError, Message: strings.Repeat("x", 500)})
	}
	srv := servetest.NewDaemon(t, s).Serve(t)
	if n := len(servetest.Page(t, srv, "/api/v1/status")); n > 100<<10 {
		t.Errorf("the status has %d bytes", n)
	}
	if n := len(servetest.Page(t, srv, "/")); n > 500<<10 {
		t.Errorf("the page has %d bytes", n)
	}
}

// commandPaths are where commands are taken.
var commandPaths = []string{"/api/v1/commands", "/api/v1/words"}
