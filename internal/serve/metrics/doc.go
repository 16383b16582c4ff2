// Package metrics is what Prometheus reads of the daemon.
//
// Counters count what the reconciler reports, as it happens. Gauges are computed from one
// [snapshot.Snapshot] at the scrape. Labels have values of closed sets only: no task, no
// revision and no text from outside becomes a label.
package metrics
