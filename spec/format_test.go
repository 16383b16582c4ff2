package spec_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/wedatasync/wedatasync/spec"
)

func TestFormat(t *testing.T) {
	commits := []spec.Commit{
		{Key: key("1486804694126882816", "orders"), Name: spec.TaskName("orders\n  - taskId: evil\u202e"), CommitType: spec.Start, TaskType: spec.Realtime, InstanceVersion: 3},
		{Key: key("1486804694126882816", "007"), CommitType: spec.Submit, TaskType: spec.Offline},
	}
	const want = `# yaml-language-server: $schema=schema.json
apiVersion: wedatasync/v1
defaults:
  projectId: "1486804694126882816"
commits:
  - taskId: "orders"
    name: "orders   - taskId: evil"
    commitType: start
    taskType: realtime
    instanceVersion: 3
  - taskId: "007"
    commitType: submit
    taskType: offline
`
	got := spec.Format(commits, "schema.json")
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if got := string(spec.Format(nil, "")); got != "apiVersion: wedatasync/v1\ncommits: []\n" {
		t.Errorf("no commits: %q", got)
	}
}

// TestFormat_ReadsBack is the law of Format: what is written is what is read.
func TestFormat_ReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		commits := rapid.SliceOfNDistinct(aCommit(), 0, 6, func(c spec.Commit) spec.Key { return c.Key }).Draw(t, "commits")
		data := spec.Format(commits, rapid.String().Draw(t, "schema"))
		f := spec.Parse("a.yaml", data)
		if f.Problems.Errors() > 0 {
			t.Fatalf("%v in\n%s", f.Problems, data)
		}
		if diff := cmp.Diff(append([]spec.Commit(nil), commits...), withoutPlaces(f.Commits)); diff != "" {
			t.Fatalf("-want +got:\n%s\nof\n%s", diff, data)
		}
	})
}

// aCommit draws a commit that a spec can ask for.
func aCommit() *rapid.Generator[spec.Commit] {
	return rapid.Custom(func(t *rapid.T) spec.Commit {
		c := spec.Commit{
			Key:             key(idOf(t, "project"), idOf(t, "task")),
			CommitType:      spec.CommitType(rapid.IntRange(0, 4).Draw(t, "commitType")),
			TaskType:        rapid.SampledFrom([]spec.TaskType{0, 1, spec.Realtime, spec.Offline}).Draw(t, "taskType"),
			Name:            spec.TaskName(rapid.String().Draw(t, "name")),
			InstanceVersion: rapid.Int64Range(0, 1<<53-1).Draw(t, "version"),
			VersionDesc:     textOf(t, "versionDesc"),
			EventDesc:       textOf(t, "eventDesc"),
			Rerun:           textOf(t, "rerun"),
			Suspend:         rapid.Bool().Draw(t, "suspend"),
		}
		if c.CommitType.Runs() && rapid.Bool().Draw(t, "waits") {
			c.Wait = drawWait(t)
		}
		if c.CommitType == spec.RestartDiscardState {
			c.InstanceVersion = max(c.InstanceVersion, 1)
			c.DiscardState = c.InstanceVersion
		}
		for _, name := range rapid.SliceOfNDistinct(rapid.StringN(1, 8, -1).Filter(clean), 0, 3, rapid.ID[string]).Draw(t, "params") {
			c.ExtConfig = append(c.ExtConfig, spec.Param{Name: name, Value: textOf(t, "value")})
		}
		if on := key(idOf(t, "other project"), idOf(t, "other task")); on != c.Key && rapid.Bool().Draw(t, "depends") {
			c.DependsOn = []spec.Key{on}
		}
		return c
	})
}

func idOf(t *rapid.T, label string) string {
	return rapid.OneOf(
		rapid.SampledFrom([]string{"true", "null", "~", "007", "1e3", "0x1f", "-", "..", `a"b\c`, "a#b", "订单", "a:b", "<<", "&a", "*a", "!!str"}),
		rapid.StringN(1, 12, 100),
	).Filter(func(s string) bool { return spec.Key{ProjectID: s, TaskID: s}.Valid() }).Draw(t, label)
}

func textOf(t *rapid.T, label string) string {
	return rapid.OneOf(
		rapid.Just(""), rapid.SampledFrom([]string{" a ", "a\nb\n", "\t", "a: b", "# a", "- a", "'", `"`, `\`, "---", "\u00a0"}), rapid.StringN(1, 20, 100),
	).Filter(clean).Draw(t, label)
}

// clean reports whether a spec may hold the text: it has nothing that controls the
// screen.
func clean(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return r != '\n' && r != '\t' && (r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029' || r == '\ufeff' || r&0xfffe == 0xfffe) ||
			r == '\u061c' || r == '\u200e' || r == '\u200f' || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
	})
}

func TestKey_Valid(t *testing.T) {
	for _, tt := range []struct {
		project, task string
		want          bool
	}{
		{"1", "a", true},
		{"1486804694126882816", "kb947c997-4f91-4a1f-913d-06f66a5fb927", true},
		{"1", "../../etc/passwd", true},
		{"1", "订单", true},
		{"", "a", false},
		{"1", "", false},
		{"1/2", "a", false},
		{"1", "a b", false},
		{"1", "a\n", false},
		{"1", "a\u200b", false},
		{"1", "\xff", false},
		{"1", "e\u0301", false},
		{"1", strings.Repeat("a", spec.MaxID+1), false},
	} {
		k := key(tt.project, tt.task)
		if got := k.Valid(); got != tt.want {
			t.Errorf("%q is valid: %v", k.String(), got)
		}
		f := spec.Parse("a.yaml", spec.Format([]spec.Commit{{Key: k}}, ""))
		if read := f.Problems.Errors() == 0; read != tt.want && tt.task != "\xff" {
			t.Errorf("%q is read: %v", k.String(), read)
		}
	}
}

// drawWait draws what a task has to become.
func drawWait(t *rapid.T) spec.Wait {
	seconds := func(what string, from, to int) time.Duration {
		return time.Duration(rapid.IntRange(from, to).Draw(t, what)) * time.Second
	}
	w := spec.Wait{Timeout: seconds("timeout", 11, 24*60*60)}
	if rapid.Bool().Draw(t, "for") {
		w.For = seconds("for", 10, int(w.Timeout/time.Second)-1)
	}
	if rapid.Bool().Draw(t, "lag") {
		w.Lag = seconds("lag", 1, 24*60*60)
	}
	if w.CountsRestarts = rapid.Bool().Draw(t, "counts restarts"); w.CountsRestarts {
		w.Restarts = rapid.Int64Range(0, 1000).Draw(t, "restarts")
	}
	return w
}
