package plan

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/internal/fixture"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

const (
	project     = fixture.Project
	testHorizon = fixture.Horizon
	own         = fixture.Own
	other       = fixture.Other
)

// What tests are made of.
var (
	noon           = fixture.Noon
	task           = fixture.Task
	document       = fixture.Document
	specs          = fixture.Specs
	quoteAll       = fixture.QuoteAll
	lockedBy       = fixture.LockedBy
	inUse          = fixture.InUse
	refusedParam   = fixture.RefusedParam
	doubtful       = fixture.Doubtful
	throttled      = fixture.Throttled
	taskIDs        = fixture.TaskIDs
	fileNames      = fixture.FileNames
	drawSpecs      = fixture.DrawSpecs
	drawOutcome    = fixture.DrawOutcome
	drawSuspension = fixture.DrawSuspension
)

// adopted is a state in which the commits have been applied.
func adopted(t testing.TB, commits ...string) *state.Records {
	t.Helper()
	records := state.NewRecords()
	for c := range specs(t, commits...).All() {
		records.Put(Adopt(nil, c, "r0", noon.Add(-time.Hour)).Record)
	}
	return records
}

// recordsIn returns the records in order of key.
func recordsIn(r *state.Records) []*state.Record {
	var list []*state.Record
	for _, key := range slices.SortedFunc(r.Keys(), spec.Key.Compare) {
		list = append(list, r.Get(key))
	}
	return list
}

// attemptAt is an attempt to apply the commit, made at at.
func attemptAt(c *spec.Commit, at time.Time) state.Attempt {
	return state.Attempt{
		ID: "a1", Wanted: AppliedOf(c, "r1"), WantedID: c.Wanted(), Request: c.Request(), Reason: string(ReasonVersion),
		PlanHash: "sha256:0", File: c.Pos.File, Line: c.Pos.Line, At: at,
	}
}

// ended returns the record of a task whose attempt to apply the commit came to out.
func ended(have *state.Record, c *spec.Commit, at time.Time, out state.Outcome) *state.Record {
	rec := Begin(c.Key, have, attemptAt(c, at))
	if out.Class == "" {
		return rec // the intent stands
	}
	return Finish(have, rec, out, at, 0)
}

// line says what a change is in one line: action, reason, hold.
func line(c *Change) string {
	parts := []string{c.Key.TaskID, string(c.Action)}
	if c.Reason != "" {
		parts = append(parts, string(c.Reason))
	}
	if c.Hold != "" {
		parts = append(parts, "held", string(c.Hold))
	}
	return strings.Join(parts, " ")
}

// lines says what a plan does, a line for each change.
func lines(p *Plan) []string {
	all := []string{}
	for i := range p.Changes {
		all = append(all, line(&p.Changes[i]))
	}
	return all
}

// callKeys returns the tasks that the plan calls for.
func callKeys(p *Plan) []spec.Key {
	var keys []spec.Key
	for c := range p.Calls() {
		keys = append(keys, c.Key)
	}
	return keys
}
