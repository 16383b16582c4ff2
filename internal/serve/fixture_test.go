package serve_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/internal/serve"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
	"github.com/wedatasync/wedatasync/state/sqlstore"
)

// long asks for the tests that take a while.
var long = flag.Bool("long", false, "run the tests with 100,000 tasks in a state, too")

const (
	project  = "1486804694126882816"
	revision = "9fceb02d0ae598e95dc970b74767f19372d61af8"
	planHash = "sha256:5a3c9d1e0f343b0931126a20f133d67c2b018a3b5f1f7a8d0f3b1f0c8b7b0b1e"
	interval = 30 * time.Second
)

func key(n int) spec.Key {
	return spec.Key{ProjectID: project, TaskID: fmt.Sprintf("kb947c997-4f91-4a1f-913d-%012d", n)}
}

func commit(k spec.Key) *spec.Commit {
	return &spec.Commit{
		Key: k, CommitType: spec.Resume, InstanceVersion: 12, VersionDesc: "v12",
		Pos: spec.Pos{File: "tasks/orders.yaml", Line: 4, Column: 5},
	}
}

func applied(now time.Time) *state.Applied {
	return &state.Applied{
		CommitType: spec.Start, InstanceVersion: 11, Revision: revision, RequestID: "eac6b301-a322-493a-8e36-83b295459397",
		Origin: state.OriginCommit, At: now.Add(-time.Hour),
	}
}

// record is a task that was applied once and has an attempt with the outcome.
func record(k spec.Key, s state.Status, out state.Outcome, now time.Time) *state.Record {
	return &state.Record{Key: k, Status: s, Applied: applied(now), Attempt: &state.Attempt{
		ID: "01JC4ZJ9D3V8", Wanted: state.Applied{CommitType: spec.Resume, InstanceVersion: 12, Revision: revision},
		Reason: "version", PlanHash: planHash, Author: "Ada Lovelace <ada@example.com>", File: "tasks/orders.yaml", Line: 4,
		At: now.Add(-4 * time.Minute), Before: &state.Live{InstanceVersion: 11, Status: state.TaskRunning},
		Outcome: out, Since: now.Add(-12 * time.Minute), Tries: 3, NextAt: now.Add(95 * time.Second),
	}}
}

// emptyPlan is a plan for which everything is in sync.
func emptyPlan() *plan.Plan {
	return &plan.Plan{
		Source: plan.SourceInfo{
			URL: "https://git.example.com/data/streams.git", Branch: "main",
			Revision: revision, Author: "Ada Lovelace <ada@example.com>", Subject: "Move orders to the new sink",
		},
		State: plan.StateInfo{Lineage: "7b0c", Serial: 88},
		Specs: 210, Managed: 210, Unchanged: 210, Hash: planHash,
	}
}

// held adds a change that is held, and returns it.
func held(p *plan.Plan, k spec.Key, why plan.HoldReason, rec *state.Record) *plan.Change {
	p.Changes = append(p.Changes, plan.Change{
		Key: k, Action: plan.ActionHold, Reason: plan.ReasonVersion, Hold: why, Detail: "held for a reason",
		Impact: plan.ImpactKeepState, Want: commit(k), Have: rec,
		Fields: []plan.Field{{Name: "instanceVersion", Before: int64(11), After: int64(12)}},
	})
	p.Unchanged--
	return &p.Changes[len(p.Changes)-1]
}

// calls adds n changes that are to be sent.
func calls(p *plan.Plan, n int) {
	for i := range n {
		p.Changes = append(p.Changes, plan.Change{
			Key: key(i), Action: plan.ActionCommit, Reason: plan.ReasonVersion,
			Impact: plan.ImpactKeepState, Want: commit(key(i)),
		})
	}
	p.Unchanged = max(p.Unchanged-n, 0)
}

// healthy is the status of a daemon that is well and has the plan.
func healthy(p *plan.Plan, now time.Time) reconcile.Status {
	well := reconcile.Health{OK: now, At: now}
	return reconcile.Status{Plan: p, Source: well, Ledger: well}
}

