package notify_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wedatasync/wedatasync/internal/apiclient/apitest"
	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/internal/forge"
	"github.com/wedatasync/wedatasync/internal/notify"
	"github.com/wedatasync/wedatasync/internal/secret"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// head is the revision of the plans.
const head = "4837b3f5c8704837b3f5c8704837b3f5c8704837"

// want is a task that is to be committed.
func want(task string, version int64) *plan.Change {
	key := spec.Key{ProjectID: "1", TaskID: task}
	return &plan.Change{
		Key: key, Action: plan.ActionCommit, Reason: plan.ReasonVersion, Impact: plan.ImpactStart,
		Want: &spec.Commit{Key: key, CommitType: spec.Start, InstanceVersion: version, Pos: spec.Pos{File: "tasks/" + task + ".yaml", Line: 4, Column: 5}},
	}
}

// held is a task that is not committed now; its record says what became of it.
func held(task string, version int64, why plan.HoldReason, out state.Outcome, person string) *plan.Change {
	c := want(task, version)
	c.Action, c.Hold = plan.ActionHold, why
	status := map[state.Class]state.Status{state.ClassRefused: state.StatusRefused, state.ClassWaiting: state.StatusWaiting}[out.Class]
	if status == "" {
		status = state.StatusUnknown
	}
	c.Have = &state.Record{Key: c.Key, Status: status, Attempt: &state.Attempt{Wanted: plan.AppliedOf(c.Want, head), Outcome: out, NeedsOperator: person}}
	return c
}

// followed is a task that was committed, and whose run stands so.
func followed(task string, version int64, status state.RunStatus, detail string) *plan.Change {
	c := want(task, version)
	c.Action, c.Reason = plan.ActionFollow, ""
	applied := plan.AppliedOf(c.Want, head)
	applied.Wait, applied.Run = 60, &state.Run{Status: status, Detail: detail}
	c.Have = &state.Record{Key: c.Key, Status: state.StatusApplied, Applied: &applied}
	return c
}

func planOf(changes ...*plan.Change) *plan.Plan {
	p := &plan.Plan{
		Source: plan.SourceInfo{URL: "https://git.example.com/acme/tasks", Branch: "main", Revision: head, Author: "Ada <ada@example.com>"},
		Specs:  5, Unchanged: 5 - len(changes), Hash: "sha256:eaee8a0b",
	}
	for _, c := range changes {
		p.Changes = append(p.Changes, *c)
	}
	return p
}

// passed is a pass that has left the changes.
func passed(left ...*plan.Change) *reconcile.Result {
	return &reconcile.Result{Plan: planOf(), Left: planOf(left...)}
}

var (
	applied = state.Outcome{Class: state.ClassApplied}
	unknown = state.Outcome{Class: state.ClassUnknown, Code: "Timeout"}
	locked  = state.Outcome{Class: state.ClassWaiting, Code: "UnsupportedOperation", Message: "is locked by 100028625403"}
)

