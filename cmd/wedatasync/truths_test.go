package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/internal/wedatasim"
)

// releases are situations in which what git asks for is done, or under way.
func releases() []situation {
	change := func(file, from, to string) func(*lived) {
		return func(l *lived) { l.commit(file, strings.Replace(tasks(1, 1, 1), from, to, 1)) }
	}
	inSync := truth{states: count(explain.InSync, 3)}
	return []situation{
		{name: "nothing to do", want: inSync},
		{name: "a new version", then: func(l *lived) { l.commit("tasks.yaml", tasks(2, 2, 1)) }, want: inSync},
		{name: "a rollback", then: func(l *lived) {
			l.commit("tasks.yaml", tasks(2, 1, 1))
			l.until(inSync)
			l.git("revert", "--no-edit", "HEAD")
		}, want: inSync},
		{name: "a restart that discards state", then: change("tasks.yaml", "commitType: resume, instanceVersion: 1", "commitType: restart-discard-state, instanceVersion: 2, discardState: 2"), want: inSync},
		{name: "a rerun", then: change("tasks.yaml", "instanceVersion: 1", "instanceVersion: 1, rerun: again"), want: inSync},
		{name: "a new task", then: func(l *lived) { l.commit("tasks.yaml", tasks(1, 1, 1, 1)) }, want: truth{states: count(explain.InSync, 4)}},
		{
			name: "no new version", then: change("tasks.yaml", "instanceVersion: 1", "instanceVersion: 1, versionDesc: better"),
			want: truth{states: count(explain.Unversioned, 1, explain.InSync, 2)},
		},
		{
			name: "a removed task", then: func(l *lived) { l.commit("tasks.yaml", tasks(1, 1)) },
			want: truth{states: count(explain.InSync, 2)},
		},
		{name: "a task that is back", then: func(l *lived) {
			l.commit("tasks.yaml", tasks(1, 1))
			l.until(truth{states: count(explain.InSync, 2)})
			l.commit("tasks.yaml", tasks(1, 1, 1))
		}, want: inSync},
		{
			name: "a commit that is not live yet", then: func(l *lived) {
				if err := l.sim.SetBehavior(wedatasim.Behavior{ReadLag: time.Hour}); err != nil {
					l.Fatal(err)
				}
				l.commit("tasks.yaml", tasks(2, 1, 1))
			},
			want: truth{states: count(explain.Accepted, 1, explain.InSync, 2), exit: exitPartial},
		},
		{
			name: "an approval in WeData", then: func(l *lived) {
				l.fault(wedatasim.Fault{Times: 1, ApproveID: "100001"})
				l.commit("tasks.yaml", tasks(2, 1, 1))
				l.logs("approval in WeData") // once: it is looked up after the commit
			},
			want: truth{states: count(explain.Approval, 1, explain.InSync, 2), exit: exitPartial},
		},
		{
			name: "a task that failed after its start", then: func(l *lived) {
				l.fault(wedatasim.Fault{Times: 1, Fails: true})
				change("tasks.yaml", "instanceVersion: 1", "instanceVersion: 2, wait: {status: running, timeout: 10m}")(l)
			},
			want: truth{states: count(explain.NotRunning, 1, explain.InSync, 2), action: true, exit: exitPartial},
		},
	}
}

