package spec_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wedatasync/wedatasync/spec"
)

// The two requests of the API's document, written as specs.
func TestExampleFile(t *testing.T) {
	const name = "commits.yaml"
	f := spec.Parse(name, read(t, "..", "examples", name))
	want := []spec.Commit{
		{
			Key:             key("1486804694126882816", "kb947c997-4f91-4a1f-913d-06f66a5fb927"),
			Name:            "orders to the warehouse",
			CommitType:      spec.Start,
			TaskType:        spec.Realtime,
			InstanceVersion: 3,
			VersionDesc:     "v1",
		},
		{
			Key:        key("1", "3cd6b1b3-76a0-4147-8f0e-6df206bc58c0"),
			Name:       "daily report",
			CommitType: spec.Submit,
			TaskType:   1,
			ExtConfig:  []spec.Param{{Name: "name1", Value: "1"}},
		},
	}
	if diff := cmp.Diff(want, withoutPlaces(f.Commits)); diff != "" {
		t.Errorf("commits (-want +got):\n%s", diff)
	}
	if len(f.Problems) != 1 || f.Problems[0].Code != "undocumented-task-type" || f.Problems[0].Severity != spec.SeverityWarning {
		t.Errorf("want only the warning about task type 1, got %v", f.Problems)
	}
}

func withoutPlaces(commits []*spec.Commit) []spec.Commit {
	var bare []spec.Commit
	for _, c := range commits {
		b := *c
		b.Pos = spec.Pos{}
		bare = append(bare, b)
	}
	return bare
}

