package snapshot

import (
	"errors"
	"fmt"
	"time"

	"github.com/wedatasync/wedatasync/internal/report"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// ReasonCode says what kind of thing a person has to do. The codes are a closed set.
type ReasonCode string

// The codes of a Reason.
const (
	ReasonState       ReasonCode = "state"        // the state cannot be written
	ReasonCredentials ReasonCode = "credentials"  // WeData accepts the credentials not at all, or not for a project
	ReasonUnknown     ReasonCode = "unknown"      // only a person can say what became of a commit
	ReasonGuard       ReasonCode = "guard"        // a guard holds the plan
	ReasonRefused     ReasonCode = "refused"      // WeData refused a commit
	ReasonNotRunning  ReasonCode = "not-running"  // what was applied did not come to run
	ReasonContested   ReasonCode = "contested"    // a task is changed by others again whenever it is healed
	ReasonNotLive     ReasonCode = "not-live"     // an accepted commit was not seen live in time
	ReasonAlreadyLive ReasonCode = "already-live" // what is wanted is live, by an operation that the state does not know
	ReasonNewerLive   ReasonCode = "newer-live"   // a newer version is live than is wanted
	ReasonRecalled    ReasonCode = "recalled"     // a spec is back, and it is not known which version was applied
	ReasonSpent       ReasonCode = "spent"        // an acknowledgement of lost state was used already
	ReasonSpecs       ReasonCode = "specs"        // a file or a commit of the source cannot be used
	ReasonSource      ReasonCode = "source"       // the source cannot be read
	ReasonSignature   ReasonCode = "signature"    // the newest revision is not signed by whom it has to be
	// The configuration on disk cannot be used, or not without a restart.
	ReasonConfiguration ReasonCode = "configuration"
)

// ReasonCodes lists the codes, the most urgent first.
func ReasonCodes() []ReasonCode {
	return []ReasonCode{ReasonState, ReasonCredentials, ReasonUnknown, ReasonGuard, ReasonRefused, ReasonNotRunning, ReasonNotLive, ReasonAlreadyLive, ReasonNewerLive, ReasonContested, ReasonRecalled, ReasonSpent, ReasonSpecs, ReasonSignature, ReasonSource, ReasonConfiguration}
}

// ReasonTitle names a code to people.
func ReasonTitle(code ReasonCode) string {
	switch code {
	case ReasonState:
		return "State"
	case ReasonCredentials:
		return "Credentials"
	case ReasonUnknown:
		return "Unknown outcomes"
	case ReasonGuard:
		return "Guard"
	case ReasonRefused:
		return "Refused commits"
	case ReasonNotRunning:
		return "Not running"
	case ReasonContested:
		return "Contested"
	case ReasonNotLive:
		return "Not live"
	case ReasonAlreadyLive:
		return "Already live"
	case ReasonNewerLive:
		return "Newer live"
	case ReasonRecalled:
		return "Applied before"
	case ReasonSpent:
		return "discardState used"
	case ReasonSpecs:
		return "Specs"
	case ReasonSignature:
		return "Signature"
	case ReasonConfiguration:
		return "Configuration"
	default:
		return "Source"
	}
}

// Reason is why a person is needed: what has happened, and what to do.
type Reason struct {
	Code    ReasonCode `json:"code"`
	Message string     `json:"message"` // one line
	// Commands are what to type, one of them, as a shell takes them; empty if no
	// command helps.
	Commands []string `json:"commands,omitempty"`
	// Key is the task that Message is about; nil if it is about more.
	Key *spec.Key `json:"task,omitempty"`
}

// Readiness says why a person is needed; nothing if nobody is. What ends by itself,
// such as a lock, a back-off, a window or a long first pass, is no reason.
// interval is the time between two polls of the source.
func Readiness(s reconcile.Status, now time.Time, interval time.Duration) []Reason {
	return readiness(s, newDigest(s.Plan), now, interval)
}

// readiness is Readiness with the plan counted already.
func readiness(s reconcile.Status, d *Digest, now time.Time, interval time.Duration) []Reason {
	var reasons []Reason
	if r, ok := stateReason(s.Ledger, now, interval); ok {
		reasons = append(reasons, r)
	}
	// A pause ends with the next try, and is forgotten when that goes well. Where there
	// is nothing to try any more it stays, and means nothing.
	for _, p := range s.Control.Pauses {
		if !PassesByItself(p) && now.Before(p.Until.Add(2*interval)) {
			reasons = append(reasons, Reason{Code: ReasonCredentials, Message: PauseText(p)})
		}
	}
	for _, i := range d.Unresolved[:min(len(d.Unresolved), maxNamed)] {
		c := &d.Plan.Changes[i]
		reasons = append(reasons, Reason{
			Code: ReasonUnknown, Key: &c.Key, Commands: ResolveCommands(c.Key),
			Message: fmt.Sprintf("the outcome of the last commit of %s is not known: %s", report.Visible(c.Key.String()), report.Visible(c.Have.Attempt.NeedsPerson)),
		})
	}
	reasons = more(reasons, ReasonUnknown, len(d.Unresolved), "commits have an outcome that only a person can tell")
	reasons = append(reasons, guardReasons(d.Plan)...)
	if r, ok := refusedReason(d); ok {
		reasons = append(reasons, r)
	}
	if r, ok := notRunningReason(d); ok {
		reasons = append(reasons, r)
	}
	reasons = append(reasons, liveReasons(d)...)
	if r, ok := contestedReason(d); ok {
		reasons = append(reasons, r)
	}
	if r, ok := recalledReason(d); ok {
		reasons = append(reasons, r)
	}
	if r, ok := spentReason(d); ok {
		reasons = append(reasons, r)
	}
	if r, ok := specsReason(d); ok {
		reasons = append(reasons, r)
	}
	if r, ok := SourceReason(s.Source, s.Plan, now, interval); ok {
		reasons = append(reasons, r)
	}
	return reasons
}

// maxNamed is how many of many alike are named one by one.
const maxNamed = 5

// more adds how many there are in all, if not all were named.
func more(reasons []Reason, code ReasonCode, all int, what string) []Reason {
	if all <= maxNamed {
		return reasons
	}
	return append(reasons, Reason{Code: code, Message: fmt.Sprintf("in all %s %s", Grouped(all), what)})
}

// stateReason is about writing the state. That another program was writing for a
// moment is no reason yet.
func stateReason(h reconcile.Health, now time.Time, interval time.Duration) (Reason, bool) {
	if h.Err == nil || errors.Is(h.Err, state.ErrBusy) && now.Sub(h.OK) <= 2*interval {
		return Reason{}, false
	}
	return Reason{Code: ReasonState, Message: "the state cannot be written, so nothing is sent: " + ErrorText(h.Err)}, true
}

// PassesByItself reports whether what makes a pause ends by itself: the network, or the endpoint, is in
// the way. Anything else says that WeData does not take who asks, or how.
func PassesByItself(p state.Pause) bool {
	switch p.Code {
	case "Timeout", "UnknownHost", "NoConnection", "ConnectionBroken", "NetworkFault", "Canceled", "Late", "EndpointFailing":
		return true
	default:
		return false
	}
}

func guardReasons(p *reconcile.Plan) []Reason {
	var reasons []Reason
	for _, h := range p.Holds {
		if h.Guard == GuardWindows {
			continue
		}
		r := Reason{Code: ReasonGuard, Message: fmt.Sprintf("%s holds the plan: %s", h.Guard, report.Visible(h.Message))}
		if h.Approvable {
			r.Commands = []string{ApproveCommand(p)}
		}
		reasons = append(reasons, r)
	}
	return reasons
}

// GuardWindows is the guard whose hold ends by itself.
const GuardWindows = "windows"

func refusedReason(d *Digest) (Reason, bool) {
	return retryReason(d, StateRefused, ReasonRefused,
		func(c *reconcile.Change) string {
			return fmt.Sprintf("WeData refused the commit of %s: change the spec, or say retry", report.Visible(c.Key.String()))
		},
		"WeData refused %s commits: change their specs, or say retry")
}

func notRunningReason(d *Digest) (Reason, bool) {
	return retryReason(d, StateNotRunning, ReasonNotRunning,
		func(c *reconcile.Change) string {
			return fmt.Sprintf("%s was applied and does not run: %s", report.Visible(c.Key.String()), report.Visible(c.Have.Applied.Run.Detail))
		},
		"%s tasks were applied and do not run: look at them in WeData, and then say retry")
}

func contestedReason(d *Digest) (Reason, bool) {
	return retryReason(d, StateContested, ReasonContested,
		func(c *reconcile.Change) string {
			return fmt.Sprintf("%s is not healed: %s", report.Visible(c.Key.String()), report.Visible(c.Detail))
		},
		"%s tasks are changed by others again whenever they are healed: change their specs, or say retry")
}

// liveReasons are about commits that what is live does not agree with.
func liveReasons(d *Digest) []Reason {
	var reasons []Reason
	for _, kind := range []struct {
		state TaskState
		code  ReasonCode
		many  string
	}{
		{StateNotLive, ReasonNotLive, "%s accepted commits were not seen live: check their tasks in WeData, then say resolve"},
		{StateAlreadyLive, ReasonAlreadyLive, "%s tasks are live already as their specs ask, by operations that the state does not know: say resolve or retry, or take over what is live with import"},
		{StateNewerLive, ReasonNewerLive, "%s tasks are live at newer versions than their specs ask for: change the specs, or say retry"},
	} {
		one := func(c *reconcile.Change) string {
			return fmt.Sprintf("%s: %s", report.Visible(c.Key.String()), report.Visible(c.Detail))
		}
		r, ok := retryReason(d, kind.state, kind.code, one, kind.many)
		if !ok {
			continue
		}
		switch {
		case r.Key == nil:
		case kind.state == StateNotLive:
			r.Commands = ResolveCommands(*r.Key)
		case kind.state == StateAlreadyLive:
			r.Commands = []string{TaskCommand("resolve", *r.Key) + " applied", TaskCommand("retry", *r.Key)}
		}
		reasons = append(reasons, r)
	}
	return reasons
}

func recalledReason(d *Digest) (Reason, bool) {
	return retryReason(d, StateRecalled, ReasonRecalled,
		func(c *reconcile.Change) string {
			return fmt.Sprintf("the spec of %s is back: %s", report.Visible(c.Key.String()), report.Visible(c.Detail))
		},
		"the specs of %s tasks are back, and it is not known which versions were applied: import them, or say retry")
}

func spentReason(d *Digest) (Reason, bool) {
	r, ok := retryReason(d, StateSpent, ReasonSpent,
		func(c *reconcile.Change) string {
			return fmt.Sprintf("%s is held: %s", report.Visible(c.Key.String()), report.Visible(c.Detail))
		},
		"the discardState of %s tasks was used already: change their specs")
	r.Commands = nil // another spec is needed
	return r, ok
}

// retryReason is the reason of tasks that stand so until a person says retry: what one
// says of a single one, with the command, and many of several, by their number.
func retryReason(d *Digest, ts TaskState, code ReasonCode, one func(*reconcile.Change) string, many string) (Reason, bool) {
	switch tasks := d.by[ts]; len(tasks) {
	case 0:
		return Reason{}, false
	case 1:
		c := &d.Plan.Changes[tasks[0]]
		return Reason{Code: code, Key: &c.Key, Commands: []string{TaskCommand("retry", c.Key)}, Message: one(c)}, true
	default:
		return Reason{Code: code, Message: fmt.Sprintf(many, Grouped(len(tasks)))}, true
	}
}

func specsReason(d *Digest) (Reason, bool) {
	if d.Errors == 0 {
		return Reason{}, false
	}
	for _, p := range d.Plan.Problems {
		if p.Severity == spec.SeverityError {
			return Reason{Code: ReasonSpecs, Message: fmt.Sprintf("%s: %s", Plural(d.Errors, "error"), report.Visible(p.String()))}, true
		}
	}
	return Reason{}, false
}

// approveCommit is how an operator lets the commit count that is at fault, if one is.
func approveCommit(err error) []string {
	if u, ok := errors.AsType[*reconcile.Unverified](err); ok {
		return []string{"wedatasync approve " + u.Fault.Commit}
	}
	return nil
}

// SourceReason is about a source that has failed for longer than two intervals, or
// since the start. That its newest revision is not signed is a reason at once. p is the plan
// for the revision that stands; nil if none does.
func SourceReason(h reconcile.Health, p *reconcile.Plan, now time.Time, interval time.Duration) (Reason, bool) {
	switch unverified := errors.Is(h.Err, reconcile.ErrUnverified); {
	case unverified && p == nil:
		return Reason{Code: ReasonSignature, Message: "nothing is applied: " + ErrorText(h.Err), Commands: approveCommit(h.Err)}, true
	case unverified:
		text := fmt.Sprintf("revision %s stays, and nothing newer is applied: %s", report.Visible(Short(p.Source.Revision)), ErrorText(h.Err))
		return Reason{Code: ReasonSignature, Message: text, Commands: approveCommit(h.Err)}, true
	}
	if h.Err == nil || !h.OK.IsZero() && now.Sub(h.OK) <= 2*interval {
		return Reason{}, false
	}
	since := "since the start"
	if !h.OK.IsZero() {
		since = "for " + Span(now.Sub(h.OK))
	}
	return Reason{Code: ReasonSource, Message: fmt.Sprintf("the source could not be read %s: %s", since, ErrorText(h.Err))}, true
}
