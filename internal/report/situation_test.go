package report_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// project is the one that tasks belong to unless a test says otherwise.
const project = "1486804694126882816"

// noon is a fixed time; the renderers know none themselves.
var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// situation is a plan that every output is shown for.
type situation struct {
	name string
	plan *plan.Plan
}

// situations are all there are, one each for what a reader can meet.
func situations() []situation { return append(smallSituations(), largeSituations()...) }

func smallSituations() []situation {
	all := []situation{
		{"nothing-to-do", planOf()},
		{"one-task", edit(planOf(), func(p *plan.Plan) { p.Specs, p.Managed, p.Unchanged = 1, 1, 1 })},
		{"no-specs", edit(planOf(), func(p *plan.Plan) { p.Specs, p.Managed, p.Unchanged = 0, 0, 0 })},
		{"first-run", edit(planOf(
			first("clicks", spec.Start, 1),
			first("orders_cdc", spec.Start, 3),
			first("users_cdc", spec.Submit, 1),
		), func(p *plan.Plan) { p.Managed, p.Unchanged = 0, 0 })},
	}
	all = append(all, impactSituations()...)
	all = append(all, reasonSituations()...)
	all = append(all, holdSituations()...)
	all = append(all, followSituations()...)
	all = append(all, guardSituations()...)
	all = append(all, fileSituations()...)
	all = append(all, removalSituations()...)
	return append(all, fieldSituations()...)
}

func impactSituations() []situation {
	return []situation{
		{"impact-discard-state", planOf(next("orders_cdc", spec.RestartDiscardState, 11, 12))},
		{"impact-pause", planOf(next("orders_cdc", spec.PauseResume, 11, 12))},
		{"impact-fresh-start", planOf(fresh(next("orders_cdc", spec.Start, 11, 12)))},
		{"impact-start", planOf(next("orders_cdc", spec.Start, 11, 12))},
		{"impact-keep-state", planOf(next("orders_cdc", spec.Resume, 11, 12))},
		{"impact-submit", planOf(next("orders_cdc", spec.Submit, 11, 12))},
		{"every-impact", everyImpact()},
		{"discard-on-first-commit", planOf(first("orders_cdc", spec.RestartDiscardState, 1))},
	}
}

func everyImpact() *plan.Plan {
	return planOf(
		first("clicks", spec.Start, 1),
		next("invoices", spec.Submit, 7, 8),
		next("orders_cdc", spec.RestartDiscardState, 11, 12, field("versionDesc", "orders", "orders, from the start")),
		next("payments", spec.PauseResume, 9, 10),
		next("refunds", spec.RestartDiscardState, 1, 2),
		next("shipments", spec.Resume, 99, 100, field("eventDesc", nil, "nightly release")),
		fresh(next("transfers", spec.Start, 2, 3)),
		next("users_cdc", spec.PauseResume, 4, 5),
	)
}

func reasonSituations() []situation {
	heals := next("clicks", spec.Resume, 3, 3)
	heals.Detail = "undoes: newer, instanceVersion 3 -> 5, status running -> stopped, 2026-11-23 19:31:07, by 100028625403"
	reason := func(r plan.Reason, c plan.Change, fields ...plan.Field) situation {
		c.Reason, c.Fields = r, fields
		return situation{"reason-" + string(r), planOf(c)}
	}
	return []situation{
		{"reason-new", planOf(first("clicks", spec.Start, 1))},
		reason(plan.ReasonVersion, next("clicks", spec.Resume, 1, 2),
			field("instanceVersion", int64(1), int64(2)), field("versionDesc", "v1", "v2")),
		reason(plan.ReasonRollback, next("clicks", spec.Resume, 3, 2), field("instanceVersion", int64(3), int64(2))),
		reason(plan.ReasonStart, next("clicks", spec.Start, 3, 3), field("commitType", "submit", "start")),
		reason(plan.ReasonRerun, next("clicks", spec.PauseResume, 3, 3), field("rerun", nil, "2026-11-23")),
		reason(plan.ReasonContent, next("clicks", spec.Resume, 0, 0), field("commitType", "start", "resume")),
		reason(plan.ReasonDrift, heals, field("instanceVersion", int64(5), int64(3)), field("status", "stopped", "running")),
	}
}

