package snapshot

import (
	"errors"
	"fmt"
	"time"

	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// Readiness says why an operator is needed; nothing if none is. What ends by itself,
// such as a lock, a back-off, a window or a long first pass, is no reason.
// interval is the time between two polls of the source.
func Readiness(s reconcile.Status, now time.Time, interval time.Duration) []Reason {
	return readiness(s, newDigest(s.Plan), now, interval)
}

// readiness is Readiness with the plan counted already.
func readiness(s reconcile.Status, d *Digest, now time.Time, interval time.Duration) []Reason {
	var reasons []Reason
	if r, ok := stateReason(s.Store, now, interval); ok {
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
			Code: ReasonUnknown, Key: &c.Key, Commands: explain.Unknown.Info().For(c.Key).Commands,
			Message: fmt.Sprintf("the outcome of the last commit of %s is not known: %s", text.Visible(c.Key.String()), text.Visible(c.Have.Attempt.NeedsOperator)),
		})
	}
	reasons = more(reasons, ReasonUnknown, len(d.Unresolved), "commits have an unknown outcome that only an operator can resolve")
	reasons = append(reasons, guardReasons(d.Plan)...)
	for _, code := range ReasonCodes() {
		if st, ok := code.State(); ok && st != explain.Unknown {
			if r, ok := d.tasksReason(st, code); ok {
				reasons = append(reasons, r)
			}
		}
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

// PassesByItself reports whether the cause of a pause ends by itself: a fault of the network
// or of the endpoint. Any other pause says that WeData rejects the credentials or the request.
func PassesByItself(p state.Pause) bool {
	switch p.Code {
	case "Timeout", "UnknownHost", "NoConnection", "ConnectionBroken", "NetworkFault", "Canceled", "Late", "EndpointFailing":
		return true
	default:
		return false
	}
}

func guardReasons(p *plan.Plan) []Reason {
	var reasons []Reason
	for _, h := range p.Holds {
		if h.Guard == GuardWindows {
			continue
		}
		r := Reason{Code: ReasonGuard, Message: fmt.Sprintf("%s holds the plan: %s", h.Guard, text.Visible(h.Message))}
		if h.Approvable {
			r.Commands = []string{ApproveCommand(p)}
		}
		reasons = append(reasons, r)
	}
	return reasons
}

// GuardWindows is the guard whose hold ends by itself.
const GuardWindows = "windows"

// tasksReason is about the tasks in the state, with commands if there is a single one;
// false if there is none.
func (d *Digest) tasksReason(s explain.State, code ReasonCode) (Reason, bool) {
	switch tasks := d.by[s]; len(tasks) {
	case 0:
		return Reason{}, false
	case 1:
		c := &d.Plan.Changes[tasks[0]]
		of := explain.Of(c)
		message := c.Key.String() + ": " + of.Reason()
		if len(of.Commands) == 0 {
			message += "; " + of.Next
		}
		return Reason{Code: code, Key: &c.Key, Commands: of.Commands, Message: text.Visible(message)}, true
	default:
		info := s.Info()
		return Reason{Code: code, Message: fmt.Sprintf("%s tasks are %s: %s; %s", Grouped(len(tasks)), info.Label, info.Meaning, info.Next)}, true
	}
}

func specsReason(d *Digest) (Reason, bool) {
	if d.Errors == 0 {
		return Reason{}, false
	}
	for _, p := range d.Plan.Problems {
		if p.Severity == spec.SeverityError {
			return Reason{Code: ReasonSpecs, Message: fmt.Sprintf("%s: %s", Plural(d.Errors, "error"), text.Visible(p.String()))}, true
		}
	}
	return Reason{}, false
}

// approveCommit is how an operator lets the commit count that is at fault, if one is.
func approveCommit(err error) []string {
	if u, ok := errors.AsType[*plan.Unverified](err); ok {
		return []string{"wedatasync approve " + u.Fault.Commit}
	}
	return nil
}

// SourceReason is about a source that has failed for longer than two intervals, or
// since the start. That its newest revision is not signed is a reason at once. p is the plan
// for the revision that is in use; nil if none is.
func SourceReason(h reconcile.Health, p *plan.Plan, now time.Time, interval time.Duration) (Reason, bool) {
	switch unverified := errors.Is(h.Err, reconcile.ErrUnverified); {
	case unverified && p == nil:
		return Reason{Code: ReasonSignature, Message: "nothing is applied: " + ErrorText(h.Err), Commands: approveCommit(h.Err)}, true
	case unverified:
		text := fmt.Sprintf("revision %s stays, and nothing newer is applied: %s", text.Visible(Short(p.Source.Revision)), ErrorText(h.Err))
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