// holds are situations in which a commit is needed and not made, or not accepted.
func holds() []situation {
	answered := func(f wedatasim.Fault) func(*lived) {
		return func(l *lived) {
			l.fault(f)
			l.commit("tasks.yaml", tasks(2, 1, 1))
		}
	}
	one := func(s explain.State, exit int) truth {
		return truth{states: count(s, 1, explain.InSync, 2), exit: exit}
	}
	required := func(t truth) truth {
		t.action = true
		return t
	}
	drop := wedatasim.Fault{Times: 1, Answer: wedatasim.ReplyDrop}
	noReads := wedatasim.Fault{Action: "DescribeIntegrationTask", Code: "UnauthorizedOperation"}
	return []situation{
		{name: "a lock", then: func(l *lived) {
			l.sim.Lock("1", "task-0", "100028625403")
			l.commit("tasks.yaml", tasks(2, 1, 1))
		}, want: one(explain.Locked, exitPartial)},
		{name: "a resource in use", then: answered(wedatasim.Fault{Code: "ResourceInUse"}), want: one(explain.Waiting, exitPartial)},
		{name: "a refused commit", then: answered(wedatasim.Fault{Code: "InvalidParameterValue"}), want: required(one(explain.Refused, exitPartial))},
		{
			name: "two refused commits", then: func(l *lived) {
				l.fault(wedatasim.Fault{Code: "InvalidParameterValue"})
				l.commit("tasks.yaml", tasks(2, 2, 1))
			},
			want: truth{states: count(explain.Refused, 2, explain.InSync, 1), action: true, exit: exitPartial},
		},
		{
			name: "a dependency that was refused", then: func(l *lived) {
				l.fault(wedatasim.Fault{Code: "InvalidParameterValue", TaskID: "task-0"})
				l.commit("tasks.yaml", strings.Replace(tasks(2, 2, 1), "instanceVersion: 2}\n  - {taskId: task-2", "instanceVersion: 2, dependsOn: [task-0]}\n  - {taskId: task-2", 1))
			},
			want: truth{states: count(explain.Refused, 1, explain.Dependency, 1, explain.InSync, 1), action: true, exit: exitPartial},
		},
		{name: "no permission for the project", then: answered(wedatasim.Fault{Code: "UnauthorizedOperation"}), want: required(one(explain.Paused, exitError))},
		{name: "credentials that are not accepted", then: answered(wedatasim.Fault{Code: "AuthFailure.SecretIdNotFound"}), want: required(one(explain.Paused, exitError))},
		{name: "an endpoint that cannot be reached", then: func(l *lived) {
			l.end.Close()
			l.commit("tasks.yaml", tasks(2, 1, 1))
		}, want: one(explain.Paused, exitError)},
		{name: "an unknown outcome that is read back", then: func(l *lived) {
			l.fault(wedatasim.Fault{Action: "DescribeIntegrationTask", Skip: 1, Code: "InternalError"})
			answered(drop)(l)
		}, want: one(explain.Unknown, exitUnknown)},
		{name: "an unknown outcome that an operator has to resolve", then: func(l *lived) {
			l.fault(noReads)
			answered(drop)(l)
		}, want: required(one(explain.Unknown, exitUnknown))},
		{name: "a suspended task", then: func(l *lived) {
			l.act("suspend", "task-0", "--reason", "backfill")
			l.commit("tasks.yaml", tasks(2, 1, 1))
		}, want: one(explain.Suspended, exitDone)},
		{name: "a task that its spec suspends", then: func(l *lived) {
			l.commit("tasks.yaml", strings.Replace(tasks(2, 1, 1), "instanceVersion: 2", "instanceVersion: 2, suspend: true", 1))
		}, want: one(explain.Suspended, exitDone)},
		{name: "everything suspended", then: func(l *lived) {
			l.act("suspend", "--reason", "an incident", "--for", "1h")
			l.commit("tasks.yaml", tasks(2, 1, 1))
		}, want: one(explain.Suspended, exitHeld)},
		{name: "a task outside of an allow-list", config: "guards: {allowTasks: [task-0, task-1, task-2]}", then: func(l *lived) {
			l.commit("tasks.yaml", tasks(1, 1, 1, 1))
		}, want: truth{states: count(explain.Guard, 1, explain.InSync, 3), exit: exitHeld}},
	}
}