func followSituations() []situation {
	starting := followed("users_cdc", 5, state.RunStarting, "")
	failed := followed("orders_cdc", 12, state.RunFailed, "WeData says that it is failed")
	return []situation{
		{"follow-starting", planOf(starting)},
		{"follow-accepted", planOf(accepted("orders_cdc", "", ""))},
		{"follow-approval", planOf(accepted("orders_cdc", "ap-118", ""))},
		{"follow-not-live", planOf(accepted("orders_cdc", "", "WeData has the task at version 11, running"))},
		{"follow-failed", planOf(failed)},
		{"follow-several", planOf(failed, held(next("report", spec.Start, 1, 2), plan.HoldDependency, "waits for "+project+"/orders_cdc to run"), starting)},
	}
}

// The outcomes of commits that are held.
var (
	lockedBy = state.Outcome{Class: state.ClassWaiting, Locker: "100028625403"}
	busy     = state.Outcome{Class: state.ClassWaiting, Code: "ResourceInUse", Message: "the resource is busy"}
	rejected = state.Outcome{Class: state.ClassRefused, Code: "InvalidParameterValue", Message: "no such version"}
	running  = state.Outcome{Class: state.ClassRefused, Code: plan.CodeAlreadyLive, Message: "version 12 is running already (operated last by 100028625403), by an operation that the state does not know"}
	newer    = state.Outcome{Class: state.ClassRefused, Code: plan.CodeNewerLive, Message: "version 14 is live (operated last by 100028625403), which is newer than the wanted 12, and the state did not apply it"}
	lost     = state.Outcome{Class: state.ClassUnknown, Code: "Timeout", Message: "no answer within 30s"}
)

func holdSituations() []situation {
	orders := func() plan.Change { return next("orders_cdc", spec.PauseResume, 11, 12) }
	one := func(c plan.Change) situation { return situation{"hold-" + string(c.Hold), planOf(c)} }
	unknown := attempted(orders(), plan.HoldUnknown, lost)
	unknown.Have.Attempt.NeedsOperator = "the task was operated since the request, and not provably by it"
	gone := attempted(orders(), plan.HoldUnknown, lost)
	gone.Have.Attempt.File, gone.Have.Attempt.Line = gone.Want.Pos.File, 4
	gone.Want, gone.Fields = nil, nil
	suspended := held(orders(), plan.HoldSuspended, "")
	suspended.Have.Suspended = &state.Suspension{Actor: "lin", At: noon.AddDate(0, 0, -3), Until: noon.AddDate(0, 0, 4), Reason: "migration of the sink"}
	adopted := held(orders(), plan.HoldAdopted, "")
	adopted.Have.Applied.At = noon.Add(-20 * time.Minute)
	return []situation{
		one(attempted(orders(), plan.HoldAlreadyLive, running)),
		one(attempted(orders(), plan.HoldNewerLive, newer)),
		one(attempted(orders(), plan.HoldLocked, lockedBy)),
		one(attempted(orders(), plan.HoldWaiting, busy)),
		one(suspended),
		one(held(orders(), plan.HoldWindow, "freeze window \"weekend\" until 2026-11-24T00:00:00Z")),
		one(held(orders(), plan.HoldGuard, "commitType pause-resume is not in guards.allowCommitTypes of this daemon's configuration")),
		one(unknown),
		one(held(orders(), plan.HoldDependency, "waits for "+project+"/users_cdc")),
		one(attempted(orders(), plan.HoldRefused, rejected)),
		one(held(orders(), plan.HoldPaused, "UnauthorizedOperation since 2026-11-23T11:40:00Z, next try 2026-11-23T12:10:00Z: no permission")),
		one(adopted),
		one(held(orders(), plan.HoldContested, "it was healed 2 times since 2026-11-23T09:40:00Z, and changed again: newer, instanceVersion 12 -> 13, by 100028625403")),
		{"hold-unknown-spec-gone", planOf(gone)},
		{"hold-discard-state", planOf(
			attempted(next("orders_cdc", spec.RestartDiscardState, 11, 12), plan.HoldLocked, lockedBy),
			next("refunds", spec.RestartDiscardState, 1, 2))},
		{"hold-several", planOf(
			held(next("a", spec.PauseResume, 1, 2), plan.HoldDependency, "waits for "+project+"/c"),
			attempted(next("b", spec.Resume, 1, 2), plan.HoldLocked, lockedBy),
			attempted(next("c", spec.Start, 1, 2), plan.HoldRefused, rejected),
			next("d", spec.Start, 1, 2),
			attempted(next("e", spec.Start, 1, 2), plan.HoldLocked, lockedBy))},
	}
}

