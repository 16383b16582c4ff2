package serve

import (
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/state"
)

// namespace begins the names of the metrics.
const namespace = "wedatasync"

// metrics are what is counted as it happens. The rest is looked up when someone asks:
// see gauges. Labels have values of closed sets only.
type metrics struct {
	registry *prometheus.Registry
	calls    *prometheus.CounterVec
	heals    *prometheus.CounterVec
	passes   *prometheus.CounterVec
	duration prometheus.Histogram
	hooks    *prometheus.CounterVec
}

func newMetrics(s *Server) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
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
			Help: "Passes that came to their end: finished, or cut short by a newer revision or a person's word.",
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
	build.WithLabelValues(s.cfg.Version, runtime.Version()).Set(1)
	m.registry.MustRegister(m.calls, m.heals, m.passes, m.duration, m.hooks, build, newGauges(s),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// webhooks lets the counts of webhooks begin at 0.
func (m *metrics) webhooks(forges []forge) {
	for _, f := range forges {
		for _, result := range hookResults() {
			m.hooks.WithLabelValues(f.name, result)
		}
	}
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

func (m *metrics) called(reason reconcile.Reason, class state.Class) {
	m.calls.WithLabelValues(string(class)).Inc()
	if reason == reconcile.ReasonDrift {
		m.heals.WithLabelValues(string(class)).Inc()
	}
}

func (m *metrics) passed(r *reconcile.Result, took time.Duration) {
	result := passFinished
	if r.Superseded {
		result = passSuperseded
	}
	m.passes.WithLabelValues(result).Inc()
	m.duration.Observe(took.Seconds())
}
