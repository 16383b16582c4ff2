package serve_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"gopkg.in/yaml.v3"

	"github.com/wedatasync/wedatasync/internal/notify"
	"github.com/wedatasync/wedatasync/internal/serve"
	"github.com/wedatasync/wedatasync/internal/serve/snapshot"
	"github.com/wedatasync/wedatasync/internal/servetest"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/state"
)

// TestMetricsAreWellFormed asks the linter of Prometheus.
func TestMetricsAreWellFormed(t *testing.T) {
	s := busyServer(t)
	problems, err := testutil.GatherAndLint(serve.Registry(s))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// busyServer has told its metrics of everything there is.
func busyServer(t testing.TB) *serve.Server {
	t.Helper()
	now := time.Now()
	d := servetest.NewDaemon(t, servetest.TroubledStatus(now))
	d.Config.Trigger = func() {}
	d.Config.Webhooks.GitHub = servetest.SecretFile(t, newSecret)
	d.Config.Daemon.Reloads = func() snapshot.Reloads {
		return snapshot.Reloads{
			Configuration: reconcile.Health{At: now, OK: now, Err: errors.New("c.yaml:3: no")},
			Credentials:   reconcile.Health{At: now, OK: now},
		}
	}
	d.Config.Skew = func() (time.Duration, bool) { return 90 * time.Second, true }
	d.Config.Receivers = func() []notify.Stats {
		return []notify.Stats{{Name: "ops", Queued: 2, Sent: 3, Dropped: 4, Failed: 5}}
	}
	d.Config.KeyExpiry = func() time.Time { return time.Now().Add(time.Hour) }
	s := d.Serve(t)
	o := s.Observer()
	o.Planned(d.Status.Plan)
	for _, class := range []state.Class{state.ClassThrottled, state.ClassNotSent, state.ClassApplied} {
		o.Called(&plan.Change{Key: servetest.Key(50)}, &state.Record{Key: servetest.Key(50), Status: state.StatusApplied}, state.Outcome{Class: class})
	}
	o.Passed(&reconcile.Result{Plan: d.Status.Plan, Left: d.Status.Plan})
	hook(s, "/webhook/github", nil)
	return s
}

// samples returns the metrics of ours, without what differs from run to run.
func samples(t *testing.T, s *serve.Server) []string {
	t.Helper()
	var list []string
	for line := range strings.Lines(servetest.Page(t, s, "/metrics")) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "wedatasync_") || strings.Contains(line, "_seconds_") || strings.Contains(line, "build_info") || strings.HasSuffix(line, " 0") {
			continue
		}
		if name, _, _ := strings.Cut(line, " "); strings.HasSuffix(name, "_timestamp_seconds") {
			line = name
		}
		list = append(list, line)
	}
	slices.Sort(list)
	return list
}

// TestMetricsSayHowTheDaemonStands: everything that is not 0 for a daemon with
// everything wrong.
func TestMetricsSayHowTheDaemonStands(t *testing.T) {
	want := []string{
		`wedatasync_calls_in_flight 1`,
		`wedatasync_calls_total{class="applied"} 1`,
		`wedatasync_calls_total{class="not-sent"} 1`,
		`wedatasync_calls_total{class="throttled"} 1`,
		`wedatasync_clock_skew_seconds 90`,
		`wedatasync_config_last_reload_success_timestamp_seconds`,
		`wedatasync_credentials_last_reload_success_timestamp_seconds`,
		`wedatasync_credentials_last_reload_successful 1`,
		`wedatasync_drift_last_look_timestamp_seconds`,
		`wedatasync_drifted_tasks{kind="gone"} 1`,
		`wedatasync_drifted_tasks{kind="newer"} 4`,
		`wedatasync_guard_holds{guard="maxChanges"} 1`,
		`wedatasync_limiter_period_seconds 0.05`,
		`wedatasync_managed_tasks 210`,
		`wedatasync_not_ready{reason="configuration"} 1`,
		`wedatasync_not_ready{reason="credentials"} 1`,
		`wedatasync_not_ready{reason="drifted"} 1`,
		`wedatasync_not_ready{reason="guard"} 1`,
		`wedatasync_not_ready{reason="refused"} 1`,
		`wedatasync_not_ready{reason="source"} 1`,
		`wedatasync_not_ready{reason="specs"} 1`,
		`wedatasync_not_ready{reason="unknown"} 1`,
		`wedatasync_notifications_total{receiver="ops",result="dropped"} 4`,
		`wedatasync_notifications_total{receiver="ops",result="failed"} 5`,
		`wedatasync_notifications_total{receiver="ops",result="sent"} 3`,
		`wedatasync_notifications_waiting{receiver="ops"} 2`,
		`wedatasync_pass_last_attempt_timestamp_seconds`,
		`wedatasync_pass_last_success_timestamp_seconds`,
		`wedatasync_passes_total{result="finished"} 1`,
		`wedatasync_paused{scope="everything"} 1`,
		`wedatasync_paused{scope="project"} 1`,
		`wedatasync_plan_changes{action="forget"} 1`,
		`wedatasync_plan_changes{action="hold"} 10`,
		`wedatasync_plan_changes{action="unversioned"} 1`,
		`wedatasync_poll_last_attempt_timestamp_seconds`,
		`wedatasync_poll_last_success_timestamp_seconds`,
		`wedatasync_revision_seen_timestamp_seconds`,
		`wedatasync_signing_key_expires_timestamp_seconds`,
		`wedatasync_source_failing 1`,
		`wedatasync_spec_problems{severity="error"} 1`,
		`wedatasync_spec_problems{severity="warning"} 1`,
		`wedatasync_specs 210`,
		`wedatasync_suspended 1`,
		`wedatasync_tasks{standing="dependency",state="dependency"} 1`,
		`wedatasync_tasks{standing="drifted",state="drifted"} 1`,
		`wedatasync_tasks{standing="forgotten",state="forgotten"} 1`,
		`wedatasync_tasks{standing="guard",state="guard"} 1`,
		`wedatasync_tasks{standing="in-sync",state="in-sync"} 200`,
		`wedatasync_tasks{standing="locked",state="locked"} 1`,
		`wedatasync_tasks{standing="paused",state="paused"} 1`,
		`wedatasync_tasks{standing="refused",state="refused"} 1`,
		`wedatasync_tasks{standing="sending",state="sending"} 1`,
		`wedatasync_tasks{standing="suspended",state="suspended"} 1`,
		`wedatasync_tasks{standing="unknown",state="unknown"} 2`,
		`wedatasync_tasks{standing="unversioned",state="unversioned"} 1`,
		`wedatasync_tasks{standing="waiting",state="waiting"} 1`,
		`wedatasync_tasks{standing="window",state="window"} 1`,
		`wedatasync_unknown_outcomes{needs_operator="false",needs_person="false"} 1`,
		`wedatasync_unknown_outcomes{needs_operator="true",needs_person="true"} 1`,
		`wedatasync_unread_tasks 1`,
		`wedatasync_webhooks_total{forge="github",result="refused"} 1`,
	}
	if diff := cmp.Diff(want, samples(t, busyServer(t))); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
}