func guardSituations() []situation {
	window := plan.GuardHold{Guard: "windows", Message: `freeze window "weekend" until 2026-11-24T00:00:00Z`, Approvable: true}
	changes := plan.GuardHold{Guard: "maxChanges", Message: "7 calls, and guards.maxChanges is 5", Approvable: true}
	rewritten := plan.GuardHold{
		Guard: "rewritten", Approvable: true,
		Message: "the history was rewritten: 9f1c2e7a6d5b does not come after 0f4c3ad6a2be, the revision of the last pass",
	}
	unverified := func(p *plan.Plan) {
		p.Source.Unverified = "read source https://git.example/data/tasks.git: newest revision is not verified: " +
			"commit 4b1d2e7a6d5b4c3f2e1d0c9b8a7f6e5d4c3b2a10: it is not signed: have a commit on top of it that is signed by a trusted key"
	}
	return []situation{
		{"unverified", edit(planOf(next("orders_cdc", spec.Start, 11, 12)), unverified)},
		{"unverified-nothing-to-do", edit(planOf(), unverified)},
		{"guard-max-changes", guarded(everyImpact(), plan.HoldGuard, changes)},
		{"guard-window", guarded(everyImpact(), plan.HoldWindow, window)},
		{"guard-rewritten", guarded(everyImpact(), plan.HoldGuard, rewritten)},
		{"guard-several", guarded(edit(everyImpact(), func(p *plan.Plan) {
			p.Changes[1] = held(p.Changes[1], plan.HoldGuard, "task invoices is not in guards.allowTasks of this daemon's configuration")
		}), plan.HoldGuard, changes, window)},
		{"guard-empty", guarded(edit(planOf(gone("clicks", 1), gone("orders_cdc", 12)), func(p *plan.Plan) {
			p.Specs, p.Managed, p.Unchanged = 0, 2, 0
		}), plan.HoldGuard, plan.GuardHold{Guard: "empty", Message: "the source has no specs, and the state has 2 tasks", Approvable: true})},
		{"guard-not-approvable", guarded(everyImpact(), plan.HoldGuard,
			plan.GuardHold{Guard: "lineage", Message: "the state belongs to another repository"})},
		{"guard-approved", edit(everyImpact(), func(p *plan.Plan) { p.Approved = "lin" })},
	}
}

// guarded returns p as guards leave it that hold the whole plan.
func guarded(p *plan.Plan, r plan.HoldReason, holds ...plan.GuardHold) *plan.Plan {
	p.Holds = holds
	for i := range p.Changes {
		if c := &p.Changes[i]; c.Action == plan.ActionCommit {
			*c = held(*c, r, holds[0].Message)
		}
	}
	return p
}

