package storetest

import (
	"time"

	"pgregory.net/rapid"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// genText makes a text that specs and the API can have.
func genText() *rapid.Generator[string] {
	return rapid.StringN(0, 20, state.MaxMessage)
}

func genTime() *rapid.Generator[time.Time] {
	return rapid.Map(rapid.Int64Range(0, 4e9*1e6), func(us int64) time.Time { return time.UnixMicro(us).UTC() })
}

func genDigest() *rapid.Generator[spec.Digest] {
	return rapid.Map(rapid.Byte(), func(b byte) spec.Digest { return spec.Digest{0: b, 31: b / 2} })
}

func genOutcome() *rapid.Generator[state.Outcome] {
	return rapid.Custom(func(t *rapid.T) state.Outcome {
		return state.Outcome{
			Class: rapid.SampledFrom([]state.Class{"", state.ClassApplied, state.ClassUnknown, state.ClassWaiting}).Draw(t, "class"),
			Code:  genText().Draw(t, "code"), Message: genText().Draw(t, "message"), RequestID: genText().Draw(t, "request"),
		}
	})
}

func genApplied() *rapid.Generator[*state.Applied] {
	return rapid.Custom(func(t *rapid.T) *state.Applied {
		return &state.Applied{
			CommitType:      spec.CommitType(rapid.IntRange(0, 4).Draw(t, "commit type")),
			TaskType:        spec.TaskType(rapid.SampledFrom([]int{0, 1, 201, 202}).Draw(t, "task type")),
			InstanceVersion: rapid.Int64Range(0, 1<<53).Draw(t, "version"),
			VersionDesc:     genText().Draw(t, "description"),
			Name:            genText().Draw(t, "name"),
			Rerun:           genText().Draw(t, "rerun"),
			Content:         genDigest().Draw(t, "content"),
			Ext:             genDigest().Draw(t, "ext"),
			Origin:          state.OriginCommit,
			At:              genTime().Draw(t, "at"),
			Wait:            rapid.Int64Range(0, 86400).Draw(t, "wait"),
			Healthy:         rapid.Ptr(genHealthy(), true).Draw(t, "healthy"),
			Run:             rapid.Ptr(genRun(), true).Draw(t, "run"),
		}
	})
}

func genHealthy() *rapid.Generator[state.Healthy] {
	return rapid.Custom(func(t *rapid.T) state.Healthy {
		return state.Healthy{
			For: rapid.Int64Range(0, 86400).Draw(t, "for"), Lag: rapid.Int64Range(0, 86400).Draw(t, "lag"),
			Restarts: rapid.Ptr(rapid.Int64Range(0, 9), true).Draw(t, "restarts"),
		}
	})
}

func genRun() *rapid.Generator[state.Run] {
	return rapid.Custom(func(t *rapid.T) state.Run {
		run := state.Run{
			Status: rapid.SampledFrom([]state.RunStatus{state.RunStarting, state.RunRunning, state.RunUnhealthy}).Draw(t, "run status"),
			Since:  genTime().Draw(t, "since"), Until: genTime().Draw(t, "until"), Detail: genText().Draw(t, "detail"),
		}
		for range rapid.IntRange(0, 3).Draw(t, "observations") {
			run.Observations = append(run.Observations, state.Observation{
				At: rapid.Int64Range(0, 4e12).Draw(t, "observed"), Sight: rapid.SampledFrom([]state.Sight{state.SightTask, state.SightUnread}).Draw(t, "sight"),
				Restarts: rapid.Int64Range(state.Untold, 9).Draw(t, "restarts"), Lag: rapid.Int64Range(state.Untold, 9).Draw(t, "lag"),
			})
		}
		return run
	})
}

func genKey() *rapid.Generator[spec.Key] {
	return rapid.Custom(func(t *rapid.T) spec.Key {
		id := rapid.StringMatching(`[!-~]{1,3}`)
		return spec.Key{ProjectID: id.Draw(t, "project"), TaskID: id.Draw(t, "task")}
	})
}

func genRecord() *rapid.Generator[*state.Record] {
	return rapid.Custom(func(t *rapid.T) *state.Record {
		r := &state.Record{
			Key:    genKey().Draw(t, "key"),
			Status: rapid.SampledFrom([]state.Status{state.StatusNone, state.StatusApplied, state.StatusIntent, state.StatusWaiting, state.StatusUnknown}).Draw(t, "status"),
		}
		if rapid.Bool().Draw(t, "suspended") {
			r.Suspended = &state.Suspension{Reason: genText().Draw(t, "reason"), At: genTime().Draw(t, "since")}
		}
		if r.Status == state.StatusNone {
			return r
		}
		r.Applied = genApplied().Draw(t, "applied")
		if r.Status != state.StatusApplied {
			r.Attempt = &state.Attempt{
				ID: "a", Wanted: *genApplied().Draw(t, "wanted"), Request: genDigest().Draw(t, "request"), File: genText().Draw(t, "file"),
				Line: rapid.IntRange(0, 9).Draw(t, "line"), At: genTime().Draw(t, "at"), Outcome: genOutcome().Draw(t, "outcome"),
				NextAt: genTime().Draw(t, "next"), Before: &state.Live{Status: state.TaskRunning},
				Approval: &state.TaskApproval{State: state.ApprovalRejected, Status: genText().Draw(t, "status"), Remark: genText().Draw(t, "remark"), SeenAt: genTime().Draw(t, "seen")},
			}
		}
		if r.Status != state.StatusIntent && r.Status != state.StatusUnknown && rapid.Bool().Draw(t, "removed") {
			r.Removed = &state.Removal{At: genTime().Draw(t, "removed at"), Revision: genText().Draw(t, "removed in")}
			r.Applied.Spent = &state.Spent{Discards: []int64{2, 3}, Reruns: []string{genText().Draw(t, "token")}}
		}
		return r
	})
}

// DrawTransition makes transitions of few keys, so that they meet.
func DrawTransition() *rapid.Generator[state.Transition] {
	return rapid.Custom(func(t *rapid.T) state.Transition {
		tr := state.Transition{Events: []state.Event{{
			At: genTime().Draw(t, "at"), Kind: state.EventOutcome, Key: genKey().Draw(t, "of"), Outcome: genOutcome().Draw(t, "outcome"),
			Note: genText().Draw(t, "note"),
		}}}
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			tr.Forget = new(tr.Events[0].Key)
		case 1:
			tr.Control = &state.Control{Revision: genText().Draw(t, "revision"), Pauses: []state.Pause{{Until: genTime().Draw(t, "until")}}}
		default:
			tr.Record = genRecord().Draw(t, "record")
		}
		return tr
	})
}
