package page_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/internal/servetest"
	"github.com/wedatasync/wedatasync/state"
)

// TestHistoryHasARowAnAttempt: with the version, the commit type, the revision and the author,
// and the tries that had to wait in the row of the last one; and the pages have all of them.
func TestHistoryHasARowAnAttempt(t *testing.T) {
	t.Parallel()
	now := time.Now()
	rec := &state.Record{Key: servetest.Key(1), Status: state.StatusApplied, Applied: servetest.Applied(now)}
	const attempts, tries = 130, 3
	var saved []state.Transition
	at := now.Add(-time.Hour)
	for n := range attempts {
		for try := range tries {
			at = at.Add(time.Second)
			e := state.Event{
				At: at, Kind: state.EventIntent, Attempt: fmt.Sprintf("%d-%d", n, try), Revision: servetest.Revision, Actor: "Ada Lovelace <ada@example.com>",
				Stage: state.StageSending, Wanted: &state.Wanted{Name: "orders", CommitType: "resume", InstanceVersion: int64(n + 1)},
			}
			answer := e
			answer.Kind, answer.Stage = state.EventOutcome, state.StageLocked
			answer.Outcome = state.Outcome{Class: state.ClassWaiting, Code: "UnsupportedOperation", Message: "locked"}
			if try == tries-1 {
				answer.Stage, answer.Outcome = state.StageLive, state.Outcome{Class: state.ClassApplied, RequestID: fmt.Sprintf("request-%d", n)}
			}
			saved = append(saved, servetest.Saved(rec, e), servetest.Saved(rec, answer))
		}
	}
	s := servetest.NewDaemon(t, servetest.Healthy(servetest.EmptyPlan(), now), saved...).Serve(t)
	older := regexp.MustCompile(`rel="next" href="([^"]+)"`)
	seen, pages := map[string]bool{}, 0
	for path := "/history"; path != ""; pages++ {
		body := servetest.Page(t, s, path)
		for _, row := range servetest.Texts(t, body, "tr") {
			for n := range attempts {
				if strings.Contains(row, fmt.Sprintf("resume, version %d live 3 tries in 2 s request-%d Ada Lovelace 9fceb02d0ae5", n+1, n)) && strings.Contains(row, "commit orders") {
					seen[fmt.Sprint(n)] = true
				}
			}
		}
		path = ""
		if next := older.FindStringSubmatch(body); next != nil {
			path = next[1]
		}
	}
	// An attempt whose events go over the end of a page has a row on both.
	if len(seen) < attempts-pages || pages < 3 || pages > attempts/10 {
		t.Errorf("%d of %d attempts have a row of their own on %d pages", len(seen), attempts, pages)
	}
}