func fileSituations() []situation {
	problems := spec.Problems{
		problem("tasks/bad.yaml", 3, 5, spec.SeverityError, "unknown-field", `"taskid" is not a field of a commit; did you mean "taskId"?`),
		problem("tasks/odd.yaml", 9, 15, spec.SeverityWarning, "undocumented-task-type", "taskType 1 is not documented; it is sent as it is"),
		problem("tasks/old.yaml", 12, 3, spec.SeverityError, "duplicate-task", "orders_cdc is also at tasks/orders.yaml:4:5; keep one, neither is sent"),
	}
	with := func(p *plan.Plan, ps ...spec.Problem) *plan.Plan {
		p.Problems = ps
		return p
	}
	return []situation{
		{"invalid-files", edit(with(planOf(), problems[0], problems[2]), func(p *plan.Plan) { p.Specs, p.Managed, p.Unchanged = 0, 0, 0 })},
		{"degraded", with(planOf(next("clicks", spec.Resume, 1, 2)), problems...)},
		{"warnings", with(planOf(), problems[1])},
		{"unversioned", planOf(unversioned("clicks", spec.Resume, 3, field("versionDesc", "v3", "v3, with a better name")))},
		{"unversioned-discard-state", planOf(unversioned("clicks", spec.RestartDiscardState, 3, field("commitType", "resume", "restart-discard-state")))},
		{"against-a-revision", edit(everyImpact(), func(p *plan.Plan) {
			p.Source.Branch, p.State, p.Against = "", plan.StateInfo{}, "origin/main"
		})},
		{"everything", everything(problems)},
		{"drift", edit(planOf(next("orders_cdc", spec.Resume, 5, 3)), func(p *plan.Plan) {
			p.Source.Branch, p.State, p.Against, p.Drift = "", plan.StateInfo{}, "live", everyDrift()
		})},
		{"drift-alone", edit(planOf(), func(p *plan.Plan) { p.Against, p.Drift = "live", everyDrift()[2:3] })},
		{"drift-none", edit(planOf(), func(p *plan.Plan) { p.Against, p.Drift = "live", []state.Drift{} })},
		{"drift-beside", edit(planOf(), func(p *plan.Plan) { p.Against, p.Drift = "live", everyDrift()[6:8] })},
	}
}

// everyDrift has a task of each kind.
func everyDrift() []state.Drift {
	all := []state.Drift{
		{Kind: state.DriftGone, Detail: "WeData knows no such task; nothing is done about that"},
		{Kind: state.DriftNotSubmitted, Operator: "100028625403", Fields: []state.DriftField{{Name: "status", Git: "running", Applied: "running", Live: "not submitted"}}},
		{
			Kind: state.DriftNewer, Operator: "100028625403", OperatedAt: "2026-11-23 19:58:00", Event: "commit", Locker: "100000000007",
			Fields: []state.DriftField{{Name: "instanceVersion", Git: "3", Applied: "3", Live: "5"}},
		},
		{Kind: state.DriftOlder, Fields: []state.DriftField{{Name: "instanceVersion", Git: "4", Applied: "3", Live: "2"}}},
		{Kind: state.DriftStopped, OperatedAt: "2026-11-23 19:58:00", WhyReported: "to be healed", Fields: []state.DriftField{{Name: "status", Git: "running", Applied: "running", Live: "paused"}}},
		{Kind: state.DriftStarted, Fields: []state.DriftField{{Name: "status", Applied: "submitted", Live: "running"}}},
		{Kind: state.DriftLocked, Locker: "100000000007"},
		{Kind: state.DriftUnknown, Detail: "reading tasks is not permitted"},
		{Kind: state.DriftPending, Detail: "a commit of it is in progress, or its outcome is unknown"},
		{Kind: state.DriftUnmanaged},
	}
	for i := range all {
		all[i].Key = spec.Key{ProjectID: project, TaskID: "task_" + string(all[i].Kind)}
	}
	return all
}

func everything(problems spec.Problems) *plan.Plan {
	p := everyImpact()
	p.Changes = append(p.Changes,
		attempted(next("v_held", spec.PauseResume, 3, 4), plan.HoldLocked, lockedBy),
		attempted(next("w_unknown", spec.Start, 3, 4), plan.HoldUnknown, lost),
		unversioned("x_unversioned", spec.Resume, 7, field("versionDesc", "a", "b"), field("eventDesc", "a", "b")),
		gone("y_gone", 3))
	p.Problems = problems
	return p
}

