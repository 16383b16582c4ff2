package reconcile

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// DriftKind says in a word how a task that is live differs from what was applied.
type DriftKind string

// The kinds of a Drift, the gravest first.
const (
	DriftGone         DriftKind = "gone"          // WeData knows no such task any more
	DriftNotSubmitted DriftKind = "not-submitted" // no version of it is in production any more
	DriftNewer        DriftKind = "newer"         // a newer version is live than was applied
	DriftOlder        DriftKind = "older"         // an older one is
	DriftStopped      DriftKind = "stopped"       // it was to run, and somebody has stopped or paused it
	DriftStarted      DriftKind = "started"       // it was only submitted, and somebody has started it
)

// The kinds of what is no drift.
const (
	DriftNone      DriftKind = "in-sync"   // as it was applied
	DriftLocked    DriftKind = "locked"    // as it was applied, and somebody has it open
	DriftUnknown   DriftKind = "unknown"   // it could not be read, which says nothing
	DriftPending   DriftKind = "pending"   // a commit of ours is under way, or has just been made
	DriftUnmanaged DriftKind = "unmanaged" // nothing was applied: there is nothing to differ from
)

// DriftKinds lists the kinds that are drift, the gravest first.
func DriftKinds() []DriftKind {
	return []DriftKind{DriftGone, DriftNotSubmitted, DriftNewer, DriftOlder, DriftStopped, DriftStarted}
}

// Drifted reports whether a task of the kind is not as it was applied.
func (k DriftKind) Drifted() bool {
	switch k {
	case DriftGone, DriftNotSubmitted, DriftNewer, DriftOlder, DriftStopped, DriftStarted:
		return true
	default:
		return false
	}
}

// Drift is how one task stands between what git wants, what was applied and what is
// live.
type Drift struct {
	Key    spec.Key
	Kind   DriftKind
	Fields []DriftField // what differs between applied and live; none unless it is drift

	Operator   string // who operated the task last, an account id; empty if that is not told
	OperatedAt string // when it last changed, by WeData's clock and as it says it
	Event      string // what was done, in WeData's words
	Locker     string // who has it open, an account id
	Detail     string // for people: why it is unknown, or what it means
}

// DriftField is one difference. A side that is not known is nil.
type DriftField struct {
	Name    string // "instanceVersion" or "status"
	Git     any    // what the spec says; nil if there is none that can be used
	Applied any
	Live    any
}

// DriftOf says how a task stands. want is its spec, or nil; have its record, or nil;
// seen what was told of it at the time at, or nil with the error of the read. It is
// pure and total.
//
// Only what is known counts: what was not told is no difference. While a commit of
// ours is open, or for some minutes after it, nothing is said: what is told then may
// be older than the commit. A lock is a person looking, and no drift; neither is a
// task that has failed, which nobody has stopped.
func DriftOf(want *spec.Commit, have *state.Record, seen *Sighting, readErr error, at time.Time) Drift {
	d := Drift{Kind: DriftUnmanaged}
	switch {
	case have != nil:
		d.Key = have.Key
	case want != nil:
		d.Key = want.Key
	case seen != nil:
		d.Key = seen.Key
	}
	gone := errors.Is(readErr, ErrTaskGone) || seen != nil && seen.Live.Missing
	switch {
	case have != nil && have.Attempt != nil && (isOpen(have.Status) || have.Status == state.StatusApplied):
		d.Kind, d.Detail = DriftPending, "a commit of it is under way or in doubt"
	case have == nil || have.Applied == nil:
	case readErr != nil && !gone:
		d.Kind, d.Detail = DriftUnknown, readErr.Error()
	case seen == nil && !gone:
		d.Kind, d.Detail = DriftUnknown, "it was not read"
	default:
		if gone {
			d.Kind, d.Detail = DriftGone, "WeData knows no such task; nothing is done about that"
		} else {
			d = Compare(want, have.Applied, seen)
		}
		if d.Kind.Drifted() && recent(have.Applied, at) {
			d = Drift{Key: have.Key, Kind: DriftPending, Detail: "it was committed " + stamp(have.Applied.At) + ", and may be on its way still"}
		}
	}
	return d
}

