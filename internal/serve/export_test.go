package serve

import (
	"context"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/state"
)

// Restore is what Serve does at its start.
func Restore(ctx context.Context, s *Server) error { return s.restore(ctx) }

// Registry is what /metrics shows.
func Registry(s *Server) *prometheus.Registry { return s.metrics.Registry }

// Buffered returns h with its answers built in memory.
func Buffered(h http.Handler) http.Handler { return newAnswers().buffered(h) }

// LastShown is what pages were last told of.
type LastShown = lastShown

// Differs is differs.
func (s *lastShown) Differs(p *plan.Plan, pauses []state.Pause) bool { return s.differs(p, pauses) }

// PushIn returns the branch and the commit of a push.
func PushIn(body []byte) (branch, commit string) {
	p := pushIn(body)
	return p.branch, p.after
}