func fieldSituations() []situation {
	byName := next("orders_cdc", spec.Resume, 11, 12,
		secret("extConfig.password", "hunter2", "correct horse"), secret("extConfig.user", nil, "app"), secret("extConfig.zone", "a", nil))
	whole := next("orders_cdc", spec.Resume, 11, 12, secret("extConfig", "other values", "2 values"))
	whole.Want.ExtConfig = []spec.Param{{Name: "password", Value: "correct horse"}, {Name: "user", Value: "app"}}
	var many []plan.Field
	for i := range 40 {
		many = append(many, secret(fmt.Sprintf("extConfig.name_%02d", i), nil, "1"))
	}
	other := next("reports", spec.Resume, 1, 2)
	other.Key.ProjectID = "1"
	return []situation{
		{"ext-config-by-name", planOf(byName)},
		{"ext-config-as-a-whole", planOf(whole)},
		{"many-fields", planOf(next("orders_cdc", spec.Resume, 11, 12, many...))},
		{"without-versions", planOf(first("clicks", spec.Start, 0), next("orders_cdc", spec.Resume, 0, 4), next("users_cdc", spec.Resume, 4, 0))},
		{"several-projects", planOf(other, first("clicks", spec.Start, 1))},
		{"wide-characters", planOf(first("订单同步任务", spec.Start, 1), next("clicks", spec.Resume, 11, 12, field("versionDesc", "第一版", "第二版 🚀")))},
		{"long-names", planOf(
			first("a", spec.Start, 1),
			next(strings.Repeat("long-task-name-", 8), spec.Resume, 1, 2),
			next("z", spec.Resume, 1, 2, field(strings.Repeat("extConfig.n", 4), "a", "b")))},
		{"hostile", hostile()},
	}
}

// nasty is text of the kind that breaks reports.
const nasty = "@someone #12 org/repo#1 GH-12 https://evil.example www.evil.example 0f4c3ad6a2be97d1 " +
	"| a ``` b ~~~ `c` </details> <img src=x onerror=alert(1)> <!-- --> &lt; [x](https://evil.example) ![y](z) " +
	"\r\n::add-mask::x\n##[add-mask]y \x1b[31mred\x1b[0m \u202eevil\u2066 \u200b\ufeff 𝕏🚀 \xff\x00\x07 ::error::z \\| *b* _i_ ~s~ $`x`$ :tada: %0A"

// hostile puts the same text into every field that others write.
func hostile() *plan.Plan { return hostileWith(nasty) }

func hostileWith(text string) *plan.Plan {
	key := func(c plan.Change, suffix string) plan.Change {
		c.Key = spec.Key{ProjectID: text, TaskID: text + suffix}
		if c.Want != nil {
			w := *c.Want
			w.Key, w.Pos = c.Key, spec.Pos{File: text, Line: 1, Column: 1}
			w.ExtConfig = []spec.Param{{Name: text, Value: text}}
			c.Want = &w
		}
		return c
	}
	fields := []plan.Field{field(text, text, text), secret("extConfig."+text, text, text), secret("extConfig", text, text)}
	p := planOf(
		key(next("", spec.RestartDiscardState, 1, 2, fields...), ""),
		key(first("", spec.Start, 1), "1"),
		key(held(next("", spec.RestartDiscardState, 1, 2, fields...), plan.HoldReason(text), text), "2"),
		key(attempted(next("", spec.Resume, 1, 2, fields...), plan.HoldRefused, state.Outcome{Code: text, Message: text}), "3"),
		key(unversioned("", spec.Resume, 1, fields...), "4"),
		key(gone("", 1), "5"),
		key(next("", spec.Resume, 1, 2, fields...), "6"),
	)
	p.Changes[6].Reason = plan.Reason(text)
	p.Source = plan.SourceInfo{URL: text, Branch: text, Revision: text, Author: text, Subject: text, Unverified: text}
	p.State.Lineage = text
	p.Holds = []plan.GuardHold{{Guard: text, Message: text, Approvable: true}}
	p.Approved, p.Against = text, text
	p.Drift = everyDrift()
	for i := range p.Drift {
		d := &p.Drift[i]
		d.Key, d.Operator, d.OperatedAt, d.Event, d.Locker, d.Detail = spec.Key{ProjectID: text, TaskID: text}, text, text, text, text, text
	}
	p.Problems = spec.Problems{
		problem(text, 1, 1, spec.SeverityError, text, text),
		problem(text, 2, 1, spec.SeverityWarning, text, text),
		problem("::add-mask::x", 1, 1, spec.SeverityError, "x", "x"),
	}
	return p
}

