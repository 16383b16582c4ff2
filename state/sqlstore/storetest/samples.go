package storetest

import (
	"fmt"
	"time"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// samplePlan is the hash of the plan that the samples were part of.
const samplePlan = "sha256:0f343b0931126a20f133d67c2b018a3b5f1f7a8d0f3b1f0c8b7b0b1e7a2d4c11"

// Identity is what the states of the tests belong to.
func Identity() state.Identity {
	return state.Identity{
		Source:   "https://git.example.com/data/streams.git",
		Branch:   "main",
		Path:     ".",
		Endpoint: "wedata.tencentcloudapi.com",
		Region:   "ap-guangzhou",
	}
}

// Time is when the samples happened.
func Time() time.Time { return time.Date(2026, 11, 2, 9, 30, 0, 125e6, time.UTC) }

// Key is that of the n-th task.
func Key(n int) spec.Key {
	return spec.Key{ProjectID: "1486804694126882816", TaskID: fmt.Sprintf("kb947c997-4f91-4a1f-913d-%012d", n)}
}

// Digest is one of 256.
func Digest(n byte) spec.Digest {
	var d spec.Digest
	for i := range d {
		d[i] = n + byte(i)*7
	}
	return d
}

// AppliedOf is what a commit of the n-th task leaves.
func AppliedOf(n int) *state.Applied {
	return &state.Applied{
		CommitType: spec.Start, TaskType: spec.Realtime, InstanceVersion: int64(n%50 + 1), VersionDesc: "v1",
		Content: Digest(1), Ext: Digest(2), Revision: "9fceb02d0ae598e95dc970b74767f19372d61af8",
		RequestID: "eac6b301-a322-493a-8e36-83b295459397", Origin: state.OriginCommit, At: Time(),
	}
}

// Applied is the transition that ends a commit of the n-th task.
func Applied(n int) state.Transition {
	return state.Transition{
		Record: &state.Record{Key: Key(n), Status: state.StatusApplied, Applied: AppliedOf(n)},
		Events: []state.Event{{
			At: Time(), Kind: state.EventOutcome, Key: Key(n), Attempt: "01JC4ZJ9D3V8", Revision: "9fceb02d0ae598e95dc970b74767f19372d61af8",
			PlanHash: samplePlan, Request: Digest(3),
			Outcome: state.Outcome{Class: state.ClassApplied, RequestID: "eac6b301-a322-493a-8e36-83b295459397"},
		}},
	}
}

// Intent is the transition that begins a commit of the n-th task.
func Intent(n int) state.Transition {
	a := AppliedOf(n)
	wanted := *a
	wanted.RequestID, wanted.Origin, wanted.At = "", "", time.Time{}
	return state.Transition{
		Record: &state.Record{Key: Key(n), Status: state.StatusIntent, Applied: a, Attempt: &state.Attempt{
			ID: "01JC4ZJ9D3V8", Wanted: wanted, WantedID: Digest(4), Request: Digest(3), Reason: "version",
			PlanHash: samplePlan, Author: "Ada <ada@example.com>", File: "tasks/orders.yaml", Line: 4, At: Time(),
			Before: &state.Live{InstanceVersion: 3, Status: state.TaskRunning, UpdateTime: "2026-11-01 08:00:00"},
		}},
		Events: []state.Event{{
			At: Time(), Kind: state.EventIntent, Key: Key(n), Attempt: "01JC4ZJ9D3V8", Actor: "Ada <ada@example.com>",
			Revision: a.Revision, PlanHash: samplePlan, Request: Digest(3),
		}},
	}
}

// Forgotten is the transition that ends what is known of the n-th task.
func Forgotten(n int) state.Transition {
	return state.Transition{
		Forget: new(Key(n)),
		Events: []state.Event{{At: Time(), Kind: state.EventForgotten, Key: Key(n)}},
	}
}

// Removed is the transition that leaves the n-th task without a spec.
func Removed(n int) state.Transition {
	tr := Applied(n)
	tr.Record.Removed = &state.Removal{At: Time(), Revision: "1a410efbd13591db07496601ebc7a059dd55cfe9"}
	tr.Events = []state.Event{{At: Time(), Kind: state.EventForgotten, Key: Key(n)}}
	return tr
}