// guarded are situations in which a guard holds the whole plan.
func guarded() []situation {
	now := time.Now().UTC()
	window := fmt.Sprintf("guards: {windows: [{name: quarter end, start: %s, end: %s, tasks: [task-0]}]}", now.Add(-time.Hour).Format(time.RFC3339), now.Add(time.Hour).Format(time.RFC3339))
	return []situation{
		{
			name: "a freeze window", config: window,
			want: truth{states: count(explain.Window, 1, explain.InSync, 2), exit: exitHeld},
		},
		{
			name: "more changes than are allowed", config: "guards: {maxChanges: 3}",
			then: func(l *lived) { l.commit("more.yaml", strings.ReplaceAll(tasks(1, 1, 1, 1), "task-", "more-")) },
			want: truth{states: count(explain.Guard, 4, explain.InSync, 3), action: true, guard: "maxChanges", exit: exitHeld},
		},
		{
			name: "a plan that was approved", config: "guards: {maxChanges: 3}", then: func(l *lived) {
				l.commit("more.yaml", strings.ReplaceAll(tasks(1, 1, 1, 1), "task-", "more-"))
				l.until(truth{states: count(explain.Guard, 4, explain.InSync, 3), action: true, guard: "maxChanges", exit: exitHeld})
				text, _ := l.command("status")
				_, hash, _ := strings.Cut(text, "wedatasync approve ")
				hash, _, _ = strings.Cut(hash, "\n")
				l.act("approve", hash)
			},
			want: truth{states: count(explain.InSync, 7)},
		},
		{
			name: "a repository without specs", then: func(l *lived) { l.commit("tasks.yaml", "") },
			want: truth{states: count(explain.Forgotten, 3), action: true, guard: "empty", exit: exitHeld},
		},
		{
			name: "a rewritten history", then: func(l *lived) {
				l.write(filepath.Join("work", "tasks.yaml"), tasks(2, 1, 1))
				l.git("commit", "-q", "-a", "--amend", "-m", "Something else")
			},
			want: truth{states: count(explain.Guard, 1, explain.InSync, 2), action: true, guard: "rewritten", exit: exitHeld},
		},
		{
			name: "most tasks removed", then: func(l *lived) {
				l.commit("more.yaml", strings.ReplaceAll(tasks(1, 1, 1, 1, 1, 1, 1, 1, 1), "task-", "more-"))
				l.until(truth{states: count(explain.InSync, 12)})
				l.commit("more.yaml", "")
			},
			want: truth{states: count(explain.Forgotten, 9, explain.InSync, 3), action: true, guard: "maxChangePercent", exit: exitHeld},
		},
	}
}

// broken are situations in which a spec, or the source, cannot be used.
func broken() []situation {
	invalid := func(file string, counts map[explain.State]int) truth {
		return truth{states: counts, action: true, file: file, exit: exitError}
	}
	typo := strings.Replace(tasks(2, 2, 1), "instanceVersion: 2", "instanceVersoin: 2", 1)
	return []situation{
		{name: "an invalid spec beside a release", then: func(l *lived) { l.commit("tasks.yaml", typo) }, want: invalid("tasks.yaml:3", count(explain.Invalid, 1, explain.InSync, 2))},
		{name: "an invalid spec that is put right", then: func(l *lived) {
			l.commit("tasks.yaml", typo)
			l.until(invalid("tasks.yaml:3", count(explain.Invalid, 1, explain.InSync, 2)))
			l.commit("tasks.yaml", tasks(2, 2, 1))
		}, want: truth{states: count(explain.InSync, 3)}},
		{name: "an invalid spec of a new task", then: func(l *lived) {
			l.commit("new.yaml", "apiVersion: wedatasync/v1\ncommits:\n  - {taskId: new, projectId: \"1\", commitType: strat, instanceVersion: 1}\n")
		}, want: invalid("new.yaml:3", count(explain.Invalid, 1, explain.InSync, 3))},
		{name: "a file that is no YAML", then: func(l *lived) { l.commit("tasks.yaml", "apiVersion: [\n") }, want: invalid("tasks.yaml:1", count(explain.Invalid, 3))},
		{name: "a task in two files", then: func(l *lived) { l.commit("twice.yaml", tasks(1)) }, want: invalid("tasks.yaml:3", count(explain.Invalid, 1, explain.InSync, 2))},
		{name: "a circle of dependencies", then: func(l *lived) {
			text := strings.Replace(tasks(1, 1, 1), "instanceVersion: 1}", "instanceVersion: 1, dependsOn: [task-1]}", 1)
			l.commit("tasks.yaml", strings.Replace(text, "instanceVersion: 1}", "instanceVersion: 1, dependsOn: [task-0]}", 1))
		}, want: invalid("tasks.yaml:3", count(explain.Invalid, 2, explain.InSync, 1))},
		{name: "a warning", then: func(l *lived) {
			l.commit("new.yaml", strings.Replace(strings.ReplaceAll(tasks(1), "task-", "new-"), "commitType", "taskType: 1, commitType", 1))
		}, want: truth{states: count(explain.InSync, 4)}},
		{name: "a repository that cannot be read", then: func(l *lived) {
			if err := os.Rename(filepath.Join(l.work(), ".git"), filepath.Join(l.work(), "git")); err != nil {
				l.Fatal(err)
			}
		}, want: truth{states: count(explain.InSync, 3), action: true, exit: exitError, away: true}},
	}
}