func largeSituations() []situation {
	return []situation{
		{"ten-thousand-changes", large(10_000)},
		{"ten-thousand-discards", edit(large(10_000), func(p *plan.Plan) {
			for i := range p.Changes {
				p.Changes[i] = next(fmt.Sprintf("kb947c997-4f91-4a1f-913d-%012d", i), spec.RestartDiscardState, 1, 2)
			}
		})},
	}
}

// large returns a plan of n changes of every kind, with problems.
func large(n int) *plan.Plan {
	changes := make([]plan.Change, n)
	for i := range changes {
		id := fmt.Sprintf("kb947c997-4f91-4a1f-913d-%012d", i)
		switch i % 10 {
		case 0:
			changes[i] = first(id, spec.Start, 1)
		case 1, 2, 3:
			changes[i] = next(id, spec.PauseResume, int64(i), int64(i+1), field("versionDesc", "release", "release "+strings.Repeat("x", i%90)))
		case 4, 5:
			changes[i] = next(id, spec.Resume, int64(i), int64(i+1))
		case 6:
			changes[i] = attempted(next(id, spec.Start, int64(i), int64(i+1)), plan.HoldLocked, lockedBy)
		case 7:
			changes[i] = unversioned(id, spec.Resume, int64(i+1), field("versionDesc", "a", "b"))
		case 8:
			changes[i] = gone(id, int64(i))
		default:
			changes[i] = next(id, spec.Submit, int64(i), int64(i+1))
		}
		if i%97 == 13 {
			changes[i] = next(id, spec.RestartDiscardState, int64(i), int64(i+1))
		}
	}
	p := planOf(changes...)
	for i := range min(n, 300) {
		p.Problems = append(p.Problems, problem(fmt.Sprintf("tasks/%04d.yaml", i), 3, 5, spec.SeverityError, "unknown-field",
			strings.Repeat("a long complaint ", i%20)+"end"))
	}
	return p
}

// planOf returns the plan of changes in a repository with 207 more tasks.
func planOf(changes ...plan.Change) *plan.Plan {
	p := &plan.Plan{
		Source: plan.SourceInfo{
			URL: "https://git.example/data/tasks.git", Branch: "main", Revision: "9f1c2e7a6d5b4c3f2e1d0c9b8a7f6e5d4c3b2a19",
			Author: "Lin <lin@example.com>", Subject: "Restart orders from the start",
		},
		State:     plan.StateInfo{Lineage: "7b1c9c6e-2f0b-4d1f-9b6e-0a4f7a5c1d2e", Serial: 88},
		Changes:   changes,
		Specs:     207 + len(changes),
		Managed:   207 + len(changes),
		Unchanged: 207,
	}
	h := sha256.New()
	for c := range p.Calls() {
		d := c.Want.Request()
		h.Write(d[:])
	}
	p.Hash = "sha256:" + hex.EncodeToString(h.Sum(nil))
	return p
}

func edit(p *plan.Plan, change func(*plan.Plan)) *plan.Plan {
	change(p)
	return p
}

