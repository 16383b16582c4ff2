package serve

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/state"
)

// Restore is what Serve does at its start.
func Restore(ctx context.Context, s *Server) error { return s.restore(ctx) }

// Registry is what /metrics shows.
func Registry(s *Server) *prometheus.Registry { return s.metrics.Registry }

// Sight is what pages were last told of.
type Sight = sight

// Differs is differs.
func (s *sight) Differs(p *plan.Plan, pauses []state.Pause) bool { return s.differs(p, pauses) }
