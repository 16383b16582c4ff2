package serve

import (
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// gauges are the metrics that say how the daemon stands. They are all of the moment
// of the scrape.
type gauges struct {
	server *Server
	list   []gauge
}

var _ prometheus.Collector = (*gauges)(nil)

// gauge is one metric; it says its value, or one for each value of its label.
type gauge struct {
	desc  *prometheus.Desc
	value func(l *look, tell func(v float64, label ...string))
}

func newGauges(s *Server) *gauges {
	g := &gauges{server: s}
	g.times()
	g.work()
	g.clock()
	g.trouble()
	g.reloads("config", "configuration", func(r Reloads) reconcile.Health { return r.Configuration })
	g.reloads("credentials", "credentials", func(r Reloads) reconcile.Health { return r.Credentials })
	return g
}

func (g *gauges) add(name, help string, labels []string, value func(l *look, tell func(v float64, label ...string))) {
	desc := prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil)
	g.list = append(g.list, gauge{desc, value})
}

// Describe sends the descriptions of all gauges.
func (g *gauges) Describe(to chan<- *prometheus.Desc) {
	for _, one := range g.list {
		to <- one.desc
	}
}

// Collect sends the values of all gauges, from one look at the daemon.
func (g *gauges) Collect(to chan<- prometheus.Metric) {
	l := g.server.look()
	for _, one := range g.list {
		one.value(l, func(v float64, label ...string) {
			to <- prometheus.MustNewConstMetric(one.desc, prometheus.GaugeValue, v, label...)
		})
	}
}

// time adds a gauge of a Unix time in seconds; it has no value while there is none.
func (g *gauges) time(name, help string, at func(l *look) time.Time) {
	g.add(name, help, nil, func(l *look, tell func(float64, ...string)) {
		if t := at(l); !t.IsZero() {
			tell(float64(t.UnixMilli()) / 1000)
		}
	})
}

func (g *gauges) times() {
	g.time("poll_last_attempt_timestamp_seconds", "When the source was last polled.",
		func(l *look) time.Time { return l.status.Source.At })
	g.time("poll_last_success_timestamp_seconds", "When the source was last polled and could be read.",
		func(l *look) time.Time { return l.status.Source.OK })
	g.time("pass_last_attempt_timestamp_seconds", "When the last pass began, with its plan.", func(*look) time.Time {
		if p := g.server.tracker.newest(); p != nil {
			return p.started
		}
		return time.Time{}
	})
	g.time("pass_last_success_timestamp_seconds", "When a pass last came to its end.",
		func(*look) time.Time { return g.server.tracker.over().At })
	g.time("drift_last_look_timestamp_seconds", "When the last look at what is live began.", func(l *look) time.Time {
		if l.status.Look == nil {
			return time.Time{}
		}
		return l.status.Look.At
	})
	g.time("signing_key_expires_timestamp_seconds", "When the first of the trusted keys ends that may sign commits.", func(*look) time.Time {
		if g.server.cfg.KeyExpiry == nil {
			return time.Time{}
		}
		return g.server.cfg.KeyExpiry()
	})
	g.time("revision_seen_timestamp_seconds", "When the newest revision was first seen.",
		func(l *look) time.Time { return g.server.tracker.seen(l.plan().Source.Revision) })
}

func (g *gauges) work() {
	g.add("specs", "Commit specs that can be used.", nil, func(l *look, tell func(float64, ...string)) {
		tell(float64(l.plan().Specs))
	})
	g.add("managed_tasks", "Tasks in the state.", nil, func(l *look, tell func(float64, ...string)) {
		tell(float64(l.plan().Managed))
	})
	g.add("tasks", "Tasks by how they stand.", []string{"standing"}, func(l *look, tell func(float64, ...string)) {
		for _, i := range standings() {
			tell(float64(l.count(i.standing)), string(i.standing))
		}
	})
	g.add("plan_changes", "Changes of the newest plan by what it does with them.", []string{"action"}, func(l *look, tell func(float64, ...string)) {
		for _, a := range []reconcile.Action{reconcile.ActionCommit, reconcile.ActionHold, reconcile.ActionForget, reconcile.ActionReturn, reconcile.ActionUnversioned, reconcile.ActionFollow} {
			tell(float64(l.digest.actions[a]), string(a))
		}
	})
	g.add("calls_queued", "Calls of the pass under way that are not made yet.", nil, func(l *look, tell func(float64, ...string)) {
		tell(float64(l.count(standToSend)))
	})
	g.add("calls_in_flight", "Calls that are sent, or about to be, and not answered yet.", nil, func(l *look, tell func(float64, ...string)) {
		tell(float64(len(l.status.Flying)))
	})
	g.add("limiter_period_seconds", "The time between two calls as the limiter has it now.", nil, func(l *look, tell func(float64, ...string)) {
		tell(l.period.Seconds())
	})
	g.add("limiter_wait_seconds", "How long the last call in the queue has to wait for its turn, at the least.", nil, func(l *look, tell func(float64, ...string)) {
		tell(l.period.Seconds() * float64(l.count(standToSend)))
	})
}

