package reconcile

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/reconcile/internal/fixture"
	"github.com/wedatasync/wedatasync/reconcile/plan"
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
	seeds          = fixture.Seeds
	long           = fixture.Long
	noon           = fixture.Noon
	task           = fixture.Task
	document       = fixture.Document
	parse          = fixture.Parse
	specs          = fixture.Specs
	quoteAll       = fixture.QuoteAll
	taskAt         = fixture.TaskAt
	lockedBy       = fixture.LockedBy
	inUse          = fixture.InUse
	refusedParam   = fixture.RefusedParam
	throttled      = fixture.Throttled
	taskIDs        = fixture.TaskIDs
	fileNames      = fixture.FileNames
	drawFile       = fixture.DrawFile
	drawOutcome    = fixture.DrawOutcome
	drawSuspension = fixture.DrawSuspension
)

// adopted is a state in which the commits have been applied.
func adopted(t testing.TB, commits ...string) *state.Records {
	t.Helper()
	records := state.NewRecords()
	for c := range specs(t, commits...).All() {
		records.Put(plan.Adopt(nil, c, "r0", noon.Add(-time.Hour)).Record)
	}
	return records
}

// lines says what a plan does, a line for each change: action, reason, hold.
func lines(p *plan.Plan) []string {
	all := []string{}
	for i := range p.Changes {
		c := &p.Changes[i]
		parts := []string{c.Key.TaskID, string(c.Action)}
		if c.Reason != "" {
			parts = append(parts, string(c.Reason))
		}
		if c.Hold != "" {
			parts = append(parts, "held", string(c.Hold))
		}
		all = append(all, strings.Join(parts, " "))
	}
	return all
}

// said is all that is said of the change's task.
func said(c *plan.Change) string {
	d := explain.Of(c)
	return fmt.Sprintf("%s; %s %s; %s; %s", d.Why, d.Then, plan.Stamp(d.At), d.Next, strings.Join(d.Commands, ", "))
}