func TestParseReadsEveryField(t *testing.T) {
	got := parseGood(t, `
defaults: {projectId: 7, taskType: offline, commitType: resume}
commits:
  - taskId: plain
  - taskId: full
    projectId: "8"
    name: 订单到数仓 (orders)
    commitType: restart-discard-state
    taskType: realtime
    instanceVersion: 12
    versionDesc: v12
    eventDesc: |
      Two
      lines.
    extConfig:
      - {name: b, value: "2"}
      - {value: true, name: a}
    dependsOn: [other, 7/plain]
    suspend: true
    discardState: 12
    rerun: "2026-11-23"
    wait: {status: running, timeout: 1h30m}`)
	want := []*spec.Commit{
		{
			Key:        key("7", "plain"),
			CommitType: spec.Resume,
			TaskType:   spec.Offline,
			Pos:        spec.Pos{File: "tasks.yaml", Line: 5, Column: 5},
		},
		{
			Key:             key("8", "full"),
			Name:            "订单到数仓 (orders)",
			CommitType:      spec.RestartDiscardState,
			TaskType:        spec.Realtime,
			InstanceVersion: 12,
			VersionDesc:     "v12",
			EventDesc:       "Two\nlines.\n",
			ExtConfig:       []spec.Param{{Name: "b", Value: "2"}, {Name: "a", Value: "true"}},
			DependsOn:       []spec.Key{key("8", "other"), key("7", "plain")},
			Suspend:         true,
			DiscardState:    12,
			Rerun:           "2026-11-23",
			Wait:            spec.Wait{Timeout: 90 * time.Minute},
			Pos:             spec.Pos{File: "tasks.yaml", Line: 6, Column: 5},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("commits (-want +got):\n%s", diff)
	}
}

func TestParseKeepsTheTextOfIDs(t *testing.T) {
	for written, want := range map[string]string{
		`1486804694126882816`:               "1486804694126882816",
		`"1486804694126882816"`:             "1486804694126882816",
		`12345678901234567890123`:           "12345678901234567890123",
		`007`:                               "007",
		`'007'`:                             "007",
		`0x1F`:                              "0x1F",
		`1_000`:                             "1_000",
		`1e3`:                               "1e3",
		`1.50`:                              "1.50",
		`-5`:                                "-5",
		`2026-11-23`:                        "2026-11-23",
		`.inf`:                              ".inf",
		`"true"`:                            "true",
		`"~"`:                               "~",
		`kb947c997-4f91`:                    "kb947c997-4f91",
		`a:b`:                               "a:b",
		`任务-é`:                              "任务-é",
		strings.Repeat("x", 128):            strings.Repeat("x", 128),
		strings.Repeat("9", 128):            strings.Repeat("9", 128),
		`"` + strings.Repeat("é", 64) + `"`: strings.Repeat("é", 64),
	} {
		commits := parseUsable(t, "commits:", "- {taskId: "+written+", projectId: "+written+", commitType: 0}")
		if got := commits[0].Key; got != key(want, want) {
			t.Errorf("%s was read as %+v", written, got)
		}
	}
}

func TestParseReadsNamesAndNumbers(t *testing.T) {
	for written, want := range map[string]spec.CommitType{
		"submit": spec.Submit, "0": spec.Submit, `"0"`: spec.Submit,
		"start": spec.Start, "1": spec.Start, "'1'": spec.Start,
		"restart-discard-state": spec.RestartDiscardState, "2": spec.RestartDiscardState,
		"pause-resume": spec.PauseResume, "3": spec.PauseResume,
		"resume": spec.Resume, `"resume"`: spec.Resume, "4": spec.Resume,
	} {
		c := parseGood(t, "commits:", "- {taskId: a, projectId: 1, instanceVersion: 5, commitType: "+written+discard(want)+"}")[0]
		if c.CommitType != want {
			t.Errorf("commitType %s was read as %v", written, c.CommitType)
		}
	}
	for written, want := range map[string]spec.TaskType{
		"realtime": spec.Realtime, "201": spec.Realtime, `"201"`: spec.Realtime,
		"offline": spec.Offline, "202": spec.Offline, "'offline'": spec.Offline,
	} {
		c := parseGood(t, "commits:", "- {taskId: a, projectId: 1, commitType: 0, taskType: "+written+"}")[0]
		if c.TaskType != want {
			t.Errorf("taskType %s was read as %v", written, c.TaskType)
		}
	}
}

// discard is what a commit type needs beside it.
func discard(t spec.CommitType) string {
	if t == spec.RestartDiscardState {
		return ", discardState: 5"
	}
	return ""
}

func TestParseTakesTextAsItIsWritten(t *testing.T) {
	for written, want := range map[string]string{
		`1.10`:                            "1.10",
		`0012`:                            "0012",
		`true`:                            "true",
		`"null"`:                          "null",
		`""`:                              "",
		`a "b" c`:                         `a "b" c`,
		`"tab\tand 👩‍💻 there"`:            "tab\tand 👩‍💻 there",
		`"no\u200bbreak"`:                 "no\u200bbreak",
		strings.Repeat("x", spec.MaxText): strings.Repeat("x", spec.MaxText),
	} {
		for _, ext := range []string{"{n: " + written + "}", "[{name: n, value: " + written + "}]"} {
			c := parseUsable(t, "commits:", "- {taskId: a, projectId: 1, commitType: 0, extConfig: "+ext+"}")[0]
			if diff := cmp.Diff([]spec.Param{{Name: "n", Value: want}}, c.ExtConfig); diff != "" {
				t.Errorf("%s (-want +got):\n%s", ext, diff)
			}
		}
	}
}

// What is written differently and means the same.
func TestParseReadsAnyStyleOfYAML(t *testing.T) {
	const block = head + `commits:
  - taskId: a
    projectId: "1"
    commitType: start
    versionDesc: v1
`
	want := withoutPlaces(spec.Parse("a.yaml", []byte(block)).Commits)
	for name, data := range map[string]string{
		"byte order mark":    "\ufeff" + block,
		"CRLF":               strings.ReplaceAll(block, "\n", "\r\n"),
		"document markers":   "---\n" + block + "...\n",
		"comments":           "# one\n---\n# two\n" + strings.ReplaceAll(block, "\n", " # three\n") + "# four\n",
		"no newline":         strings.TrimSpace(block),
		"JSON":               `{"apiVersion": "wedatasync/v1", "commits": [{"taskId": "a", "projectId": "1", "commitType": 1, "versionDesc": "v1"}]}`,
		"dashes in column 1": strings.ReplaceAll(block, "\n  ", "\n"),
		"another order":      "commits: [{versionDesc: v1, commitType: '1', projectId: 1, taskId: a}]\napiVersion: \"wedatasync/v1\"\n",
		"explicit keys":      head + "commits:\n- ? taskId\n  : a\n  ? projectId\n  : 1\n  ? commitType\n  : 1\n  ? versionDesc\n  : v1\n",
	} {
		f := spec.Parse("a.yaml", []byte(data))
		if diff := cmp.Diff(want, withoutPlaces(f.Commits)); diff != "" || len(f.Problems) > 0 {
			t.Errorf("%s: %v\n%s", name, f.Problems, diff)
		}
	}
}

func TestParseReadsSeveralDocuments(t *testing.T) {
	got := parseGood(t,
		"defaults: {projectId: 1, commitType: start}\ncommits: [{taskId: a}]\n---",
		head+"defaults: {projectId: 2, commitType: resume}\ncommits: [{taskId: a}, {taskId: b, projectId: 1}]\n---",
		head+"commits: []")
	var lines []string
	for _, c := range got {
		lines = append(lines, fmt.Sprintf("%v %v %v", c.Pos, c.Key, c.CommitType))
	}
	want := []string{
		"tasks.yaml:3:11 1/a start",
		"tasks.yaml:7:11 2/a resume",
		"tasks.yaml:7:24 1/b resume",
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// What is used all the same, but not without a word.
func TestParseWarns(t *testing.T) {
	for name, c := range map[string]struct{ field, want string }{
		"undocumented task type": {"taskType: 1", `warn.yaml:2:66: taskType 1 is sent as it is, but WeData documents only 201 (realtime) and 202 (offline)`},
		"discardState unused":    {"discardState: 3", `warn.yaml:2:70: discardState has no effect with commitType start: remove it`},
	} {
		f := spec.Parse("warn.yaml", []byte(head+"commits: [{taskId: a, projectId: 1, commitType: start, "+c.field+"}]\n"))
		if len(f.Problems) != 1 || f.Problems[0].Severity != spec.SeverityWarning || f.Problems[0].String() != c.want {
			t.Errorf("%s: got %v, want %s", name, f.Problems, c.want)
		}
		if len(f.Commits) != 1 || f.Commits[0].DiscardState != 0 {
			t.Errorf("%s: the commit is not used as it should be: %+v", name, f.Commits)
		}
	}
}

// A file with very many faults says so after the first hundred, and errors are
// never hidden behind warnings.
func TestParseBoundsItsComplaints(t *testing.T) {
	var b strings.Builder
	b.WriteString(head + "commits:\n")
	for i := range 500 {
		fmt.Fprintf(&b, "- {taskId: w%d, projectId: 1, commitType: start, taskType: 7}\n", i)
	}
	for i := range 300 {
		fmt.Fprintf(&b, "- {taskId: e%d, projectId: 1, commitType: stop}\n", i)
	}
	f := spec.Parse("many.yaml", []byte(b.String()))
	if len(f.Commits) != 500 || len(f.Broken) != 300 || f.Unread {
		t.Errorf("%d commits, %d broken, unread %v", len(f.Commits), len(f.Broken), f.Unread)
	}
	if n := len(f.Problems); n != 202 {
		t.Errorf("%d complaints", n)
	}
	if n := f.Problems.Errors(); n != 101 {
		t.Errorf("%d errors", n)
	}
	last := f.Problems[200]
	if want := "many.yaml:603:44: there are more errors from here on: correct the first 100"; last.String() != want {
		t.Errorf("got %s, want %s", last, want)
	}
}

// A file name is someone else's text, too.
func TestProblemsShowHostileFileNames(t *testing.T) {
	for name, want := range map[string]string{
		"a\n::error::b.yaml":                  `a\n::error::b.yaml:1:1: it is a link`,
		"a\x1b[31m.yaml":                      `a\x1b[31m.yaml:1:1: it is a link`,
		"\u202egpj.yaml":                      `\u202egpj.yaml:1:1: it is a link`,
		"caf\xe9.yaml":                        `caf\xe9.yaml:1:1: it is a link`,
		"任务.yaml":                             `任务.yaml:1:1: it is a link`,
		`say "hi".yaml`:                       `say "hi".yaml:1:1: it is a link`,
		strings.Repeat("d/", 2000) + "a.yaml": "…" + strings.Repeat("d/", 97) + "a.yaml:1:1: it is a link",
	} {
		f := spec.BadFile(name, "symlink", "it is a link")
		if got := f.Problems[0].String(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if !f.Unread || f.Name != name || f.Problems[0].Code != "symlink" {
			t.Errorf("%+v", f)
		}
	}
	long := spec.BadFile("a.yaml", "symlink", strings.Repeat("\x00", 1000)).Problems[0]
	if n := len(long.String()); n > 512 {
		t.Errorf("a complaint of %d bytes", n)
	}
}

func TestUnknownKeysAreGuessed(t *testing.T) {
	for _, c := range []struct{ key, where, guess string }{
		{"taskid", "commit", "taskId"},
		{"TASKID", "commit", "taskId"},
		{"task_id", "commit", "taskId"},
		{"InstanceVersion", "commit", "instanceVersion"},
		{"instanceVerison", "commit", "instanceVersion"},
		{"version", "commit", ""},
		{"rerunn", "commit", "rerun"},
		{"run", "commit", "rerun"},
		{"sus", "commit", ""},
		{"foo", "commit", ""},
		{"", "commit", ""},
		{"nme", "entry", "name"},
		{"nm", "entry", ""},
		{"Value", "entry", "value"},
		{"valeu", "entry", "value"},
	} {
		commit := fmt.Sprintf("%q: x", c.key)
		if c.where == "entry" {
			commit = fmt.Sprintf("extConfig: [{%q: x}]", c.key)
		}
		f := spec.Parse("a.yaml", []byte(head+"commits: [{"+commit+"}]"))
		var got string
		for _, p := range f.Problems {
			if _, rest, ok := strings.Cut(p.Message, "did you mean "); ok && p.Code == "unknown-key" {
				got = strings.TrimSuffix(rest, "?")
			}
		}
		if got != c.guess {
			t.Errorf("%q in a %s was taken for %q, want %q", c.key, c.where, got, c.guess)
		}
	}
}

func TestIsSpec(t *testing.T) {
	for name, want := range map[string]bool{
		"a.yaml":              true,
		"a.yml":               true,
		"tasks/orders/a.yaml": true,
		"tasks/a.b.yaml":      true,
		"a.YAML":              false,
		"a.json":              false,
		"yaml":                false,
		"a.yaml.bak":          false,
		"a.yaml/b":            false,
		".a.yaml":             false,
		".yaml":               false,
		".github/a.yaml":      false,
		"tasks/.old/a.yaml":   false,
		"tasks/.a.yaml":       false,
		"":                    false,
	} {
		if got := spec.IsSpec(name); got != want {
			t.Errorf("IsSpec(%q) = %v", name, got)
		}
	}
}

func TestParseReadsHowLongToWait(t *testing.T) {
	within := func(d time.Duration) spec.Wait { return spec.Wait{Timeout: d} }
	for written, want := range map[string]spec.Wait{
		"{status: running}":                    within(10 * time.Minute),
		"{status: running, timeout: 10s}":      within(10 * time.Second),
		"{timeout: 90s, status: 'running'}":    within(90 * time.Second),
		"{status: running, timeout: 10m}":      within(10 * time.Minute),
		"{status: running, timeout: 1h0m5s}":   within(time.Hour + 5*time.Second),
		"{status: running, timeout: 2h10s}":    within(2*time.Hour + 10*time.Second),
		"{status: running, timeout: 86400s}":   within(24 * time.Hour),
		`{status: running, timeout: "01440m"}`: within(24 * time.Hour),
		"{status: running, for: 2m}":           {Timeout: 10 * time.Minute, For: 2 * time.Minute},
		"{status: running, for: 10m}":          {Timeout: 30 * time.Minute, For: 10 * time.Minute},
		"{status: running, for: 12h}":          {Timeout: 24 * time.Hour, For: 12 * time.Hour},
		"{status: running, restarts: 0}":       {Timeout: 10 * time.Minute, CountsRestarts: true},
		"{status: running, lag: 60s, restarts: 3, for: 10m, timeout: 40m}": {
			Timeout: 40 * time.Minute, For: 10 * time.Minute, Lag: time.Minute, CountsRestarts: true, Restarts: 3,
		},
	} {
		c := parseGood(t, "commits:", "- {taskId: a, projectId: 1, commitType: start, wait: "+written+"}")[0]
		if c.Wait != want {
			t.Errorf("wait: %s was read as %v", written, c.Wait)
		}
	}
}

// A default is for the commits that run their task and do not say it themselves.
func TestParseReadsTheDefaultWait(t *testing.T) {
	commits := parseGood(t, `
defaults: {projectId: 1, commitType: start, wait: {status: running, timeout: 5m}}
commits:
  - taskId: by-default
  - {taskId: by-itself, wait: {status: running, timeout: 1m}}
  - {taskId: submitted, commitType: submit}`)
	for i, want := range []time.Duration{5 * time.Minute, time.Minute, 0} {
		if c := commits[i]; c.Wait != (spec.Wait{Timeout: want}) {
			t.Errorf("%s waits %v, want %v", c.TaskID, c.Wait, want)
		}
	}
}
