package spec_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/wedatasync/wedatasync/spec"
)

// Whatever the bytes are, Parse says something bounded about them and lets only
// commits through that keep to the rules.
func FuzzParse(f *testing.F) {
	for _, b := range badFiles(f) {
		f.Add(b.data)
	}
	for _, g := range generated() {
		if len(g.data) < 4<<10 {
			f.Add(g.data)
		}
	}
	example, err := os.ReadFile(filepath.Join("..", "examples", "commits.yaml"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(example)
	f.Add([]byte(head + "defaults: {projectId: 1}\ncommits:\n- {taskId: a, commitType: 2, instanceVersion: 3, discardState: 3, dependsOn: [b, 2/c], extConfig: {a: b}}\n"))

	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 64<<10 {
			t.Skip("the promise of cost is for 64 KiB")
		}
		var file *spec.File
		elapsed, allocated := cost(func() { file = spec.Parse("fuzz.yaml", data) })
		if elapsed > 20*maxTime || allocated > maxAlloc { // the fuzzing engine slows things down, too
			t.Errorf("took %v and allocated %d KiB", elapsed.Round(time.Millisecond), allocated>>10)
		}
		checkProblems(t, file, data)
		checkFile(t, file)
		if diff := cmp.Diff(file, spec.Parse("fuzz.yaml", slices.Clone(data))); diff != "" {
			t.Errorf("the same bytes, another file:\n%s", diff)
		}
		checkHalves(t, data)
	})
}

// checkFile checks what holds for any file.
func checkFile(t *testing.T, f *spec.File) {
	t.Helper()
	sound := !f.Unread && len(f.Broken) == 0
	if sound != (f.Problems.Errors() == 0) {
		t.Errorf("unread %v, broken %v, but problems:\n%v", f.Unread, f.Broken, f.Problems)
	}
	for _, c := range f.Commits {
		checkCommit(t, c)
	}
	for _, b := range f.Broken {
		checkID(t, b.TaskID)
		checkID(t, b.ProjectID)
	}
}

func checkCommit(t *testing.T, c *spec.Commit) {
	t.Helper()
	checkID(t, c.TaskID)
	checkID(t, c.ProjectID)
	if c.Pos.Line < 1 || c.Pos.Column < 1 || c.Pos.File != "fuzz.yaml" {
		t.Errorf("no place: %v", c.Pos)
	}
	if c.CommitType < spec.Submit || c.CommitType > spec.Resume || c.TaskType < 0 {
		t.Errorf("commit type %d, task type %d", c.CommitType, c.TaskType)
	}
	if c.InstanceVersion < 0 || c.InstanceVersion >= 1<<53 {
		t.Errorf("instance version %d", c.InstanceVersion)
	}
	if discards := c.CommitType == spec.RestartDiscardState; discards != (c.DiscardState != 0) || discards && c.DiscardState != c.InstanceVersion {
		t.Errorf("%v at version %d discards state %d", c.CommitType, c.InstanceVersion, c.DiscardState)
	}
	texts := []string{c.VersionDesc, c.EventDesc, c.Rerun}
	names := map[string]bool{}
	for _, p := range c.ExtConfig {
		texts = append(texts, p.Name, p.Value)
		if p.Name == "" || names[p.Name] {
			t.Errorf("parameter name %q is empty or repeated", p.Name)
		}
		names[p.Name] = true
	}
	for _, s := range texts {
		if utf8.RuneCountInString(s) > spec.MaxText || !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' || r == 0x7f }) {
			t.Errorf("text %q", s)
		}
	}
	if utf8.RuneCountInString(c.Rerun) > spec.MaxID || len(c.ExtConfig) > 200 || len(c.DependsOn) > 200 {
		t.Errorf("too much: rerun %d, extConfig %d, dependsOn %d", len(c.Rerun), len(c.ExtConfig), len(c.DependsOn))
	}
	for i, k := range c.DependsOn {
		checkID(t, k.TaskID)
		checkID(t, k.ProjectID)
		if k == c.Key || slices.Contains(c.DependsOn[:i], k) {
			t.Errorf("%v depends on %v", c.Key, c.DependsOn)
		}
	}
}

func checkID(t *testing.T, id string) {
	t.Helper()
	if id == "" || utf8.RuneCountInString(id) > spec.MaxID || !utf8.ValidString(id) || strings.ContainsFunc(id, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) && !unicode.Is(unicode.Cn, r) }) {
		t.Errorf("id %q", id)
	}
}