// next is a commit of a task that was applied at version before.
func next(id string, t spec.CommitType, before, after int64, fields ...plan.Field) plan.Change {
	c := first(id, t, after)
	c.Reason = plan.ReasonVersion
	c.Have = &state.Record{Key: c.Key, Status: state.StatusApplied, Applied: &state.Applied{CommitType: t, InstanceVersion: before}}
	c.Fields = append([]plan.Field{field("instanceVersion", before, after)}, fields...)
	return c
}

// first is a commit of a task that is not in the state.
func first(id string, t spec.CommitType, version int64) plan.Change {
	key := spec.Key{ProjectID: project, TaskID: id}
	return plan.Change{
		Key: key, Action: plan.ActionCommit, Reason: plan.ReasonNew, Impact: plan.ImpactOf(t),
		Want: &spec.Commit{
			Key: key, CommitType: t, TaskType: spec.Realtime, InstanceVersion: version,
			Pos: spec.Pos{File: "tasks/" + id + ".yaml", Line: 4, Column: 5},
		},
		Fields: []plan.Field{field("commitType", nil, t.String()), field("instanceVersion", nil, version)},
	}
}

func held(c plan.Change, r plan.HoldReason, detail string) plan.Change {
	c.Action, c.Hold, c.Detail = plan.ActionHold, r, detail
	return c
}

// attempted is a change whose last commit has come to the outcome, and is held for that.
func attempted(c plan.Change, r plan.HoldReason, out state.Outcome) plan.Change {
	c = held(c, r, "")
	c.Have.Attempt = &state.Attempt{At: noon.Add(-20 * time.Minute), Since: noon.Add(-20 * time.Minute), Outcome: out, Wanted: state.Applied{InstanceVersion: 12}}
	if out.Class == state.ClassWaiting {
		c.Have.Attempt.NextAt = noon.Add(10 * time.Minute)
	}
	return c
}

// fresh is a commit that starts a task which runs.
func fresh(c plan.Change) plan.Change {
	c.Impact = plan.ImpactFreshStart
	return c
}

func unversioned(id string, t spec.CommitType, version int64, fields ...plan.Field) plan.Change {
	c := next(id, t, version, version)
	c.Action, c.Reason, c.Fields = plan.ActionUnversioned, "", fields
	return c
}

// followed is a task that was started, and whose run stands so.
func followed(id string, version int64, status state.RunStatus, detail string) plan.Change {
	c := next(id, spec.Start, version, version)
	c.Have.Applied.Wait, c.Have.Applied.Run = 600, &state.Run{Status: status, Since: noon.Add(-2 * time.Minute), Until: noon.Add(8 * time.Minute), Detail: detail}
	c.Action, c.Reason, c.Fields = plan.ActionFollow, "", nil
	return c
}

// accepted is a task whose commit WeData has accepted, and that is not live yet.
func accepted(id, approval, operator string) plan.Change {
	c := next(id, spec.Start, 12, 12)
	c.Have.Attempt = &state.Attempt{Since: noon.Add(-2 * time.Minute), Outcome: state.Outcome{Class: state.ClassApplied, TaskApproveID: approval}, NeedsOperator: operator}
	c.Action, c.Reason, c.Fields = plan.ActionFollow, "", nil
	return c
}

func gone(id string, version int64) plan.Change {
	c := next(id, spec.Start, version, 0)
	return plan.Change{Key: c.Key, Action: plan.ActionForget, Have: c.Have}
}

func field(name string, before, after any) plan.Field {
	return plan.Field{Name: name, Before: before, After: after}
}

func secret(name string, before, after any) plan.Field {
	return plan.Field{Name: name, Before: before, After: after, Secret: true}
}

func problem(file string, line, column int, s spec.Severity, code, message string) spec.Problem {
	return spec.Problem{Pos: spec.Pos{File: file, Line: line, Column: column}, Severity: s, Code: code, Message: message}
}

// find returns the plan of the small situation of that name.
func find(name string) *plan.Plan {
	all := smallSituations()
	return all[slices.IndexFunc(all, func(s situation) bool { return s.name == name })].plan
}
