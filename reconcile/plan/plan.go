package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"iter"
	"slices"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/proof"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// AgainstLive is the Against of a plan that was compared with what is live.
const AgainstLive = "live"

// Plan is what a pass would do, and why: the result of [Diff], filtered by the
// guards. Tasks that are as they should be are counted, not listed.
type Plan struct {
	Source   SourceInfo
	State    StateInfo
	Against  string // what was compared with instead of a state, such as "main" or AgainstLive; empty for a state
	Changes  []Change
	Wanted   spec.Commits  // what the specs say, of tasks that are as they should be, too
	Drift    []state.Drift // tasks that are not simply live as they were applied; nil if that was not looked at
	Holds    []GuardHold
	Problems spec.Problems
	Skipped  []Skipped // tasks without a usable spec that are left as they are, in order of key

	orphans   []spec.Key    // that have a record and no usable spec
	Specs     int           // valid specs
	Managed   int           // tasks that are managed
	Unchanged int           // tasks that are as their spec says
	Hash      string        // of what the plan does to tasks, or would do if no guard held it
	Approved  string        // who approved the plan past its guards; empty if nobody had to
	takesOver string        // the revision that a rewritten history would make the last one; empty if none
	passed    []string      // the guards that approvals let it pass
	halted    []spec.Digest // the effects of what its holds hold
}

// SourceInfo names the revision a plan was made for.
type SourceInfo struct {
	URL      string // without userinfo
	Branch   string
	Revision string
	Author   string
	Subject  string
	// Unverified says why the newest revision is not this one, but this the last that was
	// verified; empty if it is.
	Unverified string
}

// StateInfo names the state a plan was compared with; zero when there was none, or
// when it was compared with something else: Plan.Against.
type StateInfo struct {
	Lineage string
	Serial  int64
}

// Action is what the plan does with a task.
type Action string

// The actions of a Change.
const (
	ActionCommit      Action = "commit"      // a call will be made
	ActionHold        Action = "hold"        // a call is needed and will not be made now; Change.Hold says why
	ActionForget      Action = "forget"      // the spec is gone: the task is no longer managed, no call
	ActionReturn      Action = "return"      // the spec is back, as it was applied: the task is managed again, no call
	ActionUnversioned Action = "unversioned" // changed without a new version: nothing will be sent
	ActionFollow      Action = "follow"      // accepted, and followed until it is live, and runs where its spec waits for that
)

// Reason says which rule asks for the call.
type Reason string

// The reasons of a Change, in the order in which the rules are tried.
const (
	ReasonNew      Reason = "new"
	ReasonVersion  Reason = "version"
	ReasonRollback Reason = "rollback"
	ReasonStart    Reason = "start"
	ReasonRerun    Reason = "rerun"
	ReasonContent  Reason = "content"
	ReasonDrift    Reason = "drift" // somebody else has changed the task, and that is healed
)

// HoldReason says why a needed call is not made now.
type HoldReason string

// The reasons of a hold.
const (
	HoldLocked     HoldReason = "locked"     // someone has the task open in WeData
	HoldWaiting    HoldReason = "waiting"    // backing off after another answer that may change
	HoldSuspended  HoldReason = "suspended"  // by the spec or by a person
	HoldWindow     HoldReason = "window"     // a freeze window
	HoldGuard      HoldReason = "guard"      // a guard holds the whole plan, or this task
	HoldUnknown    HoldReason = "unknown"    // an earlier commit has an unknown outcome
	HoldDependency HoldReason = "dependency" // a task it depends on is not applied
	HoldRefused    HoldReason = "refused"    // WeData refused exactly this commit
	HoldPaused     HoldReason = "paused"     // credentials or permission: sends to the project have stopped
	HoldAdopted    HoldReason = "adopted"    // somebody else has changed the task, and that was adopted
	HoldSpent      HoldReason = "spent"      // its discardState was used already
	HoldRecalled   HoldReason = "recalled"   // the spec is back, and it is not known which version was applied before
	HoldContested  HoldReason = "contested"  // somebody changes the task again whenever it is healed

	HoldAlreadyLive HoldReason = "already-live" // what is wanted is live, by an operation that the state does not know
	HoldNoSavepoint HoldReason = "no-savepoint" // there is no savepoint of the state that it is to keep
	HoldNewerLive   HoldReason = "newer-live"   // a newer version is live than is wanted, by an operation that the state does not know
)

