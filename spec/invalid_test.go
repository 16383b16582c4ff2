package spec_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wedatasync/wedatasync/spec"
)

// TestSetInvalid lists the tasks that have no usable commit, each with the place and the kind
// of its first error.
func TestSetInvalid(t *testing.T) {
	s := spec.NewSet()
	for _, f := range []*spec.File{
		file("broken.yaml", "taskId: good", "taskId: broken, commitTyp: start", "taskId: worse, commitType: 9"),
		file("circle.yaml", "taskId: a, dependsOn: [b]", "taskId: b, dependsOn: [a]"),
		file("twice.yaml", "taskId: twice", "taskId: twice"),
		file("unknown.yaml", "taskId: waits, dependsOn: [nobody]"),
	} {
		s.Put(f)
	}
	want := []string{
		"p/a circle.yaml:4 dependency-cycle",
		"p/b circle.yaml:5 dependency-cycle",
		"p/broken broken.yaml:5 unknown-key",
		"p/twice twice.yaml:4 duplicate-task",
		"p/waits unknown.yaml:4 unknown-dependency",
		"p/worse broken.yaml:6 bad-commit-type",
	}
	if diff := cmp.Diff(want, invalid(s)); diff != "" {
		t.Errorf("invalid tasks (-want +got):\n%s", diff)
	}
	if p, ok := s.Unreadable(); ok {
		t.Errorf("Unreadable() = %v, although every file could be read", p)
	}
	s.Put(spec.Parse("z.yaml", []byte("apiVersion: [\n")))
	s.Put(spec.Parse("y.yaml", []byte("apiVersion: [\n")))
	if p, ok := s.Unreadable(); !ok || p.File != "y.yaml" {
		t.Errorf("Unreadable() = %v, %v, want the first error of y.yaml", p, ok)
	}
	for _, name := range []string{"broken.yaml", "circle.yaml", "twice.yaml", "unknown.yaml"} {
		s.Remove(name)
	}
	if left := invalid(s); left != nil {
		t.Errorf("invalid tasks after their files were removed: %v", left)
	}
}

func invalid(s *spec.Set) (lines []string) {
	for _, i := range s.Invalid() {
		lines = append(lines, fmt.Sprintf("%s %s:%d %s", i.Key, i.Problem.File, i.Problem.Line, i.Problem.Code))
	}
	return lines
}
