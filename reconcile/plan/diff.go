package plan

import (
	"cmp"
	"fmt"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/proof"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// Input is what a plan is made from.
type Input struct {
	Specs   *spec.Set
	Records *state.Records
	Control *state.Control // nil is an empty one
	Policy  DriftPolicy    // empty is PolicyReport
	// Keys are the tasks to look at, in any order: every task that may not be as
	// its spec says. Nil means every task.
	Keys []spec.Key
	// Base has the specs that Records were made from, where they are known, so that
	// extConfig can be compared name by name. It may be nil.
	Base *spec.Set
}

// Diff says what has to be done for the tasks of in to be in sync with the specs. It
// is pure and total: the same input gives the same plan, whatever the order of
// its parts, and now is the only time it knows.
func Diff(in Input, now time.Time) *Plan {
	if in.Control == nil {
		in.Control = new(state.Control)
	}
	p := &Plan{
		Specs:    in.Specs.Len(),
		Wanted:   in.Specs.Commits(),
		Managed:  in.Records.Len(),
		Problems: in.Specs.Problems(),
	}
	p.Changes, p.orphans = in.changes(now)
	p.Skipped = in.skipped(p)
	holdDependants(p)
	p.Unchanged = p.Specs - len(p.Changes) + p.specless()
	p.Hash = hashOf(p)
	return p
}

// change compares one task; ok is false if it is as it should be.
func (in *Input) change(key spec.Key, want *spec.Commit, have *state.Record, now time.Time) (c Change, ok bool) {
	c = Change{Key: key, Want: want, Have: have}
	switch {
	case have != nil && IsOpen(have.Status):
		// Whatever the spec says by now, what is in doubt has to be settled first.
		c.Action, c.Hold = ActionHold, HoldUnknown
		c.Reason = Reason(have.Attempt.Reason)
		c.Impact = ImpactOf(have.Attempt.Wanted.CommitType)
	case want == nil:
		// An operator's command outlives the spec: who takes the spec away does not take
		// that away, too.
		if have == nil || IsRemoved(have) || have.Suspended.Active(now) || !in.Specs.Absent(key) {
			return c, false
		}
		c.Action = ActionForget
	default:
		return in.compare(c, now)
	}
	if want != nil && have != nil {
		c.Fields = in.fields(want, have.Applied)
	}
	return c, true
}

// IsOpen reports whether a request may have been sent whose outcome is not known.
func IsOpen(s state.Status) bool { return s == state.StatusIntent || s == state.StatusUnknown }

// compare decides for a task with a spec and without an open attempt.
func (in *Input) compare(c Change, now time.Time) (Change, bool) {
	var applied *state.Applied
	if c.Have != nil {
		applied = c.Have.Applied
	}
	if isRecalled(c.Have) {
		return recall(c), true
	}
	c.Impact = impactOn(c.Want, c.Have, in.Control.DriftScan.Of(c.Key))
	c.Reason = in.Policy.asks(c.Want, applied)
	c.Fields = in.fields(c.Want, applied)
	switch {
	case c.Reason == ReasonDrift:
		c.Fields, c.Detail = append(undoFields(c.Want, UndoOf(applied)), c.Fields...), "undoes: "+undoDetail(UndoOf(applied))
	case c.Reason == "" && IsRemoved(c.Have):
		c.Action, c.Impact = ActionReturn, ""
		return c, true
	case c.Reason == "" && c.Have.Accepted():
		c.Action = ActionFollow
		return c, true
	case c.Reason == "" && c.Want.Wait.Timeout > 0 && !hasStarted(applied):
		c.Action = ActionFollow
		return c, true
	case c.Reason == "":
		c.Action = ActionUnversioned
		return c, len(c.Fields) > 0
	}
	c.Action = ActionCommit
	if hold, detail := in.hold(&c, now); hold != "" {
		c.Action, c.Hold, c.Detail = ActionHold, hold, detail
	}
	return c, true
}

// ReasonFor applies the rules of what counts as a change, in their order. It
// returns "" if no call is needed: at the same version, only where the task
// should end up counts, never how it gets there.
func ReasonFor(want *spec.Commit, applied *state.Applied) Reason {
	switch {
	case applied == nil:
		return ReasonNew
	case want.InstanceVersion != 0 && want.InstanceVersion < applied.InstanceVersion:
		return ReasonRollback
	case want.InstanceVersion != 0 && want.InstanceVersion != applied.InstanceVersion:
		return ReasonVersion
	case want.CommitType.Runs() && !applied.CommitType.Runs():
		return ReasonStart
	case want.Rerun != applied.Rerun && want.Rerun != "" && !spentRerun(applied, want.Rerun):
		return ReasonRerun
	case want.InstanceVersion == 0 && want.Content() != applied.Content:
		return ReasonContent
	default:
		return ""
	}
}

// hold says whether a needed call has to wait, and for what: in detail where the record
// does not tell.
func (in *Input) hold(c *Change, now time.Time) (HoldReason, string) {
	have := c.Have
	switch {
	case c.Want.Suspend:
		return HoldSuspended, fmt.Sprintf("suspended by the spec at %s", c.Want.Pos)
	case in.Control.Suspended.Active(now):
		return HoldSuspended, suspendedDetail("everything", in.Control.Suspended)
	case have != nil && have.Suspended.Active(now):
		return HoldSuspended, ""
	case have != nil && have.Status == state.StatusRefused && have.Attempt.WantedID == c.Want.Wanted():
		return RefusedHold(have.Attempt.Outcome.Code), ""
	case have != nil && SpentDiscard(c.Want, have.Applied):
		return HoldSpent, ""
	case have != nil && c.Reason != ReasonDrift && Overrules(c.Want, have.Applied):
		return HoldAdopted, ""
	}
	if c.Reason == ReasonDrift {
		if why := Contested(have.Applied); why != "" {
			return HoldContested, contestedDetail(UndoOf(have.Applied), why)
		}
	}
	if pause, ok := PauseOf(in.Control, c.Key.ProjectID, now); ok {
		return HoldPaused, fmt.Sprintf("%s since %s, next try %s: %s",
			pause.Code, Stamp(pause.Since), Stamp(pause.Until), pause.Message)
	}
	if have != nil && have.Accepted() && (have.Attempt.Outcome.TaskApproveID != "" || now.Before(have.Attempt.Since.Add(proof.ReadLag))) {
		return HoldWaiting, ""
	}
	if have != nil && have.Status == state.StatusWaiting && now.Before(have.Attempt.NextAt) {
		if have.Attempt.Outcome.Locker != "" {
			return HoldLocked, ""
		}
		return HoldWaiting, ""
	}
	return "", ""
}

// fields lists what differs between the spec and what was applied.
func (in *Input) fields(want *spec.Commit, applied *state.Applied) []Field {
	a := cmp.Or(applied, &state.Applied{})
	var fields []Field
	if applied == nil {
		fields = make([]Field, 0, given(want)) // of a first plan there are very many
	}
	add := func(name string, before, after any) {
		fields = append(fields, Field{Name: name, Before: before, After: after})
	}
	if applied == nil || want.CommitType != a.CommitType {
		add("commitType", ifSet(applied, a.CommitType.String()), want.CommitType.String())
	}
	if want.TaskType.OrDefault() != a.TaskType.OrDefault() || applied == nil && want.TaskType != 0 {
		add("taskType", ifSet(applied, a.TaskType.OrDefault().String()), want.TaskType.OrDefault().String())
	}
	if want.InstanceVersion != a.InstanceVersion && want.InstanceVersion != 0 {
		add("instanceVersion", orNil(a.InstanceVersion), want.InstanceVersion)
	}
	told := OverOf(applied) == nil // of what was adopted, the rest was not
	if told && want.VersionDesc != a.VersionDesc {
		add("versionDesc", orNil(a.VersionDesc), orNil(want.VersionDesc))
	}
	if told && want.EventDesc != a.EventDesc {
		add("eventDesc", orNil(a.EventDesc), orNil(want.EventDesc))
	}
	if applied == nil && len(want.ExtConfig) > 0 || applied != nil && told && want.ExtDigest() != a.Ext {
		fields = append(fields, in.extFields(want, applied)...)
	}
	if want.Rerun != a.Rerun && want.Rerun != "" {
		add("rerun", orNil(a.Rerun), want.Rerun)
	}
	return fields
}

// given counts the fields that the spec gives.
func given(want *spec.Commit) int {
	n := 1 + len(want.ExtConfig)
	for _, is := range [...]bool{want.TaskType != 0, want.InstanceVersion != 0, want.VersionDesc != "", want.EventDesc != "", want.Rerun != ""} {
		if is {
			n++
		}
	}
	return n
}

// extFields compares extConfig name by name where both sides are known, and as a
// whole where the state has no more than a digest.
func (in *Input) extFields(want *spec.Commit, applied *state.Applied) []Field {
	var base []spec.Param
	if applied != nil {
		var c *spec.Commit
		if in.Base != nil {
			c = in.Base.Get(want.Key)
		}
		if c == nil {
			return []Field{{Name: "extConfig", Before: "other values", After: paramCount(want.ExtConfig), Secret: true}}
		}
		base = c.ExtConfig
	}
	before := make(map[string]string, len(base))
	for _, p := range base {
		before[p.Name] = p.Value
	}
	var fields []Field
	for _, p := range want.ExtConfig {
		old, ok := before[p.Name]
		delete(before, p.Name)
		if ok && old == p.Value {
			continue
		}
		f := Field{Name: "extConfig." + p.Name, After: p.Value, Secret: true}
		if ok {
			f.Before = old
		}
		fields = append(fields, f)
	}
	for _, p := range base {
		if old, ok := before[p.Name]; ok {
			fields = append(fields, Field{Name: "extConfig." + p.Name, Before: old, Secret: true})
		}
	}
	return fields
}

func paramCount(params []spec.Param) string {
	if len(params) == 1 {
		return "1 value"
	}
	return fmt.Sprintf("%d values", len(params))
}

// ifSet returns v, or nil for a task that was never applied.
func ifSet(applied *state.Applied, v any) any {
	if applied == nil {
		return nil
	}
	return v
}

// orNil returns nil for a zero value: a field that is not there.
func orNil[T comparable](v T) any {
	if v == *new(T) {
		return nil
	}
	return v
}

// impactOn returns what the commit does to the data of the task. have is its record, and
// seen how it has drifted; each may be nil.
func impactOn(want *spec.Commit, have *state.Record, seen *state.Drift) Impact {
	impact := ImpactOf(want.CommitType)
	if impact == ImpactStart && want.TaskType.OrDefault() != spec.Offline && isRunning(have, seen) {
		return ImpactFreshStart
	}
	return impact
}

// StatusRuns reports whether a real-time task of the status runs, and whether the status tells
// that: not while the task is on its way. One that has failed was not stopped by anybody.
func StatusRuns(s state.TaskStatus) (runs, told bool) {
	switch s {
	case state.TaskRunning:
		return true, true
	case state.TaskNotStarted, state.TaskPaused, state.TaskStopped:
		return false, true
	default:
		return false, false
	}
}

// isRunning reports whether the task is known to run: as it was read before its newest
// attempt, or by the last look, or else as it was applied.
func isRunning(have *state.Record, seen *state.Drift) bool {
	if have == nil {
		return false
	}
	if a := have.Attempt; a != nil && a.Before != nil {
		if runs, told := StatusRuns(a.Before.Status); told {
			return runs
		}
	}
	applied := have.Applied
	if seen != nil && (seen.Kind == state.DriftStopped || seen.Kind == state.DriftStarted) {
		return seen.Kind == state.DriftStarted
	}
	switch {
	case applied == nil || !applied.CommitType.Runs():
		return false
	case applied.Run != nil && applied.Run.Status != state.RunRunning:
		return false // it never came to run
	default:
		undo := UndoOf(applied)
		return undo == nil || undo.Kind != state.DriftStopped
	}
}
