package metrics

import (
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/internal/serve/snapshot"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// gauges are the metrics of the daemon's condition at the moment of the scrape.
type gauges struct {
	cfg  Config
	list []gauge
}

var _ prometheus.Collector = (*gauges)(nil)

// gauge is one metric; it emits its value, or one for each value of its label.
type gauge struct {
	desc  *prometheus.Desc
	value func(s *snapshot.Snapshot, emit func(v float64, label ...string))
}

func newGauges(cfg Config) *gauges {
	g := &gauges{cfg: cfg}
	g.times()
	g.work()
	g.clock()
	g.trouble()
	g.quality()
	g.reloads("config", "configuration", func(r snapshot.Reloads) reconcile.Health { return r.Configuration })
	g.reloads("credentials", "credentials", func(r snapshot.Reloads) reconcile.Health { return r.Credentials })
	return g
}

func (g *gauges) add(name, help string, labels []string, value func(s *snapshot.Snapshot, emit func(v float64, label ...string))) {
	desc := prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil)
	g.list = append(g.list, gauge{desc, value})
}

// Describe sends the descriptions of all gauges.
func (g *gauges) Describe(to chan<- *prometheus.Desc) {
	for _, one := range g.list {
		to <- one.desc
	}
}

// Collect sends the values of all gauges, from one snapshot.
func (g *gauges) Collect(to chan<- prometheus.Metric) {
	s := g.cfg.Snapshot()
	for _, one := range g.list {
		one.value(s, func(v float64, label ...string) {
			to <- prometheus.MustNewConstMetric(one.desc, prometheus.GaugeValue, v, label...)
		})
	}
}

// time adds a gauge of a Unix time in seconds; it has no value while there is none.
func (g *gauges) time(name, help string, at func(s *snapshot.Snapshot) time.Time) {
	g.add(name, help, nil, func(s *snapshot.Snapshot, emit func(float64, ...string)) {
		if t := at(s); !t.IsZero() {
			emit(float64(t.UnixMilli()) / 1000)
		}
	})
}

func (g *gauges) times() {
	g.time("poll_last_attempt_timestamp_seconds", "When the source was last polled.",
		func(s *snapshot.Snapshot) time.Time { return s.Status.Source.At })
	g.time("poll_last_success_timestamp_seconds", "When the source was last polled and could be read.",
		func(s *snapshot.Snapshot) time.Time { return s.Status.Source.OK })
	g.time("pass_last_attempt_timestamp_seconds", "When the last pass began, with its plan.", func(s *snapshot.Snapshot) time.Time {
		return s.Activity.PassStarted
	})
	g.time("pass_last_success_timestamp_seconds", "When a pass last came to its end.",
		func(s *snapshot.Snapshot) time.Time { return s.Activity.LastPass.At })
	g.time("drift_last_look_timestamp_seconds", "When the last drift check began.", func(s *snapshot.Snapshot) time.Time {
		if s.Status.DriftScan == nil {
			return time.Time{}
		}
		return s.Status.DriftScan.At
	})
	g.time("signing_key_expires_timestamp_seconds", "When the first of the trusted keys ends that may sign commits.", func(*snapshot.Snapshot) time.Time {
		if g.cfg.KeyExpiry == nil {
			return time.Time{}
		}
		return g.cfg.KeyExpiry()
	})
	g.time("revision_seen_timestamp_seconds", "When the newest revision was first seen.",
		func(s *snapshot.Snapshot) time.Time { return s.Activity.RevisionSeen })
}

func (g *gauges) work() {
	g.add("specs", "Commit specs that can be used.", nil, func(s *snapshot.Snapshot, emit func(float64, ...string)) {
		emit(float64(s.Plan().Specs))
	})
	g.add("managed_tasks", "Tasks in the state.", nil, func(s *snapshot.Snapshot, emit func(float64, ...string)) {
		emit(float64(s.Plan().Managed))
	})
	g.add("tasks", "Tasks by their state; the label standing is deprecated.", []string{"state", "standing"}, func(s *snapshot.Snapshot, emit func(float64, ...string)) {
		for _, i := range explain.States() {
			emit(float64(s.Count(i.State)), string(i.State), string(i.State))
		}
	})
	g.add("plan_changes", "Changes of the newest plan by what it does with them.", []string{"action"}, func(s *snapshot.Snapshot, emit func(float64, ...string)) {
		for _, a := range []plan.Action{plan.ActionCommit, plan.ActionHold, plan.ActionForget, plan.ActionReturn, plan.ActionUnversioned, plan.ActionFollow} {
			emit(float64(s.Digest.Actions[a]), string(a))
		}
	})
	g.add("calls_queued", "Calls of the pass under way that are not made yet.", nil, func(s *snapshot.Snapshot, emit func(float64, ...string)) {
		emit(float64(s.Count(explain.ToSend)))
	})
	g.add("calls_in_flight", "Calls that are sent, or about to be, and not answered yet.", nil, func(s *snapshot.Snapshot, emit func(float64, ...string)) {
		emit(float64(len(s.Status.InFlight)))
	})
	g.add("limiter_period_seconds", "The time between two calls as the limiter has it now.", nil, func(s *snapshot.Snapshot, emit func(float64, ...string)) {
		emit(s.Period.Seconds())
	})
	g.add("limiter_wait_seconds", "The least time that the last call in the queue has to wait for its turn.", nil, func(s *snapshot.Snapshot, emit func(float64, ...string)) {
		emit(s.Period.Seconds() * float64(s.Count(explain.ToSend)))
	})
}