// Impact is what a commit does to the data, the worst first.
type Impact string

// The impacts of a commit.
const (
	ImpactDiscardState Impact = "discard-state"
	ImpactFreshStart   Impact = "fresh-start" // a start of a task that runs: it does not continue with its state
	ImpactPause        Impact = "pause"
	ImpactStart        Impact = "start"
	ImpactKeepState    Impact = "keep-state"
	ImpactSubmit       Impact = "submit"
)

// Impacts lists the impacts, the worst first.
func Impacts() []Impact {
	return []Impact{ImpactDiscardState, ImpactFreshStart, ImpactPause, ImpactStart, ImpactKeepState, ImpactSubmit}
}

// ImpactOf returns what a commit of type t does to the data of a task of which nothing
// is known.
func ImpactOf(t spec.CommitType) Impact {
	switch t {
	case spec.RestartDiscardState:
		return ImpactDiscardState
	case spec.PauseResume:
		return ImpactPause
	case spec.Start:
		return ImpactStart
	case spec.Resume:
		return ImpactKeepState
	default:
		return ImpactSubmit
	}
}

// Change is one task of a Plan that does not match its spec.
type Change struct {
	Key    spec.Key
	Action Action
	Reason Reason     // for commit and hold
	Hold   HoldReason // for hold
	// Detail is what the record does not tell of a hold, or of what is healed: which guard,
	// window or task, or who did what.
	Detail string
	Impact Impact        // for commit, hold, unversioned and follow
	Want   *spec.Commit  // nil if there is no usable spec: for forget, or to settle what is unknown
	Have   *state.Record // nil for a task that is not in the state
	Fields []Field       // what differs from what was applied, in the spec's order of fields; for drift, from what is live
}

// Name is what people call the task, by its spec or, without one, by the state; empty if
// neither says.
func (c *Change) Name() string {
	if c.Want != nil {
		return c.Want.Name
	}
	return c.Have.Name()
}

// NameOf is what people call the task, which need not be one of the changes; empty if
// neither its spec nor the state says.
func (p *Plan) NameOf(key spec.Key, rec *state.Record) string {
	if want := p.Wanted.Find(key); want != nil {
		return want.Name
	}
	return rec.Name()
}

// waitsFor says what a task that is followed has still to become.
func (c *Change) waitsFor() string {
	if c.Have.Accepted() {
		return " to be live"
	}
	if c.Have.Applied.Healthy != nil {
		return " to be healthy"
	}
	return " to run"
}

// Field is one difference. The values of extConfig are never in it: Secret says
// that Before and After stand for them.
type Field struct {
	Name   string // as in the spec: "instanceVersion"
	Before any    // nil, string or int64
	After  any
	Secret bool
}

// GuardHold is a guard's word on the whole plan.
type GuardHold struct {
	Guard   string // its name in the configuration, such as "maxChanges"
	Message string // why, with the figures
	// Approvable reports whether `approve PLAN-HASH`, with all of the hash, lifts it.
	Approvable bool

	of string // which of the windows it is, or which revision; empty if there is only one
}

// Skipped is a task that a plan leaves as it is, as it has no usable spec.
type Skipped struct {
	Key  spec.Key
	Have *state.Record // nil for a task that is not in the state
	// Problem is the error in the specs. It is zero if the spec is gone, and the task is
	// still managed because it is suspended.
	Problem spec.Problem
}

// Orphans returns the tasks that have a record and no usable spec.
func (p *Plan) Orphans() []spec.Key { return p.orphans }

// Find returns the change of the task, or nil.
func (p *Plan) Find(key spec.Key) *Change {
	i, ok := slices.BinarySearchFunc(p.Changes, key, func(c Change, key spec.Key) int { return c.Key.Compare(key) })
	if !ok {
		return nil
	}
	return &p.Changes[i]
}

// FindSkipped returns the task if it has no usable spec and is left as it is, or nil.
func (p *Plan) FindSkipped(key spec.Key) *Skipped {
	i, ok := slices.BinarySearchFunc(p.Skipped, key, func(t Skipped, key spec.Key) int { return t.Key.Compare(key) })
	if !ok {
		return nil
	}
	return &p.Skipped[i]
}