// TestNotifier_TellsOnce tells each outcome of a release of a task once, what
// requires action first, and each in the order in which they come.
func TestNotifier_TellsOnce(t *testing.T) {
	tests := []struct {
		name  string
		story func(n *notify.Notifier)
		want  []string // topic, task and version
	}{
		{"words do not count", func(n *notify.Notifier) {
			for i := range 5 {
				n.Called(want("orders", 3), nil, refused(fmt.Sprintf("it took %d ms", i)))
			}
		}, []string{"task.refused orders 3"}},
		{"nor do descriptions", func(n *notify.Notifier) {
			c := want("orders", 3)
			n.Called(c, nil, refused("no"))
			c.Want.VersionDesc = "another"
			n.Called(c, nil, refused("no"))
		}, []string{"task.refused orders 3"}},
		{"each outcome", func(n *notify.Notifier) {
			for _, out := range []state.Outcome{locked, locked, refused("no"), locked, applied, applied} {
				n.Called(want("orders", 3), nil, out)
			}
		}, []string{"task.refused orders 3", "task.waiting orders 3", "task.applied orders 3"}},
		{"each release, and a rollback is one", func(n *notify.Notifier) {
			for _, version := range []int64{2, 1, 2} {
				n.Called(want("orders", version), nil, applied)
			}
		}, []string{"task.applied orders 2", "task.applied orders 1", "task.applied orders 2"}},
		{"a rerun is one, too", func(n *notify.Notifier) {
			for _, token := range []string{"", "a", "a", "b"} {
				c := want("orders", 2)
				c.Want.Rerun = token
				n.Called(c, nil, applied)
			}
		}, []string{"task.applied orders 2", "task.applied orders 2", "task.applied orders 2"}},
		{"a heal is told each time, and what it waits for once", func(n *notify.Notifier) {
			for _, out := range []state.Outcome{applied, locked, locked, applied, applied} {
				c := want("orders", 3)
				c.Reason = plan.ReasonDrift
				n.Called(c, nil, out)
			}
		}, []string{"task.applied orders 3", "task.waiting orders 3", "task.applied orders 3", "task.applied orders 3"}},
		{"an approval", func(n *notify.Notifier) {
			n.Called(want("orders", 2), nil, state.Outcome{Class: state.ClassApplied, TaskApproveID: "7"})
		}, []string{"task.approval orders 2"}},
		{"not what is tried again at once", func(n *notify.Notifier) {
			for _, class := range []state.Class{state.ClassThrottled, state.ClassNotSent, state.ClassAuth, state.ClassUnauthorized} {
				n.Called(want("orders", 2), nil, state.Outcome{Class: class})
			}
		}, nil},
		{"not what was so before the start", func(n *notify.Notifier) {
			n.Planned(planOf(held("orders", 3, plan.HoldRefused, refused("no"), ""), held("users", 3, plan.HoldLocked, locked, "")))
			n.Called(want("users", 3), nil, locked)
			n.Called(want("orders", 4), nil, refused("no"))
		}, []string{"task.refused orders 4"}},
		{"read back: it was applied", func(n *notify.Notifier) {
			n.Planned(planOf(want("orders", 3)))
			n.Called(want("orders", 3), nil, unknown)
			n.Passed(passed(held("orders", 3, plan.HoldUnknown, unknown, "")))
			n.Passed(passed())
			n.Passed(passed())
		}, []string{"task.unknown orders 3", "task.applied orders 3"}},
		{"read back: it was not", func(n *notify.Notifier) {
			n.Called(want("orders", 3), nil, unknown)
			n.Passed(passed(want("orders", 3)))
			n.Passed(passed())
			n.Called(want("orders", 3), nil, applied)
		}, []string{"task.unknown orders 3", "task.applied orders 3"}},
		{"unknown, and another version since", func(n *notify.Notifier) {
			n.Called(want("orders", 3), nil, unknown)
			n.Called(want("orders", 4), nil, applied)
			n.Passed(passed())
		}, []string{"task.unknown orders 3", "task.applied orders 4"}},
		{"read back: action required", func(n *notify.Notifier) {
			n.Called(want("orders", 3), nil, unknown)
			for range 3 {
				n.Passed(passed(held("orders", 3, plan.HoldUnknown, unknown, "what was live before could not be read")))
			}
			n.Passed(passed())
		}, []string{"task.person orders 3", "task.unknown orders 3", "task.applied orders 3"}},
		{"a person was needed before the start", func(n *notify.Notifier) {
			n.Planned(planOf(held("orders", 3, plan.HoldUnknown, unknown, "no before")))
			n.Passed(passed(held("orders", 3, plan.HoldUnknown, unknown, "no before")))
		}, nil},
		{"unknown since a crash", func(n *notify.Notifier) {
			n.Planned(planOf(held("orders", 3, plan.HoldUnknown, state.Outcome{}, "")))
			n.Passed(passed(held("orders", 3, plan.HoldUnknown, state.Outcome{}, "")))
		}, []string{"task.unknown orders 3"}},
		{"applied, and it runs", func(n *notify.Notifier) {
			n.Called(want("orders", 3), nil, applied)
			n.Passed(passed(followed("orders", 3, state.RunStarting, "")))
			n.Passed(passed())
		}, []string{"task.applied orders 3"}},
		{"applied, and it does not run", func(n *notify.Notifier) {
			n.Called(want("orders", 3), nil, applied)
			for range 3 {
				n.Passed(passed(followed("orders", 3, state.RunFailed, "WeData says that it is failed")))
			}
		}, []string{"task.not-running orders 3", "task.applied orders 3"}},
		{"it did not run before the start", func(n *notify.Notifier) {
			n.Planned(planOf(followed("orders", 3, state.RunLate, "")))
			n.Passed(passed(followed("orders", 3, state.RunLate, "")))
		}, nil},
		{"a held plan", func(n *notify.Notifier) {
			hold := func(hash string, guards ...string) *reconcile.Result {
				r := passed(want("orders", 3))
				r.Left.Hash = hash
				for _, guard := range guards {
					r.Left.Holds = append(r.Left.Holds, plan.GuardHold{Guard: guard, Message: "too many"})
				}
				return r
			}
			for _, r := range []*reconcile.Result{hold("a", "maxChanges"), hold("a", "maxChanges"), hold("b", "maxChanges"), hold("b"), hold("b", "maxChanges")} {
				n.Passed(r)
				pass(time.Minute)
			}
		}, []string{"plan.held", "plan.held", "plan.held"}},
		{"broken specs", func(n *notify.Notifier) {
			broken := passed()
			broken.Left.Problems = spec.Problems{{Severity: spec.SeverityError}, {Severity: spec.SeverityWarning}}
			for range 3 {
				n.Passed(broken)
			}
		}, []string{"specs.invalid"}},
		{"paused", func(n *notify.Notifier) {
			r, since := passed(), time.Now()
			for _, pauses := range [][]state.Pause{
				{{Code: "Old", Since: since.Add(-time.Hour)}},
				{{Code: "AuthFailure", Since: since}, {ProjectID: "1", Code: "UnauthorizedOperation", Since: since}},
				{{Code: "AuthFailure", Since: since, Message: "other words", Tries: 2}},
				nil,
				{{Code: "AuthFailure", Since: since}},
			} {
				r.Pauses = pauses
				n.Passed(r)
				pass(time.Minute)
			}
		}, []string{"sends.paused", "sends.paused", "sends.paused"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &fakeChat{kind: notify.WeCom}
				n := f.start(t, func(s *notify.Settings) {
					s.Channels[0].Topics = singly
					s.Channels[0].Template = "{{.Topic}}{{if .Task}} {{.Task}} {{.Version}}{{end}}"
				})
				test.story(n)
				pass(time.Hour)
				if diff := cmp.Diff(test.want, f.lines()); diff != "" {
					t.Errorf("told (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// TestEvent_Text is what people read.
func TestEvent_Text(t *testing.T) {
	names := []string{"orders (1/a) version 3", "1/b", "1/c"}
	tests := []struct {
		event notify.Event
		want  string
	}{
		{notify.Event{Topic: notify.TaskApplied}, "orders (1/a) version 3 applied, revision 4837b3f5c870 by Ada."},
		{notify.Event{Topic: notify.TaskApplied, Message: "as reading back shows"}, "orders (1/a) version 3 applied, as reading back shows, revision 4837b3f5c870 by Ada."},
		{notify.Event{Topic: notify.TaskApplied, Count: 40, Tasks: names}, "40 tasks (orders (1/a) version 3, 1/b, 1/c and 37 more) applied, revision 4837b3f5c870 by Ada."},
		{notify.Event{Topic: notify.TaskApproval, Next: "approve it in WeData"}, "orders (1/a) version 3 accepted, revision 4837b3f5c870 by Ada, and not live before somebody approves it in WeData. Next step: approve it in WeData"},
		{notify.Event{Topic: notify.TaskWaiting, Code: "UnsupportedOperation", Message: "is locked by 1000"}, "orders (1/a) version 3 waiting, UnsupportedOperation: is locked by 1000; retried automatically."},
		{notify.Event{Topic: notify.TaskRefused, Code: "InvalidParameter", Next: "change the spec"}, "orders (1/a) version 3 refused, InvalidParameter. Next step: change the spec"},
		{notify.Event{Topic: notify.TaskUnknown, Code: "Timeout"}, "orders (1/a) version 3: unknown outcome, Timeout; read back automatically."},
		{notify.Event{Topic: notify.TaskNotRunning, Message: "WeData says that it is failed"}, "orders (1/a) version 3 applied, but not running, WeData says that it is failed."},
		{notify.Event{Topic: notify.TaskPerson, Message: "no before"}, "orders (1/a) version 3: unknown outcome, no before."},
		{notify.Event{Topic: notify.TaskPerson, State: explain.NotLive, Message: "it is at version 2"}, "orders (1/a) version 3 accepted, and not seen live, it is at version 2."},
		{notify.Event{Topic: notify.TaskHeld, Message: "its discardState was used"}, "orders (1/a) version 3 not sent, its discardState was used."},
		{notify.Event{Topic: notify.TaskDrifted, Code: "newer", Message: "instanceVersion 3 -> 5, by 100028625403"}, "orders (1/a) version 3 has drifted, newer: instanceVersion 3 -> 5, by 100028625403."},
		{notify.Event{Topic: notify.PlanHeld, Count: 12, Tasks: names, Code: "maxChanges", Message: "12 are more than 10"}, "Release 4837b3f5c870 by Ada held, maxChanges: 12 are more than 10; 12 changes (orders (1/a) version 3, 1/b, 1/c and 9 more)."},
		{notify.Event{Topic: notify.PlanHeld, Code: "verify", Message: "no signature"}, "Release 4837b3f5c870 by Ada held, verify: no signature."},
		{notify.Event{Topic: notify.SpecsInvalid, Count: 2, Tasks: []string{"a.yaml:4:3: no taskId"}}, "2 errors in specs, revision 4837b3f5c870 by Ada: a.yaml:4:3: no taskId and 1 more. The invalid specs are skipped."},
		{notify.Event{Topic: notify.SendsPaused, Code: "UnauthorizedOperation"}, "Sending to project 1 paused, UnauthorizedOperation."},
		{
			notify.Event{Topic: notify.ReleaseDone, Message: "in 27s", Outcomes: []notify.Outcome{{"refused", 1, names[:1]}, {"applied", 40, names}}},
			"Release 4837b3f5c870 by Ada: 1 refused (orders (1/a) version 3), 40 applied (orders (1/a) version 3, 1/b, 1/c and 37 more), in 27s.",
		},
	}
	for _, test := range tests {
		e := test.event
		e.Name, e.Project, e.Task, e.Version, e.Revision, e.Author = "orders", "1", "a", 3, head, "Ada"
		if got := e.Text(); got != test.want {
			t.Errorf("%s: %q, want %q", e.Topic, got, test.want)
		}
	}
	everything := notify.Event{Topic: notify.SendsPaused, Code: "AuthFailure", Message: "no"}
	if got, want := everything.Text(), "Sending paused, AuthFailure: no."; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestNotifier_Scanned tells each task that has drifted, with what differs and who it
// was.
func TestNotifier_Scanned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeChat{kind: notify.Webhook}
		n := f.start(t)
		n.Scanned(&state.DriftScan{}, []state.Drift{
			{
				Key: spec.Key{ProjectID: "1", TaskID: "orders"}, Kind: state.DriftNewer, Operator: "100028625403", OperatedAt: "2026-11-26 14:03:11",
				Fields: []state.DriftField{{Name: "instanceVersion", Applied: "3", Live: "5"}, {Name: "status", Applied: "running", Live: "stopped"}},
			},
			{Key: spec.Key{ProjectID: "1", TaskID: "clicks"}, Kind: state.DriftGone},
		}, []state.Drift{{Key: spec.Key{ProjectID: "1", TaskID: "users"}, Kind: state.DriftStopped}})
		pass(time.Minute)
		const undo = "undo it in WeData, or change the spec to what is live"
		want := []string{
			`{"type":"task.drifted","timestamp":"2000-01-01T00:00:00Z","data":{"project_id":"1","task_id":"orders","code":"newer",` +
				`"message":"instanceVersion 3 -\u003e 5, status running -\u003e stopped, by 100028625403, 2026-11-26 14:03:11 +08:00 (2026-11-26T06:03:11Z)","next_step":"` + undo + `"}}`,
			`{"type":"task.drifted","timestamp":"2000-01-01T00:00:00Z","data":{"project_id":"1","task_id":"clicks","code":"gone","next_step":"` + undo + `"}}`,
		}
		if diff := cmp.Diff(want, f.lines()); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

// TestNotifier_NeverWaits goes on at once whatever the receivers do; when too much
// waits, the oldest is dropped and counted.
func TestNotifier_NeverWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeChat{kind: notify.Webhook}
		n := f.start(t, func(s *notify.Settings) { s.Transport = apitest.Insecure{Transport: apitest.Serve(t, apitest.Silence)} })
		start := time.Now()
		n.Called(want("first", 1), nil, applied)
		synctest.Wait() // it is on its way
		const events = 5000
		for i := range events {
			n.Called(want(fmt.Sprint("orders-", i), 3), nil, applied)
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("it took %v", took)
		}
		s := n.Stats()[0]
		if s.Queued != 1000 || s.Dropped != events-1000 {
			t.Errorf("stats = %+v, want 1000 queued and the others dropped", s)
		}
	})
}

// TestNotifier_Ends tells what is left when it is to end, and does not wait for a
// receiver that does not answer.
func TestNotifier_Ends(t *testing.T) {
	tests := []struct {
		name   string
		silent bool
		took   time.Duration
		want   notify.Stats
	}{
		{"a receiver that answers", false, 0, notify.Stats{Name: "ops", Sent: 60}},
		{"one that does not", true, 5 * time.Second, notify.Stats{Name: "ops", Failed: 60}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &fakeChat{kind: notify.WeCom, t: t}
				handler := http.Handler(f)
				if test.silent {
					handler = apitest.Silence
				}
				c := notify.Channel{Name: "ops", Kind: f.kind, URL: secret.Text(addresses[f.kind]), Topics: singly}
				n, err := notify.New(notify.Settings{Channels: []notify.Channel{c}, Transport: apitest.Insecure{Transport: apitest.Serve(t, handler)}, NewID: func() string { return "1" }})
				if err != nil {
					t.Fatal(err)
				}
				defer n.Close()
				for i := range 60 {
					n.Called(want(fmt.Sprint("orders-", i), 3), nil, applied)
				}
				ctx, cancel := context.WithCancel(t.Context())
				start := time.Now()
				cancel()
				n.Run(ctx)
				if took := time.Since(start); took != test.took {
					t.Errorf("it took %v, want %v", took, test.took)
				}
				if got := n.Stats()[0]; got != test.want {
					t.Errorf("stats = %+v, want %+v", got, test.want)
				}
			})
		})
	}
}

// TestNotifier_Statuses shows how a revision stands, the newest alone.
func TestNotifier_Statuses(t *testing.T) {
	invalid := passed()
	invalid.Left.Problems = spec.Problems{{Pos: spec.Pos{File: "tasks/bad.yaml", Line: 3}, Severity: spec.SeverityError}}
	guarded := passed(held("orders", 3, plan.HoldGuard, state.Outcome{}, ""))
	guarded.Left.Holds = []plan.GuardHold{{Guard: "maxChanges"}}
	folder := passed()
	folder.Left.Source.Revision = "dir:a9be91e5"
	tests := []struct {
		name  string
		story func(n *notify.Notifier)
		want  []string // state and description
	}{
		{"all done", func(n *notify.Notifier) { n.Passed(passed()) }, []string{"success 5 in sync"}},
		{"the same again", func(n *notify.Notifier) {
			n.Passed(passed())
			pass(time.Minute)
			n.Passed(passed())
		}, []string{"success 5 in sync"}},
		{"a quick pass", func(n *notify.Notifier) {
			n.Planned(planOf(want("orders", 3), want("users", 3)))
			n.Passed(passed())
		}, []string{"success 5 in sync"}},
		{"a long pass", func(n *notify.Notifier) {
			n.Planned(planOf(want("orders", 3), want("users", 3)))
			pass(time.Minute)
			n.Passed(passed())
		}, []string{"pending 2 commits under way", "success 5 in sync"}},
		{"waiting", func(n *notify.Notifier) {
			n.Passed(passed(held("a", 1, plan.HoldLocked, locked, ""), held("b", 1, plan.HoldWindow, locked, ""), held("c", 1, plan.HoldUnknown, unknown, ""), want("d", 1)))
		}, []string{"pending 1 unknown outcome, 1 locked, 1 held by a window, 1 to send, 1 in sync"}},
		{"refused", func(n *notify.Notifier) {
			n.Passed(passed(held("a", 1, plan.HoldRefused, refused("no"), ""), held("b", 1, plan.HoldUnknown, unknown, "no before"), held("c", 1, plan.HoldLocked, locked, "")))
		}, []string{"failure action required: 1 unknown outcome, 1 refused, 1 locked, 2 in sync"}},
		{"a start", func(n *notify.Notifier) {
			n.Passed(passed(followed("orders", 3, state.RunStarting, "")))
		}, []string{"pending 1 starting, 4 in sync"}},
		{"a start that failed", func(n *notify.Notifier) {
			n.Passed(passed(followed("orders", 3, state.RunFailed, "failed"), followed("users", 3, state.RunStarting, "")))
		}, []string{"failure action required: 1 not running, 1 starting, 3 in sync"}},
		{"broken specs", func(n *notify.Notifier) { n.Passed(invalid) }, []string{"failure action required: error in tasks/bad.yaml:3; 5 in sync"}},
		{"held", func(n *notify.Notifier) { n.Passed(guarded) }, []string{"pending action required: held by maxChanges; 1 held by a guard, 4 in sync"}},
		{"suspended on purpose", func(n *notify.Notifier) {
			n.Passed(passed(held("a", 1, plan.HoldSuspended, locked, "")))
		}, []string{"success 1 suspended, 4 in sync"}},
		{"as others have changed them", func(n *notify.Notifier) {
			n.Passed(passed(held("a", 1, plan.HoldAdopted, locked, ""), held("b", 1, plan.HoldAdopted, locked, "")))
		}, []string{"success 2 adopted, 3 in sync"}},
		{"changed again after each heal", func(n *notify.Notifier) {
			n.Passed(passed(held("a", 1, plan.HoldContested, locked, "")))
		}, []string{"failure action required: 1 contested, 4 in sync"}},
		{"a folder has no commits", func(n *notify.Notifier) { n.Passed(folder) }, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			statusForges(t, func(t *testing.T, f *statusForge) {
				n := f.start(t)
				test.story(n)
				pass(time.Hour)
				var got []string
				for _, s := range f.statuses {
					if s["sha"] != head || s["target_url"] != "https://status.example.com/" || s["context"]+s["name"] != "wedatasync" {
						t.Errorf("status = %v", s)
					}
					if f.kind == forge.GitLab {
						s["state"] = strings.NewReplacer("failed", "failure", "running", "pending").Replace(s["state"])
						if text, dated := strings.CutSuffix(s["description"], "; as of 00:00 UTC"); dated == (s["state"] == "pending") {
							s["description"] = text
						}
					}
					got = append(got, s["state"]+" "+s["description"])
				}
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Errorf("statuses (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// TestTopics_AllKnown tells each topic, without a template of one's own.
func TestTopics_AllKnown(t *testing.T) {
	for _, topic := range notify.Topics() {
		if text := (notify.Event{Topic: topic}).Text(); text == string(topic) {
			t.Errorf("%s has no sentence", topic)
		}
	}
	if !slices.IsSorted(slices.Compact(slices.Sorted(slices.Values(notify.Topics())))) {
		t.Error("a topic is there twice")
	}
}

// pass lets time pass in a bubble, and all that happens then be over.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}
