package serve

import (
	"io"
	"net/http"
	"time"

	"github.com/wedatasync/wedatasync/internal/serve/snapshot"
)

// health answers whether the process answers and its loop goes on. It asks nothing else:
// an orchestrator restarts what is not healthy, and a restart mends nothing else. alive may
// be nil.
func health(alive func(now time.Time) bool) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		if alive != nil && !alive(time.Now()) {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, "the daemon hangs; a restart loses nothing\n")
			return
		}
		_, _ = io.WriteString(w, "ok\n")
	}
}

// ready answers whether an operator is needed, and what for.
func ready(take func() *snapshot.Snapshot) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		reasons := take().Reasons()
		if len(reasons) == 0 {
			_, _ = io.WriteString(w, "ready\n")
			return
		}
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, "action required\n")
		for _, r := range reasons {
			_, _ = io.WriteString(w, string(r.Code)+": "+r.Message+"\n")
			for _, c := range r.Commands {
				_, _ = io.WriteString(w, "  "+c+"\n")
			}
		}
	}
}
