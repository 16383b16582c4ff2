package worlds_test

import (
	"time"

	"github.com/wedatasync/wedatasync/reconcile/proof"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// judge decides about an attempt, as reconcile.Judge does.
type judge = func(*state.Record, proof.Evidence) (proof.Finding, string)

// credulousJudge believes that a task that is as the commit wants it proves the commit.
func credulousJudge(rec *state.Record, e proof.Evidence) (v proof.Finding, why string) {
	a := rec.Attempt
	if e.Live == nil {
		return proof.Evaluate(rec, e)
	}
	is := e.Live.Status == state.TaskRunning
	if a.Wanted.CommitType == spec.Submit {
		is = e.Live.Submitted
	}
	if is && (a.Wanted.InstanceVersion == 0 || e.Live.InstanceVersion == a.Wanted.InstanceVersion) {
		return proof.Happened, ""
	}
	return proof.Evaluate(rec, e)
}

// hastyJudge believes that the wanted version and status prove a commit if they were not
// there before, and that a task that looks as before disproves one.
func hastyJudge(rec *state.Record, e proof.Evidence) (v proof.Finding, why string) {
	a, live := rec.Attempt, e.Live
	if a.Before == nil {
		return proof.NeedsOperator, "what was live before the request could not be read"
	}
	stands := func(l *state.Live) bool {
		if a.Wanted.CommitType == spec.Submit {
			return l.Submitted
		}
		return l.Status == state.TaskRunning
	}
	reached := func(l *state.Live) bool {
		return (a.Wanted.InstanceVersion == 0 || l.InstanceVersion == a.Wanted.InstanceVersion) && stands(l)
	}
	before, after := *a.Before, *live
	before.Locked, before.Locker, after.Locked, after.Locker = false, "", false, ""
	versions := a.Wanted.InstanceVersion != 0 && before.InstanceVersion != 0 && before.InstanceVersion != a.Wanted.InstanceVersion
	traced := before.OperateID != "" || before.UpdateTime != "" || !stands(&before) || versions
	switch late := e.At.Sub(a.At); {
	case reached(live) && !reached(a.Before):
		return proof.Happened, ""
	case late < e.Horizon:
		return proof.Open, ""
	case before == after && traced:
		return proof.NotHappened, ""
	case before == after || late >= e.Horizon+10*time.Minute:
		return proof.NeedsOperator, "it does not tell"
	default:
		return proof.Open, ""
	}
}
