package spec_test

import (
	"strings"
	"testing"

	"github.com/wedatasync/wedatasync/spec"
)

// TestUnquoted warns, at its place, of each text that another program would write in another
// way, and of none that is quoted. The spec is used, and its text is as it is written.
func TestUnquoted(t *testing.T) {
	const commits = `apiVersion: wedatasync/v1
defaults: {projectId: 1486804694126882817}
commits:
  - taskId: 007
    name: 1.10
    commitType: submit
    versionDesc: 1e3
    eventDesc: 0x1F
    rerun: 2026-11-30
    dependsOn: [1_000]
    extConfig: {on: off}
  - taskId: b
    commitType: submit
    extConfig: [{name: yes, value: .5}]
  - taskId: 3cd6b1b3-76a0-4147-8f0e-6df206bc58c0
    projectId: 42
    commitType: 0
    instanceVersion: 3
    versionDesc: release 1.10
    extConfig: {parallelism: 4, ratio: 0.5, retry: true}
`
	f := spec.Parse("a.yaml", []byte(commits))
	if f.Problems.Errors() > 0 || len(f.Commits) != 3 {
		t.Fatal(f.Problems)
	}
	f.Problems.Sort()
	var got []string
	for _, p := range f.Problems {
		if p.Code != "unquoted" || p.Severity != spec.SeverityWarning || !strings.HasSuffix(p.Message, ": put it in quotes") {
			t.Errorf("%s %s: %s", p.Severity, p.Code, p)
		}
		where, _, _ := strings.Cut(p.String(), " is not quoted")
		got = append(got, where)
	}
	want := []string{
		"a.yaml:2:23: projectId", "a.yaml:4:13: taskId", "a.yaml:5:11: name", "a.yaml:7:18: versionDesc", "a.yaml:8:16: eventDesc", "a.yaml:9:12: rerun",
		"a.yaml:10:17: a task in dependsOn", "a.yaml:11:17: a name in extConfig", `a.yaml:11:21: extConfig "on"`, "a.yaml:14:24: a name in extConfig", `a.yaml:14:36: extConfig "yes"`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("the warnings are about\n%s\nand not about\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if c := f.Commits[0]; c.TaskID != "007" || c.ProjectID != "1486804694126882817" || c.Rerun != "2026-11-30" || c.ExtConfig[0].Value != "off" {
		t.Errorf("the text has changed: %+v", c)
	}
}
