package state

import (
	"slices"
	"time"

	"github.com/wedatasync/wedatasync/spec"
)

// DriftKind says how a task that is live differs from what was applied.
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
func (k DriftKind) Drifted() bool { return slices.Contains(DriftKinds(), k) }

// Drift is how one task stands between what git wants, what was applied and what is
// live.
type Drift struct {
	Key    spec.Key     `json:"key"`
	Kind   DriftKind    `json:"kind"`
	Fields []DriftField `json:"fields,omitempty"` // what differs between applied and live; none unless it is drift

	Operator   string `json:"operator,omitempty"`    // who operated the task last, an account id; empty if that is not told
	OperatedAt string `json:"operated_at,omitempty"` // when it last changed, by WeData's clock and as it says it
	Event      string `json:"event,omitempty"`       // what was done, in WeData's words
	Locker     string `json:"locker,omitempty"`      // who has it open, an account id
	Detail     string `json:"detail,omitempty"`      // for people: why it is unknown, or what it means

	Since time.Time `json:"since,omitzero"` // when it was first seen so; zero if that is not kept

	WhyReported string `json:"answer,omitempty"` // for people: why no more is done about it than to report it, where that is the policy
}

// DriftField is one difference. A side that is not known is empty.
type DriftField struct {
	Name    string `json:"name"`          // "instanceVersion" or "status"
	Git     string `json:"git,omitempty"` // what the spec says; empty if there is none that can be used
	Applied string `json:"applied,omitempty"`
	Live    string `json:"live,omitempty"`
}

// Drifted is what is remembered of a task that others have changed, where more is done
// about that than to report it. No part of it is ever changed in place.
type Drifted struct {
	// Over is what had been applied before a change was adopted. As long as the spec
	// asks for no more than that, nothing is sent. nil: nothing was adopted, or the spec
	// has caught up.
	Over *Applied `json:"over,omitempty"`
	// Undo is the change that a heal is to undo, as it was last seen; nil: none.
	Undo *Drift `json:"undo,omitempty"`
	// Heals are those that were sent since the last release, the oldest first: no more
	// than the rule that bounds them has to know.
	Heals []Heal `json:"heals,omitempty"`
}

// Heal is a commit that was sent because of drift.
type Heal struct {
	At         time.Time `json:"at"`
	OperatedAt string    `json:"operated_at,omitempty"` // of the change that it was to undo: Drift.OperatedAt
}

// DriftScan is what the last scan of what is live has found.
type DriftScan struct {
	At      time.Time         `json:"at"`
	Tasks   int               `json:"tasks"`             // that were looked for
	Unknown int               `json:"unknown,omitempty"` // of them, that could not be read
	Error   string            `json:"error,omitempty"`   // why, for one of these
	Kinds   map[DriftKind]int `json:"kinds,omitempty"`   // of them, that have drifted
	Drifted []Drift           `json:"drifted,omitempty"` // at most MaxDrifted of these, in order of key
}

// MaxDrifted bounds DriftScan.Drifted.
const MaxDrifted = 200

// Count returns how many tasks have drifted.
func (l *DriftScan) Count() int {
	if l == nil {
		return 0
	}
	n := 0
	for _, kind := range l.Kinds {
		n += kind
	}
	return n
}

// Of returns how the task has drifted, or nil if it has not, as far as is kept.
func (l *DriftScan) Of(key spec.Key) *Drift {
	if l == nil {
		return nil
	}
	i, found := slices.BinarySearchFunc(l.Drifted, key, func(d Drift, key spec.Key) int { return d.Key.Compare(key) })
	if !found {
		return nil
	}
	return &l.Drifted[i]
}

// weDataZone is the zone of the times that WeData writes without one.
var weDataZone = time.FixedZone("+08:00", 8*60*60)

// ParseWeDataTime reads a time as WeData writes it.
func ParseWeDataTime(said string) (time.Time, bool) {
	at, err := time.ParseInLocation(time.DateTime, said, weDataZone)
	return at, err == nil
}

// WeDataTime writes a time of WeData with its zone, and in UTC beside it; a text that is no
// such time stays as it is.
func WeDataTime(said string) string {
	at, ok := ParseWeDataTime(said)
	if !ok {
		return said
	}
	return at.Format(time.DateTime+" -07:00") + " (" + at.UTC().Format(time.RFC3339) + ")"
}
