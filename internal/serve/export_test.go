package serve

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
)

// Restore is what Serve does at its start.
func Restore(ctx context.Context, s *Server) error { return s.restore(ctx) }

// Registry is what /metrics shows.
func Registry(s *Server) *prometheus.Registry { return s.metrics.Registry }