// TestMetricsOfAHealthyDaemon: before anything, and when all is well.
func TestMetricsOfAHealthyDaemon(t *testing.T) {
	for name, tt := range map[string]struct {
		status reconcile.Status
		want   []string
	}{
		"before the first poll": {reconcile.Status{}, []string{
			`wedatasync_limiter_period_seconds 0.05`, `wedatasync_ready 1`,
		}},
		"all is well": {servetest.Healthy(servetest.EmptyPlan(), time.Now()), []string{
			`wedatasync_limiter_period_seconds 0.05`, `wedatasync_managed_tasks 210`,
			`wedatasync_poll_last_attempt_timestamp_seconds`, `wedatasync_poll_last_success_timestamp_seconds`,
			`wedatasync_ready 1`, `wedatasync_specs 210`, `wedatasync_tasks{standing="in-sync",state="in-sync"} 210`,
		}},
	} {
		if diff := cmp.Diff(tt.want, samples(t, servetest.NewDaemon(t, tt.status).Serve(t))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestLabelsAreClosed: nothing that a repository or the API says becomes a label.
func TestLabelsAreClosed(t *testing.T) {
	now := time.Now()
	const outside = "canary"
	status := servetest.Poisoned(outside, now)
	status.Plan.Holds = append(status.Plan.Holds, plan.GuardHold{Guard: outside})
	d := servetest.NewDaemon(t, status)
	s := d.Serve(t)
	s.Observer().Planned(status.Plan)
	s.Observer().Called(&status.Plan.Changes[0], servetest.Record(servetest.Key(1), state.StatusUnknown, state.Outcome{}, now), state.Outcome{Class: state.ClassUnknown, Code: outside})
	if body := servetest.Page(t, s, "/metrics"); strings.Contains(body, outside) {
		t.Error("a label has a value from outside")
	}
}

// TestDashboardsNameRealMetrics: what is drawn and what alerts exists.
func TestDashboardsNameRealMetrics(t *testing.T) {
	families, err := serve.Registry(busyServer(t)).Gather()
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, f := range families {
		known[f.GetName()] = true
		if f.GetType().String() == "HISTOGRAM" {
			known[f.GetName()+"_bucket"] = true
		}
	}
	deploy := filepath.Join("..", "..", "deploy")
	dashboard, err := os.ReadFile(filepath.Join(deploy, "grafana", "wedatasync.json"))
	if err != nil {
		t.Fatal(err)
	}
	alerts, err := os.ReadFile(filepath.Join(deploy, "prometheus", "alerts.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, name := range regexp.MustCompile(`\b(wedatasync|go|process)_[a-z_]+`).FindAllString(string(dashboard)+string(alerts), -1) {
		used[name] = true
		if !known[name] {
			t.Errorf("there is no metric %s", name)
		}
	}
	if len(used) < 20 {
		t.Errorf("only %d metrics are used", len(used))
	}
	if !json.Valid(dashboard) {
		t.Error("the dashboard is not JSON")
	}
	var rules struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr string
				Annotations struct{ Summary, Description string }
			}
		}
	}
	if err := yaml.Unmarshal(alerts, &rules); err != nil {
		t.Fatal(err)
	}
	for _, r := range rules.Groups[0].Rules {
		if r.Alert == "" || r.Expr == "" || r.Annotations.Summary == "" || r.Annotations.Description == "" {
			t.Errorf("alert %q lacks a part", r.Alert)
		}
	}
}
