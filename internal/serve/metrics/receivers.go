package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/wedatasync/wedatasync/internal/notify"
)

// receivers are the metrics of who is notified. The names of receivers are those of the
// configuration.
type receivers struct {
	stats   func() []notify.Stats
	events  *prometheus.Desc
	waiting *prometheus.Desc
}

var _ prometheus.Collector = (*receivers)(nil)

func newReceivers(cfg Config) *receivers {
	r := &receivers{
		stats: cfg.Receivers,
		events: prometheus.NewDesc(prometheus.BuildFQName(namespace, "", "notifications_total"),
			"Notifications by receiver and by what became of them: sent, dropped because too many waited, or failed after all tries.", []string{"receiver", "result"}, nil),
		waiting: prometheus.NewDesc(prometheus.BuildFQName(namespace, "", "notifications_waiting"),
			"Notifications that wait to be sent, by receiver.", []string{"receiver"}, nil),
	}
	if r.stats == nil {
		r.stats = func() []notify.Stats { return nil }
	}
	return r
}

// Describe sends the descriptions.
func (r *receivers) Describe(to chan<- *prometheus.Desc) {
	to <- r.events
	to <- r.waiting
}

// Collect sends the values.
func (r *receivers) Collect(to chan<- prometheus.Metric) {
	for _, s := range r.stats() {
		for _, one := range []struct {
			result string
			n      uint64
		}{{"sent", s.Sent}, {"dropped", s.Dropped}, {"failed", s.Failed}} {
			to <- prometheus.MustNewConstMetric(r.events, prometheus.CounterValue, float64(one.n), s.Name, one.result)
		}
		to <- prometheus.MustNewConstMetric(r.waiting, prometheus.GaugeValue, float64(s.Queued), s.Name)
	}
}