// clock adds how far two clocks are apart; it has no value until that is known.
func (g *gauges) clock() {
	g.add("clock_skew_seconds", "How far this machine's clock is ahead of WeData's, give or take a second; it is behind if negative.", nil, func(_ *look, tell func(float64, ...string)) {
		if g.server.cfg.Skew == nil {
			return
		}
		if ahead, known := g.server.cfg.Skew(); known {
			tell(ahead.Seconds())
		}
	})
}

func (g *gauges) trouble() {
	g.add("ready", "1 while nobody is needed, 0 while a person is.", nil, func(l *look, tell func(float64, ...string)) {
		tell(is(len(g.server.reasons(l)) == 0))
	})
	g.add("not_ready", "How many things of a kind need a person.", []string{"reason"}, func(l *look, tell func(float64, ...string)) {
		counts := map[ReasonCode]int{}
		for _, r := range g.server.reasons(l) {
			counts[r.Code]++
		}
		for _, code := range ReasonCodes() {
			tell(float64(counts[code]), string(code))
		}
	})
	g.add("unknown_outcomes", "Commits whose outcome is not known, by whether only a person can end that.", []string{"needs_person"}, func(l *look, tell func(float64, ...string)) {
		person := len(l.digest.person)
		tell(float64(person), "true")
		tell(float64(l.count(standUnknown)-person), "false")
	})
	g.add("guard_holds", "Guards that hold the whole plan.", []string{"guard"}, func(l *look, tell func(float64, ...string)) {
		counts := map[string]int{}
		for _, h := range l.plan().Holds {
			counts[guardLabel(h.Guard)]++
		}
		for _, name := range append(guards(), otherGuard) {
			tell(float64(counts[name]), name)
		}
	})
	g.add("paused", "1 while sends have stopped: those of everything, or of one project at the least.", []string{"scope"}, func(l *look, tell func(float64, ...string)) {
		all, project := false, false
		for _, p := range l.pauses() {
			all, project = all || p.ProjectID == "", project || p.ProjectID != ""
		}
		tell(is(all), "everything")
		tell(is(project), "project")
	})
	g.add("suspended", "1 while a person has suspended everything.", nil, func(l *look, tell func(float64, ...string)) {
		tell(is(l.status.Control.Suspended.Active(l.now)))
	})
	g.add("source_failing", "1 while the last poll of the source has failed.", nil, func(l *look, tell func(float64, ...string)) {
		tell(is(l.status.Source.Err != nil))
	})
	g.add("state_failing", "1 while the last write of the state has failed.", nil, func(l *look, tell func(float64, ...string)) {
		tell(is(l.status.Ledger.Err != nil))
	})
	g.add("drifted_tasks", "Tasks that are live otherwise than they were applied, by how.", []string{"kind"}, func(l *look, tell func(float64, ...string)) {
		if seen := l.status.Look; seen != nil {
			for _, kind := range state.DriftKinds() {
				tell(float64(seen.Kinds[kind]), string(kind))
			}
		}
	})
	g.add("unread_tasks", "Tasks that the last look at what is live could not read.", nil, func(l *look, tell func(float64, ...string)) {
		if seen := l.status.Look; seen != nil {
			tell(float64(seen.Unknown))
		}
	})
	g.add("spec_problems", "Complaints about specs.", []string{"severity"}, func(l *look, tell func(float64, ...string)) {
		tell(float64(l.digest.errors), string(spec.SeverityError))
		tell(float64(l.digest.warnings), string(spec.SeverityWarning))
	})
}

// reloads adds the two gauges that Prometheus' own programs have for a reload.
func (g *gauges) reloads(name, what string, of func(Reloads) reconcile.Health) {
	g.add(name+"_last_reload_successful", "1 if the "+what+" on disk could be used when last read, 0 if what was there before is.", nil, func(l *look, tell func(float64, ...string)) {
		if h := of(l.reloads); !h.At.IsZero() {
			tell(is(h.Err == nil))
		}
	})
	g.time(name+"_last_reload_success_timestamp_seconds", "When the "+what+" on disk could last be used.",
		func(l *look) time.Time { return of(l.reloads).OK })
}

func is(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// otherGuard stands for a guard that this package does not know.
const otherGuard = "other"

// guards lists the guards that can hold a whole plan.
func guards() []string {
	return []string{"empty", "rewritten", "restored", "maxChanges", "maxChangePercent", guardWindows}
}

func guardLabel(name string) string {
	if slices.Contains(guards(), name) {
		return name
	}
	return otherGuard
}