// clock adds how far two clocks are apart; it has no value until that is known.
func (g *gauges) clock() {
	g.add("clock_skew_seconds", "How far this machine's clock is ahead of WeData's, give or take a second; it is behind if negative.", nil, func(_ *snapshot.Snapshot, emit func(float64, ...string)) {
		if g.cfg.Skew == nil {
			return
		}
		if ahead, known := g.cfg.Skew(); known {
			emit(ahead.Seconds())
		}
	})
}

func (g *gauges) trouble() {
	g.add("ready", "1 if no action is required, else 0.", nil, func(s *snapshot.Snapshot, emit func(float64, ...string)) {
		emit(oneIf(len(s.Reasons()) == 0))
	})
	g.add("not_ready", "Items that require action, by kind.", []string{"reason"}, func(s *snapshot.Snapshot, emit func(float64, ...string)) {
		counts := map[explain.ReasonCode]int{}
		for _, r := range s.Reasons() {
			counts[r.Code]++
		}
		for _, code := range explain.ReasonCodes() {
			emit(float64(counts[code]), string(code))
		}
	})
	g.add("unknown_outcomes", "Commits with an unknown outcome, by whether only an operator can resolve it; needs_person is the earlier name of the label.", []string{"needs_operator", "needs_person"}, func(s *snapshot.Snapshot, emit func(float64, ...string)) {
		unresolved := len(s.Digest.Unresolved)
		emit(float64(unresolved), "true", "true")
		emit(float64(s.Count(explain.Unknown)-unresolved), "false", "false")
	})
	g.add("guard_holds", "Guards that hold the whole plan.", []string{"guard"}, func(s *snapshot.Snapshot, emit func(float64, ...string)) {
		counts := map[string]int{}
		for _, h := range s.Plan().Holds {
			counts[guardLabel(h.Guard)]++
		}
		for _, name := range append(guards(), otherGuard) {
			emit(float64(counts[name]), name)
		}
	})
	g.add("paused", "1 while sending is paused, for everything or for at least one project.", []string{"scope"}, func(s *snapshot.Snapshot, emit func(float64, ...string)) {
		all, project := false, false
		for _, p := range s.Pauses() {
			all, project = all || p.ProjectID == "", project || p.ProjectID != ""
		}
		emit(oneIf(all), "everything")
		emit(oneIf(project), "project")
	})
	g.add("suspended", "1 while an operator has suspended everything.", nil, func(s *snapshot.Snapshot, emit func(float64, ...string)) {
		emit(oneIf(s.Status.Control.Suspended.Active(s.Now)))
	})
	g.add("source_failing", "1 while the last poll of the source has failed.", nil, func(s *snapshot.Snapshot, emit func(float64, ...string)) {
		emit(oneIf(s.Status.Source.Err != nil))
	})
	g.add("state_failing", "1 while the last write of the state has failed.", nil, func(s *snapshot.Snapshot, emit func(float64, ...string)) {
		emit(oneIf(s.Status.Store.Err != nil))
	})
}

// quality adds what is wrong with the specs and with what is live.
func (g *gauges) quality() {
	g.add("drifted_tasks", "Drifted tasks, by kind.", []string{"kind"}, func(s *snapshot.Snapshot, emit func(float64, ...string)) {
		if seen := s.Status.DriftScan; seen != nil {
			for _, kind := range state.DriftKinds() {
				emit(float64(seen.Kinds[kind]), string(kind))
			}
		}
	})
	g.add("unread_tasks", "Tasks that the last drift check could not read.", nil, func(s *snapshot.Snapshot, emit func(float64, ...string)) {
		if seen := s.Status.DriftScan; seen != nil {
			emit(float64(seen.Unknown))
		}
	})
	g.add("spec_problems", "Errors and warnings in specs.", []string{"severity"}, func(s *snapshot.Snapshot, emit func(float64, ...string)) {
		emit(float64(s.Digest.Errors), string(spec.SeverityError))
		emit(float64(s.Digest.Warnings), string(spec.SeverityWarning))
	})
}

// reloads adds the two gauges that Prometheus' own programs have for a reload.
func (g *gauges) reloads(name, what string, of func(snapshot.Reloads) reconcile.Health) {
	g.add(name+"_last_reload_successful", "1 if the "+what+" on disk could be used when last read, 0 if the earlier one is still in use.", nil, func(s *snapshot.Snapshot, emit func(float64, ...string)) {
		if h := of(s.Reloads); !h.At.IsZero() {
			emit(oneIf(h.Err == nil))
		}
	})
	g.time(name+"_last_reload_success_timestamp_seconds", "When the "+what+" on disk could last be used.",
		func(s *snapshot.Snapshot) time.Time { return of(s.Reloads).OK })
}

func oneIf(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// otherGuard stands for a guard that this package does not know.
const otherGuard = "other"

// guards lists the guards that can hold a whole plan.
func guards() []string {
	return []string{"empty", "rewritten", "restored", "maxChanges", "maxChangePercent", explain.GuardWindows}
}

func guardLabel(name string) string {
	if slices.Contains(guards(), name) {
		return name
	}
	return otherGuard
}
