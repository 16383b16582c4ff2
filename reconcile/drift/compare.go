package drift

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/reconcile/proof"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// Of says how a task stands. want is its spec, or nil; have its record, or nil;
// seen what was told of it at the time at, or nil with the error of the read. It is
// pure and total.
//
// Only what is known counts: what was not told is no difference. While a commit of
// ours is open, or for some minutes after it, nothing is said: what is told then may
// be older than the commit. A lock is a person looking, and no drift; neither is a
// task that has failed, which nobody has stopped.
func Of(want *spec.Commit, have *state.Record, seen *LiveTask, readErr error, at time.Time) state.Drift {
	d := state.Drift{Kind: state.DriftUnmanaged}
	switch {
	case have != nil:
		d.Key = have.Key
	case want != nil:
		d.Key = want.Key
	case seen != nil:
		d.Key = seen.Key
	}
	gone := errors.Is(readErr, plan.ErrTaskGone) || seen != nil && seen.Live.Missing
	switch {
	case have != nil && have.Attempt != nil && (plan.IsOpen(have.Status) || have.Status == state.StatusApplied):
		d.Kind, d.Detail = state.DriftPending, "a commit of it is in progress, or its outcome is unknown"
	case have == nil || have.Applied == nil:
	case plan.IsFollowed(have):
		d.Kind, d.Detail = state.DriftPending, "it was started, and is followed until it runs"
	case readErr != nil && !gone:
		d.Kind, d.Detail = state.DriftUnknown, readErr.Error()
	case seen == nil && !gone:
		d.Kind, d.Detail = state.DriftUnknown, "it was not read"
	default:
		if gone {
			d.Kind, d.Detail = state.DriftGone, "WeData knows no such task; nothing is done about that"
		} else {
			d = Compare(want, have.Applied, seen)
		}
		if d.Kind.Drifted() && recent(have.Applied, at) {
			d = state.Drift{Key: have.Key, Kind: state.DriftPending, Detail: "it was committed " + plan.Stamp(have.Applied.At) + ", and may be on its way still"}
		}
	}
	return d
}

// recent reports whether what was told at a time may not know of the commit yet.
func recent(applied *state.Applied, at time.Time) bool {
	switch applied.Origin {
	case state.OriginAdopted, state.OriginImported, state.OriginDrift:
		return at.Before(applied.At) // there was no commit
	default:
		return at.Before(applied.At.Add(proof.SettleTime))
	}
}

// Compare says how what is live differs from what was applied, and what git wants of
// it.
func Compare(want *spec.Commit, applied *state.Applied, seen *LiveTask) state.Drift {
	d := difference{Key: seen.Key, Kind: state.DriftNone}
	if seen.Live.Locked || seen.Live.Locker != "" {
		d.Kind, d.Locker = state.DriftLocked, seen.Live.Locker
	}
	for _, differs := range []func(*spec.Commit, *state.Applied, *LiveTask) state.DriftKind{d.submission, d.version, d.running} {
		if kind := differs(want, applied, seen); kind != "" {
			d.Kind = kind
			break
		}
	}
	if !d.Kind.Drifted() {
		return state.Drift(d)
	}
	d.Operator, d.OperatedAt, d.Event = seen.Live.Operator, cmp.Or(seen.Live.UpdateTime, seen.EventTime), seen.Event
	return state.Drift(d)
}

// difference is a Drift that is being found.
type difference state.Drift

// submission notes that the task is not in production.
func (d *difference) submission(want *spec.Commit, applied *state.Applied, seen *LiveTask) state.DriftKind {
	if !seen.NotSubmitted {
		return ""
	}
	d.Detail = "no version of it is in production"
	d.Fields = append(d.Fields, state.DriftField{Name: "status", Git: plan.WantedStatus(want), Applied: plan.EndOf(applied.CommitType), Live: "not submitted"})
	return state.DriftNotSubmitted
}

// version notes that another version is live.
func (d *difference) version(want *spec.Commit, applied *state.Applied, seen *LiveTask) state.DriftKind {
	live := seen.Live.InstanceVersion
	if live == 0 || applied.InstanceVersion == 0 || live == applied.InstanceVersion {
		return ""
	}
	f := state.DriftField{Name: "instanceVersion", Applied: strconv.FormatInt(applied.InstanceVersion, 10), Live: strconv.FormatInt(live, 10)}
	if want != nil && want.InstanceVersion != 0 {
		f.Git = strconv.FormatInt(want.InstanceVersion, 10)
	}
	d.Fields = append(d.Fields, f)
	d.running(want, applied, seen) // both can differ; the version is the graver
	d.Detail = seen.Version.submitted()
	if want != nil && want.InstanceVersion == live {
		d.Detail = strings.TrimPrefix(d.Detail+"; it is the version that its spec asks for", "; ")
	}
	if live > applied.InstanceVersion {
		return state.DriftNewer
	}
	return state.DriftOlder
}

// submitted says who has submitted the version, and when; empty if neither is told.
func (v *Version) submitted() string {
	if v == nil || v.Submitter == "" && v.SubmittedAt == "" {
		return ""
	}
	said := fmt.Sprintf("version %d was submitted", v.Number)
	if v.Submitter != "" {
		said += " by " + v.Submitter
	}
	if v.SubmittedAt != "" {
		said += " on " + state.WeDataTime(v.SubmittedAt)
	}
	return said
}

// running notes that the task was started or stopped.
func (d *difference) running(want *spec.Commit, applied *state.Applied, seen *LiveTask) state.DriftKind {
	runs, told := seen.runs()
	kind := state.DriftKind("")
	switch {
	case !told || runs == applied.CommitType.Runs():
		return ""
	case !runs:
		kind = state.DriftStopped
	case applied.Idle:
		kind = state.DriftStarted
	default:
		return "" // a version that is only submitted leaves what ran running
	}
	d.Fields = append(d.Fields, state.DriftField{Name: "status", Git: plan.WantedStatus(want), Applied: plan.EndOf(applied.CommitType), Live: seen.Live.Status.String()})
	return kind
}