// consoles are situations in which others change tasks in WeData.
func consoles() []situation {
	act := func(task string, do wedatasim.Deed) func(*lived) {
		return func(l *lived) {
			if _, err := l.sim.Act("1", task, wedatasim.Act{Do: do, Operator: "100028625403"}); err != nil {
				l.Fatal(err)
			}
		}
	}
	return []situation{
		{
			name: "drift that is reported", config: "driftInterval: 100ms", live: true, then: act("task-0", wedatasim.DeedCommit),
			want: truth{states: count(explain.Drifted, 1, explain.InSync, 2), action: true, exit: exitPartial},
		},
		{
			name: "a task that was stopped", config: "driftInterval: 100ms", live: true, then: act("task-0", wedatasim.DeedStop),
			want: truth{states: count(explain.Drifted, 1, explain.InSync, 2), action: true, exit: exitPartial},
		},
		{
			name: "drift that is adopted", config: "driftInterval: 100ms\ndriftPolicy: adopt", live: true, then: act("task-0", wedatasim.DeedCommit),
			want: truth{states: count(explain.Adopted, 1, explain.InSync, 2)},
		},
		{
			name: "drift that is healed", config: "driftInterval: 100ms\ndriftPolicy: heal", live: true, then: func(l *lived) {
				act("task-0", wedatasim.DeedStop)(l)
				for len(l.sim.Applied("1", "task-0")) == 0 {
					time.Sleep(pollEvery / 10)
				}
			},
			want: truth{states: count(explain.InSync, 3)},
		},
		{
			name: "a version that is live already", then: func(l *lived) {
				l.goLive("task-3")
				l.commit("tasks.yaml", tasks(1, 1, 1, 1))
			},
			want: truth{states: count(explain.AlreadyLive, 1, explain.InSync, 3), action: true, exit: exitPartial},
		},
		{
			name: "two versions that are live already", then: func(l *lived) {
				l.goLive("task-3")
				l.goLive("task-4")
				l.commit("tasks.yaml", tasks(1, 1, 1, 1, 1))
			},
			want: truth{states: count(explain.AlreadyLive, 2, explain.InSync, 3), action: true, exit: exitPartial},
		},
		{
			name: "a newer version that is live", then: func(l *lived) {
				l.sim.Edit("1", "task-0", func(t *wedatasim.Task) { t.InstanceVersion = 9 })
				l.commit("tasks.yaml", tasks(2, 1, 1))
			},
			want: truth{states: count(explain.NewerLive, 1, explain.InSync, 2), action: true, exit: exitPartial},
		},
	}
}

// goLive has version 1 of a task run in WeData.
func (l *lived) goLive(task string) {
	l.sim.Edit("1", task, func(t *wedatasim.Task) { t.Submitted, t.Status, t.InstanceVersion = true, 3, 1 })
}

// act runs a command of an operator.
func (l *lived) act(args ...string) {
	l.Helper()
	if text, exit := l.command(args...); exit != exitDone {
		l.Fatalf("%v ends with %d: %s", args, exit, text)
	}
}
