package snapshot

import (
	"errors"
	"fmt"
	"time"

	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/state"
)

// Readiness says why an operator is needed; nothing if none is. What ends by itself,
// such as a lock, a back-off, a window or a long first pass, is no reason.
// interval is the time between two polls of the source.
func Readiness(s reconcile.Status, now time.Time, interval time.Duration) []explain.Reason {
	return readiness(s, newDigest(s.Plan, s.DriftScan), now, interval)
}

// readiness is Readiness with the plan counted already. Reasons that are about the daemon come
// first, and those about its source last.
func readiness(s reconcile.Status, d *Digest, now time.Time, interval time.Duration) []explain.Reason {
	var reasons []explain.Reason
	if r, ok := stateReason(s.Store, now, interval); ok {
		reasons = append(reasons, r)
	}
	reasons = append(reasons, d.Reasons(s.Control.Pauses, now.Add(-2*interval))...)
	if r, ok := SourceReason(s.Source, s.Plan, now, interval); ok {
		reasons = append(reasons, r)
	}
	return reasons
}

// stateReason is about writing the state. That another program was writing for a
// moment is no reason yet.
func stateReason(h reconcile.Health, now time.Time, interval time.Duration) (explain.Reason, bool) {
	if h.Err == nil || errors.Is(h.Err, state.ErrBusy) && now.Sub(h.OK) <= 2*interval {
		return explain.Reason{}, false
	}
	return explain.Reason{Code: explain.ReasonState, Message: "the state cannot be written, so nothing is sent: " + ErrorText(h.Err)}, true
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
func SourceReason(h reconcile.Health, p *plan.Plan, now time.Time, interval time.Duration) (explain.Reason, bool) {
	switch unverified := errors.Is(h.Err, reconcile.ErrUnverified); {
	case unverified && p == nil:
		return explain.Reason{Code: explain.ReasonSignature, Message: "nothing is applied: " + ErrorText(h.Err), Commands: approveCommit(h.Err)}, true
	case unverified:
		text := fmt.Sprintf("revision %s stays, and nothing newer is applied: %s", text.Visible(Short(p.Source.Revision)), ErrorText(h.Err))
		return explain.Reason{Code: explain.ReasonSignature, Message: text, Commands: approveCommit(h.Err)}, true
	}
	if h.Err == nil || !h.OK.IsZero() && now.Sub(h.OK) <= 2*interval {
		return explain.Reason{}, false
	}
	since := "since the start"
	if !h.OK.IsZero() {
		since = "for " + Span(now.Sub(h.OK))
	}
	return explain.Reason{Code: explain.ReasonSource, Message: fmt.Sprintf("the source could not be read %s: %s", since, ErrorText(h.Err))}, true
}
