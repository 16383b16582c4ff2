package serve

import (
	"slices"
	"strings"
	"time"
)

// headline says in a sentence how the daemon stands, the worst first.
// started is when the daemon was.
func (l *look) headline(reasons []Reason, started time.Time) (t tone, headline, sub string) {
	p, sending := l.progress()
	switch held := l.held(); {
	case len(reasons) > 0:
		return toneBad, "A person is needed", reasonsText(reasons)
	case sending:
		// The headline is read aloud when it changes: how far it is goes below it.
		return toneBusy, "Committing " + plural(p.Calls, "task"), "about " + span(p.Left) + " left"
	case l.status.Plan == nil && l.status.Source.Err != nil:
		return toneWait, "Waiting for the source", "it could not be read yet; it is tried again by itself"
	case l.status.Plan == nil:
		return toneBusy, "Starting", "reading the source for the first time (" + span(l.now.Sub(started)) + ")"
	case l.status.Control.Suspended.Active(l.now):
		return toneWait, "Suspended", "everything is left alone"
	case len(l.pauses()) > 0:
		return toneWait, "Paused", "sends go on by themselves"
	case held > 0:
		return toneWait, waitText(held), "nobody is needed: it goes on by itself"
	case l.count(standAdopted) > 0 && l.count(standToSend)+len(l.status.Flying) == 0:
		return toneWait, "Not as git says", plural(l.count(standAdopted), "change") + " of others adopted: the specs say otherwise"
	case !l.inSync():
		return toneBusy, "Working", plural(l.count(standToSend)+len(l.status.Flying), "task") + " to send"
	default:
		return toneOK, "In sync", "every task is as its spec says"
	}
}

// reasonsText says what kinds of things need a person, each once.
func reasonsText(reasons []Reason) string {
	var kinds []string
	for _, r := range reasons {
		if kind := reasonText(r.Code); !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
	}
	return strings.Join(kinds, "; ")
}

func reasonText(code ReasonCode) string {
	switch code {
	case ReasonState:
		return "the state cannot be written"
	case ReasonCredentials:
		return "WeData does not take the credentials"
	case ReasonUnknown:
		return "an outcome is unknown"
	case ReasonGuard:
		return "a guard holds the plan"
	case ReasonRefused:
		return "a commit was refused"
	case ReasonNotRunning:
		return "a task does not run"
	case ReasonContested:
		return "others change again what is healed"
	case ReasonNotLive:
		return "an accepted commit was not seen live"
	case ReasonAlreadyLive:
		return "what is wanted is live already"
	case ReasonNewerLive:
		return "a newer version is live"
	case ReasonRecalled:
		return "a spec is back whose applied version is not known"
	case ReasonSpent:
		return "a discardState was used already"
	case ReasonSpecs:
		return "specs have errors"
	case ReasonSignature:
		return "the newest revision is not verified"
	default:
		return "the source cannot be read"
	}
}

func waitText(n int) string {
	if n == 1 {
		return "1 task waits"
	}
	return plural(n, "task") + " wait"
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// held counts the tasks whose call is needed and not made now.
func (l *look) held() int {
	n := 0
	for _, i := range standings() {
		if i.tone == toneWait || i.tone == toneBad {
			n += l.count(i.standing)
		}
	}
	return n
}