// troubled is a plan with everything in it that a plan can have.
func troubled(now time.Time) *plan.Plan {
	p := emptyPlan()
	unknown := record(key(1), state.StatusUnknown, state.Outcome{Class: state.ClassUnknown, Code: "Timeout", Message: "no answer in time"}, now)
	held(p, key(1), plan.HoldUnknown, unknown)
	person := record(key(2), state.StatusUnknown, state.Outcome{Class: state.ClassUnknown, Code: "Timeout", Message: "no answer in time"}, now)
	person.Attempt.NeedsOperator = "what is live fits neither"
	held(p, key(2), plan.HoldUnknown, person)
	held(p, key(3), plan.HoldRefused, record(key(3), state.StatusRefused, state.Outcome{Class: state.ClassRefused, Code: "InvalidParameterValue", Message: "no such version", RequestID: "f1"}, now))
	held(p, key(4), plan.HoldLocked, record(key(4), state.StatusWaiting, state.Outcome{Class: state.ClassWaiting, Code: "UnsupportedOperation", Message: "locked", Locker: "100028625403"}, now))
	held(p, key(5), plan.HoldWaiting, record(key(5), state.StatusWaiting, state.Outcome{Class: state.ClassWaiting, Code: "ResourceInUse", Message: "busy"}, now))
	held(p, key(6), plan.HoldDependency, nil)
	held(p, key(7), plan.HoldPaused, nil)
	suspended := &state.Record{Key: key(8), Status: state.StatusApplied, Applied: applied(now), Suspended: &state.Suspension{Reason: "maintenance", Actor: "grace", At: now}}
	held(p, key(8), plan.HoldSuspended, suspended)
	held(p, key(9), plan.HoldWindow, nil)
	guard := held(p, key(10), plan.HoldGuard, nil)
	guard.Fields = append(guard.Fields, plan.Field{Name: "extConfig.password", Before: "hunter-1", After: "hunter-2", Secret: true})
	p.Holds = []plan.GuardHold{{Guard: "maxChanges", Message: "38 calls, and guards.maxChanges is 30", Approvable: true}}
	guard.Detail = p.Holds[0].Message
	p.Changes = append(p.Changes,
		plan.Change{Key: key(11), Action: plan.ActionForget, Have: &state.Record{Key: key(11), Status: state.StatusApplied, Applied: applied(now)}},
		plan.Change{Key: key(12), Action: plan.ActionUnversioned, Impact: plan.ImpactKeepState, Want: commit(key(12)), Have: &state.Record{Key: key(12), Status: state.StatusApplied, Applied: applied(now)}},
	)
	p.Problems = spec.Problems{
		{Pos: spec.Pos{File: "tasks/clicks.yaml", Line: 12, Column: 7}, Severity: spec.SeverityError, Code: "discard", Message: "commitType 2 needs discardState: add it"},
		{Pos: spec.Pos{File: "tasks/users.yaml", Line: 3, Column: 3}, Severity: spec.SeverityWarning, Code: "task-type", Message: "taskType 1 is not documented"},
	}
	return p
}

// troubledStatus is a status with everything in it that a status can have.
func troubledStatus(now time.Time) reconcile.Status {
	s := healthy(troubled(now), now)
	s.Control = state.Control{
		Revision: revision,
		Pauses: []state.Pause{
			{ProjectID: project, Code: "UnauthorizedOperation", Message: "you may not", Since: now.Add(-time.Hour), Until: now.Add(time.Hour), Tries: 5},
			{Code: "Timeout", Message: "no answer", Since: now.Add(-time.Minute), Until: now.Add(time.Minute), Tries: 1},
		},
		Approvals: []state.Approval{{PlanHash: "5a3c9d1e", Actor: "grace", At: now.Add(-time.Hour), Expires: now.Add(23 * time.Hour)}},
		Suspended: &state.Suspension{Reason: "an incident", Actor: "grace", At: now, Until: now.Add(time.Hour)},
	}
	s.Flying = []spec.Key{key(9)}
	s.Look = &state.DriftScan{
		At: now.Add(-time.Minute), Tasks: 210, Unknown: 1, Error: "reading tasks is not permitted",
		Kinds: map[state.DriftKind]int{state.DriftNewer: 4, state.DriftGone: 1},
	}
	for i := range 4 {
		s.Look.Drifted = append(s.Look.Drifted, state.Drift{
			Key: key(1 + i), Kind: state.DriftNewer, Fields: []state.DriftField{{Name: "instanceVersion", Git: "3", Applied: "3", Live: "5"}},
			Operator: "100028625403", OperatedAt: "2026-11-26 14:03:11", Event: "commit", Locker: "100000000007", Detail: "d", Since: now.Add(-time.Hour),
		})
	}
	s.Source = reconcile.Health{OK: now.Add(-time.Hour), At: now, Err: fmt.Errorf("poll the source: no way there")}
	return s
}

