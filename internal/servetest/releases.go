package servetest

import (
	"time"

	"github.com/wedatasync/wedatasync/state"
)

// OtherRevision is the revision before Revision.
const OtherRevision = "1b2c3d4e5f60718293a4b5c6d7e8f90123456789"

// Releases are two releases, of which the newest is held.
func Releases(now time.Time) []state.Release {
	return []state.Release{
		{
			Revision: OtherRevision, Author: "Ada Lovelace <ada@example.com>", Committer: "Grace Hopper <grace@example.com>", Subject: "Add the streams",
			CommittedAt: now.Add(-3 * time.Hour), SeenAt: now.Add(-2 * time.Hour), StartedAt: now.Add(-2 * time.Hour), EndedAt: now.Add(-2*time.Hour + 42*time.Second),
			Commits: 210, Removed: 1, PlanHash: PlanHash, Outcome: state.ReleaseDone,
		},
		{
			Revision: Revision, Author: "Ada Lovelace <ada@example.com>", Subject: "Move orders to the new sink", SeenAt: now.Add(-10 * time.Minute),
			Commits: 38, Returned: 1, PlanHash: PlanHash, Approver: "grace", Outcome: state.ReleaseHeld,
			Guard: "maxChanges", Why: "38 calls, and guards.maxChanges is 30", Left: map[string]int{"guard": 38, "invalid": 1},
		},
	}
}

// SavedReleases makes the releases part of a state, with what happened to a task for the
// newest of them.
func SavedReleases(rec *state.Record, now time.Time, releases ...state.Release) []state.Transition {
	wanted := &state.Wanted{Name: rec.Name(), CommitType: "resume", InstanceVersion: 12, Reason: "version", File: "tasks/orders.yaml", Line: 4}
	e := state.Event{At: now.Add(-time.Minute), Key: rec.Key, Kind: state.EventIntent, Revision: Revision, Wanted: wanted, Stage: state.StageSending}
	answer := e
	answer.At, answer.Kind, answer.Stage, answer.Outcome = now.Add(-50*time.Second), state.EventOutcome, state.StageLocked, state.Outcome{Class: state.ClassWaiting, Code: "UnsupportedOperation", Message: "locked", Locker: "100028625403"}
	return []state.Transition{
		{Control: &state.Control{Revision: Revision, Releases: releases}, Events: []state.Event{{At: now.Add(-9 * time.Minute), Kind: state.EventRevision, Revision: Revision}}},
		{Record: rec, Events: []state.Event{e, answer}},
	}
}
