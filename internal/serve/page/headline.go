package page

import (
	"slices"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/internal/serve/snapshot"
	"github.com/wedatasync/wedatasync/internal/text"
)

// headline is the condition of the daemon in a sentence, the worst first. started is the
// start of the daemon.
func headline(s *snapshot.Snapshot, reasons []explain.Reason, started time.Time) (t explain.Tone, headline, sub string) {
	p, sending := s.Progress()
	switch held := held(s); {
	case len(reasons) > 0:
		return explain.ToneBad, "Action required", reasonsText(reasons)
	case sending:
		// The headline is read aloud when it changes: how far it is goes below it.
		return explain.ToneBusy, "Committing " + text.PluralGrouped(p.Calls, "task"), "about " + snapshot.Span(p.Left) + " left"
	case s.Status.Plan == nil && s.Status.Source.Err != nil:
		return explain.ToneWait, "Waiting for the source", "it could not be read yet; it is tried again automatically"
	case s.Status.Plan == nil:
		return explain.ToneBusy, "Starting", "reading the source for the first time (" + snapshot.Span(s.Now.Sub(started)) + ")"
	case s.Status.Control.Suspended.Active(s.Now):
		return explain.ToneWait, "Suspended", "everything is left alone"
	case len(s.Pauses()) > 0:
		return explain.ToneWait, "Paused", "sending resumes automatically"
	case held > 0:
		return explain.ToneWait, waitText(held), "no action required: it is sent automatically"
	case s.Count(explain.Adopted) > 0 && s.Count(explain.ToSend)+len(s.Status.InFlight) == 0:
		return explain.ToneWait, "Not as git says", text.PluralGrouped(s.Count(explain.Adopted), "change") + " of others adopted: the specs say otherwise"
	case !s.InSync():
		return explain.ToneBusy, "Working", text.PluralGrouped(s.Count(explain.ToSend)+len(s.Status.InFlight), "task") + " to send"
	default:
		return explain.ToneOK, "In sync", "every task matches its spec"
	}
}

// reasonsText lists the kinds of reasons, each once.
func reasonsText(reasons []explain.Reason) string {
	var kinds []string
	for _, r := range reasons {
		if kind := r.Code.Text(); !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
	}
	return strings.Join(kinds, "; ")
}

func waitText(n int) string {
	if n == 1 {
		return "1 task waits"
	}
	return text.PluralGrouped(n, "task") + " wait"
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// held counts the tasks whose call is needed and not made now.
func held(s *snapshot.Snapshot) int {
	n := 0
	for _, i := range explain.States() {
		if i.Tone == explain.ToneWait || i.Tone == explain.ToneBad {
			n += s.Count(i.State)
		}
	}
	return n
}