// recent reports whether what was told at a time may not know of the commit yet.
func recent(applied *state.Applied, at time.Time) bool {
	switch applied.Origin {
	case state.OriginAdopted, state.OriginImported:
		return at.Before(applied.At) // there was no commit
	default:
		return at.Before(applied.At.Add(settleTime))
	}
}

// Compare says how what is live differs from what was applied, and what git wants of
// it.
func Compare(want *spec.Commit, applied *state.Applied, seen *Sighting) Drift {
	d := Drift{Key: seen.Key, Kind: DriftNone}
	if seen.Live.Locked || seen.Live.Locker != "" {
		d.Kind, d.Locker = DriftLocked, seen.Live.Locker
	}
	for _, differs := range []func(*spec.Commit, *state.Applied, *Sighting) DriftKind{d.submission, d.version, d.running} {
		if kind := differs(want, applied, seen); kind != "" {
			d.Kind = kind
			break
		}
	}
	if !d.Kind.Drifted() {
		return d
	}
	d.Operator, d.OperatedAt, d.Event = seen.Operator, cmp.Or(seen.Live.UpdateTime, seen.EventTime), seen.Event
	return d
}

// submission notes that the task is not in production.
func (d *Drift) submission(want *spec.Commit, applied *state.Applied, seen *Sighting) DriftKind {
	if !seen.NotSubmitted {
		return ""
	}
	d.Detail = "no version of it is in production"
	d.Fields = append(d.Fields, DriftField{Name: "status", Git: wantedStatus(want), Applied: endOf(applied.CommitType), Live: "not submitted"})
	return DriftNotSubmitted
}

// version notes that another version is live.
func (d *Drift) version(want *spec.Commit, applied *state.Applied, seen *Sighting) DriftKind {
	live := seen.Live.InstanceVersion
	if live == 0 || applied.InstanceVersion == 0 || live == applied.InstanceVersion {
		return ""
	}
	f := DriftField{Name: "instanceVersion", Applied: applied.InstanceVersion, Live: live}
	if want != nil {
		f.Git = orNil(want.InstanceVersion)
	}
	d.Fields = append(d.Fields, f)
	d.running(want, applied, seen) // both can differ; the version is the graver
	if want != nil && want.InstanceVersion == live {
		d.Detail = "it is the version that its spec asks for"
	}
	if live > applied.InstanceVersion {
		return DriftNewer
	}
	return DriftOlder
}

// running notes that the task was started or stopped.
func (d *Drift) running(want *spec.Commit, applied *state.Applied, seen *Sighting) DriftKind {
	runs, told := seen.runs()
	kind := DriftKind("")
	switch {
	case !told || runs == applied.CommitType.Runs():
		return ""
	case !runs:
		kind = DriftStopped
	case applied.Idle:
		kind = DriftStarted
	default:
		return "" // a version that is only submitted leaves what ran running
	}
	d.Fields = append(d.Fields, DriftField{Name: "status", Git: wantedStatus(want), Applied: endOf(applied.CommitType), Live: statusName(seen.Live.Status)})
	return kind
}

func wantedStatus(want *spec.Commit) any {
	if want == nil {
		return nil
	}
	return endOf(want.CommitType)
}

// endOf says where a commit brings a task.
func endOf(t spec.CommitType) string {
	if t.Runs() {
		return "running"
	}
	return "submitted"
}

// statusName writes WeData's status in its own words.
func statusName(s state.TaskStatus) string {
	switch s {
	case state.TaskNotStarted:
		return "not started"
	case state.TaskRunning:
		return "running"
	case state.TaskPaused:
		return "paused"
	case state.TaskStopped:
		return "stopped"
	default:
		return fmt.Sprintf("status %d", s)
	}
}