// daemon is what a Server of a test looks at.
type daemon struct {
	status reconcile.Status
	path   string // of its state
	log    journal
	config serve.Config
}

// journal keeps what is logged.
type journal struct {
	mu   sync.Mutex
	text strings.Builder
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// emptyState is the file of a state with nothing in it. To make one takes longer than
// most tests.
var emptyState = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "serve-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "wedatasync.db")
	if err := saveState(context.Background(), path); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// saveState makes a state in which the transitions were saved.
func saveState(ctx context.Context, path string, saved ...state.Transition) error {
	store, err := sqlstore.Open(ctx, path, state.Identity{Source: "https://git.example.com/data/streams.git"}, sqlstore.Options{Create: true})
	if err != nil {
		return err
	}
	if len(saved) > 0 {
		err = store.SaveAll(ctx, saved)
	}
	return errors.Join(err, store.Close())
}

// reader reads a state.
type reader struct{ *sqlstore.Reader }

func openReader(ctx context.Context, path string) (serve.Reader, error) {
	r, err := sqlstore.OpenReader(ctx, path)
	return reader{r}, err
}

func (r reader) Export(ctx context.Context, to io.Writer, history bool) error {
	return sqlstore.Export(ctx, r.Reader, to, history)
}

// newDaemon returns a daemon with a state in which the transitions were saved.
func newDaemon(t testing.TB, status reconcile.Status, saved ...state.Transition) *daemon {
	t.Helper()
	d := &daemon{status: status, path: filepath.Join(t.TempDir(), "wedatasync.db")}
	if len(saved) > 0 {
		if err := saveState(t.Context(), d.path, saved...); err != nil {
			t.Fatal(err)
		}
	} else {
		data, err := emptyState()
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(d.path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d.config = serve.Config{
		Version:  "1.4.0",
		Interval: interval,
		Logger:   slog.New(slog.NewTextHandler(&d.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Status:   func() reconcile.Status { return d.status },
		State:    func(ctx context.Context) (serve.Reader, error) { return openReader(ctx, d.path) },
		Hosts:    []string{"example.com", "x"}, // what httptest and the tests' own requests say
	}
	return d
}

// serve builds the Server.
func (d *daemon) serve(t testing.TB) *serve.Server {
	t.Helper()
	s, err := serve.New(d.config)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// saved is a transition that leaves the record, with an event of its own.
func saved(rec *state.Record, e state.Event) state.Transition {
	e.Key = rec.Key
	return state.Transition{Record: rec, Events: []state.Event{e}}
}

// get asks the server for a path.
func get(t testing.TB, s *serve.Server, path string) *httptest.ResponseRecorder {
	t.Helper()
	return do(t, s, http.MethodGet, path, nil)
}

func do(t testing.TB, s *serve.Server, method, path string, body io.Reader) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, body))
	return w
}

// page asks for a page that has to be there.
func page(t testing.TB, s *serve.Server, path string) string {
	t.Helper()
	w := get(t, s, path)
	if w.Code != http.StatusOK {
		t.Fatalf("GET %s = %d: %s", path, w.Code, w.Body)
	}
	return w.Body.String()
}

// secretFile writes a file of secrets and returns its name.
func secretFile(t testing.TB, lines ...string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(name, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}
