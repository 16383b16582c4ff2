package serve

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
)

// Recall is what Serve does at its start.
func Recall(ctx context.Context, s *Server) error { return s.recall(ctx) }

// Registry is what /metrics shows.
func Registry(s *Server) *prometheus.Registry { return s.metrics.registry }
