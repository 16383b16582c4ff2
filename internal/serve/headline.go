package serve

import (
	"strings"
)

// headline says in a sentence how the daemon stands, the worst first.
func (l *look) headline(reasons []Reason) (t tone, headline, sub string) {
	p, sending := l.progress()
	switch held := l.held(); {
	case len(reasons) > 0:
		return toneBad, "A person is needed", thingsText(len(reasons))
	case sending:
		// The headline is read aloud when it changes: how far it is goes below it.
		return toneBusy, "Committing " + plural(p.Calls, "task"), "about " + span(p.Left) + " left"
	case l.status.Plan == nil && l.status.Source.Err != nil:
		return toneWait, "Waiting for the source", "it could not be read yet; it is tried again by itself"
	case l.status.Plan == nil:
		return toneBusy, "Starting", "the source is being read for the first time"
	case l.status.Control.Suspended.Active(l.now):
		return toneWait, "Suspended", "everything is left alone"
	case len(l.pauses()) > 0:
		return toneWait, "Paused", "sends go on by themselves"
	case held > 0:
		return toneWait, plural(held, "task") + " " + waitVerb(held), "nobody is needed; they are sent by themselves"
	case !l.inSync():
		return toneBusy, "Working", plural(l.count(standToSend)+len(l.status.Flying), "task") + " to send"
	default:
		return toneOK, "In sync", "every task is as its spec says"
	}
}

func thingsText(n int) string {
	if n == 1 {
		return "one thing will not end by itself"
	}
	return grouped(n) + " things will not end by themselves"
}

func waitVerb(n int) string {
	if n == 1 {
		return "waits"
	}
	return "wait"
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// held counts the tasks whose call is needed and not made now.
func (l *look) held() int {
	n := 0
	for _, i := range standings() {
		if (i.tone == toneWait || i.tone == toneBad) && i.standing != standApproval {
			n += l.count(i.standing)
		}
	}
	return n
}
