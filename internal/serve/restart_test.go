package serve_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/internal/serve"
	"github.com/wedatasync/wedatasync/internal/servetest"
	"github.com/wedatasync/wedatasync/state"
)

// TestCallsOutliveARestart: the status page has the calls that the history knows.
func TestCallsOutliveARestart(t *testing.T) {
	t.Parallel()
	now := time.Now()
	rec := &state.Record{Key: servetest.Key(1), Status: state.StatusApplied, Applied: servetest.Applied(now)}
	var history []state.Transition
	for i := range 70 {
		history = append(history,
			servetest.Saved(rec, state.Event{At: now.Add(time.Duration(i-100) * time.Minute), Kind: state.EventIntent}),
			servetest.Saved(rec, state.Event{
				At: now.Add(time.Duration(i-100) * time.Minute), Kind: state.EventOutcome,
				Outcome: state.Outcome{Class: state.ClassApplied, RequestID: fmt.Sprintf("request-%d", i)},
			}))
	}
	history = append(history, servetest.Saved(rec, state.Event{At: now.Add(-3 * time.Hour), Kind: state.EventRevision, Revision: servetest.Revision}))
	d := servetest.NewDaemon(t, servetest.Healthy(servetest.EmptyPlan(), now), history...)
	s := d.Serve(t)
	if err := serve.Restore(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	s.Observer().Planned(d.Status.Plan)
	body := servetest.Page(t, s, "/")
	rows := servetest.Texts(t, body, "tr")[1:]
	if len(rows) != 50 || !strings.Contains(rows[0], "request-69") || !strings.Contains(rows[49], "request-20") {
		t.Errorf("%d calls, from %q to %q", len(rows), rows[0], rows[len(rows)-1])
	}
	if got := servetest.Live(t, body, "about"); !strings.Contains(got, "seen 3 h ago") {
		t.Errorf("when the revision was first accepted is not told: %s", got)
	}
}