// Calls yields the commits that will be made, in the order of the plan.
func (p *Plan) Calls() iter.Seq[*Change] {
	return func(yield func(*Change) bool) {
		for i := range p.Changes {
			if p.Changes[i].Action == ActionCommit && !yield(&p.Changes[i]) {
				return
			}
		}
	}
}

// Count returns how many changes have the action.
func (p *Plan) Count(action Action) int {
	n := 0
	for i := range p.Changes {
		if p.Changes[i].Action == action {
			n++
		}
	}
	return n
}

// HashPrefix names the digest of a plan hash.
const HashPrefix = "sha256:"

// hashDigits is how many hexadecimal digits a plan hash has.
const hashDigits = 2 * sha256.Size

// hashOf names what a plan does to tasks: its calls, and which tasks are no longer
// managed or are again, and which rewritten history it takes over. Plans that do the same have the same hash, and only those.
// Changes must be in order of key.
func hashOf(p *Plan) string {
	h := sha256.New()
	for c := range p.effects() {
		d := c.Key.Digest()
		if c.Action == ActionCommit {
			d = c.Want.Request()
		}
		h.Write(append([]byte(c.Action[:1]), d[:]...))
	}
	if p.takesOver != "" {
		h.Write([]byte("takes over " + p.takesOver))
	}
	return HashPrefix + hex.EncodeToString(h.Sum(nil))
}

// effects yields the changes that do something: calls, removals and returns.
func (p *Plan) effects() iter.Seq[*Change] {
	return func(yield func(*Change) bool) {
		for i := range p.Changes {
			switch c := &p.Changes[i]; c.Action {
			case ActionCommit, ActionForget, ActionReturn:
				if !yield(c) {
					return
				}
			}
		}
	}
}

// Effect is what an approval remembers of a change: for a call, all that its spec asks
// for.
func (c *Change) Effect() spec.Digest {
	switch c.Action {
	case ActionForget, ActionReturn:
		d := c.Key.Digest()
		return sha256.Sum256(append([]byte(c.Action), d[:]...))
	default:
		return c.Want.Wanted()
	}
}

// specless counts the changes of tasks that have no usable spec.
func (p *Plan) specless() int {
	n := 0
	for i := range p.Changes {
		if p.Changes[i].Want == nil {
			n++
		}
	}
	return n
}

// Held counts the changes that are held for the reason.
func (p *Plan) Held(reason HoldReason) int {
	n := 0
	for i := range p.Changes {
		if c := &p.Changes[i]; c.Action == ActionHold && c.Hold == reason {
			n++
		}
	}
	return n
}

// Asked counts the commits that the specs ask for, whether they can be made now or not.
func (p *Plan) Asked() int {
	n := 0
	for i := range p.Changes {
		c := &p.Changes[i]
		if c.Action == ActionCommit || c.Action == ActionHold && c.Want != nil && (c.Have == nil || !IsOpen(c.Have.Status)) {
			n++
		}
	}
	return n
}

// Passes reports whether an approval lets the plan past the guard of that key.
func (p *Plan) Passes(guard string) bool { return slices.Contains(p.passed, guard) }

// Attempt describes the call of the plan that is about to be made. before is what is known of
// the task after the read before it.
func (p *Plan) Attempt(c *Change, id string, before proof.Evidence, now time.Time) state.Attempt {
	wanted := AppliedOf(c.Want, p.Source.Revision)
	wanted.Wait, wanted.Healthy = waitOf(c.Want)
	author := p.Source.Author
	if c.Reason == ReasonDrift {
		wanted.Drift, author = healed(c.Have.Applied, now), "" // who wrote the spec did not ask for this one
	}
	return state.Attempt{
		ID:       id,
		Wanted:   wanted,
		WantedID: c.Want.Wanted(),
		Request:  c.Want.Request(),
		Reason:   string(c.Reason),
		PlanHash: p.Hash,
		Author:   author,
		File:     c.Want.Pos.File,
		Line:     c.Want.Pos.Line,
		At:       now,
		Before:   before.Live,
		Stale:    isStale(c.Have, &before, now),
	}
}

// isStale reports whether what is live before an attempt can be older than a commit of ours.
func isStale(have *state.Record, before *proof.Evidence, now time.Time) bool {
	switch {
	case have == nil || proof.ShownByUs(have, before):
		return false
	case have.Accepted() || have.Attempt != nil && have.Attempt.Stale:
		return true
	default:
		return proof.Unattributable(have.Applied, before.Live, now, before.Horizon)
	}
}
