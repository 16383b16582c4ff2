package metrics

import (
	"net/http"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/wedatasync/wedatasync/internal/notify"
	"github.com/wedatasync/wedatasync/internal/serve/snapshot"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/state"
)

// namespace begins the names of the metrics.
const namespace = "wedatasync"

// Config is what the metrics are made from. Skew and KeyExpiry may be nil.
type Config struct {
	Version string // of this program
	// Snapshot returns the daemon as it is now.
	Snapshot func() *snapshot.Snapshot
	// Skew is how far this machine's clock is ahead of the endpoint's, if that is known.
	Skew func() (ahead time.Duration, known bool)
	// KeyExpiry returns when the first of the keys ends that may sign commits; zero: none does.
	KeyExpiry func() time.Time
	// Receivers says what became of the notifications of each receiver. Nil: there is none.
	Receivers func() []notify.Stats
}

// Metrics has the counters. The gauges are computed at the scrape. Labels have values of
// closed sets only.
type Metrics struct {
	Registry *prometheus.Registry
	calls    *prometheus.CounterVec
	heals    *prometheus.CounterVec
	passes   *prometheus.CounterVec
	duration prometheus.Histogram
	hooks    *prometheus.CounterVec
}

// New returns the metrics, all at 0.
func New(cfg Config) *Metrics {
	m := &Metrics{
		Registry: prometheus.NewRegistry(),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "calls_total",
			Help: "Commits that were sent, or were to be sent, by what the answer means.",
		}, []string{"class"}),
		heals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "heals_total",
			Help: "Commits because of drift, by what the answer means. They are among calls_total.",
		}, []string{"class"}),
		passes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "passes_total",
			Help: "Passes that ended: finished, or cut short by a newer revision or an operator action.",
		}, []string{"result"}),
		duration: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Name: "pass_duration_seconds",
			Help:    "How long passes took, from their plan on.",
			Buckets: []float64{.01, .1, 1, 10, 60, 600, 3600},
		}),
		hooks: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "webhooks_total",
			Help: "Webhooks by forge and by what became of them.",
		}, []string{"forge", "result"}),
	}
	for _, class := range classes() {
		m.calls.WithLabelValues(string(class))
		m.heals.WithLabelValues(string(class))
	}
	for _, result := range []string{passFinished, passSuperseded} {
		m.passes.WithLabelValues(result)
	}
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Namespace: namespace, Name: "build_info", Help: "The version that runs; always 1.",
	}, []string{"version", "go_version"})
	build.WithLabelValues(cfg.Version, runtime.Version()).Set(1)
	m.Registry.MustRegister(m.calls, m.heals, m.passes, m.duration, m.hooks, build, newGauges(cfg), newReceivers(cfg),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// What became of a webhook; labels of a metric.
const (
	webhookAccepted = "accepted"
	webhookRefused  = "refused"
)

// Forges lets the counts of these forges' webhooks begin at 0.
func (m *Metrics) Forges(names []string) {
	for _, name := range names {
		m.hooks.WithLabelValues(name, webhookAccepted)
		m.hooks.WithLabelValues(name, webhookRefused)
	}
}

// Webhook counts a webhook of the forge.
func (m *Metrics) Webhook(forge string, accepted bool) {
	result := webhookRefused
	if accepted {
		result = webhookAccepted
	}
	m.hooks.WithLabelValues(forge, result).Inc()
}

// Handler answers with all metrics, within the time.
func (m *Metrics) Handler(within time.Duration) http.Handler {
	return promhttp.HandlerFor(m.Registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: within, DisableCompression: true})
}

// classes lists what an answer can mean.
func classes() []state.Class {
	return []state.Class{
		state.ClassApplied, state.ClassNotSent, state.ClassRefused, state.ClassWaiting,
		state.ClassThrottled, state.ClassAuth, state.ClassUnauthorized, state.ClassUnknown,
	}
}

// How a pass came to its end; labels of a metric.
const (
	passFinished   = "finished"
	passSuperseded = "superseded"
)

// Called counts a call.
func (m *Metrics) Called(reason plan.Reason, class state.Class) {
	m.calls.WithLabelValues(string(class)).Inc()
	if reason == plan.ReasonDrift {
		m.heals.WithLabelValues(string(class)).Inc()
	}
}

// Passed counts a pass that came to its end.
func (m *Metrics) Passed(r *reconcile.Result, took time.Duration) {
	result := passFinished
	if r.Superseded {
		result = passSuperseded
	}
	m.passes.WithLabelValues(result).Inc()
	m.duration.Observe(took.Seconds())
}
